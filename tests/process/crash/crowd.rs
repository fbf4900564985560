//! A customer and an agent who write to each other, whatever becomes of the relay between them.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use sandbox::{Call, Fault, Sandbox};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    books::{Account, Written},
    chance::Dice,
    deaths::Address,
};
use crate::{
    moment,
    relay::{TOKEN, client},
};

const FAULTS: [Fault; 9] = [
    Fault::StoredThenDropped,
    Fault::StoredThenDropped,
    Fault::StoredThenStatus(500),
    Fault::StoredThenHang,
    Fault::Dropped,
    Fault::Hang,
    Fault::Status { status: 503, retry_after: None },
    Fault::BrokenBody,
    Fault::Slow(Duration::from_millis(300)),
];
pub struct Pair<'a> {
    place: usize,
    ada: &'a Sandbox,
    address: Address,
    http: reqwest::Client,
    dice: Dice,
    /// How many texts there have been; each is unique.
    texts: usize,
    /// One for each conversation, the present one last.
    accounts: Vec<Account>,
}

impl<'a> Pair<'a> {
    pub fn new(place: usize, ada: &'a Sandbox, address: Address, dice: Dice) -> Self {
        let accounts = vec![Account::of(ada.open_conversation())];
        Self { place, ada, address, http: client(), dice, texts: 0, accounts }
    }

    /// Until it is over. What was begun is brought to its end.
    pub async fn live(mut self, over: &CancellationToken) -> Vec<Account> {
        while !over.is_cancelled() {
            if !self.ada.in_handoff(self.chat()) {
                self.is_handed_off().await;
            }
            match self.dice.roll(200) {
                0..110 => self.customer_writes().await,
                110..140 => self.agent_writes().await,
                150..155 => self.agent_ends().await,
                155..157 => drop(self.ada.ada_ends_handoff(self.chat()).await),
                157..159 => self.customer_leaves().await,
                159..165 => self.may_fail(Call::ListMessages),
                165..168 => self.may_fail(Call::GetConversation),
                _ => {}
            }
            moment(Instant::now() + self.dice.between(10, 200)).await;
        }
        self.accounts
    }

    fn account(&mut self) -> &mut Account {
        self.accounts.last_mut().unwrap()
    }

    fn chat(&self) -> &str {
        &self.accounts.last().unwrap().chat
    }

    fn text(&mut self, who: &str) -> String {
        self.texts += 1;
        format!("{who} {}-{:04}", self.place, self.texts)
    }

    /// The AI Agent tries until it succeeds.
    async fn is_handed_off(&mut self) {
        while self.ada.start_handoff(self.chat(), json!({})).await.unwrap() != 200 {
            self.address.wait_for(Option::is_some).await.unwrap();
        }
    }

    async fn customer_writes(&mut self) {
        let text = self.text("customer");
        self.ada.customer_says(self.chat(), &text).await.unwrap();
    }

    async fn customer_leaves(&mut self) {
        self.ada.customer_ends_chat(self.chat()).await.unwrap();
        self.accounts.push(Account::of(self.ada.open_conversation()));
    }

    /// The agent writes into the newest handoff; what isn't answered is sent again under the same key.
    async fn agent_writes(&mut self) {
        let text = self.text("agent");
        let Some(handoff) = self.open_handoff().await else { return };
        self.may_fail(Call::SendMessage);
        let path = format!("/api/handoffs/{handoff}/messages");
        let body = json!({ "text": text });
        let (status, answer) = self.asks(Method::POST, &path, Some((&text, &body))).await;
        match status {
            StatusCode::ACCEPTED => self.account().written.push(Written { handoff, text }),
            StatusCode::CONFLICT => {}
            other => panic!("{other}: {answer}"),
        }
    }

    async fn agent_ends(&mut self) {
        let Some(handoff) = self.open_handoff().await else { return };
        self.may_fail(Call::EndHandoff);
        let (status, answer) = self.asks(Method::POST, &format!("/api/handoffs/{handoff}/end"), None).await;
        assert!([StatusCode::OK, StatusCode::CONFLICT].contains(&status), "{status}: {answer}");
    }

    async fn open_handoff(&mut self) -> Option<String> {
        let path = format!("/api/handoffs?conversation_id={}&limit=1", self.chat());
        let (_, list) = self.asks(Method::GET, &path, None).await;
        let newest = &list["data"][0];
        let is_open = newest["status"] == "waiting" || newest["status"] == "active";
        is_open.then(|| newest["id"].as_str().unwrap().to_owned())
    }

    /// Every other call goes wrong in some way. As many as are made: what waits for its call stays.
    fn may_fail(&mut self, call: Call) {
        if self.dice.roll(2) == 0 {
            self.ada.fault_next(call, self.dice.one_of(&FAULTS));
        }
    }

    /// Asks whichever relay there is until one answers.
    async fn asks(
        &mut self,
        method: Method,
        path: &str,
        keyed: Option<(&str, &Value)>,
    ) -> (StatusCode, Value) {
        loop {
            let known = self.address.wait_for(Option::is_some).await.unwrap().clone();
            let url = known.as_deref().unwrap_or_default();
            let mut request = self.http.request(method.clone(), format!("{url}{path}")).bearer_auth(TOKEN);
            if let Some((key, body)) = keyed {
                request = request.header("idempotency-key", key).json(body);
            }
            if let Some(answer) = answered(request).await {
                return answer;
            }
            self.address.wait_for(|now| *now != known).await.unwrap();
        }
    }
}

/// The whole answer, if the relay lives to give it.
async fn answered(request: reqwest::RequestBuilder) -> Option<(StatusCode, Value)> {
    let answer = request.send().await.ok()?;
    let status = answer.status();
    Some((status, answer.json().await.ok()?))
}
