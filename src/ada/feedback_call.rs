//! Reading a feedback call: which handoff it is about, and what the customer says of it.

use serde_json::Value;

use super::{message::MAX_ID_CHARS, start_call};
use crate::{
    json::{Field, Object, mended},
    relay::{
        context::is_unfilled,
        feedback::{Given, Rating},
    },
    unseen,
};

const MAX_RATING_CHARS: usize = 100;
const MAX_COMMENT_CHARS: usize = 2_000;
/// The largest number of a rating, and with a minus the smallest.
const MAX_RATING: f64 = 1_000_000.0;

/// What the body of a feedback call says.
#[derive(Debug, PartialEq)]
pub struct FeedbackCall {
    /// Which handoff.
    pub about: About,
    /// A rating, a comment, or both.
    pub given: Given,
    /// The field `ai_agent`, as it came: which of several AI Agents is meant.
    pub ai_agent: Option<Value>,
}

/// What feedback is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The handoff with this id.
    Handoff(String),
    /// The last handoff of this conversation that is over.
    Conversation(String),
}

/// Reads the body. What a flow has not filled in counts as absent.
///
/// # Errors
/// What is wrong, in a sentence that quotes no more than the name of a variable.
pub fn read(body: &[u8]) -> Result<FeedbackCall, String> {
    let body = mended(body);
    let fields = start_call::fields(&body)?;
    let about = match text(&fields, "handoff_id", MAX_ID_CHARS)? {
        Some(id) => About::Handoff(id),
        None => match start_call::conversation(&fields)? {
            Some(id) => About::Conversation(id),
            None => return Err("Missing handoff_id or conversation_id".to_owned()),
        },
    };
    let rating = fields.get("rating").map(rating).transpose()?.flatten();
    let given = Given { rating, comment: text(&fields, "comment", MAX_COMMENT_CHARS)? };
    if given == Given::default() {
        return Err("Missing rating or comment".to_owned());
    }
    Ok(FeedbackCall { about, given, ai_agent: fields.get("ai_agent").map(Field::value) })
}

/// The text of a field; none if it is absent, empty or an unfilled variable.
fn text(fields: &Object<'_>, name: &str, most: usize) -> Result<Option<String>, String> {
    let Some(field) = fields.get(name).filter(|field| !field.is_null()) else { return Ok(None) };
    let text = field.text().ok_or_else(|| format!("{name} is not a string"))?;
    let text = text.trim();
    if text.chars().count() > most {
        return Err(format!("{name} is over {most} characters"));
    }
    Ok((!text.is_empty() && !is_unfilled(text)).then(|| text.to_owned()))
}

fn rating(field: Field<'_>) -> Result<Option<Rating>, String> {
    let wrong = || {
        Err(format!(
            "rating must be a number from -{MAX_RATING} to {MAX_RATING}, or a text of 1 to {MAX_RATING_CHARS} visible characters"
        ))
    };
    match field.value() {
        Value::Null => Ok(None),
        Value::Number(number) if number.as_f64().is_some_and(|number| number.abs() <= MAX_RATING) => {
            Ok(Some(Rating::Number(number)))
        }
        // A number that no JSON reader here can hold is kept as it was written, which makes it no text.
        Value::String(_) if field.text().is_none() => wrong(),
        Value::String(text) if text.trim().is_empty() || is_unfilled(text.trim()) => Ok(None),
        Value::String(text) => match unseen::name(&text) {
            Some(text) if text.chars().count() <= MAX_RATING_CHARS => Ok(Some(Rating::Text(text))),
            _ => wrong(),
        },
        _ => wrong(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(rating: Option<Rating>, comment: Option<&str>) -> Given {
        Given { rating, comment: comment.map(str::to_owned) }
    }

    #[test]
    fn what_the_flow_has_filled_in_counts() {
        let words = |text: &str| Some(Rating::Text(text.to_owned()));
        let number = |number: i64| Some(Rating::Number(number.into()));
        for (body, given) in [
            (json!({ "rating": 5 }), given(number(5), None)),
            (json!({ "rating": -1_000_000 }), given(number(-1_000_000), None)),
            (
                json!({ "rating": " good\u{202e} ", "comment": " Thanks! " }),
                given(words("good"), Some("Thanks!")),
            ),
            (json!({ "rating": "{csat}", "comment": "Thanks!" }), given(None, Some("Thanks!"))),
            (json!({ "rating": "5", "comment": "{{comment}}", "plan": "gold" }), given(words("5"), None)),
            (json!({ "rating": null, "comment": "x".repeat(2_000) }), given(None, Some(&"x".repeat(2_000)))),
        ] {
            let mut body = body;
            body["conversation_id"] = json!("c-1");
            let read = read(body.to_string().as_bytes()).unwrap();
            assert_eq!(read.given, given, "{body}");
            assert_eq!((read.about, read.ai_agent), (About::Conversation("c-1".to_owned()), None));
        }
        let both = json!({ "handoff_id": " h ", "conversation_id": "c", "ai_agent": "acme", "rating": 1 });
        let read_both = read(both.to_string().as_bytes()).unwrap();
        assert_eq!(read_both.about, About::Handoff("h".to_owned()));
        assert_eq!(read_both.ai_agent, Some(json!("acme")));
        let unfilled = json!({ "handoff_id": "{handoff_id}", "ada_conversation_id": "c", "rating": 1 });
        assert_eq!(read(unfilled.to_string().as_bytes()).unwrap().about, About::Conversation("c".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let rating =
            "rating must be a number from -1000000 to 1000000, or a text of 1 to 100 visible characters";
        for (body, told) in [
            (String::new(), "the body is empty"),
            ("[]".to_owned(), "the body is not a JSON object"),
            ("{".to_owned(), "the body is not JSON (line 1, column 1)"),
            (json!({ "rating": 5 }).to_string(), "Missing handoff_id or conversation_id"),
            (json!({ "handoff_id": 7, "rating": 5 }).to_string(), "handoff_id is not a string"),
            (json!({ "handoff_id": "x".repeat(201) }).to_string(), "handoff_id is over 200 characters"),
            (
                json!({ "conversation_id": "{conversation_id}", "rating": 5 }).to_string(),
                "conversation_id is {conversation_id}: the AI Agent has not filled in this variable",
            ),
            (json!({ "handoff_id": "h" }).to_string(), "Missing rating or comment"),
            (json!({ "handoff_id": "h", "rating": "" }).to_string(), "Missing rating or comment"),
            (json!({ "handoff_id": "h", "rating": 1_000_001 }).to_string(), rating),
            (r#"{"handoff_id":"h","rating":1e400}"#.to_owned(), rating),
            (r#"{"handoff_id":"h","rating":-1e400}"#.to_owned(), rating),
            (r#"{"handoff_id":"h","rating":123456789012345678901234567890}"#.to_owned(), rating),
            (json!({ "handoff_id": "h", "rating": "x".repeat(101) }).to_string(), rating),
            (json!({ "handoff_id": "h", "rating": "\u{202e}" }).to_string(), rating),
            (json!({ "handoff_id": "h", "rating": [5] }).to_string(), rating),
            (json!({ "handoff_id": "h", "rating": true }).to_string(), rating),
            (json!({ "handoff_id": "h", "comment": 5 }).to_string(), "comment is not a string"),
            (
                json!({ "handoff_id": "h", "comment": "x".repeat(2_001) }).to_string(),
                "comment is over 2000 characters",
            ),
        ] {
            assert_eq!(read(body.as_bytes()).unwrap_err(), told, "{body}");
        }
    }
}
