//! Reading a start call: which conversation is handed over, and what the AI Agent's flow says of it.

use serde_json::{Map, Value, error::Category};

use super::message::MAX_ID_CHARS;
use crate::{
    json::{Field, Object, mended},
    relay::context::is_unfilled,
};

/// The names under which the conversation's id may stand.
const ID_KEYS: [&str; 2] = ["conversation_id", "ada_conversation_id"];
/// More than the id of an AI Agent and its domains have.
const MAX_NAME_CHARS: usize = 253;
/// Blanks that stand around a value by mistake.
const BLANKS: [char; 5] = [' ', '\t', '\r', '\n', '\u{a0}'];
/// A longer name of a variable isn't repeated, nor one with other signs: it may be somebody's words.
const MAX_VARIABLE_CHARS: usize = 60;

/// What the body of a start call says.
#[derive(Debug, PartialEq)]
pub struct StartCall {
    /// Ada's id of the conversation: 1 to 200 characters, none of them control characters.
    pub conversation: String,
    /// Everything else, as it came.
    pub context: Map<String, Value>,
}

/// Reads the body of a start call.
///
/// # Errors
/// What is wrong, in a sentence that quotes no more than the name of a variable.
pub fn read(body: &[u8]) -> Result<StartCall, String> {
    let body = mended(body);
    let fields = fields(&body)?;
    let conversation = conversation(&fields)?.ok_or("Missing conversation_id")?;
    let context = fields.into_fields().filter(|(name, _)| !ID_KEYS.contains(&name.as_str()));
    Ok(StartCall { conversation, context: context.map(|(name, field)| (name, field.value())).collect() })
}

/// How a call names one of several AI Agents in its field `ai_agent`; none if the field is absent, empty or an unfilled
/// variable.
///
/// # Errors
/// It can't be a name.
pub fn ai_agent(value: Option<&Value>) -> Result<Option<&str>, String> {
    let name = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value.as_str().ok_or("ai_agent is not a string")?.trim(),
    };
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(format!("ai_agent is over {MAX_NAME_CHARS} characters"));
    }
    Ok(Some(name).filter(|name| !name.is_empty() && !is_unfilled(name)))
}

/// The fields of a body, whose JSON was mended.
///
/// # Errors
/// It is no JSON object.
pub(super) fn fields(mended: &[u8]) -> Result<Object<'_>, String> {
    if mended.is_empty() {
        return Err("the body is empty".to_owned());
    }
    Object::read(mended).map_err(|error| match error.classify() {
        Category::Data => "the body is not a JSON object".to_owned(),
        _ => format!("the body is not JSON (line {}, column {})", error.line(), error.column()),
    })
}

/// The conversation's id, if it is there.
///
/// # Errors
/// It can't be an id, or there are two different ones.
pub(super) fn conversation(fields: &Object<'_>) -> Result<Option<String>, String> {
    let mut ids = Vec::new();
    for key in ID_KEYS {
        ids.extend(fields.get(key).map(id).transpose()?.flatten());
    }
    ids.dedup();
    match <[String; 1]>::try_from(ids) {
        Ok([id]) => Ok(Some(id)),
        Err(ids) if ids.is_empty() => Ok(None),
        Err(_) => Err("conversation_id and ada_conversation_id are different".to_owned()),
    }
}

