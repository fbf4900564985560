//! A file on its way: in an anonymous temporary file, measured and digested as it is written.

use std::{fs::File, ops::Range, os::unix::fs::FileExt, path::Path, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::{ByteStream, FilesError};

/// So much of a file's beginning tells what it is.
const HEAD: usize = 8 * 1024;
/// Read from a disk in one go.
const PIECE: usize = 256 * 1024;

/// A temporary file being written. It has no name: nothing is left of it after a crash.
#[derive(Debug)]
pub struct Spool {
    file: tokio::fs::File,
    size: u64,
    digest: Sha256,
    head: Vec<u8>,
    controls: bool,
}

/// A whole file, ready to be kept or sent; as often as need be. Cheap to clone; gone when the last clone is.
#[derive(Clone, Debug)]
pub struct SpooledFile {
    file: Arc<File>,
    size: u64,
    sha256: [u8; 32],
    head: Bytes,
    controls: bool,
}

impl Spool {
    /// An empty one, in `folder`, else in the system's temporary folder.
    pub(super) fn new(folder: Option<&Path>) -> Result<Self, FilesError> {
        let file = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in)?;
        Ok(Self { file: file.into(), size: 0, digest: Sha256::new(), head: Vec::new(), controls: false })
    }

    /// Adds `bytes` at the end.
    ///
    /// # Errors
    /// The disk takes no more, or fails; perhaps only told by a later write or by [`Spool::finish`].
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), FilesError> {
        self.digest.update(&bytes);
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.controls |= bytes.iter().any(|byte| is_no_text(*byte));
        self.size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(self.file.write_all(&bytes).await?)
    }

    /// How many bytes have been written.
    pub fn len(&self) -> u64 {
        self.size
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The whole file.
    ///
    /// # Errors
    /// The disk took not all of it.
    pub async fn finish(mut self) -> Result<SpooledFile, FilesError> {
        self.file.flush().await?;
        Ok(SpooledFile {
            file: Arc::new(self.file.into_std().await),
            size: self.size,
            sha256: self.digest.finalize().into(),
            head: self.head.into(),
            controls: self.controls,
        })
    }
}

impl SpooledFile {
    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its SHA-256.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Its first 8 KiB, or all if it is shorter.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Whether there is a byte in it, anywhere, that no text of one byte a character has.
    pub fn has_control_characters(&self) -> bool {
        self.controls
    }

    /// All its bytes, from the beginning; each call begins anew.
    pub fn bytes(&self) -> ByteStream {
        pieces(Arc::clone(&self.file), 0..self.size)
    }
}

/// Control characters but those that texts have: what logs and old editors leave, what separates fields and records,
/// what changes alphabets.
fn is_no_text(byte: u8) -> bool {
    matches!(byte, 0..=6 | 0x10..=0x19)
}

/// The bytes of `range`, read beside the runtime.
pub(super) fn pieces(file: Arc<File>, range: Range<u64>) -> ByteStream {
    stream::try_unfold((file, range), |(file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let (piece, file) = read_beside(file, range.clone()).await?;
        let read = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        Ok(Some((piece, (file, range.start.saturating_add(read)..range.end))))
    })
    .boxed()
}

async fn read_beside(file: Arc<File>, range: Range<u64>) -> Result<(Bytes, Arc<File>), FilesError> {
    let read = tokio::task::spawn_blocking(move || read_piece(&file, range).map(|piece| (piece, file)));
    match read.await {
        Ok(outcome) => outcome,
        Err(_) => Err(FilesError::Unavailable("the relay is stopping".to_owned())),
    }
}

fn read_piece(file: &File, range: Range<u64>) -> Result<Bytes, FilesError> {
    let wanted = usize::try_from(range.end - range.start).unwrap_or(PIECE).min(PIECE);
    let mut piece = BytesMut::zeroed(wanted);
    let read = file.read_at(&mut piece, range.start)?;
    if read == 0 {
        return Err(FilesError::Unavailable("a temporary file is shorter than expected".to_owned()));
    }
    piece.truncate(read);
    Ok(piece.freeze())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    async fn spooled(pieces: &[&[u8]]) -> SpooledFile {
        let mut spool = Spool::new(None).unwrap();
        for piece in pieces {
            spool.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        spool.finish().await.unwrap()
    }

    #[tokio::test]
    async fn a_file_is_measured_and_digested_as_it_is_written() {
        let file = spooled(&[b"a", b"", b"bc"]).await;
        assert_eq!((file.size(), file.head()), (3, b"abc".as_slice()));
        assert_eq!(file.sha256(), <[u8; 32]>::from(Sha256::digest(b"abc")));
    }

    #[tokio::test]
    async fn a_long_one_has_a_head_and_is_read_in_pieces_as_often_as_need_be() {
        let long = vec![b'x'; 2 * PIECE + 1];
        let file = spooled(&[&long[..HEAD - 1], &long[HEAD - 1..]]).await;
        assert_eq!(file.head(), &long[..HEAD]);
        for _ in 0..2 {
            let pieces: Vec<Bytes> = file.bytes().try_collect().await.unwrap();
            assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [PIECE, PIECE, 1]);
            assert_eq!(pieces.concat(), long);
        }
    }

    #[tokio::test]
    async fn an_empty_one_is_empty() {
        let file = spooled(&[]).await;
        assert_eq!((file.size(), file.head()), (0, b"".as_slice()));
        assert_eq!(file.bytes().try_collect::<Vec<_>>().await.unwrap(), Vec::<Bytes>::new());
    }

    #[tokio::test]
    async fn control_characters_are_seen_behind_the_head_too() {
        let long = vec![b'\n'; HEAD];
        assert!(!spooled(&[&long, b"\x1b[1m \x0c\r\t\xfc"]).await.has_control_characters());
        assert!(spooled(&[&long, b"b\0", b"c"]).await.has_control_characters());
    }
}
