//! The agents' side over HTTP, below `/agent`: the page, what agents do, and the dial. It needs no key: the
//! stand-in is for one's own machine.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{StreamExt, unfold};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{ConnectFault, ConnectStandIn, Dial};
use crate::chat::{asset, same_site_only};

pub(super) fn router() -> Router<ConnectStandIn> {
    let page = || asset("text/html; charset=utf-8", include_str!("../../page/connect.html"));
    let css = || asset("text/css; charset=utf-8", include_str!("../../page/connect.css"));
    let script = || asset("text/javascript; charset=utf-8", include_str!("../../page/connect.js"));
    let routes = Router::new()
        .route("/agent/contacts", get(contacts))
        .route("/agent/contacts/{contact}", get(contact))
        .route("/agent/contacts/{contact}/{action}", post(act))
        .route("/agent/attachments/{attachment}", get(attachment))
        .route("/agent/events", get(events))
        .route("/agent/dial", get(dial).post(turn))
        .route("/agent/faults", post(fault))
        .route("/agent/subscribe", post(subscribe))
        .route("/agent/endpoint", post(endpoint))
        .route("/agent/subscriptions", get(subscriptions))
        .route("/agent/pass-time", post(pass_time))
        .route("/agent/expire-tokens", post(expire_tokens))
        .route("/agent/reject-next-attachment", post(reject_next))
        .route("/agent/requests", get(requests))
        .route("/agent/deliveries", get(deliveries))
        .route("/agent/violations", get(violations))
        .layer(from_fn(same_site_only));
    Router::new()
        .route("/agent", get(move || async move { page() }))
        .route("/agent/connect.css", get(move || async move { css() }))
        .route("/agent/connect.js", get(move || async move { script() }))
        .merge(routes)
}

/// What was asked for makes no sense or can't be done; the sentence says why.
struct Wrong(StatusCode, String);

impl From<anyhow::Error> for Wrong {
    fn from(error: anyhow::Error) -> Self {
        Self(StatusCode::CONFLICT, error.to_string())
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

type Answer = Result<Json<Value>, Wrong>;

/// Read by hand, so that curl needs no content type and every mistake gets its sentence.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Wrong> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Wrong(StatusCode::BAD_REQUEST, error.to_string()))
}

async fn contacts(State(stand_in): State<ConnectStandIn>) -> Json<Value> {
    Json(json!({ "contacts": stand_in.contacts() }))
}

async fn contact(State(stand_in): State<ConnectStandIn>, Path(contact): Path<String>) -> Answer {
    let found = stand_in.contact(&contact);
    let found = found.ok_or_else(|| Wrong(StatusCode::NOT_FOUND, "there is no such contact".to_owned()))?;
    let attachments = stand_in.attachments(&contact);
    let texts = stand_in.customer_texts(&contact);
    let transcript = stand_in.transcript(&contact);
    Ok(Json(json!({
        "contact": found,
        "transcript": transcript,
        "customer_texts": texts,
        "attachments": attachments,
    })))
}

/// What an action may bring. An agent that isn't named is the only one there, or the first.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Act {
    agent: Option<String>,
    name: Option<String>,
    text: Option<String>,
    content_type: Option<String>,
    to: Option<String>,
    filename: Option<String>,
    mime_type: Option<String>,
    base64: Option<String>,
    reject: bool,
    flow_waits: bool,
}

impl Act {
    fn agent(&self, stand_in: &ConnectStandIn, contact: &str) -> anyhow::Result<String> {
        let first = || Some(stand_in.contact(contact)?.agents.first()?.participant_id.clone());
        self.agent.clone().or_else(first).context("no agent is in the chat")
    }

    fn text(&self) -> anyhow::Result<&str> {
        self.text.as_deref().filter(|text| !text.is_empty()).context("text is missing")
    }

    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("Ann")
    }
}

