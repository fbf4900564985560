//! The receiver under test: events are sent to it, rightly signed and otherwise.

use std::time::Duration;

use anyhow::Result;
use handoff_relay::{
    agents::platforms::webhook::sign,
    environment::{Environment, Machine},
};
use reqwest::{Client, RequestBuilder, StatusCode};
use url::Url;

use super::{Verdict, events::Event};

/// As long as the relay waits.
const TIME_LIMIT: Duration = Duration::from_secs(15);
/// How long the relay waits where it then pretends to have heard nothing: long enough for the event to arrive.
const BRIEFLY: Duration = Duration::from_millis(300);

/// How an event is signed.
#[derive(Clone, Copy)]
pub enum Signed {
    Rightly,
    /// By another secret.
    Wrong,
    /// By both, as while a secret is rotated.
    WithAnother,
    /// For another body.
    OtherBody,
    /// So many seconds from now, or ago.
    At(i64),
    Not,
}

pub struct Receiver {
    url: Url,
    key: Vec<u8>,
    client: Client,
}

impl Receiver {
    pub fn new(url: Url, key: Vec<u8>) -> Result<Self> {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
        Ok(Self { url, key, client })
    }

    /// It must answer 2xx.
    pub async fn takes(&self, event: &Event, what: &str) -> Verdict {
        self.takes_signed(event, Signed::Rightly, what).await
    }

    /// The same, otherwise signed.
    pub async fn takes_signed(&self, event: &Event, signed: Signed, what: &str) -> Verdict {
        match self.send(event, signed).await {
            Ok(status) if status.is_success() => Verdict::Ok(format!("{what}: {}", status.as_u16())),
            Ok(status) => {
                Verdict::Fail(format!("{what}: answered {}, and 2xx was expected", status.as_u16()))
            }
            Err(why) => Verdict::Fail(format!("{what}: {why}")),
        }
    }

    /// It must answer 4xx.
    pub async fn refuses(&self, event: &Event, signed: Signed) -> Verdict {
        match self.send(event, signed).await {
            Ok(status) if status.is_client_error() => {
                Verdict::Ok(format!("refused with {}", status.as_u16()))
            }
            Ok(status) => Verdict::Fail(format!(
                "answered {}, and 4xx was expected: anyone could write to your agents",
                status.as_u16()
            )),
            Err(why) => Verdict::Fail(why),
        }
    }

    /// The relay goes away before the answer.
    pub async fn sends_and_leaves(&self, event: &Event) {
        let _ = tokio::time::timeout(BRIEFLY, self.request(event, Signed::Rightly).send()).await;
    }

    async fn send(&self, event: &Event, signed: Signed) -> Result<StatusCode, String> {
        match tokio::time::timeout(TIME_LIMIT, self.request(event, signed).send()).await {
            Ok(Ok(answer)) => Ok(answer.status()),
            Ok(Err(error)) if error.is_connect() => Err("the receiver can't be reached".to_owned()),
            Ok(Err(_)) => Err("the receiver closed the connection before it answered".to_owned()),
            Err(_) => Err("the receiver did not answer within 15 s".to_owned()),
        }
    }

    fn request(&self, event: &Event, signed: Signed) -> RequestBuilder {
        let (id, body) = (&event.id, event.body.as_bytes());
        let now = Machine.now().second();
        let at = if let Signed::At(apart) = signed { now + apart } else { now };
        let other: Vec<u8> = self.key.iter().map(|byte| !byte).collect();
        let own = std::slice::from_ref(&self.key);
        let signature = match signed {
            Signed::Rightly | Signed::At(_) => sign::signature(own, id, at, body),
            Signed::Wrong => sign::signature(&[other], id, at, body),
            Signed::WithAnother => sign::signature(&[other, self.key.clone()], id, at, body),
            Signed::OtherBody => sign::signature(own, id, at, b"{}"),
            Signed::Not => String::new(),
        };
        let request = self.client.post(self.url.clone()).header("content-type", "application/json");
        let request = request.header("webhook-id", id).body(event.body.clone());
        match signed {
            Signed::Not => request,
            _ => request.header("webhook-timestamp", at).header("webhook-signature", signature),
        }
    }
}
