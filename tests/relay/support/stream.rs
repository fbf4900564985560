//! A client of the event stream.

use futures_util::StreamExt;
use serde_json::Value;

use super::soon;

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: u64,
    pub kind: String,
    pub data: Value,
}

impl Event {
    pub fn says(&self, words: &str) -> bool {
        self.kind == "message" && self.data["content"]["body"] == words
    }
}

pub struct Stream {
    pub response_headers: axum::http::HeaderMap,
    chunks: std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    buffer: String,
    /// The beginning of a letter that a chunk ends with.
    rest: Vec<u8>,
    /// Everything that came, as it came.
    pub raw: String,
    pub last_id: u64,
    /// The same as it came: who sees a part gets more than the number.
    pub last_place: String,
}

impl Stream {
    pub async fn open(request: reqwest::RequestBuilder) -> Self {
        let response = soon("the stream opens", request.send()).await.expect("a stream");
        assert_eq!(response.status(), 200);
        let response_headers = response.headers().clone();
        let chunks = Box::pin(response.bytes_stream());
        Self {
            response_headers,
            chunks,
            buffer: String::new(),
            rest: Vec::new(),
            raw: String::new(),
            last_id: 0,
            last_place: String::new(),
        }
    }

    /// Waits for the first id, from which on nothing is missed.
    pub async fn ready(mut self) -> Self {
        let block = self.block().await.expect("a first block");
        assert!(self.read(&block).is_none(), "the first block has data: {block}");
        assert!(self.last_id > 0);
        self
    }

    /// Waits for the first bytes, whatever they are.
    pub async fn begun(mut self) -> Self {
        self.block().await.expect("a first block");
        self
    }

    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        // Comments come all the time; they are no news.
        soon("an event, or the end of the stream", async {
            loop {
                let block = self.block().await?;
                if let Some(event) = self.read(&block) {
                    return Some(event);
                }
            }
        })
        .await
    }

    /// Events up to the first that is `last`, which is included.
    pub async fn until(&mut self, last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("the stream ended after {events:?}"));
            let done = last(&event);
            events.push(event);
            if done {
                return events;
            }
        }
    }

    /// Waits for a block that says no more than where the stream is, and gives that.
    pub async fn mark(&mut self) -> String {
        loop {
            let block = self.block().await.expect("a mark");
            if self.read(&block).is_none() && block.starts_with("id: ") {
                return self.last_place.clone();
            }
        }
    }

    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.buffer = rest;
                return Some(block);
            }
            let chunk = soon("something of the stream", self.chunks.next()).await?.ok()?;
            self.rest.extend_from_slice(&chunk);
            let whole = match std::str::from_utf8(&self.rest) {
                Ok(text) => text.len(),
                Err(error) if error.error_len().is_none() => error.valid_up_to(),
                Err(error) => panic!("no text: {error}"),
            };
            let chunk: Vec<u8> = self.rest.drain(..whole).collect();
            let chunk = std::str::from_utf8(&chunk).expect("text");
            self.raw.push_str(chunk);
            self.buffer.push_str(chunk);
        }
    }

    /// As a browser does: the id counts even without data, comments don't.
    fn read(&mut self, block: &str) -> Option<Event> {
        let field = |name: &str| {
            block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
        };
        if let Some(id) = field("id") {
            self.last_id = id.split('-').next().and_then(|id| id.parse().ok()).expect("a number");
            self.last_place = id;
        }
        let data = field("data")?;
        let data = serde_json::from_str(&data).expect("JSON");
        Some(Event { id: self.last_id, kind: field("event").unwrap_or_default(), data })
    }
}
