//! In which conversations the inbox has changed: told to the instances whose agents see what waits, and looked for by those
//! that are told nothing. It is a hint. Who misses it shows a message when it is released.

use std::collections::{BTreeSet, HashMap};

use tokio::sync::mpsc;

use super::{
    Shared,
    query::{Value, all, values},
    view::key_of,
    watch::CHANNEL,
};
use crate::{
    relay::id::{AiAgentId, ConversationId, ConversationKey},
    store::StoreError,
};

/// How many conversations are told together.
const BATCH: usize = 256;
/// PostgreSQL takes no longer text.
const MAX_BYTES: usize = 7_999;
/// An instance looks for what waits in so many conversations.
const LOOKED_AT: i64 = 10_000;

/// What one instance tells the others.
#[derive(Debug, PartialEq, Eq)]
pub struct InboxNews {
    pub from: String,
    pub conversation: ConversationKey,
}

impl InboxNews {
    fn text(from: &str, conversation: &ConversationKey) -> Option<String> {
        let key = (conversation.ai_agent.as_str(), conversation.conversation.as_str());
        let text = format!("{from} + {}", serde_json::to_string(&key).ok()?);
        (text.len() <= MAX_BYTES).then_some(text)
    }

    /// What such a text says.
    pub fn read(text: &str) -> Option<Self> {
        let (from, key) = text.split_once(" + ")?;
        let (ai_agent, conversation) = serde_json::from_str(key).ok()?;
        let conversation =
            ConversationKey { ai_agent: AiAgentId(ai_agent), conversation: ConversationId(conversation) };
        Some(Self { from: from.to_owned(), conversation })
    }
}

impl Shared {
    /// The inbox of a conversation has changed here.
    pub fn inbox_changed(&self, conversation: ConversationKey) {
        // The task ends with the store.
        let _ = self.inbox_news.send(conversation.clone());
        self.signals.inbox_changes().note([conversation]);
    }

    /// The same, by another instance.
    pub fn inbox_changed_elsewhere(&self, news: InboxNews) {
        if news.from != self.instance {
            self.signals.inbox_changes().note([news.conversation]);
        }
    }
}

/// Tells the other instances, until nobody can change anything any more.
pub async fn run(shared: &Shared, mut queue: mpsc::UnboundedReceiver<ConversationKey>) {
    let mut changed = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut changed, BATCH).await > 0 {
        let conversations: BTreeSet<ConversationKey> = changed.drain(..).collect();
        if let Err(error) = tell(shared, &conversations).await {
            tracing::warn!(error = %error, "other instances are not told what arrives");
        }
    }
}

async fn tell(shared: &Shared, conversations: &BTreeSet<ConversationKey>) -> Result<(), StoreError> {
    let news = conversations.iter().filter_map(|key| InboxNews::text(&shared.instance, key)).collect();
    let client = shared.connections.get().await?;
    let sql = "SELECT pg_notify($1, news) FROM unnest($2) AS told (news)";
    all(&client, sql, vec![CHANNEL.into(), Value::Texts(news)]).await.map(drop)
}

/// What waited when the database was last looked at: the newest event of each conversation, and how many there were.
pub type Waiting = HashMap<ConversationKey, (i64, i64)>;

/// Looks for what other instances have changed, while somebody here shows what waits.
pub async fn look(shared: &Shared, before: Waiting) -> Result<Waiting, StoreError> {
    let changes = shared.signals.inbox_changes();
    if !changes.is_watched() {
        return Ok(Waiting::new());
    }
    let sql = "SELECT ai_agent, conversation, MAX(seq), COUNT(*) FROM journal WHERE doc <> '' \
               GROUP BY ai_agent, conversation LIMIT $1";
    let client = shared.connections.get().await?;
    let mut now = Waiting::new();
    for row in &all(&client, sql, values![LOOKED_AT]).await? {
        now.insert(key_of(row)?, (row.try_get(2)?, row.try_get(3)?));
    }
    let come = now.iter().filter(|(key, waiting)| before.get(*key) != Some(*waiting));
    let gone = before.iter().filter(|(key, _)| !now.contains_key(*key));
    changes.note(come.chain(gone).map(|(key, _)| key.clone()));
    Ok(now)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn news_are_read_as_they_were_told() {
        for (ai_agent, conversation) in [("acme.ada.support", "c1"), ("a + b", " + [\"\0\n] ")] {
            let conversation =
                ConversationKey { ai_agent: ai_agent.into(), conversation: conversation.into() };
            let text = InboxNews::text("instance", &conversation).unwrap();
            assert!(!text.contains('\0'));
            assert_eq!(InboxNews::read(&text), Some(InboxNews { from: "instance".to_owned(), conversation }));
        }
        let long = ConversationKey { ai_agent: "a".into(), conversation: "c".repeat(8_000).as_str().into() };
        assert_eq!(InboxNews::text("instance", &long), None);
        assert_eq!(InboxNews::read("instance of 17"), None);
    }
}
