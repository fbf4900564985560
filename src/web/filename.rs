//! What a form calls a file. Browsers and most libraries write a name as it is, in UTF-8. Others have ways of their own:
//! .NET sends an encoded word (RFC 2047) and beside it, as the requests library of Python does alone, an extended
//! parameter (RFC 8187), PowerShell sends Latin-1.

use mailparse::{parse_content_disposition, parse_header};

const PLAIN: &str = "filename";
const EXTENDED: &str = "filename*";

/// The name in a part's `Content-Disposition`; `plain` is what the form's parser takes for it, if it is UTF-8. Browsers
/// write a quote as `%22`, and nothing else that may be in a name otherwise than it is (HTML, "multipart form data").
pub fn filename(disposition: &[u8], plain: Option<&str>) -> String {
    let text = text(disposition);
    let mut parameters = parse_content_disposition(&text).params;
    // The extended one is the exact one (RFC 6266, 4.3). mailparse leaves it as it is where the other one is there, too.
    let extended = match (parameters.remove(EXTENDED), plain) {
        (Some(extended), _) => {
            parse_content_disposition(&format!("form-data; {EXTENDED}={extended}")).params.remove(PLAIN)
        }
        (None, None) => parameters.remove(PLAIN),
        (None, Some(_)) => None,
    };
    extended.unwrap_or_else(|| decoded(plain.unwrap_or_default()).replace("%22", "\""))
}

/// UTF-8, or else Latin-1, in which a byte is a character.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// With its encoded words read.
fn decoded(name: &str) -> String {
    if !name.contains("=?") {
        return name.to_owned();
    }
    let header = format!("name: {name}");
    parse_header(header.as_bytes()).map_or_else(|_| name.to_owned(), |(header, _)| header.get_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_however_they_are_written() {
        let in_utf_8: &[(&str, Option<&str>, &str)] = &[
            (r#"filename="plan.png""#, Some("plan.png"), "plan.png"),
            (r#"filename="Grüße.png""#, Some("Grüße.png"), "Grüße.png"),
            (r#"filename="a%22b.png""#, Some("a%22b.png"), "a\"b.png"),
            (r#"filename="C:\dir\a.png""#, Some(r"C:\dir\a.png"), r"C:\dir\a.png"),
            (r#"filename="a?=.png""#, Some("a?=.png"), "a?=.png"),
            // Python's requests.
            ("filename*=utf-8''%E2%82%AC%20rates.png", None, "€ rates.png"),
            // .NET.
            (
                r#"filename="=?utf-8?B?4oKsLnBuZw==?="; filename*=utf-8''%E2%82%AC.png"#,
                Some("=?utf-8?B?4oKsLnBuZw==?="),
                "€.png",
            ),
            (r#"filename="=?utf-8?B?4oKsLnBuZw==?=""#, Some("=?utf-8?B?4oKsLnBuZw==?="), "€.png"),
            (r#"filename="=?UTF-8?Q?=E2=82=AC_a.png?=""#, Some("=?UTF-8?Q?=E2=82=AC_a.png?="), "€ a.png"),
            (r#"filename="=?iso-8859-1?Q?=FC.png?=""#, Some("=?iso-8859-1?Q?=FC.png?="), "ü.png"),
            // The extended one first, in another alphabet, and over several parts.
            ("filename*=UTF-8''b.png; filename=a.png", None, "b.png"),
            (r#"FileName*="iso-8859-1'en'%FC.png""#, None, "ü.png"),
            ("filename*0*=utf-8''%E2%82; filename*1*=%AC.png", None, "€.png"),
            // None of them can be read; the one that can is taken, if there is one.
            (r#"filename="a.png"; filename*=klingon''%AC"#, Some("a.png"), "a.png"),
            ("filename*=klingon''%AC", None, ""),
            (r#"filename="=?klingon?X?A?=""#, Some("=?klingon?X?A?="), "=?klingon?X?A?="),
            ("", None, ""),
        ];
        for (parameters, plain, name) in in_utf_8 {
            let disposition = format!("form-data; name=\"file\"; {parameters}");
            assert_eq!(filename(disposition.as_bytes(), *plain), *name, "{parameters}");
        }
        let latin_1 = b"form-data; name=file; filename=\"Gr\xfc\xdfe; 2.png\"";
        assert_eq!(filename(latin_1, None), "Grüße; 2.png");
    }
}
