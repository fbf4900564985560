//! A customer and an agent who write to each other, whatever becomes of the relay between them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::{
    Method, RequestBuilder, StatusCode,
    multipart::{Form, Part},
};
use sandbox::{Call, Fault, FileFault, Sandbox};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    books::{Account, Written},
    chance::Dice,
    deaths::Address,
};
use crate::{
    history::{Kind, Recorder},
    moment,
    parcel::{self, Parcel},
    platform,
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
/// What becomes of a fetch. Slow ones take up to two seconds.
const FILE_FAULTS: [FileFault; 5] = [
    FileFault::Slow(50_000),
    FileFault::Slow(50_000),
    FileFault::CutAfter(500),
    FileFault::WrongLength(1 << 20),
    FileFault::Status(503),
];
/// The queues of a history: what customers write, and what agents write.
pub const TO_AGENTS: &str = "to agents";
pub const TO_CUSTOMERS: &str = "to customers";
/// A file arrives in so many pieces, and takes its time.
const PIECES: usize = 4;
/// Who gets no answer within this time asks again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Before somebody asks again where the address stays the same.
const PAUSE: Duration = Duration::from_millis(100);

pub struct Pair<'a> {
    place: usize,
    ada: &'a Sandbox,
    address: Address,
    http: reqwest::Client,
    /// Where the agent works: at the agent API, or in the platform, and with which token.
    desk: (&'static str, &'static str),
    dice: Dice,
    history: Recorder,
    /// How many texts there have been; each is unique.
    texts: usize,
    /// One for each conversation, the present one last.
    accounts: Vec<Account>,
}

impl<'a> Pair<'a> {
    pub fn new(place: usize, ada: &'a Sandbox, address: Address, dice: Dice, history: Recorder) -> Self {
        let accounts = vec![Account::of(ada.open_conversation())];
        let desk = [("/api", TOKEN), ("/platform", platform::TOKEN)][place % 2];
        Self { place, ada, address, http: client(), desk, dice, history, texts: 0, accounts }
    }

    /// Until it is over, with a rest of at most so many milliseconds between. What was begun is brought to its end.
    pub async fn live(mut self, rest: u64, over: &CancellationToken) -> Vec<Account> {
        while !over.is_cancelled() {
            if !self.ada.in_handoff(self.chat()) {
                self.is_handed_off().await;
            }
            match self.dice.roll(200) {
                0..110 => self.customer_writes().await,
                110..140 => self.agent_writes().await,
                140..145 => self.customer_sends().await,
                145..150 => self.agent_sends().await,
                150..155 => self.agent_ends().await,
                155..157 => drop(self.ada.ada_ends_handoff(self.chat()).await),
                157..159 => self.customer_leaves().await,
                159..165 => self.may_fail(Call::ListMessages),
                165..168 => self.may_fail(Call::GetConversation),
                _ => {}
            }
            moment(Instant::now() + self.dice.between(10, rest)).await;
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
            moment(Instant::now() + PAUSE).await;
        }
    }

    async fn customer_writes(&mut self) {
        let text = self.text("customer");
        self.history.write(&text, Kind::Invoke, "enqueue", TO_AGENTS, &text);
        let message = self.ada.customer_says(self.chat(), &text).await.unwrap();
        self.customer_has_said(&message, &text);
    }

    /// Ada has it. What is said to the AI Agent comes to nobody else.
    fn customer_has_said(&self, message: &str, what: &str) {
        let all = self.ada.messages(self.chat());
        let is_for_people = all.iter().any(|known| known.message_id == message && known.in_handoff);
        let kind = if is_for_people { Kind::Ok } else { Kind::Fail };
        self.history.write(what, kind, "enqueue", TO_AGENTS, "");
    }

    /// A file of any size up to a hundred kilobytes, named like a text.
    fn parcel(&mut self, who: &str) -> Parcel {
        let name = format!("{}.png", self.text(who));
        Parcel::new(&name, 1_000 + self.dice.roll(100_000) as usize)
    }

    async fn customer_sends(&mut self) {
        let file = self.parcel("customer");
        if self.dice.roll(2) == 0 {
            self.ada.file_fault_next(self.dice.one_of(&FILE_FAULTS));
        }
        let Parcel { name, bytes, .. } = file;
        self.history.write(&name, Kind::Invoke, "enqueue", TO_AGENTS, &name);
        let message = self.ada.customer_sends_file(self.chat(), &name, parcel::TYPE, bytes).await.unwrap();
        self.customer_has_said(&message, &name);
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
        let path = format!("/handoffs/{handoff}/messages");
        let body = json!({ "text": text });
        let asked = |request: RequestBuilder| request.header("idempotency-key", &text).json(&body);
        if self.takes(&path, asked, &[&text]).await {
            self.account().written.push(Written { handoff, what: text, sha256: None });
        }
    }

