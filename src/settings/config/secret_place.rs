//! Where a secret is: never in the settings file itself.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::{mistakes::Mistakes, table::Table};
use crate::settings::{parse::Parsed, problem::why_unreadable, reader::Reader};

/// More than any secret has, in bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// The keys that say where a secret is.
pub(super) struct SecretKeys {
    /// As people write it first: refused.
    pub(super) inline: &'static str,
    pub(super) env: &'static str,
    pub(super) file: &'static str,
}

/// Where a secret is.
#[derive(Debug)]
pub(super) struct SecretPlace {
    /// Where the file says so.
    at: usize,
    /// The key that says so.
    key: &'static str,
    holder: Holder,
}

#[derive(Debug)]
enum Holder {
    /// The environment variable of this name.
    Variable(String),
    /// This file.
    File(PathBuf),
}

impl SecretPlace {
    /// Takes the keys of a secret. Paths are relative to `folder`.
    pub(super) fn read(
        table: &mut Table<'_>,
        keys: &SecretKeys,
        folder: &Path,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let variable = table.text(keys.env, mistakes, variable);
        let file = table.text(keys.file, mistakes, path);
        if table.has(keys.env) && table.has(keys.file) {
            mistakes.add(table.at, format!("{} and {} exclude each other", keys.env, keys.file));
            return None;
        }
        let variable =
            variable.map(|found| Self { at: found.at, key: keys.env, holder: Holder::Variable(found.value) });
        variable.or_else(|| {
            let found = file?;
            Some(Self { at: found.at, key: keys.file, holder: Holder::File(folder.join(found.value)) })
        })
    }

    /// The environment variable that holds it.
    pub(super) fn variable(&self) -> Option<&str> {
        match &self.holder {
            Holder::Variable(name) => Some(name),
            Holder::File(_) => None,
        }
    }

    /// What is there.
    pub(super) fn get<T>(
        &self,
        r: &Reader,
        mistakes: &mut Mistakes,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        let key = self.key;
        let found = match &self.holder {
            Holder::Variable(name) => r
                .named(name)
                .map(str::to_owned)
                .ok_or_else(|| "is not set, neither in the environment nor in .env".to_owned()),
            Holder::File(path) => content(path),
        };
        match found.and_then(|text| parse(&text)) {
            Ok(secret) => Some(secret),
            Err(wanted) => {
                mistakes.add(self.at, format!("what {key} names {wanted}"));
                None
            }
        }
    }
}

/// Names that can't be mistaken for anything else, a secret above all.
fn variable(text: &str) -> Parsed<String> {
    let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let begins_well = text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if begins_well && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("must be the name of an environment variable, in capitals".to_owned())
    }
}

fn path(text: &str) -> Parsed<String> {
    if text.is_empty() { Err("must be the path of a file".to_owned()) } else { Ok(text.to_owned()) }
}

fn content(path: &Path) -> Parsed<String> {
    let unreadable = |error: std::io::Error| format!("can't be read: {}", why_unreadable(&error));
    let mut text = String::new();
    File::open(path).map_err(unreadable)?.take(MOST_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    match text.trim() {
        "" => Err("is empty".to_owned()),
        secret => Ok(secret.to_owned()),
    }
}
