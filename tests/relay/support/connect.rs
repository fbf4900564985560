//! A stand-in Amazon Connect beside the relay.

use std::{process::Command, time::Duration};

use sandbox::amazon_connect::{ChatState, ConnectOptions, ConnectStandIn};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    eventually,
    relay::{Relay, Setup},
    settles, soon,
};

/// Where the relay says that it is; tests ask it at its own address.
const PUBLIC: &str = "https://relay.example";

/// See the module.
pub struct Connect {
    pub standin: ConnectStandIn,
    url: String,
    /// What was asked, for AWS's own models.
    requests: NamedTempFile,
    _serves: DropGuard,
}

impl Connect {
    pub async fn start() -> Self {
        Self::with(ConnectOptions::default()).await
    }

    pub async fn with(options: ConnectOptions) -> Self {
        let retry_delay = Duration::from_millis(100);
        let standin = ConnectStandIn::new(ConnectOptions { retry_delay, delivery_tries: 300, ..options });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn({
            let (standin, stop) = (standin.clone(), stop.clone());
            async move { standin.serve(listener, stop).await }
        });
        // What it signs names where it is served.
        soon("the stand-in is served", standin.until(|standin| standin.url() == url)).await;
        let requests = NamedTempFile::new().unwrap();
        standin.write_requests_to(requests.path()).unwrap();
        Self { standin, url, requests, _serves: stop.drop_guard() }
    }

    /// A relay whose agents may be here, too.
    pub fn setup(&self) -> Setup {
        self.settings()
            .into_iter()
            .fold(Setup::new().two_doors(), |setup, (name, value)| setup.set(name, &value))
    }

    /// The settings that name it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let (options, url) = (self.standin.options(), self.url.clone());
        vec![
            ("PUBLIC_URL", PUBLIC.to_owned()),
            ("AMAZON_CONNECT_REGION", options.region.clone()),
            ("AMAZON_CONNECT_INSTANCE_ID", options.instance_id.clone()),
            ("AMAZON_CONNECT_CONTACT_FLOW_ID", options.contact_flow_ids[0].clone()),
            ("AMAZON_CONNECT_TOPIC_ARN", options.topic_arn.clone()),
            ("AMAZON_CONNECT_ACCESS_KEY_ID", options.access_key_id.clone()),
            ("AMAZON_CONNECT_SECRET_ACCESS_KEY", options.secret_access_key.clone()),
            ("AMAZON_CONNECT_ENDPOINT", url.clone()),
            ("AMAZON_CONNECT_PARTICIPANT_ENDPOINT", url.clone()),
            ("AMAZON_CONNECT_SNS_ENDPOINT", url.clone()),
            ("AMAZON_CONNECT_STS_ENDPOINT", url),
        ]
    }

    /// The topic's notifications go to the relay, once that has confirmed it.
    pub async fn subscribe(&self, relay: &Relay) {
        let endpoint = door(relay);
        self.standin.subscribe(&endpoint);
        // What it is instead is shown: how each try was answered.
        let is_confirmed = || async {
            let known = self.standin.subscriptions();
            let is_confirmed = known.iter().any(|known| known.endpoint == endpoint && known.is_confirmed);
            let answers = self.standin.deliveries().iter().map(|try_| try_.status).collect::<Vec<_>>();
            if is_confirmed { Ok(()) } else { Err(answers) }
        };
        settles(&Ok(()), is_confirmed).await;
    }

    /// A relay that is subscribed.
    pub async fn relay(&self) -> Relay {
        let relay = self.setup().start().await;
        self.subscribe(&relay).await;
        relay
    }

    /// The relay came back on another port.
    pub fn follow(&self, relay: &Relay) {
        self.standin.set_endpoint(&door(relay));
    }

    /// The contact of a handoff, once the customer is connected: the id that it began with.
    pub async fn contact(&self, relay: &Relay, handoff: &str) -> String {
        eventually("a contact", || async {
            let sql = format!("SELECT (SELECT contact FROM contacts WHERE handoff = '{handoff}')");
            let id: Option<String> = relay.ask(&sql, |row| row.get(0));
            let found = self.standin.contact(&id?)?;
            (found.state == ChatState::Connected).then_some(found.initial_contact_id)
        })
        .await
    }

    /// An agent of Amazon Connect takes it.
    pub fn joins(&self, contact: &str, name: &str) -> String {
        self.standin.join(contact, name).unwrap()
    }

    pub fn says(&self, contact: &str, agent: &str, text: &str) {
        self.standin.say(contact, agent, text, "text/markdown").unwrap();
    }

    /// Waits until the agent sees exactly these texts of the customer, the opening aside.
    pub async fn agent_sees(&self, contact: &str, texts: &[&str]) {
        let wanted: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        settles(&wanted, || async { self.customer_says(contact) }).await;
    }

    /// What the customer's side has said, the opening aside.
    pub fn customer_says(&self, contact: &str) -> Vec<String> {
        let opening =
            |text: &String| text.starts_with("[Conversation so far") || text.starts_with("[Earlier, part");
        self.standin.customer_texts(contact).into_iter().filter(|text| !opening(text)).collect()
    }

    /// Waits until the contact is over.
    pub async fn is_over(&self, contact: &str) {
        settles(&true, || async {
            self.standin.contact(contact).is_some_and(|found| found.state == ChatState::Ended)
        })
        .await;
    }

    /// Every call so far is one of AWS's own service models, where Python has them. Says which operations there were.
    pub fn fits_the_models_of_aws(&self) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/relay/amazon_connect/models.py");
        for python in ["python3", "/usr/bin/python3"] {
            let mut checks = Command::new(python);
            let Ok(checked) = checks.arg("-B").arg(script).arg(self.requests.path()).output() else {
                continue;
            };
            let said = String::from_utf8_lossy(&checked.stdout).into_owned();
            match checked.status.code() {
                Some(3) => continue,
                Some(0) => return said,
                _ => panic!("{said}{}", String::from_utf8_lossy(&checked.stderr)),
            }
        }
        println!("python3 has no botocore: the requests are not compared with AWS's models");
        String::new()
    }

    /// Every call was one that AWS would take.
    pub fn has_no_complaints(&self) {
        assert_eq!(self.standin.violations(), Vec::<String>::new());
    }
}

