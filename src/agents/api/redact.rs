//! Bodies as people may see them. A presigned URL is a key to a customer's file: what could be one is cut.

use serde_json::Value;

const CUT: &str = "[redacted]";

/// JSON without the values of `url` fields, and without the queries of URLs anywhere else.
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

/// Text without the queries of URLs.
pub fn text(text: &str) -> String {
    let ends_word = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '<' | '>');
    text.split_inclusive(ends_word).map(|word| without_query(word, ends_word)).collect()
}

/// Cuts a word where a query can begin, in plain text or in JSON's escapes.
fn without_query(word: &str, ends_word: impl Fn(char) -> bool) -> String {
    let query = word.find('?').filter(|at| word[*at..].contains('='));
    let escape = word.find("\\u");
    match [query, escape].into_iter().flatten().min() {
        Some(at) => {
            let end = word.chars().next_back().filter(|letter| ends_word(*letter));
            format!("{}{CUT}{}", &word[..at], end.map(String::from).unwrap_or_default())
        }
        None => word.to_owned(),
    }
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
    fn queries_are_cut_wherever_they_are() {
        for (written, shown) in [
            ("hello? is = anybody there?", "hello? is = anybody there?"),
            ("see https://a.b/c?sig=MARK&x=1 now", "see https://a.b/c[redacted] now"),
            ("<a href=\"//a.b/c?sig=MARK\">", "<a href=\"//a.b/c[redacted]\">"),
            (
                "{\"url\":\"https:\\/\\/a.b\\/c\\u003fsig=MARK\",",
                "{\"url\":\"https:\\/\\/a.b\\/c[redacted]\",",
            ),
            ("a.b/c?sig=MARK", "a.b/c[redacted]"),
        ] {
            assert_eq!(text(written), shown);
        }
        let body = json!({ "a.b/c?sig=MARK": ["https://a.b/c?sig=MARK", 7, true] });
        assert_eq!(value(body), json!({ "a.b/c[redacted]": ["https://a.b/c[redacted]", 7, true] }));
    }
}
