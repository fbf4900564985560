//! The inputs that are kept: examples of what is good and what is wrong, and all that ever failed.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
};

/// The folder of a target.
pub struct Corpus(PathBuf);

impl Corpus {
    pub fn of(target: &str) -> Self {
        Self(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target))
    }

    /// All inputs, by name.
    pub fn inputs(&self) -> Vec<Vec<u8>> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| fs::read(path).unwrap()).collect()
    }

    /// Keeps an input that failed, and says where.
    pub fn keep(&self, input: &[u8]) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        input.hash(&mut hasher);
        let path = self.0.join(format!("failed-{:016x}", hasher.finish()));
        fs::write(&path, input).unwrap();
        path
    }
}
