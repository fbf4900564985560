//! What is wrong with the file, and where.

use std::path::Path;

/// Collects mistakes by their place, a byte of the file.
#[derive(Debug)]
pub(super) struct Mistakes {
    /// How sentences call the file.
    file: String,
    /// Where each line begins, and its text: columns count characters.
    text: String,
    found: Vec<(usize, String)>,
}

impl Mistakes {
    pub(super) fn new(path: &Path, text: &str) -> Self {
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Self { file, text: text.to_owned(), found: Vec::new() }
    }

    pub(super) fn add(&mut self, at: usize, sentence: String) {
        self.found.push((at, sentence));
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.before(at).matches('\n').count() + 1
    }

    /// All of them in the order of the file, such as `relay.toml:3:1: id is required`.
    pub(super) fn sentences(mut self) -> Vec<String> {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|(at, _)| *at);
        found.dedup();
        let told = found.into_iter().map(|(at, sentence)| {
            let column = self.before(at).rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            format!("{}:{}:{column}: {sentence}", self.file, self.line(at))
        });
        told.collect()
    }

    fn before(&self, at: usize) -> &str {
        let end = (0..=at.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at));
        self.text.get(..end.unwrap_or_default()).unwrap_or_default()
    }
}