/// The id in a field; `None` for a null or empty one, which counts as absent.
fn id(field: Field<'_>) -> Result<Option<String>, String> {
    if field.is_null() {
        return Ok(None);
    }
    let text = field.text().ok_or("conversation_id is not a string")?;
    let id = text.trim_matches(BLANKS);
    if id.is_empty() {
        return Ok(None);
    }
    if id.chars().count() > MAX_ID_CHARS {
        return Err("conversation_id is over 200 characters".to_owned());
    }
    if id.chars().any(char::is_control) {
        return Err("conversation_id has control characters".to_owned());
    }
    if id == "." || id == ".." {
        return Err("conversation_id can't be . or ..".to_owned());
    }
    if is_unfilled(id) || ID_KEYS.contains(&id) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "{}_. []<>%@$#/".contains(c);
        let is_plain = id.len() <= MAX_VARIABLE_CHARS && id.chars().all(is_name);
        let name = if is_plain { id } else { "the name of a variable" };
        return Err(format!("conversation_id is {name}: the AI Agent has not filled in this variable"));
    }
    Ok(Some(id.to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(id: &str) -> String {
        read(json!({ "conversation_id": id }).to_string().as_bytes()).unwrap_err()
    }

    #[test]
    fn an_ai_agent_is_named_by_a_text_that_is_filled_in() {
        for (value, name) in [
            (json!(null), Ok(None)),
            (json!(" "), Ok(None)),
            (json!("{ai_agent}"), Ok(None)),
            (json!(" acme "), Ok(Some("acme"))),
            (json!("x".repeat(254)), Err("ai_agent is over 253 characters".to_owned())),
            (json!(7), Err("ai_agent is not a string".to_owned())),
            (json!(["acme"]), Err("ai_agent is not a string".to_owned())),
        ] {
            assert_eq!(ai_agent(Some(&value)), name, "{value}");
        }
        assert_eq!(ai_agent(None), Ok(None));
    }

    #[test]
    fn everything_but_the_id_is_context() {
        for body in [
            r#"{"conversation_id":"a","plan":"pro"}"#,
            r#"{"ada_conversation_id":"a","plan":"pro"}"#,
            r#"{"ada_conversation_id":"a","conversation_id":"a","plan":"pro"}"#,
            r#"{"ada_conversation_id":"a","conversation_id":" ","plan":"pro"}"#,
            r#"{"ada_conversation_id":null,"conversation_id":"\u00a0 a\t\r\n","plan":"pro"}"#,
            "\u{feff}{\"conversation_id\":\"a\",\"plan\":\"pro\"}",
        ] {
            let StartCall { conversation, context } = read(body.as_bytes()).unwrap();
            assert_eq!(
                (conversation.as_str(), Value::Object(context)),
                ("a", json!({"plan": "pro"})),
                "{body}"
            );
        }
    }

    #[test]
    fn the_context_is_as_it_came() {
        let deep = ["[".repeat(1_000), "]".repeat(1_000)].concat();
        let body = format!(
            r#"{{"conversation_id":"a","half":"\ud83d","\ude00":1,"large":1e999,"deep":{deep},"number":12345678901234567890123,"v":"{{{{x}}}}"}}"#
        );
        let context = read(body.as_bytes()).unwrap().context;
        let wanted = json!({
            "half": "\u{fffd}", "\u{fffd}": 1, "large": "1e999", "deep": deep,
            "number": "12345678901234567890123", "v": "{{x}}",
        });
        assert_eq!(Value::Object(context), wanted);
    }

    #[test]
    fn a_variable_that_nobody_filled_in_is_named() {
        for id in [
            "{conversation_id}",
            "{{x}}",
            "{{ conversation.id }}",
            "null",
            "undefined",
            "None",
            "[object Object]",
            "@conversation_id",
            "${conversation_id}",
            "$conversation_id",
            "#{x}",
            "<conversation_id>",
            "[conversation_id]",
            "%conversation_id%",
            "conversation_id",
            "ada_conversation_id",
            "NULL",
            "nil",
            "NaN",
            "N/A",
        ] {
            let sentence = format!("conversation_id is {id}: the AI Agent has not filled in this variable");
            assert_eq!(refusal(id), sentence);
            assert_eq!(refusal(&format!("  {id} ")), sentence);
        }
        for words in ["5eCr3t-x".to_owned(), "x".repeat(100), "Maria's words".to_owned(), "ü".to_owned()] {
            assert!(
                refusal(&format!("{{{words}}}")).starts_with("conversation_id is the name of a variable: "),
                "{words}"
            );
        }
        for id in [".", " .. "] {
            assert_eq!(refusal(id), "conversation_id can't be . or ..");
        }
        for id in ["...", "a{b}", "0", "@", "a@b", "69f24bd2c1a3", "conversation"] {
            assert_eq!(
                read(json!({ "conversation_id": id }).to_string().as_bytes()).unwrap().conversation,
                id
            );
        }
    }
}
