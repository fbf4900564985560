//! The operations of Amazon Connect itself.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ConnectOptions;
use super::chat::{Chat, Segment, Stream};
use super::error::ApiError;
use super::item::{Item, Person, message};
use super::state::State;

/// How long the customer may take to be connected.
const CONNECT_WITHIN: SignedDuration = SignedDuration::from_mins(5);
/// How long a chat lasts, unless it says.
const CHAT_MINUTES: i64 = 25 * 60;
const INITIAL_MESSAGE_BYTES: usize = 16_384;
const INTERACTIVE_RESPONSE: &str = "application/vnd.amazonaws.connect.message.interactive.response";
const CONTENT_TYPES: [&str; 5] = [
    "text/plain",
    "text/markdown",
    "application/json",
    "application/vnd.amazonaws.connect.message.interactive",
    INTERACTIVE_RESPONSE,
];
/// The topics that a contact may have.
const STREAMS: usize = 2;

type Answer = Result<Value, ApiError>;

/// Does what an operation of Amazon Connect does.
pub(super) fn perform(state: &mut State, options: &ConnectOptions, operation: &str, given: &Value) -> Answer {
    if given["InstanceId"] != options.instance_id {
        return Err(not_found("Instance not found"));
    }
    match operation {
        "StartChatContact" => start_chat(state, options, given),
        "StartContactStreaming" => start_streaming(state, options, given),
        "StopContactStreaming" => stop_streaming(state, given),
        "StopContact" => stop(state, given),
        "UpdateContactAttributes" => update_attributes(state, given),
        "DescribeContact" => describe_contact(state, options, given),
        "DescribeContactFlow" => describe_flow(options, given),
        "DescribeQueue" => describe_queue(options, given),
        "DescribeHoursOfOperation" => describe_hours(state, options, given),
        _ => Ok(describe_instance(options)),
    }
}

fn text<'a>(given: &'a Value, name: &str) -> &'a str {
    given[name].as_str().unwrap_or_default()
}

fn not_found(message: &str) -> ApiError {
    ApiError::violation(404, "ResourceNotFoundException", message)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::violation(400, "InvalidRequestException", message)
}

