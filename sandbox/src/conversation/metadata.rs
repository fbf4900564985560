//! The rules for a conversation's metadata.

use serde_json::{Map, Value};

use crate::Refusal;

/// Ada's limit for all of it, as JSON.
const BYTES: usize = 4096;

/// The metadata after `changes`: values are strings, booleans or numbers, and `null` removes a key.
pub(super) fn merged(
    metadata: &Map<String, Value>,
    changes: &Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    let mut merged = metadata.clone();
    for (key, value) in changes {
        match value {
            Value::Null => drop(merged.remove(key)),
            Value::Array(_) | Value::Object(_) => {
                let reason = format!("metadata.{key} must be a string, boolean, integer or float");
                return Err(Refusal::Metadata(reason));
            }
            _ => drop(merged.insert(key.clone(), value.clone())),
        }
    }
    let length = serde_json::to_string(&merged).map_or(usize::MAX, |json| json.len());
    if length > BYTES {
        return Err(Refusal::Metadata("metadata may not exceed 4KB in total".to_owned()));
    }
    Ok(merged)
}
