//! What a contact knows about the customer: its display name, and its attributes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::text::beginning;
use crate::relay::{context, handoff::Handoff};

/// A display name has at most so many characters.
const NAME_CHARS: usize = 256;
/// Names and values of all attributes together, in bytes, and each of them.
const MOST_BYTES: usize = 32_768;
const MOST_BYTES_OF_ONE: usize = 32_767;
/// How many names a note lists, and how long each.
const LISTED: usize = 10;
const LISTED_CHARS: usize = 40;
/// A customer without a name.
const NAMELESS: &str = "Customer";

/// The attributes of a contact, and a sentence about what was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// By name.
    pub kept: BTreeMap<String, String>,
    /// For agents; none if all was kept.
    pub left_out: Option<String>,
}

/// The name that agents in Amazon Connect see for the customer.
pub fn display_name(handoff: &Handoff) -> String {
    let name = context::name(&handoff.context).or_else(|| handoff.end_user.name.clone());
    let name = beginning(name.unwrap_or_default().trim(), NAME_CHARS);
    if name.is_empty() { NAMELESS.to_owned() } else { name }
}

/// The contact's attributes: those of the field `attributes`, and the fields that `named` maps to attributes. What
/// Amazon Connect does not take is left out: names with other characters than letters, digits, `_` and `-`; and what
/// exceeds 32,768 bytes in all.
pub fn attributes(fields: &Map<String, Value>, named: &[(String, String)]) -> Attributes {
    let mut wanted: Vec<(String, &Value)> = Vec::new();
    // A variable that stands alone in a request's body comes as text.
    let written =
        fields.get("attributes").and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
    let object = written.as_ref().or_else(|| fields.get("attributes"));
    if let Some(Value::Object(object)) = object {
        wanted.extend(object.iter().map(|(name, value)| (name.clone(), value)));
    }
    let mapped = named.iter().filter_map(|(field, name)| Some((name.clone(), fields.get(field)?)));
    wanted.extend(mapped);
    let (mut kept, mut left_out, mut bytes) = (BTreeMap::new(), Vec::new(), 0);
    for (name, value) in wanted {
        let value = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if context::is_unfilled(&value) {
            continue;
        }
        let is_named = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let size = name.len() + value.len();
        if !is_named || value.len() > MOST_BYTES_OF_ONE || bytes + size > MOST_BYTES {
            left_out.push(name);
            continue;
        }
        bytes += size;
        if let Some(before) = kept.insert(name.clone(), value) {
            bytes -= name.len() + before.len();
        }
    }
    Attributes { kept, left_out: told(&left_out) }
}

fn told(left_out: &[String]) -> Option<String> {
    if left_out.is_empty() {
        return None;
    }
    let shown = left_out.iter().take(LISTED);
    let names: Vec<String> = shown.map(|name| format!("“{}”", beginning(name, LISTED_CHARS))).collect();
    let more = left_out.len().saturating_sub(LISTED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Some(format!(
        "Attributes that Amazon Connect does not take were left out: {}{more}. A name may have letters, digits, _ and -; \
         all attributes together may have 32,768 bytes.",
        names.join(", ")
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(fields: &Value, named: &[(&str, &str)]) -> Attributes {
        let named: Vec<_> = named.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        attributes(fields.as_object().unwrap(), &named)
    }

    fn kept(found: &Attributes) -> Vec<(&str, &str)> {
        found.kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    #[test]
    fn attributes_come_from_the_object_and_from_mapped_fields() {
        let fields = json!({
            "attributes": { "plan": "gold", "orders": 3, "vip": true, "none": null, "open": "{{x}}" },
            "language": "de", "category": "billing", "unused": "x",
        });
        let found = of(&fields, &[("language", "Language"), ("category", "plan"), ("missing", "m")]);
        assert_eq!(
            kept(&found),
            [("Language", "de"), ("orders", "3"), ("plan", "billing"), ("vip", "true")],
            "a mapped field wins"
        );
        assert_eq!(found.left_out, None);
        let as_text = json!({ "attributes": "{\"plan\":\"gold\"}" });
        assert_eq!(kept(&of(&as_text, &[])), [("plan", "gold")]);
        for nothing in [json!({}), json!({ "attributes": [1] }), json!({ "attributes": "no object" })] {
            assert_eq!(kept(&of(&nothing, &[])), []);
        }
    }

    #[test]
    fn what_amazon_connect_does_not_take_is_left_out_and_named() {
        let mut fields = Map::new();
        for index in 0..28 {
            fields.insert(format!("good_{index}"), json!("x"));
        }
        for odd in
            ["", "with space", "ä", "a.b", "a/b", "emoji😀", "dollar$", "a:b", "a\nb", "q\"", "b\\", "c,d"]
        {
            fields.insert(odd.to_owned(), json!("x"));
        }
        assert_eq!(fields.len(), 40);
        let found = of(&json!({ "attributes": fields }), &[]);
        assert_eq!(found.kept.len(), 28);
        let told = found.left_out.unwrap();
        assert!(told.contains("“with space”") && told.contains("and 2 more"), "{told}");
    }

    #[test]
    fn sizes_are_bounded_in_bytes() {
        let found =
            of(&json!({ "attributes": { "a": "é".repeat(16_000), "b": "x".repeat(767), "c": "y" } }), &[]);
        assert_eq!(
            found.kept.keys().collect::<Vec<_>>(),
            ["a", "c"],
            "32,001 and 768 bytes are one too many"
        );
        let found = of(&json!({ "attributes": { "a": "x".repeat(32_768) } }), &[]);
        assert!(found.kept.is_empty() && found.left_out.is_some());
    }

    #[test]
    fn the_display_name_is_never_empty_and_never_too_long() {
        let mut handoff = Handoff::blank(
            "h".into(),
            crate::relay::id::ConversationKey { ai_agent: "a".into(), conversation: "c".into() },
        );
        assert_eq!(display_name(&handoff), "Customer");
        handoff.end_user.name = Some(" Maria ".to_owned());
        assert_eq!(display_name(&handoff), "Maria");
        handoff.context = json!({ "first_name": "Ada", "last_name": "King" }).as_object().unwrap().clone();
        assert_eq!(display_name(&handoff), "Ada King");
        handoff.context = json!({ "first_name": "😀".repeat(150), "last_name": "é".repeat(149) })
            .as_object()
            .unwrap()
            .clone();
        assert_eq!(display_name(&handoff).chars().count(), 200);
    }
}