fn attributes(given: &Value) -> BTreeMap<String, String> {
    let given = given["Attributes"].as_object().into_iter().flatten();
    given.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// What the shape of the request doesn't say.
fn check_chat(state: &State, options: &ConnectOptions, given: &Value) -> Result<(), ApiError> {
    if !options.contact_flow_ids.iter().any(|id| *id == given["ContactFlowId"]) {
        // The settings name flows, and may be wrong.
        return Err(ApiError { is_violation: false, ..not_found("Contact flow not found") });
    }
    let initial = &given["InitialMessage"];
    let bytes = text(initial, "Content").len();
    if bytes > INITIAL_MESSAGE_BYTES {
        return Err(invalid(format!("The initial message has {bytes} bytes")));
    }
    if initial.is_object() && !CONTENT_TYPES.iter().any(|one| initial["ContentType"] == *one) {
        return Err(invalid("The initial message's ContentType is not supported"));
    }
    if let Some(types) = given["SupportedMessagingContentTypes"].as_array() {
        if !types.iter().any(|one| one == "text/plain") {
            return Err(invalid("SupportedMessagingContentTypes must hold text/plain"));
        }
        if !types.iter().all(|one| CONTENT_TYPES.iter().any(|known| one == known)) {
            return Err(invalid("SupportedMessagingContentTypes has an unknown one"));
        }
    }
    check_relations(state, given)
}

fn check_relations(state: &State, given: &Value) -> Result<(), ApiError> {
    if given["PersistentChat"].is_object() && given["RelatedContactId"].is_string() {
        return Err(invalid("PersistentChat and RelatedContactId exclude each other"));
    }
    let unknown = || ApiError { is_violation: false, ..not_found("The related contact was not found") };
    if let Some(related) = given["RelatedContactId"].as_str() {
        state.peek(related).ok_or_else(unknown)?;
    }
    if let Some(source) = given["PersistentChat"]["SourceContactId"].as_str()
        && state.peek(source).ok_or_else(unknown)?.ended().is_none()
    {
        return Err(invalid("The source contact is not ended"));
    }
    Ok(())
}

fn check_topic(options: &ConnectOptions, given: &Value) -> Result<Stream, ApiError> {
    let topic = text(&given["ChatStreamingConfiguration"], "StreamingEndpointArn");
    if topic != options.topic_arn || topic.ends_with(".fifo") {
        return Err(ApiError::new(
            400,
            "InvalidParameterException",
            format!("{topic} can't be published to"),
        ));
    }
    Ok(Stream { id: Uuid::new_v4().to_string(), topic: topic.to_owned() })
}

fn start_chat(state: &mut State, options: &ConnectOptions, given: &Value) -> Answer {
    check_chat(state, options, given)?;
    let stream = match given["ChatStreamingConfiguration"].is_object() {
        true => Some(check_topic(options, given)?),
        false => None,
    };
    let streaming_id = stream.as_ref().map(|stream| stream.id.clone());
    let mut chat = new_chat(state, given);
    chat.streams.extend(stream);
    if given["InitialMessage"].is_object() {
        let item = first_item(&chat.customer, &given["InitialMessage"]);
        if chat.streams.is_empty() {
            chat.note(item);
        } else {
            chat.add(item);
        }
    }
    let mut answer = json!({
        "ContactId": chat.initial_id,
        "ParticipantId": chat.customer.participant_id,
        "ParticipantToken": chat.participant_token,
    });
    if let Some(id) = streaming_id {
        answer["StreamingId"] = id.into();
    }
    if let Some(source) = given["PersistentChat"]["SourceContactId"].as_str() {
        answer["ContinuedFromContactId"] = source.into();
    }
    let types = given["ConnectionTypes"].as_array();
    if types.is_some_and(|types| types.iter().any(|one| one == "CONNECTION_CREDENTIALS")) {
        answer["ConnectionCredentials"] = state.connection_token(&chat.initial_id);
    }
    state.dirty.insert(chat.initial_id.clone());
    state.order.push(chat.initial_id.clone());
    state.aliases.insert(chat.initial_id.clone(), chat.initial_id.clone());
    state.chats.insert(chat.initial_id.clone(), chat);
    Ok(answer)
}

fn first_item(customer: &Person, given: &Value) -> Item {
    message((customer, "CUSTOMER"), text(given, "ContentType"), text(given, "Content"))
}

fn new_chat(state: &State, given: &Value) -> Chat {
    let id = || Uuid::new_v4().to_string();
    let initial_id = id();
    let minutes = given["ChatDurationInMinutes"].as_i64().unwrap_or(CHAT_MINUTES);
    let mut request = given.clone();
    if let Some(members) = request.as_object_mut() {
        members.remove("ClientToken");
    }
    let now = state.now();
    Chat {
        segments: vec![Segment { contact_id: initial_id.clone(), started: Timestamp::now(), ended: None }],
        initial_id,
        customer: Person {
            participant_id: id(),
            display_name: text(&given["ParticipantDetails"], "DisplayName").to_owned(),
        },
        participant_token: format!("participant-{}", id()),
        streams: Vec::new(),
        is_connected: false,
        attributes: attributes(given),
        request,
        agents: Vec::new(),
        in_disconnect_flow: false,
        items: Vec::new(),
        outbox: Vec::new(),
        attachments: 0,
        connect_by: now + CONNECT_WITHIN,
        over_at: now + SignedDuration::from_mins(minutes),
    }
}

/// The chat whose present contact that is, if it isn't over.
fn open_chat<'a>(state: &'a mut State, contact: &str) -> Result<&'a mut Chat, ApiError> {
    let gone = || ApiError::new(410, "ContactNotFoundException", "The contact was not found or is over");
    let chat = state.chat(contact).ok_or_else(gone)?;
    if chat.ended().is_some() || chat.contact_id() != contact { Err(gone()) } else { Ok(chat) }
}

fn start_streaming(state: &mut State, options: &ConnectOptions, given: &Value) -> Answer {
    let stream = check_topic(options, given)?;
    let is_early = state.dial.early_notification;
    let contact = text(given, "ContactId");
    if state.peek(contact).is_none_or(|chat| chat.ended().is_some()) {
        return Err(ApiError::new(404, "ResourceNotFoundException", "The contact was not found or is over"));
    }
    let chat = open_chat(state, contact)?;
    if chat.streams.len() >= STREAMS {
        return Err(ApiError::violation(429, "LimitExceededException", "A contact has two topics at most"));
    }
    let id = stream.id.clone();
    chat.streams.push(stream);
    if is_early {
        let system = Person { participant_id: Uuid::new_v4().to_string(), display_name: "SYSTEM".to_owned() };
        chat.add(message((&system, "SYSTEM"), "text/plain", "Please wait for an agent."));
    }
    Ok(json!({ "StreamingId": id }))
}

fn stop_streaming(state: &mut State, given: &Value) -> Answer {
    let unknown = || ApiError::new(404, "ResourceNotFoundException", "There is no such stream");
    let chat = state.chat(text(given, "ContactId")).ok_or_else(unknown)?;
    let before = chat.streams.len();
    chat.streams.retain(|stream| given["StreamingId"] != stream.id);
    if chat.streams.len() == before { Err(unknown()) } else { Ok(json!({})) }
}

fn stop(state: &mut State, given: &Value) -> Answer {
    open_chat(state, text(given, "ContactId"))?.end("API");
    Ok(json!({}))
}

