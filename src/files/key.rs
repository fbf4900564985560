//! Under which key a file is kept.

use object_store::path::Path;
use sha2::{Digest, Sha256};

/// Longer ids would be too long for a file's name once encoded.
const ID_MAX: usize = 100;

/// The key of one row's file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileKey(Path);

impl FileKey {
    /// The key of the file in the row `row` of `handoff`: `{handoff}/{row}`. Ids of ours stand as they are; another
    /// one, which might lead elsewhere, as its digest.
    pub fn new(handoff: &str, row: &str) -> Self {
        Self(Path::from_iter([level(handoff), level(row)]))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

fn level(id: &str) -> String {
    let ours = |id: &str| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if (1..=ID_MAX).contains(&id.len()) && ours(id) {
        return id.to_owned();
    }
    // No id that stands as it is contains a dot.
    let digest: String = Sha256::digest(id).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256.{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_ours_stand_as_they_are() {
        let key = FileKey::new("0193f0a8-7bd1-7cc0-9b2e-2f1d0a3c4b5d", "row_1");
        assert_eq!(key.path().as_ref(), "0193f0a8-7bd1-7cc0-9b2e-2f1d0a3c4b5d/row_1");
    }

    #[test]
    fn no_other_id_leads_elsewhere_or_to_another_ones_file() {
        let long = "a".repeat(101);
        let strange = ["", ".", "..", "../a", "a/b", "/", "a\\b", "a#1", "%2e", "a\0", "ü", &long];
        let mut keys: Vec<String> = Vec::new();
        for id in strange {
            let key = FileKey::new("a", id).path().to_string();
            let name = key.strip_prefix("a/sha256.").unwrap_or_default();
            assert_eq!(name.len(), 64, "{id}");
            assert!(!keys.contains(&key), "{id}");
            keys.push(key);
        }
    }
}
