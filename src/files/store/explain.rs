//! What a store's errors come to, in words without secrets.
//!
//! The errors of a cloud hold addresses, signatures and whole answers. Only two things are taken from them: which
//! kind they are, and the provider's own code for what went wrong.

use std::{error::Error as StdError, io};

use object_store::Error;

use crate::files::FilesError;

/// What clouds say when the whole bucket is not there, or is no longer ours.
const GONE: [&str; 4] = ["NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted", "AccountIsDisabled"];

/// What `object_store` calls a folder.
const LOCAL: &str = "LocalFileSystem";

pub(super) fn explain(error: Error) -> FilesError {
    if let Some(error) = cause(&error) {
        return io::Error::from(error.kind()).into();
    }
    let code = code(&error).map(|code| format!(" ({code})")).unwrap_or_default();
    let what = match error {
        Error::NotFound { .. } => "the file store no longer exists",
        Error::PermissionDenied { .. } => "the file store denies the relay access",
        Error::Unauthenticated { .. } => "the file store rejects the relay's key",
        _ => "the file store can't be reached or does not work",
    };
    FilesError::Unavailable(format!("{what}{code}"))
}

/// Whether it is not a file that is missing but everything.
pub(super) fn is_gone(error: &Error) -> bool {
    code(error).is_some_and(|code| GONE.contains(&code.as_str()))
}

/// The disk's own error, if the place is a folder: those of a connection are of the same type.
fn cause(error: &Error) -> Option<&io::Error> {
    let Error::Generic { store: LOCAL, .. } = error else { return None };
    chain(error).find_map(|error| error.downcast_ref::<io::Error>()).filter(|e| e.raw_os_error().is_some())
}

/// The provider's code, as all of them write it: `<Code>NoSuchBucket</Code>`.
fn code(error: &Error) -> Option<String> {
    chain(error).find_map(|error| {
        let text = error.to_string();
        let code = text.split_once("<Code>")?.1.split_once("</Code>")?.0;
        let plain = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then(|| code.to_owned())
    })
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "https://account.example.com/container/key?sig=hunter2";

    fn generic(text: String) -> Error {
        Error::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn a_full_disk_is_told() {
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            assert_eq!(FilesError::from(io::Error::from(kind)).to_string(), "the disk for files is full");
        }
        let full = |store| {
            explain(Error::Generic { store, source: Box::new(io::Error::from_raw_os_error(28)) }).to_string()
        };
        assert_eq!(full(LOCAL), "the disk for files is full");
        assert_eq!(full("S3"), "the file store can't be reached or does not work");
    }

    #[test]
    fn nothing_but_the_code_is_taken_from_a_clouds_answer() {
        let gone = Error::NotFound {
            path: SECRET.to_owned(),
            source: format!("{SECRET}: <Error><Code>NoSuchBucket</Code><Message>hunter2</Message></Error>")
                .into(),
        };
        assert!(is_gone(&gone));
        assert_eq!(explain(gone).to_string(), "the file store no longer exists (NoSuchBucket)");
        let denied = Error::PermissionDenied { path: SECRET.to_owned(), source: SECRET.into() };
        let unknown = Error::Unauthenticated { path: SECRET.to_owned(), source: SECRET.into() };
        let other = generic(format!("{SECRET}: <Code>a b {SECRET}</Code>"));
        let custom = generic(SECRET.to_owned());
        let io = Error::Generic { store: "S3", source: Box::new(io::Error::other(SECRET)) };
        for error in [denied, unknown, other, custom, io] {
            assert!(!is_gone(&error));
            let told = explain(error);
            assert!(!format!("{told} {told:?}").contains("hunter2"), "{told}");
        }
    }
}
