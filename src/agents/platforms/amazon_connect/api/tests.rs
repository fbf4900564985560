//! Every call against a stand-in that records requests and answers as it is told.

mod calls;
mod credentials;
mod errors;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::*;
use crate::{relay::time::Time, secret::Secret, settings::Credentials};

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:chat";

/// A clock that stands still.
struct Still;

impl Environment for Still {
    fn now(&self) -> Time {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    fn new_id(&self) -> String {
        unreachable!("calls need no ids")
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}

/// What was asked.
#[derive(Clone, Debug)]
struct Asked {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// An answer to come. `{origin}` in it becomes the stand-in's own address.
#[derive(Clone, Debug)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn reply(status: u16, body: impl Into<String>) -> Reply {
    Reply { status, headers: Vec::new(), body: body.into() }
}

fn refusal(status: u16, code: &str) -> Reply {
    let headers = vec![("x-amzn-errortype", code.to_owned())];
    Reply { status, headers, body: r#"{"Message":"told so"}"#.to_owned() }
}

#[derive(Default)]
struct Script {
    asked: Vec<Asked>,
    replies: VecDeque<Reply>,
}

/// All of AWS on one address.
#[derive(Clone)]
struct StandIn {
    origin: String,
    script: Arc<Mutex<Script>>,
}

impl StandIn {
    async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let script = Script { asked: Vec::new(), replies: replies.into_iter().collect() };
        let stand_in = Self { origin, script: Arc::new(Mutex::new(script)) };
        let app = Router::new().fallback(answer).with_state(stand_in.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        stand_in
    }

    fn settings(&self) -> settings::AmazonConnect {
        let url = Some(self.origin.parse().unwrap());
        settings::AmazonConnect {
            region: "us-east-1".to_owned(),
            instance_id: "instance-1".to_owned(),
            contact_flow_id: None,
            topic_arn: TOPIC.to_owned(),
            topics: vec![TOPIC.to_owned()],
            endpoint: url.clone(),
            participant_endpoint: url.clone(),
            sns_endpoint: url.clone(),
            sts_endpoint: url,
            credentials: Credentials::Static {
                access_key_id: "AKIDEXAMPLE".to_owned(),
                secret_access_key: Secret::new("secret"),
                session_token: None,
            },
            role_arn: None,
            external_id: None,
            chat_duration_minutes: None,
            attributes: Vec::new(),
            agent_left_grace: std::time::Duration::ZERO,
            system_messages: false,
            if_unavailable: settings::IfUnavailable::Keep,
            queue_id: None,
            check_hours: false,
            message_limit: 16_384,
        }
    }

    fn connect(&self) -> Connect {
        Connect::new(&self.settings(), Arc::new(Still)).unwrap()
    }

    fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap().asked.clone()
    }

    /// The one request.
    fn only(&self) -> Asked {
        let asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked[0].clone()
    }
}

async fn answer(
    State(stand_in): State<StandIn>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut script = stand_in.script.lock().unwrap();
    script.asked.push(Asked { method, path: uri.to_string(), headers, body });
    let reply = script.replies.pop_front().unwrap_or_else(|| reply(599, "nothing was expected"));
    let mut response = reply.body.replace("{origin}", &stand_in.origin).into_response();
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap();
    for (name, value) in reply.headers {
        response.headers_mut().insert(HeaderName::from_static(name), value.parse().unwrap());
    }
    response
}
