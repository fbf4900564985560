//! What files are called: names that do no harm on any system, and how a browser is told one.

use axum::http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::unseen::is_unseen;

/// So many characters fit everywhere, with room for what systems add.
const MAX: usize = 200;
/// An ending of up to so many characters is kept when a name is cut.
const ENDING_MAX: usize = 20;
const NAMELESS: &str = "file";

/// Makes a name that can be stored, shown and sent anywhere, and stays as near as may be to what people called it.
///
/// The last part of a path counts, with either slash. What can't be seen or turns the direction of writing is left
/// out; what Windows reserves is replaced. Without dots and spaces around it, not a device's name, 1 to 200 characters
/// with the ending kept: `file` if nothing is left. A clean name stays as it is.
pub fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !is_unseen(*c)).map(plain).collect();
    let name = plain.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
    if name.is_empty() {
        return NAMELESS.to_owned();
    }
    // A cut can leave a device's name, a short one then.
    no_device(&cut(&no_device(name)))
}

fn plain(c: char) -> char {
    match c {
        '"' => '\'',
        '<' | '>' | ':' | '|' | '?' | '*' => '_',
        c if c.is_whitespace() => ' ',
        c => c,
    }
}

/// Windows takes `con.txt` for the console.
fn no_device(name: &str) -> String {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|number| {
            let mut number = number.chars();
            number.next().is_some_and(|c| c.is_ascii_digit() || "¹²³".contains(c)) && number.next().is_none()
        })
    };
    let reserved = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str());
    let prefix = if reserved || numbered("COM") || numbered("LPT") { "_" } else { "" };
    format!("{prefix}{name}")
}

