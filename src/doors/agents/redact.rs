//! Bodies as people may see them. A presigned URL is a key to a customer's file: what could be one is cut.

use serde_json::Value;

const CUT: &str = "[redacted]";
/// What a query, a fragment or a parameter begins with: as it is, escaped for a URL, once or twice, or for JSON, which
/// can be any letter.
const MARKS: [&str; 11] = ["?", "#", ";", "&", "%3F", "%23", "%3B", "%26", "%25", "\\u", "\\x"];

/// JSON without the values of `url` fields, and without the queries and fragments of URLs anywhere else.
pub fn value(value: Value) -> Value {
    match value {
        Value::String(words) => Value::String(text(&words)),
        Value::Array(items) => items.into_iter().map(self::value).collect(),
        Value::Object(fields) => Value::Object(fields.into_iter().map(field).collect()),
        other => other,
    }
}

fn field((name, value): (String, Value)) -> (String, Value) {
    let is_url = name.to_ascii_lowercase().ends_with("url");
    let value = if is_url && !value.is_null() { CUT.into() } else { self::value(value) };
    (text(&name), value)
}

/// Text without the queries and fragments of URLs. When in doubt, text is removed.
pub fn text(text: &str) -> String {
    text.split_inclusive(ends_word).map(without_query).collect()
}

/// An apostrophe may be part of a query.
fn ends_word(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '"' | '<' | '>')
}

fn without_query(word: &str) -> String {
    let Some(at) = query(word) else { return word.to_owned() };
    let end = word.chars().next_back().filter(|letter| ends_word(*letter));
    format!("{}{CUT}{}", &word[..at], end.map(String::from).unwrap_or_default())
}

/// Where the query or the fragment of a URL begins in a word, if it has one.
fn query(word: &str) -> Option<usize> {
    let before = word.find(['/', '.', ':', '%']);
    let (value, letter) = (word.rfind('='), word.rfind(char::is_alphanumeric)?);
    word.char_indices().map(|(at, _)| at).find(|at| {
        let Some(mark) = MARKS.into_iter().find(|mark| starts_with(&word[*at..], mark)) else { return false };
        let of_url = before.is_some_and(|before| before < *at) || value.is_some_and(|value| value > *at);
        (of_url || mark.starts_with('\\')) && letter >= *at + mark.len()
    })
}

fn starts_with(text: &str, mark: &str) -> bool {
    text.as_bytes().get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark.as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn urls_of_files_are_left_out_at_any_depth() {
        let body = json!({ "data": { "content": [{ "type": "file", "url": "https://a.b/c?sig=MARK",
            "source_url": "MARK", "previewUrl": { "href": "MARK" }, "filename": "a.pdf" }], "url": null } });
        let shown = json!({ "data": { "content": [{ "type": "file", "url": CUT, "source_url": CUT,
            "previewUrl": CUT, "filename": "a.pdf" }], "url": null } });
        assert_eq!(value(body), shown);
    }

    #[test]
    fn queries_and_fragments_are_cut_wherever_they_are() {
        for (written, shown) in [
            ("see https://a.b/c?sig=MARK&x=1 now", "see https://a.b/c[redacted] now"),
            ("https://a.b/c?MARK", "https://a.b/c[redacted]"),
            ("https://a.b?MARK.", "https://a.b[redacted]"),
            ("(https://a.b/c#sig=MARK)", "(https://a.b/c[redacted]"),
            ("https://a.b/c;sig=MARK/d", "https://a.b/c[redacted]"),
            ("https://a.b/c%3FMARK https://a.b/c%3fMARK", "https://a.b/c[redacted] https://a.b/c[redacted]"),
            ("https://a.b/c%23MARK", "https://a.b/c[redacted]"),
            ("https://a.b/c%253FMARK", "https://a.b/c[redacted]"),
            ("https://a.b/c&#63;MARK", "https://a.b/c[redacted]"),
            ("https%3A%2F%2Fa.b%2Fc%3FMARK", "https%3A%2F%2Fa.b%2Fc[redacted]"),
            ("https://a.b/c?sig='MARK'MARK", "https://a.b/c[redacted]"),
            ("really?https://a.b/c?MARK", "really?https://a.b/c[redacted]"),
            ("<a href=\"//a.b/c?sig=MARK\">", "<a href=\"//a.b/c[redacted]\">"),
            ("{\"url\":\"https:\\/\\/a.b\\/c\\u003fMARK\",", "{\"url\":\"https:\\/\\/a.b\\/c[redacted]\","),
            ("a.b/c?sig=MARK", "a.b/c[redacted]"),
            ("c?sig=MARK", "c[redacted]"),
        ] {
            assert_eq!(text(written), shown);
        }
        let body = json!({ "a.b/c?MARK": ["https://a.b/c#MARK", 7, true] });
        assert_eq!(value(body), json!({ "a.b/c[redacted]": ["https://a.b/c[redacted]", 7, true] }));
    }

    #[test]
    fn what_people_write_stays() {
        for words in [
            "hello? is = anybody there?",
            "Did it work (at 10:30)? I use C# & AT&T; the file is at https://a.b/my%20file.pdf.",
            "Where's https://a.b/c?",
            "50% of #7",
        ] {
            assert_eq!(text(words), words);
        }
    }
}
