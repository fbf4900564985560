//! Which contents could be the same message's, though two sources show them.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::thread::{Content, Role};

/// Whether two contents could be the same message's: they have the same parts, apart from those that differ between sources.
pub fn alike(one: &Content, other: &Content) -> bool {
    match (one, other) {
        (
            Content::File { filename, mime_type, .. },
            Content::File { filename: other_name, mime_type: other_type, .. },
        ) => filename == other_name && mime_type == other_type,
        (Content::Link { url, .. }, Content::Link { url: other, .. }) => url == other,
        (Content::Event { event, .. }, Content::Event { event: other, .. }) => event == other,
        _ => one == other,
    }
}

/// The same for what a human agent says, which Ada may store in another form: it flattens Markdown for channels that don't
/// have it.
pub fn says_the_same(one: &Content, other: &Content) -> bool {
    match (one, other) {
        (Content::Text { body }, Content::Text { body: other }) => letters(body) == letters(other),
        _ => alike(one, other),
    }
}

/// A text without its form: letters and digits, or, where there are none, all that isn't blank.
fn letters(text: &str) -> String {
    let letters: String = text.nfc().filter(|c| c.is_alphanumeric()).collect();
    if letters.is_empty() { text.nfc().filter(|c| !c.is_whitespace()).collect() } else { letters }
}

/// A key that is equal for all contents by this role that could be the same message's, with Ada's time to the second, if that
/// is known.
pub fn fingerprint(role: Role, content: &Content, second: Option<i64>) -> String {
    match content {
        Content::Text { body } if role == Role::HumanAgent => {
            digest(role, second, &format!("said\0{}", letters(body)))
        }
        _ => exact_fingerprint(role, content, second),
    }
}

/// The same without regard to the forms that a text can have. Of what human agents say, earlier relays stored this one.
pub fn exact_fingerprint(role: Role, content: &Content, second: Option<i64>) -> String {
    let text = match content {
        Content::Text { body } => format!("text\0{body}"),
        Content::File { filename, mime_type, .. } => format!("file\0{filename}\0{mime_type}"),
        Content::Link { url, .. } => format!("link\0{url}"),
        Content::Presence { body } => format!("presence\0{body}"),
        Content::Note { body } => format!("note\0{body}"),
        Content::Event { event, .. } => format!("event\0{event:?}"),
        Content::Unknown { name } => format!("unknown\0{name}"),
        Content::Unreadable { .. } => "unreadable".to_owned(),
    };
    digest(role, second, &text)
}

fn digest(role: Role, second: Option<i64>, text: &str) -> String {
    let digest = Sha256::digest(format!("{role:?}\0{second:?}\0{text}"));
    digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str) -> Content {
        Content::Text { body: body.to_owned() }
    }

    #[test]
    fn what_agents_say_is_the_same_in_another_form() {
        for (one, other, is_same) in [
            (
                "**Order 7** is [on its way](https://example.com/7).",
                "Order 7 is on its way (https://example.com/7).",
                true,
            ),
            ("cafe\u{301}\r\n", "caf\u{e9}", true),
            (" a\n\nb ", "a b", true),
            ("\u{1f44d}", " \u{1f44d}\n", true),
            ("???", "!!!", false),
            ("", "\u{1f44d}", false),
            ("caf\u{e9}", "cafe", false),
            ("Order 7", "Order 8", false),
            ("yes", "Yes", false),
        ] {
            let prints = [one, other].map(|body| fingerprint(Role::HumanAgent, &text(body), Some(1)));
            assert_eq!(says_the_same(&text(one), &text(other)), is_same, "{one:?} {other:?}");
            assert_eq!(prints[0] == prints[1], is_same, "{one:?} {other:?}");
            let prints = [one, other].map(|body| fingerprint(Role::EndUser, &text(body), Some(1)));
            assert_ne!(prints[0], prints[1], "what customers say has one form");
        }
    }

    /// Databases have them.
    #[test]
    fn fingerprints_stay_what_they_are() {
        assert_eq!(fingerprint(Role::EndUser, &text("hello"), Some(7)), "c957a6cbd079d7930fa97368");
        assert_eq!(exact_fingerprint(Role::HumanAgent, &text("hello"), None), "6493eea604092f5481f94fd8");
        assert_eq!(fingerprint(Role::HumanAgent, &text("hello"), None), "7104c9d3b88d95dee969df82");
    }
}