fn cut(name: &str) -> String {
    if name.chars().count() <= MAX {
        return name.to_owned();
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    let length = ending.chars().count();
    let (kept, ending) =
        if (1..=ENDING_MAX).contains(&length) { (MAX - length - 1, ending) } else { (MAX, "") };
    let stem: String = name.chars().take(kept).collect();
    let stem = stem.trim_end_matches(['.', ' ']);
    if ending.is_empty() { stem.to_owned() } else { format!("{stem}.{ending}") }
}

/// RFC 8187's `attr-char`: what stands for itself.
const ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The `Content-Disposition` for a file of this name, shown in place or saved (RFC 6266). The name is cleaned; in
/// plain ASCII for old clients, and as it is (RFC 8187) where that differs.
pub fn disposition(inline: bool, name: &str) -> HeaderValue {
    let name = clean(name);
    let kind = if inline { "inline" } else { "attachment" };
    // A percent sign makes some clients decode.
    let ascii: String = name
        .chars()
        .map(|c| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%') { c } else { '_' })
        .collect();
    let exact =
        (ascii != name).then(|| format!("filename*=UTF-8''{}", utf8_percent_encode(&name, ATTRIBUTE)));
    let parts = [kind.to_owned(), format!("filename=\"{ascii}\"")].into_iter().chain(exact);
    let value = parts.collect::<Vec<_>>().join("; ");
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_cleaned() {
        for (name, clean_name) in [
            ("report.pdf", "report.pdf"),
            ("Grüße aus Köln.pdf", "Grüße aus Köln.pdf"),
            ("日本語 👩‍💻.png", "日本語 👩‍💻.png"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\windows\\system.ini", "system.ini"),
            ("C:\\Users\\me\\a.txt", "a.txt"),
            ("C:a.txt", "C_a.txt"),
            ("/", "file"),
            ("a/", "file"),
            ("..", "file"),
            ("...", "file"),
            ("", "file"),
            (" . . ", "file"),
            ("\u{202e}", "file"),
            (".htaccess", "htaccess"),
            ("a.txt. . ", "a.txt"),
            ("a\u{0}b\r\nc\t.txt", "abc.txt"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("zero\u{200b}width\u{feff}.txt", "zerowidth.txt"),
            ("wide\u{a0}space\u{3000}.txt", "wide space .txt"),
            ("say \"hi\".txt", "say 'hi'.txt"),
            ("it's.txt", "it's.txt"),
            ("a<b>c:d|e?f*g.txt", "a_b_c_d_e_f_g.txt"),
            ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("Nul .tar.gz", "_Nul .tar.gz"),
            ("com1", "_com1"),
            ("LPT².log", "_LPT².log"),
            ("com10", "com10"),
            ("common.txt", "common.txt"),
            ("%2e%2e%2fa.txt", "%2e%2e%2fa.txt"),
        ] {
            assert_eq!(clean(name), clean_name, "{name:?}");
        }
    }

    #[test]
    fn long_names_keep_their_ending() {
        assert_eq!(clean(&format!("{}.pdf", "ü".repeat(300))), format!("{}.pdf", "ü".repeat(196)));
        assert_eq!(clean(&format!("{}. b.pdf", "a".repeat(195))), format!("{}.pdf", "a".repeat(195)));
        assert_eq!(clean(&"a".repeat(300)), "a".repeat(200));
        assert_eq!(clean(&format!("a.{}", "b".repeat(300))), format!("a.{}", "b".repeat(198)));
        assert_eq!(clean(&format!("con{}b.txt", " ".repeat(300))), "_con.txt");
        assert_eq!(clean(&format!("con{}b", " ".repeat(300))), "_con");
    }

    #[test]
    fn a_browser_is_told_the_name_in_both_ways() {
        for (inline, name, told) in [
            (true, "a b.png", "inline; filename=\"a b.png\""),
            (false, "", "attachment; filename=\"file\""),
            (
                false,
                "€ \"rates\".pdf",
                "attachment; filename=\"_ 'rates'.pdf\"; filename*=UTF-8''%E2%82%AC%20%27rates%27.pdf",
            ),
            (false, "50%.txt", "attachment; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt"),
            (true, "a\";b\\\r\nX: y.png", "inline; filename=\"X_ y.png\""),
            (false, "a;b,c=d.txt", "attachment; filename=\"a;b,c=d.txt\""),
        ] {
            let value = disposition(inline, name);
            assert_eq!(value.to_str().unwrap(), told, "{name}");
        }
    }

    /// Names with what is dangerous in them more often than chance would have it.
    fn any_name() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<String>(),
            "[ .]{0,4}",
            "(?i)(con|nul|aux|prn|com[0-9¹]|lpt[0-9])",
            "[/\\\\\"'<>:|?*%;,\u{202e}\u{200b}\u{0}\r\n]{1,3}",
            "[a-z ]{0,210}",
            "\\.[a-zü]{0,25}",
        ];
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_clean_name_is_safe_and_stays(name in any_name()) {
            let cleaned = clean(&name);
            prop_assert_eq!(&clean(&cleaned), &cleaned);
            prop_assert!((1..=MAX).contains(&cleaned.chars().count()));
            prop_assert!(!cleaned.contains(['/', '\\', '"', '<', '>', ':', '|', '?', '*']));
            prop_assert!(!cleaned.chars().any(|c| c.is_control() || is_unseen(c)));
            prop_assert!(!cleaned.starts_with(['.', ' ']) && !cleaned.ends_with(['.', ' ']));
            let stem = cleaned.split('.').next().unwrap().trim_end().to_lowercase();
            prop_assert!(!["con", "nul", "aux", "prn", "com1", "lpt9", "com¹"].contains(&stem.as_str()));
        }

        #[test]
        fn an_ending_survives(name in any_name(), ending in "[a-z0-9]{1,5}") {
            let cleaned = clean(&format!("a{name}b.{ending}"));
            let suffix = format!(".{ending}");
            prop_assert!(cleaned.ends_with(&suffix), "{}", cleaned);
        }

        #[test]
        fn a_disposition_is_one_header_that_tells_the_name(name in any_name(), inline in any::<bool>()) {
            let value = disposition(inline, &name);
            let value = value.to_str().unwrap();
            let (kind, rest) = value.split_once("; filename=\"").unwrap();
            prop_assert_eq!(kind, if inline { "inline" } else { "attachment" });
            let (ascii, rest) = rest.split_once('"').unwrap();
            prop_assert!(!ascii.contains(['\\', '%']));
            let exact = match rest.strip_prefix("; filename*=UTF-8''") {
                Some(encoded) => {
                    let attribute = |b: u8| b.is_ascii_alphanumeric() || b"!#$&+-.^_`|~%".contains(&b);
                    prop_assert!(encoded.bytes().all(attribute));
                    percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap().into_owned()
                }
                None => {
                    prop_assert_eq!(rest, "");
                    ascii.to_owned()
                }
            };
            prop_assert_eq!(exact, clean(&name));
        }
    }
}
