//! JSON that readers stumble over: what is legal and rare, and half a surrogate pair, which is neither legal nor rare.

use serde_json::Value;

use crate::{Role, StoredMessage};

/// How deep a field is nested that nobody reads.
const DEPTH: usize = 300;

/// The JSON of an object with a field in front that nobody reads, another one for each `number`.
pub(crate) fn odd(object: &Value, number: usize) -> String {
    let json = object.to_string();
    let field = match number % 3 {
        0 => r#""odd":1e999"#.to_owned(),
        1 => format!(r#""odd":{}{}"#, "[".repeat(DEPTH), "]".repeat(DEPTH)),
        _ => r#""\ud83d":"\ude00\ud83d""#.to_owned(),
    };
    match json.strip_prefix('{') {
        Some("}") | None => json,
        Some(rest) => format!("{{{field},{rest}"),
    }
}

/// Takes away what a message says, for those of the AI Agent at every third place of the list.
pub(crate) fn unsay(row: &mut Value, message: &StoredMessage, number: usize) {
    if message.role == Role::AiAgent
        && number.is_multiple_of(3)
        && let Some(content) = row["content"].as_object_mut()
    {
        content.remove("body");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_there_is_still_there() {
        let object = json!({ "a": { "b": 1 } });
        for (number, begins) in [(0, r#"{"odd":1e999,"#), (1, r#"{"odd":[[["#), (2, r#"{"\ud83d":"#)] {
            let json = odd(&object, number);
            assert!(json.starts_with(begins) && json.ends_with(r#","a":{"b":1}}"#), "{json}");
        }
        assert_eq!(odd(&json!({}), 0), "{}");
    }
}
