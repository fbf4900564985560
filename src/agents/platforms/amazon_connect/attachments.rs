//! Which files Amazon Connect takes (Connect admin guide, *feature limits*).

/// The size of a file, in bytes.
const MOST_BYTES: u64 = 20 << 20;
/// Files in one chat.
const MOST_FILES: u32 = 35;
/// A file's name has at most so many characters.
pub const NAME_CHARS: usize = 256;

/// Extensions that every instance takes unless it was narrowed, each with its type.
const TYPES: [(&str, &str); 18] = [
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("heic", "image/heic"),
    ("jfif", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("mov", "video/quicktime"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("rtf", "application/rtf"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
];

/// Whether a chat that has `attached` files already takes this one.
pub fn fits(filename: &str, size: u64, attached: u32) -> bool {
    (1..=MOST_BYTES).contains(&size) && attached < MOST_FILES && mime_type(filename).is_some()
}

/// The type that goes with a file's extension, if it is one of those that are taken.
pub fn mime_type(filename: &str) -> Option<&'static str> {
    let (stem, extension) = filename.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let found = TYPES.iter().find(|(known, _)| *known == extension);
    found.filter(|_| !stem.is_empty()).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_size_and_number_are_bounded() {
        assert!(fits("a.pdf", 1, 0) && fits("A.B.PNG", MOST_BYTES, 34));
        for (name, size, attached) in [
            ("a.pdf", 0, 0),
            ("a.pdf", MOST_BYTES + 1, 0),
            ("a.pdf", 1, 35),
            ("a.gif", 1, 0),
            ("a.zip", 1, 0),
            ("pdf", 1, 0),
            (".pdf", 1, 0),
            ("a.", 1, 0),
        ] {
            assert!(!fits(name, size, attached), "{name} {size} {attached}");
        }
    }
}