/// The relay's door for notifications.
pub fn door(relay: &Relay) -> String {
    format!("{}/webhooks/amazon-connect", relay.url)
}

/// What the customer sees of human agents.
pub fn answers(relay: &Relay, chat: &str) -> Vec<(String, String)> {
    let messages = relay.ada.messages(chat).into_iter();
    let human = messages.filter(|message| message.role == sandbox::Role::HumanAgent);
    human
        .map(|message| {
            let text = message.content["body"].as_str().or(message.content["filename"].as_str());
            (message.display_name.unwrap_or_default(), text.unwrap_or_default().to_owned())
        })
        .collect()
}

/// Waits until the customer sees exactly these texts of human agents.
pub async fn customer_sees(relay: &Relay, chat: &str, texts: &[&str]) {
    let wanted: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    settles(&wanted, || async { answers(relay, chat).into_iter().map(|(_, text)| text).collect() }).await;
}

/// A customer is handed off with this context. Gives the conversation's and the handoff's id.
pub async fn hand_off(relay: &Relay, context: Value) -> (String, String) {
    let chat = relay.ada.open_conversation();
    relay.ada.customer_says(&chat, "Where is my parcel?").await.unwrap();
    let mut all = json!({ "first_name": "Maria", "last_name": "Silva" });
    all.as_object_mut().unwrap().extend(context.as_object().cloned().unwrap_or_default());
    assert_eq!(relay.ada.start_handoff(&chat, all).await.unwrap(), 200);
    let handoff = relay.alex().handoff_of(&chat).await;
    (chat, handoff["id"].as_str().unwrap().to_owned())
}

/// Waits until agents of the console can read a note of the relay's that contains this.
pub async fn is_noted(relay: &Relay, handoff: &str, words: &str) {
    let notes = || async {
        let rows = relay.alex().rows(handoff).await;
        let notes = rows.into_iter().filter(|row| row["content"]["type"] == "note");
        let bodies = notes.filter_map(|row| row["content"]["body"].as_str().map(str::to_owned));
        let found: Vec<String> = bodies.collect();
        if found.iter().any(|text| text.contains(words)) { Ok(()) } else { Err(found) }
    };
    settles(&Ok(()), notes).await;
}
