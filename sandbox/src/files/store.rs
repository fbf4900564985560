//! Files on disk, in a temporary folder that goes with the sandbox: memory stays flat however many there are.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir, TempPath};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::FILE_BYTES;

/// All files together; past it the oldest go.
const BYTES_KEPT: u64 = 4 * 1024 * 1024 * 1024;

/// How much is read at once.
const BUFFER: usize = 64 * 1024;

/// The number of a file. It never leaves the sandbox.
pub(crate) type FileId = u64;

/// A file that the sandbox keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptFile {
    #[serde(skip)]
    pub(crate) id: FileId,
    /// In bytes.
    pub size: u64,
}

/// A file and what was said of it when it came.
pub(crate) struct StoredFile {
    pub(crate) kept: KeptFile,
    pub(crate) filename: String,
    pub(crate) mime_type: String,
    /// The file goes with it.
    path: TempPath,
    sha256: OnceLock<String>,
}

impl StoredFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// 64 hex digits. Read from disk the first time, because few ask and large files take long.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn sha256(&self) -> io::Result<String> {
        if let Some(known) = self.sha256.get() {
            return Ok(known.clone());
        }
        let mut hash = Sha256::new();
        let mut file = BufReader::with_capacity(BUFFER, std::fs::File::open(&self.path)?);
        loop {
            let bytes = file.fill_buf()?;
            if bytes.is_empty() {
                break;
            }
            hash.update(bytes);
            let length = bytes.len();
            file.consume(length);
        }
        Ok(self.sha256.get_or_init(|| hex(&hash.finalize())).clone())
    }
}

/// All files.
#[derive(Default)]
pub(crate) struct Files(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// Made for the first file.
    folder: Option<TempDir>,
    /// By number and so by age.
    files: BTreeMap<FileId, Arc<StoredFile>>,
    /// The statuses that requests for a file were answered with.
    fetches: BTreeMap<FileId, Vec<u16>>,
    bytes: u64,
    last: FileId,
}

impl Files {
    /// A new file that may be written.
    ///
    /// # Errors
    /// When the folder for temporary files takes none.
    pub(crate) fn begin(&self) -> io::Result<Incoming> {
        let (file, path) = NamedTempFile::new_in(self.folder()?)?.into_parts();
        Ok(Incoming { file: File::from_std(file), path, size: 0 })
    }

    /// Keeps what was written.
    ///
    /// # Errors
    /// When the last bytes can't be written.
    pub(crate) async fn keep(
        &self,
        mut incoming: Incoming,
        filename: String,
        mime_type: String,
    ) -> io::Result<Arc<StoredFile>> {
        incoming.file.flush().await?;
        let mut table = self.table();
        table.last += 1;
        let kept = KeptFile { id: table.last, size: incoming.size };
        let file =
            Arc::new(StoredFile { kept, filename, mime_type, path: incoming.path, sha256: OnceLock::new() });
        table.add(Arc::clone(&file));
        Ok(file)
    }

    /// A file, unless it had to go.
    pub(crate) fn find(&self, id: FileId) -> Option<Arc<StoredFile>> {
        self.table().files.get(&id).cloned()
    }

    /// Notes how a request for a file was answered.
    pub(crate) fn fetched(&self, id: FileId, status: u16) {
        self.table().fetches.entry(id).or_default().push(status);
    }

    pub(crate) fn fetches(&self, id: FileId) -> Vec<u16> {
        self.table().fetches.get(&id).cloned().unwrap_or_default()
    }

    fn folder(&self) -> io::Result<PathBuf> {
        let mut table = self.table();
        if table.folder.is_none() {
            table.folder = Some(tempfile::Builder::new().prefix("sandbox-files-").tempdir()?);
        }
        Ok(table.folder.as_ref().map(|folder| folder.path().to_owned()).unwrap_or_default())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn add(&mut self, file: Arc<StoredFile>) {
        self.bytes += file.kept.size;
        self.files.insert(file.kept.id, file);
        while self.bytes > BYTES_KEPT
            && let Some((_, oldest)) = self.files.pop_first()
        {
            self.bytes -= oldest.kept.size;
        }
    }
}

/// A file that is being written. Dropped instead of kept, nothing is left of it.
pub(crate) struct Incoming {
    file: File,
    path: TempPath,
    size: u64,
}

impl Incoming {
    /// Whether the bytes fit below Ada's limit, and were written.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub(crate) async fn write(&mut self, bytes: &Bytes) -> io::Result<bool> {
        self.size += bytes.len() as u64;
        if self.size > FILE_BYTES {
            return Ok(false);
        }
        self.file.write_all(bytes).await?;
        Ok(true)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
