//! The exclusive lock of a database file, on `<file>.lock` beside it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use super::inspect::beside;
use crate::store::StoreError;

/// A database file is this process's as long as this is there.
pub struct FileLock(File);

impl FileLock {
    /// Takes the lock of the database at `path`.
    ///
    /// # Errors
    /// Another relay has it, or the file of the lock can't be written.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let name = name_of(path);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&name);
        let file = file.map_err(|error| failed(&name, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                let path = path.display();
                Err(StoreError::Unavailable(format!("{path} is in use by another handoff-relay")))
            }
            Err(TryLockError::Error(error)) => Err(failed(&name, &error)),
        }
    }

    /// Whether a relay has the lock of the database at `path`.
    ///
    /// # Errors
    /// The file of the lock can't be read.
    pub fn is_taken(path: &Path) -> Result<bool, StoreError> {
        let name = name_of(path);
        let file = match File::open(&name) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            opened => opened.map_err(|error| failed(&name, &error))?,
        };
        match file.try_lock_shared() {
            Ok(()) => {
                drop(Self(file));
                Ok(false)
            }
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(failed(&name, &error)),
        }
    }
}

impl Drop for FileLock {
    /// A child process has a copy of the descriptor until it runs its own program: closing ours alone would leave the lock
    /// to it.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(error = %error, "the lock of the database goes when this process ends");
        }
    }
}

/// Beside the file itself: a link to it is another name of the same database.
fn name_of(path: &Path) -> PathBuf {
    beside(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), ".lock")
}

fn failed(name: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", name.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests: what is unexpected ends the test")]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_the_file_has_the_lock_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("relay.db"), folder.path().join("link.db"));
        std::fs::write(&path, "").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let lock = FileLock::take(&link).unwrap();
        assert!(FileLock::is_taken(&path).unwrap());
        drop(lock);
        FileLock::take(&path).expect("nobody's");
    }

    #[test]
    fn a_copy_of_the_descriptor_does_not_keep_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let lock = FileLock::take(&path).unwrap();
        let copy = lock.0.try_clone().unwrap();
        assert!(FileLock::is_taken(&path).unwrap());
        assert!(matches!(FileLock::take(&path), Err(StoreError::Unavailable(_))));
        drop(lock);
        assert!(!FileLock::is_taken(&path).unwrap());
        FileLock::take(&path).expect("nobody's");
        drop(copy);
    }
}
