//! The context of a handoff where many are shown: the beginning of each value.

use serde_json::{Map, Value};

/// Lists and events contain this many characters of each value.
const SHOWN_CHARS: usize = 256;

/// The context with long values cut, and whether any was. A long value that is not a text becomes one.
pub fn beginnings(context: &Map<String, Value>) -> (Map<String, Value>, bool) {
    let mut truncated = false;
    let cut = context.iter().map(|(name, value)| {
        let beginning = match value {
            Value::String(text) => beginning(text),
            Value::Array(_) | Value::Object(_) => beginning(&value.to_string()),
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        };
        truncated |= beginning.is_some();
        (name.clone(), beginning.map_or_else(|| value.clone(), Value::String))
    });
    (cut.collect(), truncated)
}

/// `None` if nothing was cut.
fn beginning(text: &str) -> Option<String> {
    let (end, _) = text.char_indices().nth(SHOWN_CHARS)?;
    Some(format!("{}…", &text[..end]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_long_is_cut() {
        let (exact, long) = ("é".repeat(256), "é".repeat(257));
        let context = json!({"a": exact, "b": [1, 2], "c": 7, "d": null});
        assert_eq!(beginnings(context.as_object().unwrap()), (context.as_object().unwrap().clone(), false));
        let context = json!({"a": long, "b": vec![1; 200], "c": "x"});
        let (cut, truncated) = beginnings(context.as_object().unwrap());
        assert!(truncated);
        assert_eq!((&cut["a"], &cut["c"]), (&json!(format!("{exact}…")), &json!("x")));
        assert!(cut["b"].as_str().unwrap().starts_with("[1,1,"));
    }
}
