//! Text in columns. PostgreSQL stores no NUL character, and an index takes no more than about 2,700 bytes; what others call
//! their conversations and messages may have either.

use std::{borrow::Cow, fmt::Write as _};

use sha2::{Digest, Sha256};

/// A longer text is stood for by its beginning and its digest.
const LONGEST: usize = 600;
const BEGINNING: usize = 400;
/// A character that stands for no character, and what follows it for NUL and for itself.
const ESCAPE: char = '\u{FDD0}';
const NUL: char = '\u{FDD1}';

/// What is stored of a text that is searched for or compared: two that differ are stored as two that differ.
pub fn column(text: &str) -> Cow<'_, str> {
    // The byte is that with which the escape begins.
    if text.len() <= LONGEST && !text.bytes().any(|byte| matches!(byte, 0 | 0xEF)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(escaped(text))
}

fn escaped(text: &str) -> String {
    let mut stored = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\0' => stored.extend([ESCAPE, NUL]),
            // What was read of a long one is stored as it was.
            ESCAPE if characters.as_str().starts_with(' ') => stored.push(ESCAPE),
            ESCAPE => stored.extend([ESCAPE, ESCAPE]),
            other => stored.push(other),
        }
    }
    if stored.len() <= LONGEST {
        return stored;
    }
    let mut end = BEGINNING;
    while !stored.is_char_boundary(end) {
        end -= 1;
    }
    let digest = Sha256::digest(&stored);
    stored.truncate(end);
    // No escape is cut in two, and none runs into the one that follows.
    stored.truncate(stored.trim_end_matches(ESCAPE).len());
    stored.extend([ESCAPE, ' ']);
    digest.iter().fold(stored, |mut stored, byte| {
        let _ = write!(stored, "{byte:02x}");
        stored
    })
}

/// What a stored text stands for. One that was too long stays as it is stored.
pub fn read(stored: &str) -> String {
    let mut text = String::with_capacity(stored.len());
    let mut characters = stored.chars();
    while let Some(character) = characters.next() {
        match (character, characters.as_str().chars().next()) {
            (ESCAPE, Some(NUL)) => text.push('\0'),
            (ESCAPE, Some(ESCAPE)) => text.push(ESCAPE),
            (other, _) => {
                text.push(other);
                continue;
            }
        }
        characters.next();
    }
    text
}

/// What a text is when it was stored and read again: another only if it was too long.
pub fn shown(text: &str) -> String {
    read(&column(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_texts_come_back(text in "[\0a-c\u{FDD0}\u{FDD1}é]{0,40}") {
            let stored = column(&text);
            prop_assert!(!stored.contains('\0'));
            prop_assert_eq!(read(&stored), text);
        }

        #[test]
        fn texts_that_differ_are_stored_as_such(one in "[\0a\u{FDD0}\u{FDD1}é]{0,5}", other in "[\0a\u{FDD0}\u{FDD1}é]{0,5}", times in 1..400_usize) {
            let stored = [&one, &other].map(|text| column(&text.repeat(times)).into_owned());
            prop_assert_eq!(stored[0] == stored[1], one == other || one.repeat(times) == other.repeat(times));
            prop_assert!(stored.iter().all(|stored| stored.len() <= LONGEST));
            let shown = read(&stored[0]);
            prop_assert_eq!(&*column(&shown), &*stored[0], "what was read of it finds it again");
        }
    }
}
