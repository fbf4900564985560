//! Files of the console, compressed once.

use std::{
    collections::HashMap,
    io::Write as _,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

/// SHA-256 of a file.
pub type Hash = [u8; 32];

/// Files in their compressed form, made when first asked for.
#[derive(Default)]
pub struct CompressedFiles(Mutex<HashMap<String, (Hash, Bytes)>>);

impl CompressedFiles {
    /// The compressed form of the file `name`, which has this content.
    pub fn of(&self, name: &str, content: &[u8], hash: Hash) -> Bytes {
        let mut packed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match packed.get(name) {
            Some((of, bytes)) if *of == hash => bytes.clone(),
            _ => {
                let bytes = gzip(content);
                packed.insert(name.to_owned(), (hash, bytes.clone()));
                bytes
            }
        }
    }
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::best());
    // Writing to memory doesn't fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default().into()
}
