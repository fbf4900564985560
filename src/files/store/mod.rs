//! Where files are kept: a local folder, a bucket of somebody's cloud, or memory.
//!
//! Built on `object_store`, which makes the same of all of them: a key has a whole file or none.

mod explain;
mod folder;
mod open;
#[cfg(test)]
mod tests;

use std::{
    ops::Range,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    Error, GetOptions, GetRange, GetResult, GetResultPayload, MultipartUpload, ObjectStore, ObjectStoreExt,
    PutPayload, path::Path,
};
use tokio::sync::Mutex;

use super::{ByteStream, FileKey, FilesError, Spool, SpooledFile, spool::pieces};
use crate::settings::FilesPlace;
use explain::{explain, is_gone};

/// What is written at once, and may be in memory. S3 takes no smaller parts but the last.
const PART: usize = 5 * 1024 * 1024;
/// The same for a folder, which takes any: many files at once need little.
const FOLDER_PART: usize = 512 * 1024;
/// How long it counts that a place was ready. A cloud is asked with a write, which costs.
const READY_FOR: Duration = Duration::from_secs(30);
/// The same for a folder, where asking costs next to nothing.
const FOLDER_READY_FOR: Duration = Duration::from_secs(1);

/// A store of files. Cheap to clone.
#[derive(Clone)]
pub struct Files(Arc<Inner>);

struct Inner {
    store: Arc<dyn ObjectStore>,
    /// The folder, if that is where files are.
    folder: Option<PathBuf>,
    /// When the place was last found ready.
    ready: Mutex<Option<Instant>>,
}

impl Files {
    /// Opens the place where files are kept. A folder is made if it isn't there, for this user alone, and what a
    /// crash left half written in it is removed. A cloud isn't called.
    ///
    /// # Errors
    /// The folder can't be made or read; what the environment says about the cloud isn't enough.
    pub async fn open(place: &FilesPlace) -> Result<Self, FilesError> {
        let files = Self::open_as_it_is(place).await?;
        if let Some(folder) = &files.0.folder {
            folder::tidy(folder.clone()).await?;
        }
        Ok(files)
    }

    /// Opens the place only to look at it: nothing is made or tidied.
    ///
    /// # Errors
    /// As [`Files::open`], or the folder is not there.
    pub async fn open_to_read(place: &FilesPlace) -> Result<Self, FilesError> {
        if let FilesPlace::Folder(path) = place
            && !path.is_dir()
        {
            return Err(FilesError::Unavailable(format!("there is no folder {}", path.display())));
        }
        Self::open_as_it_is(place).await
    }