fn update_attributes(state: &mut State, given: &Value) -> Answer {
    let initial = text(given, "InitialContactId");
    let chat = state.chat(initial).filter(|chat| chat.initial_id == initial);
    let chat = chat.ok_or_else(|| not_found("The initial contact was not found"))?;
    let mut all = chat.attributes.clone();
    all.extend(attributes(given));
    let bytes: usize = all.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > 32_768 {
        return Err(invalid(format!("The attributes have {bytes} bytes")));
    }
    chat.attributes = all;
    Ok(json!({}))
}

fn describe_contact(state: &State, options: &ConnectOptions, given: &Value) -> Answer {
    let contact = text(given, "ContactId");
    // The stand-in forgets what it knew when it starts anew.
    let unknown = || ApiError::new(404, "ResourceNotFoundException", "The contact was not found");
    let chat = state.peek(contact).ok_or_else(unknown)?;
    let at = chat.segments.iter().position(|segment| segment.contact_id == contact).ok_or_else(unknown)?;
    let segment = &chat.segments[at];
    let mut answer = json!({
        "Arn": arn(options, "contact", contact),
        "Id": contact,
        "InitiationMethod": if at == 0 { "API" } else { "TRANSFER" },
        "Channel": "CHAT",
        "InitiationTimestamp": seconds(segment.started),
        "Attributes": chat.attributes,
        "LastUpdateTimestamp": seconds(segment.ended.map_or(segment.started, |(at, _)| at)),
    });
    if at > 0 {
        answer["InitialContactId"] = chat.initial_id.clone().into();
        answer["PreviousContactId"] = chat.segments[at - 1].contact_id.clone().into();
    }
    if let Some(related) = chat.request.get("RelatedContactId") {
        answer["RelatedContactId"] = related.clone();
    }
    if let Some(agent) = chat.agents.first() {
        answer["AgentInfo"] =
            json!({ "Id": agent.participant_id, "ConnectedToAgentTimestamp": seconds(segment.started) });
    }
    if let Some((ended, reason)) = segment.ended {
        answer["DisconnectTimestamp"] = seconds(ended);
        answer["DisconnectReason"] = reason.into();
    }
    Ok(json!({ "Contact": answer }))
}

/// A time as the API of Amazon Connect writes it.
fn seconds(at: Timestamp) -> Value {
    (at.as_millisecond() as f64 / 1000.0).into()
}

fn arn(options: &ConnectOptions, kind: &str, id: &str) -> String {
    let ConnectOptions { region, account_id, instance_id, .. } = options;
    format!("arn:aws:connect:{region}:{account_id}:instance/{instance_id}/{kind}/{id}")
}

/// Settings may name what doesn't exist.
fn described(is_known: bool, kind: &str, answer: Value) -> Answer {
    if is_known {
        return Ok(json!({ kind: answer }));
    }
    Err(ApiError::new(404, "ResourceNotFoundException", format!("{kind} not found")))
}

fn describe_flow(options: &ConnectOptions, given: &Value) -> Answer {
    let id = text(given, "ContactFlowId");
    let flow = json!({
        "Arn": arn(options, "contact-flow", id),
        "Id": id,
        "Name": "Chat",
        "Type": "CONTACT_FLOW",
        "State": "ACTIVE",
        "Status": "PUBLISHED",
        "Content": "{}",
    });
    described(options.contact_flow_ids.iter().any(|known| known == id), "ContactFlow", flow)
}

fn describe_queue(options: &ConnectOptions, given: &Value) -> Answer {
    let id = text(given, "QueueId");
    let queue = json!({
        "Name": "BasicQueue",
        "QueueArn": arn(options, "queue", id),
        "QueueId": id,
        "HoursOfOperationId": options.hours_of_operation_id,
        "Status": "ENABLED",
    });
    described(options.queue_id == id, "Queue", queue)
}

fn describe_hours(state: &State, options: &ConnectOptions, given: &Value) -> Answer {
    let id = text(given, "HoursOfOperationId");
    let hours = json!({
        "HoursOfOperationId": id,
        "HoursOfOperationArn": arn(options, "operating-hours", id),
        "Name": "Basic Hours",
        "TimeZone": state.hours.0,
        "Config": state.hours.1,
    });
    described(options.hours_of_operation_id == id, "HoursOfOperation", hours)
}

fn describe_instance(options: &ConnectOptions) -> Value {
    let ConnectOptions { region, account_id, instance_id, .. } = options;
    json!({ "Instance": {
        "Id": instance_id,
        "Arn": format!("arn:aws:connect:{region}:{account_id}:instance/{instance_id}"),
        "IdentityManagementType": "CONNECT_MANAGED",
        "InstanceAlias": "stand-in",
        "InstanceStatus": "ACTIVE",
        "InboundCallsEnabled": true,
        "OutboundCallsEnabled": false,
    } })
}
