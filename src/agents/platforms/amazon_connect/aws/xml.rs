//! The little of XML that answers of STS, SNS and S3 need: elements without attributes, found by name. They have no
//! others, and no element has the same name as one around it.

/// The text of the first element of this name, if it has one.
pub(crate) fn text(document: &str, name: &str) -> Option<String> {
    let inner = blocks(document, name).next()?;
    (!inner.contains('<')).then(|| unescaped(inner.trim()))
}

/// What the elements of this name contain, in their order.
pub(crate) fn blocks<'a>(document: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = document;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (inner, after) = after.split_once(&close)?;
        rest = after;
        Some(inner)
    })
}

fn unescaped(text: &str) -> String {
    // The ampersand last: `&amp;lt;` is the text `&lt;`.
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#34;", "\""),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (escape, character)| text.replace(escape, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_name() {
        let document = "<A xmlns=\"x\"><B><C>1 &lt;&amp;lt;</C><D/></B>\n<B><C> 2 </C></B><E></E></A>";
        assert_eq!(blocks(document, "B").count(), 2);
        assert_eq!(text(document, "C").as_deref(), Some("1 <&lt;"));
        assert_eq!(text(document, "E").as_deref(), Some(""));
        for name in ["D", "F", "B"] {
            assert_eq!(text(document, name), None, "{name}");
        }
        assert_eq!(text("<C>open", "C"), None);
    }
}
