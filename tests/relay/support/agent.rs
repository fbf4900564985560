//! A human agent, at the agent API.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{answer::Answer, eventually, settles, stream::Stream};

#[derive(Clone)]
pub struct Agent {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Agent {
    pub fn new(http: reqwest::Client, url: &str, token: &str) -> Self {
        Self::at(http, format!("{url}/api"), token)
    }

    /// One whose API begins at `url`.
    pub fn at(http: reqwest::Client, url: String, token: &str) -> Self {
        Self { http, url, token: token.to_owned() }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request("POST", path).json(body)).await
    }

    /// Something done to a handoff or in it, without a body.
    pub async fn act(&self, handoff: &str, what: &str) -> Answer {
        Answer::to(self.request("POST", &format!("/handoffs/{handoff}/{what}"))).await
    }

    /// The account of a handoff's messages.
    pub async fn ledger(&self, handoff: &str) -> Value {
        self.get(&format!("/handoffs/{handoff}/ledger")).await.good(200)
    }

    pub async fn accepts(&self, handoff: &str) -> Value {
        self.act(handoff, "accept").await.good(200)
    }

    pub async fn ends(&self, handoff: &str) -> Value {
        self.act(handoff, "end").await.good(200)
    }

    /// Writes to the customer; gives the row.
    pub async fn writes(&self, handoff: &str, text: &str) -> Value {
        self.tries_to_write(handoff, text).await.good(202)
    }

    pub async fn tries_to_write(&self, handoff: &str, text: &str) -> Answer {
        self.post(&format!("/handoffs/{handoff}/messages"), &json!({ "text": text })).await
    }

    /// Sends a file, with words before it or without.
    pub async fn tries_to_send(&self, handoff: &str, name: &str, bytes: &[u8], text: Option<&str>) -> Answer {
        let mut form = Form::new().part("file", Part::bytes(bytes.to_vec()).file_name(name.to_owned()));
        if let Some(text) = text {
            form = form.text("text", text.to_owned());
        }
        Answer::to(self.request("POST", &format!("/handoffs/{handoff}/files")).multipart(form)).await
    }

    /// The same, taken on; gives the row.
    pub async fn sends(&self, handoff: &str, name: &str, bytes: &[u8]) -> Value {
        self.tries_to_send(handoff, name, bytes, None).await.good(202)
    }

    /// The row with a file of this name, once its bytes are in this state.
    pub async fn sees_file(&self, handoff: &str, name: &str, state: &str) -> Value {
        eventually(&format!("{name}: {state}"), || async {
            let rows = self.rows(handoff).await;
            let found = rows.into_iter().find(|row| row["content"]["filename"] == name)?;
            (found["content"]["state"] == state).then_some(found)
        })
        .await
    }

    /// What is under the `url` of a row's file.
    pub async fn downloads(&self, row: &Value) -> Answer {
        let url = row["content"]["url"].as_str().expect("a kept file");
        self.get(url.strip_prefix("/api").expect("a path of the relay")).await
    }

    pub async fn handoff(&self, id: &str) -> Value {
        self.get(&format!("/handoffs/{id}")).await.good(200)
    }

    /// The newest handoff of a conversation, once there is one.
    pub async fn handoff_of(&self, conversation: &str) -> Value {
        eventually("a handoff", || async { self.handoffs_of(conversation).await.into_iter().next() }).await
    }

    pub async fn handoffs_of(&self, conversation: &str) -> Vec<Value> {
        self.list(&format!("conversation_id={conversation}")).await
    }

    /// The first page of a list.
    pub async fn list(&self, query: &str) -> Vec<Value> {
        let page = self.get(&format!("/handoffs?{query}")).await.good(200);
        page["data"].as_array().unwrap().clone()
    }

    /// All rows of a thread, by `seq`, which must count without gaps.
    pub async fn rows(&self, handoff: &str) -> Vec<Value> {
        let (mut rows, mut after) = (Vec::new(), json!(0));
        while !after.is_null() {
            let page =
                self.get(&format!("/handoffs/{handoff}/messages?after={after}&limit=200")).await.good(200);
            rows.extend(page["data"].as_array().unwrap().iter().cloned());
            after = page["next_after"].clone();
        }
        let numbers: Vec<u64> = rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=rows.len() as u64).collect::<Vec<_>>(), "seq has gaps");
        rows
    }

    /// A thread as it is read: by `at`, then `seq`; only what people and the AI Agent said.
    pub async fn reads(&self, handoff: &str) -> Vec<String> {
        let mut rows = self.rows(handoff).await;
        rows.sort_by_key(|row| (row["at"].as_str().unwrap().to_owned(), row["seq"].as_u64()));
        rows.iter().filter(|row| row["author"]["role"] != "system").filter_map(text).collect()
    }

    /// Waits until a thread reads like this.
    pub async fn comes_to_read(&self, handoff: &str, texts: &[&str]) {
        let wanted: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        settles(&wanted, || self.reads(handoff)).await;
    }

    /// A row with this text, once it is in this state of delivery.
    pub async fn sees(&self, handoff: &str, words: &str, states: &[&str]) -> Value {
        eventually(&format!("{words}: {states:?}"), || async {
            let rows = self.rows(handoff).await;
            let found = rows.into_iter().find(|row| text(row).as_deref() == Some(words))?;
            states.contains(&found["delivery"]["state"].as_str()?).then_some(found)
        })
        .await
    }

    /// The handoff, once it has ended.
    pub async fn sees_the_end(&self, handoff: &str) -> Value {
        eventually("the end", || async {
            let handoff = self.handoff(handoff).await;
            (handoff["status"] == "ended").then_some(handoff)
        })
        .await
    }

    /// The names of what happened to a handoff, in order.
    pub async fn history(&self, handoff: &str) -> Vec<String> {
        let rows = self.rows(handoff).await;
        let events = rows.iter().filter(|row| row["content"]["type"] == "event");
        events.map(|row| row["content"]["event"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn dead_letters(&self) -> Vec<Value> {
        self.get("/dead-letters").await.good(200)["data"].as_array().unwrap().clone()
    }

    pub async fn stream(&self, last_event_id: Option<&str>) -> Stream {
        let request = self.request("GET", "/events");
        Stream::open(match last_event_id {
            Some(id) => request.header("last-event-id", id),
            None => request,
        })
        .await
    }
}

/// What a row says, if it says it in words.
pub fn text(row: &Value) -> Option<String> {
    row["content"]["body"].as_str().map(str::to_owned)
}
