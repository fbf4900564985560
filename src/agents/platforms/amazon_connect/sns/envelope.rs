//! The body of a request of SNS.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::Value;

use crate::relay::time::Time;

/// What it says. Nothing of it is verified yet.
pub(super) struct Envelope {
    pub(super) kind: Kind,
    pub(super) version: Version,
    pub(super) message: String,
    pub(super) message_id: String,
    pub(super) subject: Option<String>,
    pub(super) timestamp: Time,
    /// The timestamp as it is signed.
    pub(super) timestamp_text: String,
    pub(super) topic_arn: String,
    pub(super) signature: Vec<u8>,
    pub(super) certificate_url: String,
    pub(super) visibility: Option<String>,
}

/// What it is about.
pub(super) enum Kind {
    Notification,
    SubscriptionConfirmation { token: String, subscribe_url: String },
    UnsubscribeConfirmation { token: String, subscribe_url: String },
}

/// With which digest it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// SHA-1.
    One,
    /// SHA-256.
    Two,
}

impl Kind {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation { .. } => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation { .. } => "UnsubscribeConfirmation",
        }
    }
}

impl Envelope {
    /// Reads a body, which must be exactly as SNS writes them: what is signed must not have two meanings.
    pub(super) fn read(body: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(body).map_err(|_| "it is not UTF-8")?;
        let Fields(mut fields) =
            serde_json::from_str(text).map_err(|_| "it is no JSON object with each field once")?;
        let kind = kind(&mut fields)?;
        let version = match fields.get("SignatureVersion").and_then(Value::as_str) {
            Some("1") => Version::One,
            Some("2") => Version::Two,
            _ => return Err("its SignatureVersion is neither 1 nor 2"),
        };
        let signature = take(&mut fields, "Signature").ok_or("its Signature is missing")?;
        let signature = STANDARD.decode(signature).map_err(|_| "its Signature is not base64")?;
        let subject = match fields.remove("Subject") {
            None | Some(Value::Null) => None,
            Some(Value::String(subject)) => Some(subject),
            Some(_) => return Err("its Subject is no text"),
        };
        let timestamp_text = take(&mut fields, "Timestamp").ok_or("its Timestamp is missing")?;
        Ok(Self {
            kind,
            version,
            message: take(&mut fields, "Message").ok_or("its Message is missing")?,
            message_id: take(&mut fields, "MessageId").ok_or("its MessageId is missing")?,
            subject,
            timestamp: timestamp_text.parse().map_err(|_| "its Timestamp is no time")?,
            timestamp_text,
            topic_arn: take(&mut fields, "TopicArn").ok_or("its TopicArn is missing")?,
            signature,
            certificate_url: take(&mut fields, "SigningCertURL").ok_or("its SigningCertURL is missing")?,
            visibility: visibility(&fields),
        })
    }
}

fn kind(fields: &mut BTreeMap<String, Value>) -> Result<Kind, &'static str> {
    let name = take(fields, "Type").ok_or("its Type is missing")?;
    if name == "Notification" {
        return Ok(Kind::Notification);
    }
    if name != "SubscriptionConfirmation" && name != "UnsubscribeConfirmation" {
        return Err("its Type is unknown");
    }
    let token = take(fields, "Token").ok_or("its Token is missing")?;
    let subscribe_url = take(fields, "SubscribeURL").ok_or("its SubscribeURL is missing")?;
    Ok(if name == "SubscriptionConfirmation" {
        Kind::SubscriptionConfirmation { token, subscribe_url }
    } else {
        Kind::UnsubscribeConfirmation { token, subscribe_url }
    })
}

fn take(fields: &mut BTreeMap<String, Value>, name: &str) -> Option<String> {
    match fields.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn visibility(fields: &BTreeMap<String, Value>) -> Option<String> {
    let attribute = fields.get("MessageAttributes")?.get("MessageVisibility")?;
    attribute.get("Value")?.as_str().map(str::to_owned)
}

/// The fields of an object, no name of which stands twice.
struct Fields(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;

        impl<'de> Visitor<'de> for Once {
            type Value = BTreeMap<String, Value>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry()? {
                    if fields.insert(name, value).is_some() {
                        return Err(Error::custom("a field stands twice"));
                    }
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Once).map(Self)
    }
}
