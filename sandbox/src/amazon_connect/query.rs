//! The operations of STS and SNS: forms in, XML out.

use axum::http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ConnectOptions;
use super::door::Call;
use super::error::{ApiError, escaped};
use super::operation::{Service, by_name};
use super::state::{Session, State};

type Answer = Result<Value, ApiError>;

/// The operation that `Action` names, from the query of a GET or the form of a POST.
pub(super) fn read(parts: &Parts, body: &[u8]) -> Result<Call, ApiError> {
    let form = match parts.method.as_str() {
        "GET" => parts.uri.query().unwrap_or_default().to_owned(),
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    let mut given: Map<String, Value> = form
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value).into()))
        .collect();
    let invalid = || ApiError::violation(400, "InvalidAction", "There is no such Action");
    let action = given.remove("Action").ok_or_else(invalid)?;
    let operation = by_name(action.as_str().unwrap_or_default()).ok_or_else(invalid)?;
    let version = match operation.service {
        Service::Sts => "2011-06-15",
        Service::Sns => "2010-03-31",
        Service::Connect | Service::Participant => return Err(invalid()),
    };
    if parts.method != "GET"
        && operation.name != "ConfirmSubscription"
        && given.get("Version") != Some(&version.into())
    {
        return Err(ApiError::violation(400, "InvalidAction", format!("Version must be {version}")));
    }
    given.remove("Version");
    Ok(Call { operation, given })
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn text<'a>(given: &'a Value, name: &str) -> &'a str {
    given[name].as_str().unwrap_or_default()
}

pub(super) fn perform(state: &mut State, options: &ConnectOptions, operation: &str, given: &Value) -> Answer {
    match operation {
        "AssumeRole" => assume_role(state, options, given),
        "ListSubscriptionsByTopic" => list(state, options, given),
        "GetSubscriptionAttributes" => attributes(state, options, given),
        _ => confirm(state, options, given),
    }
}

fn assume_role(state: &mut State, options: &ConnectOptions, given: &Value) -> Answer {
    let is_allowed = given["RoleArn"] == options.role_arn
        && given["ExternalId"].as_str() == options.external_id.as_deref();
    if !is_allowed {
        let message =
            format!("Not authorized to perform: sts:AssumeRole on resource: {}", text(given, "RoleArn"));
        return Err(ApiError::new(403, "AccessDenied", message));
    }
    let seconds = match given["DurationSeconds"].as_str() {
        Some(seconds) => seconds.parse().unwrap_or(0),
        None => 3600,
    };
    if !(900..=43_200).contains(&seconds) {
        return Err(ApiError::validation("DurationSeconds must be from 900 to 43200"));
    }
    let life = SignedDuration::from_secs(seconds);
    let random = || Uuid::new_v4().simple().to_string();
    let key = format!("ASIA{}", &random()[..16].to_uppercase());
    let session =
        Session { secret: random(), token: format!("{}{}", random(), random()), until: state.now() + life };
    let answer = json!({
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": session.secret,
            "SessionToken": session.token,
            "Expiration": (Timestamp::now() + life).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROASTANDIN:{}", text(given, "RoleSessionName")),
            "Arn": format!("{}/{}", options.role_arn, text(given, "RoleSessionName")),
        },
    });
    state.sessions.insert(key, session);
    Ok(answer)
}

fn check_topic(options: &ConnectOptions, given: &Value) -> Result<(), ApiError> {
    if given["TopicArn"] == options.topic_arn {
        return Ok(());
    }
    Err(ApiError::new(404, "NotFound", "Topic does not exist"))
}

fn protocol(endpoint: &str) -> &str {
    endpoint.split(':').next().unwrap_or_default()
}

fn list(state: &State, options: &ConnectOptions, given: &Value) -> Answer {
    check_topic(options, given)?;
    let members: Vec<_> = state
        .subscriptions
        .iter()
        .map(|known| {
            json!({
                "TopicArn": options.topic_arn,
                "Protocol": protocol(&known.endpoint),
                "SubscriptionArn": if known.is_confirmed { &known.arn } else { "PendingConfirmation" },
                "Owner": options.account_id,
                "Endpoint": known.endpoint,
            })
        })
        .collect();
    Ok(json!({ "Subscriptions": members }))
}

fn attributes(state: &State, options: &ConnectOptions, given: &Value) -> Answer {
    let known = state.subscriptions.iter().find(|known| given["SubscriptionArn"] == known.arn);
    let known = known.ok_or_else(|| ApiError::new(404, "NotFound", "Subscription does not exist"))?;
    let entries = [
        ("SubscriptionArn", known.arn.clone()),
        ("TopicArn", options.topic_arn.clone()),
        ("Owner", options.account_id.clone()),
        ("Protocol", protocol(&known.endpoint).to_owned()),
        ("Endpoint", known.endpoint.clone()),
        ("PendingConfirmation", (!known.is_confirmed).to_string()),
        ("ConfirmationWasAuthenticated", "false".to_owned()),
        ("RawMessageDelivery", known.is_raw.to_string()),
    ];
    let entries: Vec<_> =
        entries.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    Ok(json!({ "Attributes": { "entry": entries } }))
}

fn confirm(state: &mut State, options: &ConnectOptions, given: &Value) -> Answer {
    check_topic(options, given)?;
    let known = state.subscriptions.iter_mut().find(|known| given["Token"] == known.token);
    let known = known.ok_or_else(|| ApiError::violation(400, "InvalidParameter", "Invalid token"))?;
    known.is_confirmed = true;
    Ok(json!({ "SubscriptionArn": known.arn }))
}

/// The answer as XML. Lists repeat their element: `entry` where it is named so, else `member`.
pub(super) fn xml(operation: &str, answer: &Value) -> String {
    let mut body = String::new();
    write(&mut body, answer);
    format!(
        "<{operation}Response><{operation}Result>{body}</{operation}Result><ResponseMetadata><RequestId>{}\
         </RequestId></ResponseMetadata></{operation}Response>",
        Uuid::new_v4()
    )
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::Array(values) if name == "entry" => {
                        values.iter().for_each(|value| element(out, name, value));
                    }
                    value => element(out, name, value),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| element(out, "member", value)),
        Value::String(text) => out.push_str(&escaped(text)),
        other => out.push_str(&other.to_string()),
    }
}

fn element(out: &mut String, name: &str, value: &Value) {
    out.push_str(&format!("<{name}>"));
    write(out, value);
    out.push_str(&format!("</{name}>"));
}
