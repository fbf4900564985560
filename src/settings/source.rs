//! Where settings come from: the process and `./.env`. Nothing is set, only read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;

use super::{Problem, names, problem::why_unreadable};

/// The one file that is read.
const FILE: &str = "./.env";

/// What was found when the process began, before anything is made of it. It holds secrets.
#[derive(Clone, Default)]
pub struct Sources {
    pub(super) env: BTreeMap<String, String>,
    /// The lines of `./.env`.
    pub(super) file: Vec<(String, String)>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

impl Sources {
    /// With what is wrong with them.
    pub(super) fn of_process() -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let env = environment(std::env::vars_os(), &mut problems);
        let file = dotenv(Path::new(FILE), &mut problems).unwrap_or_default();
        (Self { env, file }, problems)
    }
}

/// Other programs' variables may be anything; ours must be text.
fn environment(
    vars: impl Iterator<Item = (OsString, OsString)>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let named = vars.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let mut env = BTreeMap::new();
    for (name, value) in named {
        match value.into_string() {
            Ok(value) => {
                env.insert(name, value);
            }
            Err(_) if names::known(&name).is_some() => {
                let sentence = format!("{name} is not valid UTF-8");
                problems.push(Problem { name, sentence });
            }
            Err(_) => {}
        }
    }
    env
}

/// The file's names and values in order; `None` if there is no such file.
fn dotenv(path: &Path, problems: &mut Vec<Problem>) -> Option<Vec<(String, String)>> {
    match std::fs::read(path) {
        Ok(bytes) => Some(lines(&bytes, problems)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            problems.push(file_problem(format!(".env can't be read: {}", why_unreadable(&error))));
            None
        }
    }
}

/// The names and values of a file's bytes, in order. Lines that aren't such go to `problems`.
pub(super) fn lines(bytes: &[u8], problems: &mut Vec<Problem>) -> Vec<(String, String)> {
    // Windows editors put a byte order mark in front, which dotenvy's iterator takes for a name.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in dotenvy::from_read_iter(bytes) {
        match line {
            Ok(entry) => entries.push(entry),
            // dotenvy's own message repeats the line.
            Err(dotenvy::Error::LineParse(..)) => problems.push(file_problem(broken_line(&entries))),
            Err(_) => {
                problems.push(file_problem(".env is not valid UTF-8".to_owned()));
                break;
            }
        }
    }
    entries
}

fn broken_line(before: &[(String, String)]) -> String {
    let place = match before.iter().rev().find_map(|(name, _)| names::known(name)) {
        Some(name) => format!("A line of .env below {name}"),
        None => "One of the first lines of .env".to_owned(),
    };
    format!(
        "{place} is not NAME=value; a value with spaces, quotes, # or $ belongs in single quotes that are closed"
    )
}

fn file_problem(sentence: String) -> Problem {
    Problem { name: ".env".to_owned(), sentence }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn sentences(problems: &[Problem]) -> Vec<&str> {
        problems.iter().map(|problem| problem.sentence.as_str()).collect()
    }

    #[test]
    fn a_broken_line_is_told_without_its_content() {
        let text = "oops hunter2\nADA_API_KEY='a b#$'\nLISTEN=hunter2 x\nRUST_LOG=debug\n= hunter2\n'";
        let mut problems = Vec::new();
        let entries = lines(text.as_bytes(), &mut problems);
        assert_eq!(
            entries,
            [("ADA_API_KEY".into(), "a b#$".into()), ("RUST_LOG".to_owned(), "debug".to_owned())]
        );
        let rest =
            "is not NAME=value; a value with spaces, quotes, # or $ belongs in single quotes that are closed";
        assert_eq!(
            sentences(&problems),
            [
                format!("One of the first lines of .env {rest}"),
                format!("A line of .env below ADA_API_KEY {rest}"),
                format!("A line of .env below RUST_LOG {rest}"),
                format!("A line of .env below RUST_LOG {rest}"),
            ]
        );
    }

    #[test]
    fn a_byte_order_mark_is_skipped_and_other_bytes_are_told() {
        let mut problems = Vec::new();
        assert_eq!(lines(b"\xEF\xBB\xBFA=1\r\nB=2\r\n", &mut problems).len(), 2);
        assert!(problems.is_empty());
        assert!(lines(b"A=\xFF\n", &mut problems).is_empty());
        assert_eq!(sentences(&problems), [".env is not valid UTF-8"]);
    }

    #[test]
    fn a_missing_file_is_fine_and_an_unreadable_one_is_not() {
        let mut problems = Vec::new();
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(dotenv(&folder.path().join(".env"), &mut problems), None);
        assert!(problems.is_empty());
        assert_eq!(dotenv(folder.path(), &mut problems), None);
        assert_eq!(sentences(&problems), [".env can't be read: it is a folder"]);
    }

    #[cfg(unix)]
    #[test]
    fn only_our_own_variables_must_be_text() {
        use std::os::unix::ffi::OsStringExt;
        let broken = || OsString::from_vec(vec![0xFF]);
        let vars = [
            (OsString::from("ADA_API_KEY"), broken()),
            (OsString::from("LS_COLORS"), broken()),
            (broken(), broken()),
            (OsString::from("LISTEN"), OsString::from("x")),
        ];
        let mut problems = Vec::new();
        let env = environment(vars.into_iter(), &mut problems);
        assert_eq!(env.into_keys().collect::<Vec<_>>(), ["LISTEN"]);
        assert_eq!(sentences(&problems), ["ADA_API_KEY is not valid UTF-8"]);
    }
}
