//! Changes of single lines in `.env`: everything else in it stays as it is.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The text with `name` set to `value`: in its line, or in one that is commented out, or at the end. Names that occur twice
/// keep their first line.
pub fn with(text: &str, name: &str, value: &str) -> String {
    let line = format!("{name}='{value}'");
    let is_set = |old: &str| assigned(old) == Some(name);
    let is_commented = |old: &str| old.trim_start().strip_prefix('#').and_then(assigned) == Some(name);
    let lines: Vec<&str> = text.lines().collect();
    let place = lines.iter().position(|old| is_set(old));
    let place = place.or_else(|| lines.iter().position(|old| is_commented(old)));
    let mut changed: Vec<&str> = lines.clone();
    match place {
        Some(place) => changed[place] = &line,
        None => changed.push(&line),
    }
    let mut changed = changed.join("\n");
    changed.push('\n');
    changed
}

/// How many lines assign a value to `name`.
pub fn count(text: &str, name: &str) -> usize {
    text.lines().filter(|line| assigned(line) == Some(name)).count()
}

/// The name that a line assigns a value to.
fn assigned(line: &str) -> Option<&str> {
    let name = line.trim().strip_prefix("export ").unwrap_or(line.trim()).split_once('=')?.0.trim();
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    (!name.is_empty() && is_name(name)).then_some(name)
}

/// Writes the file whole or not at all, for this user alone. A link to it stays one.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = if path.exists() { fs::canonicalize(path)? } else { path.to_owned() };
    let part = path.with_extension("part");
    let _ = fs::remove_file(&part);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, &path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_changes_and_the_others_stay() {
        let text = "# A comment\nADA_API_KEY='key'\n# WEBHOOK_SECRET=\n\nLISTEN=127.0.0.1:1 # one\n";
        assert_eq!(
            with(text, "WEBHOOK_SECRET", "whsec_a"),
            "# A comment\nADA_API_KEY='key'\nWEBHOOK_SECRET='whsec_a'\n\nLISTEN=127.0.0.1:1 # one\n"
        );
        assert_eq!(
            with("WEBHOOK_SECRET=old\n#WEBHOOK_SECRET=x", "WEBHOOK_SECRET", "b"),
            "WEBHOOK_SECRET='b'\n#WEBHOOK_SECRET=x\n"
        );
        assert_eq!(with("A=1", "PUBLIC_URL", "https://a"), "A=1\nPUBLIC_URL='https://a'\n");
        assert_eq!(with("", "PUBLIC_URL", "https://a"), "PUBLIC_URL='https://a'\n");
        assert_eq!(with("export PUBLIC_URL=x\n", "PUBLIC_URL", "https://a"), "PUBLIC_URL='https://a'\n");
        assert_eq!(with("MY_PUBLIC_URL=x\n", "PUBLIC_URL", "u"), "MY_PUBLIC_URL=x\nPUBLIC_URL='u'\n");
    }
}