    /// The same with a file, and now and then with words before it.
    async fn agent_sends(&mut self) {
        let file = self.parcel("agent");
        let words = (self.dice.roll(2) == 0).then(|| self.text("agent"));
        let pause = self.dice.between(0, 100);
        let Some(handoff) = self.open_handoff().await else { return };
        self.may_fail(Call::UploadAttachment);
        self.may_fail(Call::SendMessage);
        let path = format!("/handoffs/{handoff}/files");
        let asked = |request: RequestBuilder| {
            let form = words.iter().fold(form(&file, pause), |form, words| form.text("text", words.clone()));
            request.header("idempotency-key", &file.name).multipart(form)
        };
        let what: Vec<&str> = words.as_deref().into_iter().chain([&*file.name]).collect();
        if self.takes(&path, asked, &what).await {
            let sha256 = Some(file.sha256);
            let words = words.map(|words| Written { handoff: handoff.clone(), what: words, sha256: None });
            let file = Written { handoff, what: file.name, sha256 };
            self.account().written.extend(words.into_iter().chain([file]));
        }
    }

    /// Whether a relay takes on what an agent sends; a handoff that has ended takes nothing. What is taken on may still fail,
    /// which its row tells in the end.
    async fn takes(
        &mut self,
        path: &str,
        asked: impl Fn(RequestBuilder) -> RequestBuilder,
        what: &[&str],
    ) -> bool {
        for text in what {
            self.history.write(text, Kind::Invoke, "enqueue", TO_CUSTOMERS, text);
        }
        let (status, answer) = self.asks(Method::POST, path, asked).await;
        match status {
            StatusCode::ACCEPTED => true,
            StatusCode::CONFLICT => {
                for text in what {
                    self.history.write(text, Kind::Fail, "enqueue", TO_CUSTOMERS, "");
                }
                false
            }
            other => panic!("{other}: {answer}"),
        }
    }

    async fn agent_ends(&mut self) {
        let Some(handoff) = self.open_handoff().await else { return };
        self.may_fail(Call::EndHandoff);
        let path = format!("/handoffs/{handoff}/end");
        let (status, answer) = self.asks(Method::POST, &path, |request| request).await;
        assert!([StatusCode::OK, StatusCode::CONFLICT].contains(&status), "{status}: {answer}");
    }

    async fn open_handoff(&mut self) -> Option<String> {
        let path = format!("/handoffs?conversation_id={}&limit=1", self.chat());
        let (_, list) = self.asks(Method::GET, &path, |request| request).await;
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
        asked: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> (StatusCode, Value) {
        loop {
            let known = self.address.wait_for(Option::is_some).await.unwrap().clone();
            let url = known.as_deref().unwrap_or_default();
            let request = self
                .http
                .request(method.clone(), format!("{url}{}{path}", self.desk.0))
                .bearer_auth(self.desk.1);
            if let Some(answer) = answered(asked(request.timeout(PATIENCE))).await {
                return answer;
            }
            let moves = self.address.wait_for(|now| *now != known);
            tokio::select! {
                moved = moves => drop(moved.unwrap()),
                () = moment(Instant::now() + PAUSE) => {}
            }
        }
    }
}

/// The whole answer, if the relay lives to give it, and can.
async fn answered(request: RequestBuilder) -> Option<(StatusCode, Value)> {
    let answer = request.send().await.ok()?;
    let status = answer.status();
    // One agent has but so many files under way.
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    Some((status, answer.json().await.ok()?))
}

/// A file that comes piece by piece.
fn form(file: &Parcel, pause: Duration) -> Form {
    let pieces: Vec<Bytes> =
        file.bytes.chunks(file.bytes.len() / PIECES).map(Bytes::copy_from_slice).collect();
    let pieces = stream::iter(pieces).then(move |piece| async move {
        moment(Instant::now() + pause).await;
        Ok::<Bytes, std::io::Error>(piece)
    });
    let bytes = reqwest::Body::wrap_stream(pieces);
    let part = Part::stream_with_length(bytes, file.bytes.len() as u64).file_name(file.name.clone());
    Form::new().part("file", part)
}
