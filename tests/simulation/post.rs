//! The way of Ada's webhooks: delayed, out of order, twice, and again until they are kept.

use std::{sync::Arc, time::Duration};

use handoff_relay::relay::{thread::Role, time::Time};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    ada::{News, SimAda, Stored},
    dice::Dice,
    relay::{INTEGRATION, Relay},
};

/// Webhooks under way.
pub struct Post {
    ada: Arc<SimAda>,
    relay: Arc<Relay>,
    dice: Dice,
    under_way: JoinSet<()>,
    sent: u64,
    /// How many of a hundred messages and ends never come.
    loses: u64,
    /// What was said in those messages.
    pub lost: Vec<String>,
    /// The handoffs whose end was not told: of which conversation, and which one there.
    pub lost_ends: Vec<(String, u32)>,
}

impl Post {
    pub fn new(ada: Arc<SimAda>, relay: Arc<Relay>, dice: Dice) -> Self {
        let loses = dice.one_of(&[0, 0, 10]);
        Self {
            ada,
            relay,
            dice,
            under_way: JoinSet::new(),
            sent: 0,
            loses,
            lost: Vec::new(),
            lost_ends: Vec::new(),
        }
    }

    /// Takes up what Ada has to tell.
    pub fn collect(&mut self) {
        while self.under_way.try_join_next().is_some() {}
        for (conversation, at, news) in self.ada.news() {
            if self.dice.percent(self.loses) && self.loses_this(&conversation, &news) {
                continue;
            }
            let body = self.body(&conversation, at, &news);
            self.sent += 1;
            let svix_id = format!("msg_{}", self.sent);
            self.send(svix_id.clone(), body.clone());
            if self.dice.percent(15) {
                self.send(svix_id, body);
            }
        }
    }

    /// Takes note of what never comes. That a whole conversation is over can be read from Ada.
    fn loses_this(&mut self, conversation: &str, news: &News) -> bool {
        match news {
            News::Message(stored) => self.lost.push(stored.body.clone()),
            News::HandoffEnded(number) => self.lost_ends.push((conversation.to_owned(), *number)),
            News::ConversationEnded => return false,
        }
        true
    }

    fn send(&mut self, svix_id: String, body: Value) {
        let (relay, dice) = (Arc::clone(&self.relay), self.dice.clone());
        let delay = match self.dice.below(20) {
            0 => self.dice.millis(10_000, 90_000),
            1..8 => self.dice.millis(500, 4_000),
            _ => self.dice.millis(5, 300),
        };
        self.under_way.spawn(async move {
            sleep(delay).await;
            while !relay.hears(&svix_id, &body, dice.percent(10)).await {
                sleep(dice.millis(1_000, 20_000)).await;
            }
        });
    }

    fn body(&self, conversation: &str, at: Time, news: &News) -> Value {
        let (kind, mut data) = match news {
            News::Message(stored) => ("v1.conversation.message", self.message(stored)),
            News::HandoffEnded(_) => ("v1.conversation.handoff.ended", json!({})),
            News::ConversationEnded => ("v1.conversation.ended", json!({"ended_by": {"role": "end_user"}})),
        };
        data["conversation_id"] = conversation.into();
        if !matches!(news, News::ConversationEnded) {
            data["handoff_integration"] = INTEGRATION.into();
        }
        json!({"type": kind, "timestamp": at.to_string(), "data": data})
    }

    fn message(&self, stored: &Stored) -> Value {
        let role = match stored.role {
            Role::EndUser => "end_user",
            Role::HumanAgent => "human_agent",
            _ => "ai_agent",
        };
        json!({
            "message_id": self.ada.id(stored.number, "webhook"),
            "created_at": stored.at.to_string(),
            "author": {"role": role},
            "content": {"type": "text", "body": stored.body},
        })
    }

    /// Waits until everything has arrived.
    pub async fn arrives(&mut self) {
        self.collect();
        while self.under_way.join_next().await.is_some() {
            self.collect();
        }
    }

    /// Waits for this long, while webhooks go their way.
    pub async fn passes(&mut self, time: Duration) {
        sleep(time).await;
        self.collect();
    }
}