    /// Looks whether files could be kept at `place`, and changes nothing: of a folder whether it can be written, of a
    /// bucket whether it can be read. Says whether the folder is there; a start makes it.
    ///
    /// # Errors
    /// They could not be kept there.
    pub async fn look_at(place: &FilesPlace) -> Result<bool, FilesError> {
        if let FilesPlace::Folder(path) = place {
            return folder::could_write(path);
        }
        let files = Self::open_as_it_is(place).await?;
        match files.0.store.head(&Path::from("ready")).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(true),
            Err(error) => Err(explain(error)),
        }
    }

    async fn open_as_it_is(place: &FilesPlace) -> Result<Self, FilesError> {
        let (store, folder) = open::open(place).await?;
        Ok(Self(Arc::new(Inner { store, folder, ready: Mutex::default() })))
    }

    /// A new temporary file, where files are kept if that is a folder.
    ///
    /// # Errors
    /// It can't be made.
    pub fn spool(&self) -> Result<Spool, FilesError> {
        Spool::new(self.0.folder.as_deref())
    }

    /// Keeps `file` under `key`, instead of what was there. When this returns it is there and stays; before, and if
    /// it fails, what was there is. Needs a few megabytes of memory. Of two at once under one key, one may fail.
    ///
    /// # Errors
    /// It can't be kept now.
    pub async fn keep(&self, key: &FileKey, file: &SpooledFile) -> Result<(), FilesError> {
        let (store, path) = (&self.0.store, key.path());
        let part = if self.0.folder.is_some() { FOLDER_PART } else { PART };
        let mut bytes = file.bytes();
        if file.size() <= u64::try_from(part).unwrap_or(u64::MAX) {
            store.put(path, next_part(&mut bytes, part).await?).await.map_err(explain)?;
            return Ok(());
        }
        let mut upload = store.put_multipart(path).await.map_err(explain)?;
        let outcome = put_parts(upload.as_mut(), bytes, part).await;
        if outcome.is_err() {
            // Else the parts stay, unseen, and cost; that this may fail too changes nothing for the caller.
            let _ = upload.abort().await;
        }
        outcome
    }

    /// The bytes of the file under `key`, all or those of `range`, which must begin before the file's end and may end
    /// behind it. `None` if there is no such file.
    ///
    /// # Errors
    /// It can't be read now; the range begins behind the end.
    pub async fn read(
        &self,
        key: &FileKey,
        range: Option<Range<u64>>,
    ) -> Result<Option<ByteStream>, FilesError> {
        let range = match range {
            Some(range) if range.is_empty() => return Ok(Some(stream::empty().boxed())),
            range => range.map(GetRange::Bounded),
        };
        let options = GetOptions { range, ..GetOptions::default() };
        match self.0.store.get_opts(key.path(), options).await {
            Ok(found) => Ok(Some(bytes(found))),
            Err(error @ Error::NotFound { .. }) => match self.is_there().await? {
                _ if is_gone(&error) => Err(explain(error)),
                () => Ok(None),
            },
            Err(error) => Err(explain(error)),
        }
    }

    /// How many bytes the file under `key` has. `None` if there is no such file.
    ///
    /// # Errors
    /// It can't be found out now.
    pub async fn size(&self, key: &FileKey) -> Result<Option<u64>, FilesError> {
        match self.0.store.head(key.path()).await {
            Ok(about) => Ok(Some(about.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(explain(error)),
        }
    }

    /// Removes the files under `keys`; that one isn't there is fine.
    ///
    /// # Errors
    /// Not all could be removed: some may be left.
    pub async fn forget(&self, keys: &[FileKey]) -> Result<(), FilesError> {
        let paths: Vec<Result<Path, Error>> = keys.iter().map(|key| Ok(key.path().clone())).collect();
        let mut outcomes = self.0.store.delete_stream(stream::iter(paths).boxed());
        let mut worst = Ok(());
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(_) => {}
                Err(error @ Error::NotFound { .. }) if !is_gone(&error) => {}
                Err(error) => worst = Err(explain(error)),
            }
        }
        worst
    }

    /// Whether files can be kept and read: writes something small, unless that went well less than 30 seconds ago (a
    /// second, in a folder).
    ///
    /// # Errors
    /// Not now, and why.
    pub async fn ready(&self) -> Result<(), FilesError> {
        // Held while it is tried, so that many who ask cause one write.
        let mut ready = self.0.ready.lock().await;
        let valid = if self.0.folder.is_some() { FOLDER_READY_FOR } else { READY_FOR };
        if ready.is_some_and(|at| at.elapsed() < valid) {
            return Ok(());
        }
        *ready = None;
        match &self.0.folder {
            Some(folder) => folder::try_to_write(folder.clone()).await?,
            None => {
                let (path, bytes) = (Path::from("ready"), Bytes::from_static(b"ready"));
                self.0.store.put(&path, bytes.into()).await.map_err(explain)?;
            }
        }
        *ready = Some(Instant::now());
        Ok(())
    }

    /// A folder that was unmounted has no files, which doesn't mean that they are gone.
    async fn is_there(&self) -> Result<(), FilesError> {
        match &self.0.folder {
            Some(folder) if !tokio::fs::try_exists(folder).await? => {
                Err(FilesError::Unavailable("the folder for files no longer exists".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

async fn put_parts(
    upload: &mut dyn MultipartUpload,
    mut bytes: ByteStream,
    length: usize,
) -> Result<(), FilesError> {
    loop {
        let part = next_part(&mut bytes, length).await?;
        if part.content_length() == 0 {
            upload.complete().await.map_err(explain)?;
            return Ok(());
        }
        upload.put_part(part).await.map_err(explain)?;
    }
}

/// Up to `length` bytes; none at the end. All but the last have the same length, as some clouds want it.
async fn next_part(bytes: &mut ByteStream, length: usize) -> Result<PutPayload, FilesError> {
    let (mut pieces, mut room) = (Vec::new(), length);
    while room > 0 {
        let Some(piece) = bytes.try_next().await? else { break };
        room = room.saturating_sub(piece.len());
        pieces.push(piece);
    }
    Ok(PutPayload::from_iter(pieces))
}

fn bytes(found: GetResult) -> ByteStream {
    match found.payload {
        GetResultPayload::File(file, _) => pieces(Arc::new(file), found.range),
        GetResultPayload::Stream(bytes) => bytes.map_err(explain).boxed(),
    }
}
