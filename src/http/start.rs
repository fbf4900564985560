//! Ada's HTTP Request block: a handoff starts.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Map, Value, json};

use super::{
    App,
    extract::{object, require_json, require_key},
    problem::Problem,
};
use crate::{ada::message::MAX_ID_CHARS, relay::rules::start::Started};

/// More context than any flow has, less than hurts.
const MAX_BODY: usize = 256 << 10;
const ID_KEYS: [&str; 2] = ["conversation_id", "ada_conversation_id"];

/// `POST /handoffs/start`
pub async fn start(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Json<Value>, Problem> {
    if let Some(key) = &app.settings.handoff_auth_key {
        require_key(&headers, key)?;
    }
    require_json(&headers)?;
    let held = app.bodies.read(&headers, body, MAX_BODY).await?;
    let (conversation, context) = read(&held.bytes).map_err(Problem::bad_request)?;
    let started = app.engine.start(conversation.clone(), context).await?;
    let id = match started {
        Started::New(id) => {
            tracing::info!(handoff.id = %id, conversation.id = conversation, "handoff started");
            id
        }
        Started::Same(id) => id,
        Started::TooMany => {
            let detail = "too many new handoffs this minute; set HANDOFF_AUTH_KEY to lift the limit";
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        Started::Full => return Err(Problem::unavailable("too much waits to be worked off; try again")),
    };
    Ok(Json(json!({"status": "ok", "handoff_id": id})))
}

/// The conversation, and everything else as context.
fn read(body: &[u8]) -> Result<(String, Map<String, Value>), String> {
    let mut fields = object(body)?;
    let id = take_id(&mut fields)?;
    Ok((id, fields))
}

fn take_id(fields: &mut Map<String, Value>) -> Result<String, &'static str> {
    let mut found: Option<String> = None;
    for key in ID_KEYS {
        match (fields.remove(key), &found) {
            (None | Some(Value::Null), _) => {}
            (Some(Value::String(id)), _) if id.is_empty() => {}
            (Some(Value::String(id)), None) => found = Some(id),
            (Some(Value::String(id)), Some(known)) if id == *known => {}
            (Some(Value::String(_)), Some(_)) => {
                return Err("conversation_id and ada_conversation_id are different");
            }
            (Some(_), _) => return Err("conversation_id is not a string"),
        }
    }
    let id = found.ok_or("Missing conversation_id")?;
    if id.chars().count() > MAX_ID_CHARS {
        return Err("conversation_id is over 200 characters");
    }
    if id.chars().any(char::is_control) {
        return Err("conversation_id has control characters");
    }
    Ok(id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_id_is_context() {
        for body in [
            r#"{"conversation_id":"a","plan":"pro"}"#,
            r#"{"ada_conversation_id":"a","plan":"pro"}"#,
            r#"{"ada_conversation_id":"a","conversation_id":"a","plan":"pro"}"#,
            r#"{"ada_conversation_id":"a","conversation_id":"","plan":"pro"}"#,
        ] {
            let (id, context) = read(body.as_bytes()).unwrap();
            assert_eq!(id, "a");
            assert_eq!(Value::Object(context), json!({"plan": "pro"}));
        }
    }
}
