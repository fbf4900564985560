//! Changes of single lines in `.env`: everything else in it stays as it is.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::Path,
};

/// The text with `name` set to `value`: in its line, or in one that is commented out, or at the end. Names that occur twice
/// keep their first line.
pub fn with(text: &str, name: &str, value: &str) -> String {
    let line = format!("{name}='{value}'");
    let is_set = |old: &str| assigned(old) == Some(name);
    let is_commented = |old: &str| old.trim_start().strip_prefix('#').and_then(assigned) == Some(name);
    let lines: Vec<&str> = lines(text).collect();
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
    lines(text).filter(|line| assigned(line) == Some(name)).count()
}

/// Some editors begin a file with a byte order mark.
fn lines(text: &str) -> std::str::Lines<'_> {
    text.strip_prefix('\u{feff}').unwrap_or(text).lines()
}

/// The name that a line assigns a value to.
fn assigned(line: &str) -> Option<&str> {
    let name = line.trim().strip_prefix("export ").unwrap_or(line.trim()).split_once('=')?.0.trim();
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    (!name.is_empty() && is_name(name)).then_some(name)
}

/// Writes the file whole or not at all. A new one is for this user alone; one that is there keeps its mode, and its owner and
/// group as far as this user may give them. A link to it stays one.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = if path.exists() { fs::canonicalize(path)? } else { path.to_owned() };
    let part = path.with_extension("part");
    let _ = fs::remove_file(&part);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    if let Ok(before) = path.metadata() {
        let mut mode = before.mode() & 0o777;
        // What its group may read another group must not.
        if fchown(&file, None, Some(before.gid())).is_err() {
            mode &= !0o070;
        }
        let _ = fchown(&file, Some(before.uid()), None);
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, &path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
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
        assert_eq!(with("\u{feff}PUBLIC_URL=x\n", "PUBLIC_URL", "u"), "PUBLIC_URL='u'\n");
        assert_eq!(count("\u{feff}PUBLIC_URL=x\nPUBLIC_URL=y\n", "PUBLIC_URL"), 2);
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_new_one_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        let mode = || path.metadata().unwrap().mode() & 0o777;
        write(&path, "A=1\n").unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        write(&path, "A=2\n").unwrap();
        assert_eq!((mode(), fs::read_to_string(&path).unwrap().as_str()), (0o640, "A=2\n"));
    }
}
