//! Where files are kept, and from where they may come.

use std::path::PathBuf;

use super::{parse::Parsed, reader::Reader};

/// Where files are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilesPlace {
    /// In memory: a restart forgets them.
    Memory,
    /// In this folder, relative to the working directory unless absolute.
    Folder(PathBuf),
    /// In a bucket of Amazon S3, or of something that speaks like it.
    S3(Bucket),
    /// In a bucket of Google Cloud Storage.
    Gcs(Bucket),
    /// In a container of Azure Blob Storage.
    Azure(Bucket),
}

/// A place in somebody's cloud. Its keys come from the provider's own variables of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The bucket's or container's name: letters, digits, `.`, `-` and `_`.
    pub name: String,
    /// What the keys of all files begin with, without slashes around it; may be empty.
    pub prefix: String,
}

const FOLDER: &str = "handoff-files";

/// The place, and whether files may also come from this machine's loopback.
pub(super) fn read(r: &mut Reader) -> (FilesPlace, bool) {
    let place = r.or("FILES_URL", FilesPlace::Folder(FOLDER.into()), place);
    (place, r.or("FILES_ALLOW_PRIVATE", false, on_or_off))
}

fn place(text: &str) -> Parsed<FilesPlace> {
    if text == "memory:" {
        return Ok(FilesPlace::Memory);
    }
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    match scheme {
        "file" if rest.is_empty() => Err(WANTED.to_owned()),
        "file" if rest.contains(['?', '#']) => Err("must be file://path without ? and #".to_owned()),
        "file" => Ok(FilesPlace::Folder(rest.into())),
        "s3" => bucket(rest).map(FilesPlace::S3),
        "gs" => bucket(rest).map(FilesPlace::Gcs),
        "az" => bucket(rest).map(FilesPlace::Azure),
        _ => Err(WANTED.to_owned()),
    }
}

const WANTED: &str =
    "must be file://path, s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or memory:";

fn bucket(text: &str) -> Parsed<Bucket> {
    let (name, prefix) = text.split_once('/').unwrap_or((text, ""));
    let prefix = prefix.trim_end_matches('/');
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
    let level = |level: &str| plain(level) && level.bytes().any(|b| b != b'.');
    if !level(name) || !(prefix.is_empty() || prefix.split('/').all(level)) {
        return Err(format!(
            "{WANTED}; bucket and prefix may contain only letters, digits, '.', '-' and '_', and the URL no keys"
        ));
    }
    Ok(Bucket { name: name.to_owned(), prefix: prefix.to_owned() })
}

pub(super) fn on_or_off(text: &str) -> Parsed<bool> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}
