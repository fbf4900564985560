//! What a local folder needs beside `object_store`.

use std::{
    fs::{self, DirBuilder},
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use rustix::fs::Access;

use crate::files::FilesError;

/// Enough that a disk without room for files has none for this either.
const TRIAL: usize = 64 * 1024;

/// Whether files could be kept in the folder, which is left as it is. Says whether it is there: else it can be made.
///
/// # Errors
/// They could not.
pub(super) fn could_write(folder: &Path) -> Result<bool, FilesError> {
    let is_there = folder.try_exists()?;
    let absolute = std::path::absolute(folder)?;
    let nearest = absolute.ancestors().find(|above| above.exists()).unwrap_or(&absolute);
    if !nearest.is_dir() {
        return Err(io::Error::from(io::ErrorKind::NotADirectory).into());
    }
    rustix::fs::access(nearest, Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from)?;
    Ok(is_there)
}

/// Makes the folder and those above it, for this user alone, where they aren't there.
pub(super) async fn make(folder: PathBuf) -> Result<(), FilesError> {
    beside(move || DirBuilder::new().recursive(true).mode(0o700).create(folder)).await
}

/// Removes what was half written when the process died: `object_store` writes `name#1` and renames it at the end.
pub(super) async fn tidy(folder: PathBuf) -> Result<(), FilesError> {
    beside(move || {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                tidy_handoff(&entry.path())?;
            }
        }
        Ok(())
    })
    .await
}

fn tidy_handoff(folder: &Path) -> io::Result<()> {
    let mut left = false;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_half_written(entry.file_name().to_string_lossy().as_ref()) {
            fs::remove_file(entry.path())?;
            left = true;
        }
    }
    if left {
        // Only if that was all that was in it.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

fn is_half_written(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Writes something small, which is gone at once.
pub(super) async fn try_to_write(folder: PathBuf) -> Result<(), FilesError> {
    beside(move || tempfile::tempfile_in(folder)?.write_all(&[0; TRIAL])).await
}

async fn beside(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<(), FilesError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(FilesError::Unavailable("the relay is stopping".to_owned())),
    }
}
