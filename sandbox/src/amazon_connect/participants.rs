//! The operations of the participant's API, as the customer.

use std::time::Duration;

use serde_json::{Value, json};

use super::chat::Chat;
use super::dial::MessageProcessing;
use super::error::ApiError;
use super::item::{Item, event, message};
use super::state::State;
use super::{ConnectStandIn, attachments, transcript};

const EVENTS: &str = "application/vnd.amazonaws.connect.event.";
/// The limit of the API itself, which an instance may undercut.
const MESSAGE_BYTES: usize = 16_384;
/// How long a message is processed.
const PROCESSING: Duration = Duration::from_millis(300);

type Answer = Result<Value, ApiError>;

impl ConnectStandIn {
    /// Does what an operation of a participant does; `chat` is the one whose token came with it.
    pub(super) fn perform_as_customer(
        &self,
        state: &mut State,
        operation: &str,
        chat: &str,
        given: &Value,
    ) -> Answer {
        if operation == "CreateParticipantConnection" {
            return connect(state, chat, given);
        }
        let known = state.peek(chat).filter(|chat| chat.ended().is_none());
        let known = known.ok_or_else(|| ApiError::denied("The chat is over"))?;
        if !known.is_connected && operation != "DisconnectParticipant" {
            let message = "The participant is not connected";
            return Err(ApiError::violation(403, "AccessDeniedException", message));
        }
        match operation {
            "SendMessage" => self.send_message(state, chat, given),
            "SendEvent" => send_event(state, chat, given),
            "StartAttachmentUpload" => attachments::start(state, &self.0.options, chat, given),
            "CompleteAttachmentUpload" => self.complete_attachment(state, chat, given),
            "GetAttachment" => attachments::get(state, chat, given),
            "DisconnectParticipant" => disconnect(state, chat),
            _ => transcript::page(known, given),
        }
    }

    fn send_message(&self, state: &mut State, chat: &str, given: &Value) -> Answer {
        let processing = state.dial.message_processing;
        let (content_type, content) = (text(given, "ContentType"), text(given, "Content"));
        if content.len() > MESSAGE_BYTES {
            return Err(ApiError::validation(format!("Content has {} bytes", content.len())));
        }
        if content.len() > self.0.options.message_bytes {
            return Err(ApiError::new(400, "ValidationException", "Content is too long for this channel"));
        }
        let chat = open(state, chat)?;
        if !chat.takes(content_type) {
            return Err(ApiError::validation(format!(
                "{content_type} was not declared when the chat started"
            )));
        }
        let customer = chat.customer.clone();
        let item = message((&customer, "CUSTOMER"), content_type, content);
        let item = match processing {
            None | Some(MessageProcessing::Failed) => chat.add(item),
            Some(_) => chat.unsaid(item),
        };
        let mut answer = json!({ "Id": item.id, "AbsoluteTime": item.absolute_time });
        if let Some(status) = processing {
            answer["MessageMetadata"] = json!({ "MessageId": item.id, "MessageProcessingStatus": status });
        }
        if processing == Some(MessageProcessing::Processing) {
            self.say_later(chat.initial_id.clone(), item);
        }
        Ok(answer)
    }

    fn say_later(&self, chat: String, item: Item) {
        let stand_in = self.clone();
        self.spawn(async move {
            tokio::time::sleep(PROCESSING).await;
            stand_in.with(|state| {
                if let Some(chat) = state.chat(&chat).filter(|chat| chat.ended().is_none()) {
                    chat.restore(item);
                }
            });
        });
    }
}

fn text<'a>(given: &'a Value, name: &str) -> &'a str {
    given[name].as_str().unwrap_or_default()
}

fn open<'a>(state: &'a mut State, chat: &str) -> Result<&'a mut Chat, ApiError> {
    state.chat(chat).ok_or_else(|| ApiError::denied("The chat is over"))
}

fn connect(state: &mut State, chat: &str, given: &Value) -> Answer {
    let types: Vec<_> = given["Type"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let connects = given["ConnectParticipant"] == true;
    let known = open(state, chat)?;
    if known.ended().is_some() {
        return Err(ApiError::denied("The chat is over"));
    }
    if types.is_empty() {
        return Err(ApiError::validation("Type must name a connection"));
    }
    if connects && known.streams.is_empty() {
        return Err(ApiError::validation("ConnectParticipant needs streaming"));
    }
    if (connects || types.contains(&"WEBSOCKET")) && !known.is_connected {
        known.is_connected = true;
        let customer = known.customer.clone();
        known.add(event("participant.joined", Some((&customer, "CUSTOMER"))));
    }
    let mut answer = json!({});
    if types.contains(&"CONNECTION_CREDENTIALS") {
        answer["ConnectionCredentials"] = state.connection_token(chat);
    }
    if types.contains(&"WEBSOCKET") {
        let expiry = state.connection_token(chat)["Expiry"].clone();
        answer["Websocket"] = json!({ "Url": "wss://localhost/", "ConnectionExpiry": expiry });
    }
    Ok(answer)
}

fn send_event(state: &mut State, chat: &str, given: &Value) -> Answer {
    let content_type = text(given, "ContentType");
    let kind = content_type.strip_prefix(EVENTS).unwrap_or_default();
    let chat = open(state, chat)?;
    let customer = chat.customer.clone();
    match kind {
        "typing" => {}
        "message.delivered" | "message.read" => {
            if chat.agents.len() > 1 {
                let message = "Receipts are for two participants only";
                return Err(ApiError::new(409, "ConflictException", message));
            }
            let content: Value = serde_json::from_str(text(given, "Content")).unwrap_or_default();
            let id = content["messageId"].as_str().unwrap_or_default();
            if !chat.items.iter().any(|item| item.id == id) {
                return Err(ApiError::validation("Content must name a message"));
            }
            chat.receipt(id, kind);
        }
        _ => return Err(ApiError::validation(format!("{content_type} can't be sent"))),
    }
    let item = event(kind, Some((&customer, "CUSTOMER")));
    let item = if kind == "typing" { chat.tell(item) } else { chat.unsaid(item) };
    Ok(json!({ "Id": item.id, "AbsoluteTime": item.absolute_time }))
}

fn disconnect(state: &mut State, chat: &str) -> Answer {
    open(state, chat)?.customer_leaves("CUSTOMER_DISCONNECT");
    Ok(json!({}))
}