async fn act(
    State(stand_in): State<ConnectStandIn>,
    Path((contact, action)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let act: Act = read(&body)?;
    let (stand_in, contact) = (&stand_in, contact.as_str());
    let agent = || act.agent(stand_in, contact);
    let done = |result: anyhow::Result<()>| result.map(|()| json!({}));
    let id = |result: anyhow::Result<String>| result.map(|id| json!({ "id": id }));
    let answer = match action.as_str() {
        "join" => id(stand_in.join(contact, act.name())),
        "type" => done(stand_in.type_(contact, &agent()?)),
        "say" => {
            let content_type = act.content_type.as_deref().unwrap_or("text/plain");
            id(stand_in.say(contact, &agent()?, act.text()?, content_type))
        }
        "attach" => id(attach(stand_in, contact, &act)),
        "transfer" => id(stand_in.transfer(contact, &agent()?, act.to.as_deref().unwrap_or("Ben"))),
        "transfer-fails" => done(stand_in.transfer_fails(contact, &agent()?)),
        "leave" => done(stand_in.leave(contact, &agent()?)),
        "end" if act.flow_waits => done(stand_in.end_as_agent_with_flow(contact)),
        "end" => done(stand_in.end_as_agent(contact)),
        "finish-flow" => done(stand_in.finish_flow(contact)),
        "flow-disconnects" => done(stand_in.flow_disconnects(contact)),
        "duration-over" => done(stand_in.chat_duration_over(contact)),
        "auto-disconnect-customer" => done(stand_in.auto_disconnect_customer_timer(contact)),
        "system-says" => id(stand_in.system_says(contact, act.text()?)),
        "supervisor-says" => id(stand_in.supervisor_says(contact, act.name(), act.text()?)),
        _ => return Err(Wrong(StatusCode::NOT_FOUND, format!("nobody can {action}"))),
    };
    Ok(Json(answer?))
}

fn attach(stand_in: &ConnectStandIn, contact: &str, act: &Act) -> anyhow::Result<String> {
    let bytes = STANDARD.decode(act.base64.as_deref().unwrap_or_default()).context("base64 is wrong")?;
    let name = act.filename.as_deref().context("filename is missing")?;
    let mime_type = act.mime_type.as_deref().unwrap_or("application/octet-stream");
    let agent = act.agent(stand_in, contact)?;
    match act.reject {
        true => stand_in.attach_rejected(contact, &agent, name, mime_type, bytes),
        false => stand_in.attach(contact, &agent, name, mime_type, bytes),
    }
}

async fn attachment(State(stand_in): State<ConnectStandIn>, Path(attachment): Path<String>) -> Response {
    match stand_in.attachment_bytes(&attachment) {
        // Whatever it is, it must not act as a page of ours.
        Some(bytes) => {
            let headers = [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CONTENT_DISPOSITION, "attachment"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A tick after each change, for pages to look again.
async fn events(State(stand_in): State<ConnectStandIn>) -> Response {
    let stopped = stand_in.0.lock().run.clone().cancelled_owned();
    let mut changes = stand_in.changes();
    changes.mark_changed();
    let ticks = unfold(changes, |mut changes| async move {
        changes.changed().await.ok()?;
        let revision = *changes.borrow_and_update();
        Some((Ok::<_, Infallible>(Event::default().data(revision.to_string())), changes))
    });
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    ([(header::CACHE_CONTROL, "no-store")], Sse::new(ticks.take_until(stopped)).keep_alive(keep_alive))
        .into_response()
}

async fn dial(State(stand_in): State<ConnectStandIn>) -> Json<Dial> {
    Json(stand_in.dial())
}

/// What isn't named goes back to its default: `{}` ends all trouble.
async fn turn(State(stand_in): State<ConnectStandIn>, body: Bytes) -> Result<Json<Dial>, Wrong> {
    stand_in.set_dial(read(&body)?);
    Ok(Json(stand_in.dial()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NextFault {
    operation: String,
    fault: ConnectFault,
}

async fn fault(State(stand_in): State<ConnectStandIn>, body: Bytes) -> Answer {
    let NextFault { operation, fault } = read(&body)?;
    stand_in.fault_next(&operation, fault);
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSubscription {
    endpoint: String,
}

async fn subscribe(State(stand_in): State<ConnectStandIn>, body: Bytes) -> Answer {
    let NewSubscription { endpoint } = read(&body)?;
    Ok(Json(json!({ "arn": stand_in.subscribe(endpoint) })))
}

/// Every subscription goes there from now on, as after a relay that came back on another port.
async fn endpoint(State(stand_in): State<ConnectStandIn>, body: Bytes) -> Answer {
    let NewSubscription { endpoint } = read(&body)?;
    stand_in.set_endpoint(&endpoint);
    Ok(Json(json!({})))
}

async fn subscriptions(State(stand_in): State<ConnectStandIn>) -> Json<Value> {
    Json(json!({ "subscriptions": stand_in.subscriptions() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Time {
    seconds: u64,
}

async fn pass_time(State(stand_in): State<ConnectStandIn>, body: Bytes) -> Answer {
    let Time { seconds } = read(&body)?;
    stand_in.pass_time(Duration::from_secs(seconds));
    Ok(Json(json!({})))
}

async fn expire_tokens(State(stand_in): State<ConnectStandIn>) -> Json<Value> {
    stand_in.expire_connection_tokens();
    Json(json!({}))
}

async fn reject_next(State(stand_in): State<ConnectStandIn>) -> Json<Value> {
    stand_in.reject_next_attachment();
    Json(json!({}))
}

async fn requests(State(stand_in): State<ConnectStandIn>) -> Json<Value> {
    Json(json!({ "requests": stand_in.requests() }))
}

async fn deliveries(State(stand_in): State<ConnectStandIn>) -> Json<Value> {
    Json(json!({ "deliveries": stand_in.deliveries() }))
}

async fn violations(State(stand_in): State<ConnectStandIn>) -> Json<Value> {
    Json(json!({ "violations": stand_in.violations() }))
}
