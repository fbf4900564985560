//! Files that customers and agents send, and what lies in the folder where the relay keeps them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use sha2::{Digest, Sha256};

/// The type that every parcel is of.
pub const TYPE: &str = "image/png";
const HEAD: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// A file on its way. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub name: String,
    pub bytes: Bytes,
    /// 64 hex digits.
    pub sha256: String,
}

impl Parcel {
    /// A PNG as far as its first bytes go; the rest is noise, another for each name.
    pub fn new(name: &str, length: usize) -> Self {
        let mut bytes = HEAD.to_vec();
        let mut noise =
            name.bytes().fold(1, |noise: u64, byte| noise.wrapping_mul(31).wrapping_add(byte.into()));
        while bytes.len() < length {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes.extend_from_slice(&noise.to_be_bytes());
        }
        bytes.truncate(length);
        Self { name: name.to_owned(), sha256: sha256(&bytes), bytes: bytes.into() }
    }

    /// The same bytes under another name.
    #[cfg(target_os = "linux")]
    pub fn named(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }

    /// As an agent sends it.
    pub fn form(&self) -> Form {
        let bytes = reqwest::Body::from(self.bytes.clone());
        let part = Part::stream_with_length(bytes, self.bytes.len() as u64);
        Form::new().part("file", part.file_name(self.name.clone()))
    }
}

/// 64 hex digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files below a relay's folder for files, with the handoffs' folders: `{handoff}/{row}`, in order.
pub fn kept(folder: &Path) -> Vec<String> {
    let mut kept = Vec::new();
    let root = folder.join("handoff-files");
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                kept.push(entry.path().strip_prefix(&root).unwrap().display().to_string());
            }
        }
    }
    kept.sort_unstable();
    kept
}
