//! Ada's webhooks, signed beforehand: what is measured is the server, not the making of them.

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

/// Where webhooks go.
pub const PATH: &str = "/webhooks/message";
/// The secret that all servers are given.
pub const SECRET: &str = "whsec_YmVuY2gtc2lnbmluZy1zZWNyZXQtMDEyMzQ1Njc4OQ==";
/// The integration that the relay takes for its own.
pub const OURS: &str = "custom-handoff";
/// One that it does not.
pub const OTHER: &str = "zendesk";
/// Stands before the number of a message, in its text.
pub const MARK: &str = "bench-";
/// The events' times follow one another as if so many came in a millisecond: those of one conversation come in their order.
const IN_A_MILLISECOND: u32 = 40;

/// How ids follow one another.
#[derive(Clone, Copy, Debug)]
pub enum Ids {
    /// By time, as Svix makes them.
    Ascending,
    /// At random: the worst for an index.
    Random,
}

/// Which webhooks to make.
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// How many.
    pub count: u32,
    /// Stands in each id, so that two makings have none in common.
    pub series: u32,
    /// Over how many conversations they are spread, in turn.
    pub conversations: u32,
    /// Whose they are.
    pub integration: &'static str,
    /// How their ids follow one another.
    pub ids: Ids,
}

/// Prebuilt requests, one behind the other.
pub struct Requests {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Requests {
    /// Of requests that were built elsewhere.
    pub fn of(requests: impl Iterator<Item = Vec<u8>>) -> Self {
        let mut all = Self { bytes: Vec::new(), ends: Vec::new() };
        requests.for_each(|request| all.push(&request));
        all
    }

    /// How many.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// The one with this number.
    pub fn get(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[number]]
    }

    fn push(&mut self, request: &[u8]) {
        self.bytes.extend_from_slice(request);
        self.ends.push(self.bytes.len());
    }
}

impl Webhooks {
    /// Makes and signs them. They are good for five minutes.
    ///
    /// # Errors
    /// The secret is none.
    pub fn requests(&self) -> Result<Requests> {
        let mac = Hmac::<Sha256>::new_from_slice(&key()?)?;
        let now = now();
        let seconds = now.as_second();
        let mut requests = Requests { bytes: Vec::new(), ends: Vec::with_capacity(self.count as usize) };
        for number in 0..self.count {
            let time = now + SignedDuration::from_millis(i64::from(number / IN_A_MILLISECOND));
            let (id, body) = (self.id(number), self.body(number, &format!("{time:.3}")));
            let mut mac = mac.clone();
            mac.update(format!("{id}.{seconds}.{body}").as_bytes());
            let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
            let headers =
                format!("svix-id: {id}\r\nsvix-timestamp: {seconds}\r\nsvix-signature: v1,{signature}\r\n");
            requests.push(&crate::http::request("POST", PATH, &headers, &body));
        }
        Ok(requests)
    }

    fn id(&self, number: u32) -> String {
        svix_id(self.ids, (u64::from(self.series) << 32) | u64::from(number))
    }

    fn body(&self, number: u32, time: &str) -> String {
        let (series, integration) = (self.series, self.integration);
        let conversation = conversation(number % self.conversations);
        format!(
            r#"{{"type":"v1.conversation.message","timestamp":"{time}","data":{{"message_id":"message-{series}-{number:09}","conversation_id":"{conversation}","end_user_id":"66f2c1d0a4b83e0012c5d7ea","handoff_integration":"{integration}","channel":{{"type":"native","id":"66f2c1d0a4b83e0012c5d7e9","name":"Web chat","description":"The shop's chat","modality":"messaging","capabilities":{{"markdown":false}}}},"created_at":"{time}","author":{{"id":"66f2c1d0a4b83e0012c5d7ea","role":"end_user","avatar":null,"display_name":"Maria Silva"}},"content":{{"type":"text","body":"Where is my order? I have been waiting for a week. {MARK}{number};"}},"ai_agent_domain":"acme.ada.support"}}}}"#
        )
    }
}

/// The number in a text with [`MARK`].
pub fn number(text: &str) -> Option<usize> {
    let number = text.split_once(MARK)?.1;
    number.split(';').next()?.parse().ok()
}

/// The id of a conversation by its number.
pub fn conversation(number: u32) -> String {
    format!("66f2c1d0a4b83e00{number:08x}")
}

/// The id of a webhook by its number: 31 characters, as Svix's are.
pub fn svix_id(ids: Ids, number: u64) -> String {
    match ids {
        Ids::Ascending => format!("msg_{number:027}"),
        Ids::Random => format!("msg_{:027}", scrambled(number)),
    }
}

/// Each number becomes another one, without order (splitmix64).
pub const fn scrambled(number: u64) -> u64 {
    let mut number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The key in [`SECRET`].
///
/// # Errors
/// It is no base64.
pub fn key() -> Result<Vec<u8>> {
    let encoded = SECRET.strip_prefix("whsec_").unwrap_or(SECRET);
    BASE64_STANDARD.decode(encoded).context("the bench's webhook secret is not base64")
}

/// The machine's time.
#[allow(clippy::disallowed_methods, reason = "a signature is weighed against the machine's clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_length_and_ascend_or_do_not() {
        let ids = |ids| (0..1_000).map(move |number| svix_id(ids, number)).collect::<Vec<_>>();
        for all in [ids(Ids::Ascending), ids(Ids::Random)] {
            assert!(all.iter().all(|id| id.len() == 31));
        }
        assert!(ids(Ids::Ascending).is_sorted());
        assert!(!ids(Ids::Random).is_sorted());
    }

    #[test]
    fn a_text_tells_its_number() {
        assert_eq!(number("Where is it? bench-12;"), Some(12));
        assert_eq!(number("Where is it?"), None);
    }
}
