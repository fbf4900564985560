//! A browser, as far as signing in goes: it keeps a cookie and says whose page asks.

use serde_json::Value;

use super::{answer::Answer, stream::Stream};

/// The console's page in a browser.
pub struct Browser {
    http: reqwest::Client,
    url: String,
    /// What it sends as `Cookie`.
    pub cookie: Option<String>,
}

impl Browser {
    pub fn new(http: reqwest::Client, url: &str) -> Self {
        Self { http, url: url.to_owned(), cookie: None }
    }

    /// Another one with the same cookie.
    pub fn copy(&self) -> Self {
        Self { cookie: self.cookie.clone(), ..Self::new(self.http.clone(), &self.url) }
    }

    /// What the page itself asks for.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request_of("same-origin", method, path)
    }

    /// What some page asks for, with `Sec-Fetch-Site`.
    pub fn request_of(&self, site: &str, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.bare(method, path).header("sec-fetch-site", site)
    }

    /// Without saying who asks.
    pub fn bare(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}/api{path}", self.url));
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request("POST", path).json(body)).await
    }

    /// Sends a proof, and keeps the cookie that comes back.
    pub async fn signs_in(&mut self, proof: &Value) -> Answer {
        let answer = self.post("/session", proof).await;
        self.keep(&answer);
        answer
    }

    pub async fn signs_out(&mut self) -> Answer {
        let answer = Answer::to(self.request("DELETE", "/session")).await;
        self.keep(&answer);
        answer
    }

    fn keep(&mut self, answer: &Answer) {
        let set = answer.header("set-cookie");
        if let Some((pair, _)) = set.split_once(';') {
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
    }

    pub async fn stream(&self) -> Stream {
        Stream::open(self.request("GET", "/events")).await.ready().await
    }
}
