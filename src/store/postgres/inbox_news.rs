//! In which conversations the inbox has changed: told to the instances whose agents see what waits, and looked for by those
//! that are told nothing. It is a hint. Who misses it shows a message when it is released.
//!
//! Each notification costs the database a commit. So those whose agents watch say so, and nobody tells anything while nobody
//! else does.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    Shared,
    query::{all, values},
    view::key_of,
};
use crate::{
    relay::id::{AiAgentId, ConversationId, ConversationKey},
    store::StoreError,
};

/// How many conversations are told together.
const BATCH: usize = 256;
/// PostgreSQL takes no longer text.
pub const MAX_BYTES: usize = 7_999;
/// An instance looks for what waits in so many conversations.
const LOOKED_AT: i64 = 10_000;

/// How often an instance says that it watches, and how long the others remember.
const SAID_EVERY: Duration = Duration::from_secs(5);
const REMEMBERED: Duration = Duration::from_secs(15);

/// What one instance tells the others.
#[derive(Debug, PartialEq, Eq)]
pub struct InboxNews {
    pub from: String,
    pub what: What,
}

/// See [`InboxNews`].
#[derive(Debug, PartialEq, Eq)]
pub enum What {
    /// Its agents see what waits.
    Watches,
    /// The inbox of this conversation has changed.
    Changed(ConversationKey),
}

impl InboxNews {
    fn text(from: &str, what: &What) -> Option<String> {
        let key = match what {
            What::Watches => None,
            What::Changed(key) => Some((key.ai_agent.as_str(), key.conversation.as_str())),
        };
        let text = format!("{from} + {}", serde_json::to_string(&key).ok()?);
        (text.len() <= MAX_BYTES).then_some(text)
    }

    /// What such a text says.
    pub fn read(text: &str) -> Option<Self> {
        let (from, key) = text.split_once(" + ")?;
        let key: Option<(String, String)> = serde_json::from_str(key).ok()?;
        let changed = |(ai_agent, conversation)| {
            What::Changed(ConversationKey {
                ai_agent: AiAgentId(ai_agent),
                conversation: ConversationId(conversation),
            })
        };
        Some(Self { from: from.to_owned(), what: key.map_or(What::Watches, changed) })
    }
}

/// When another instance last said that it watches.
#[derive(Default)]
pub struct WatchedElsewhere(Mutex<Option<Instant>>);

impl WatchedElsewhere {
    fn said(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether it said so lately.
    pub fn is_so(&self) -> bool {
        let said = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.is_some_and(|said| said.elapsed() < REMEMBERED)
    }
}

impl Shared {
    /// The inbox of a conversation has changed here.
    pub fn inbox_changed(&self, conversation: ConversationKey) {
        if self.watched_elsewhere.is_so() {
            // The task ends with the store.
            let _ = self.inbox_news.send(conversation.clone());
        }
        self.signals.inbox_changes().note([conversation]);
    }

    /// Another instance has told something.
    pub fn take_inbox_news(&self, news: InboxNews) {
        if news.from == self.instance {
            return;
        }
        match news.what {
            What::Watches => self.watched_elsewhere.said(),
            What::Changed(conversation) => self.signals.inbox_changes().note([conversation]),
        }
    }
}

/// Says that agents watch here, as long as they do.
pub async fn say_so(shared: &Shared) {
    let changes = shared.signals.inbox_changes();
    let mut changed = changes.changed();
    loop {
        if changes.is_watched() {
            warn_if(tell(shared, [What::Watches]).await);
            sleep(SAID_EVERY).await;
        } else if changed.changed().await.is_err() {
            return;
        }
    }
}

/// Tells the other instances, until nobody can change anything any more.
pub async fn run(shared: &Shared, mut queue: mpsc::UnboundedReceiver<ConversationKey>) {
    let mut changed = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut changed, BATCH).await > 0 {
        let conversations: BTreeSet<ConversationKey> = changed.drain(..).collect();
        warn_if(tell(shared, conversations.into_iter().map(What::Changed)).await);
    }
}

fn warn_if(told: Result<(), StoreError>) {
    if let Err(error) = told {
        tracing::warn!(error = %error, "other instances are not told what arrives");
    }
}

async fn tell(shared: &Shared, news: impl IntoIterator<Item = What>) -> Result<(), StoreError> {
    let news = news.into_iter().filter_map(|what| InboxNews::text(&shared.instance, &what)).collect();
    shared.notify(news).await
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
            for what in [What::Changed(conversation.clone()), What::Watches] {
                let text = InboxNews::text("instance", &what).unwrap();
                assert!(!text.contains('\0'));
                assert_eq!(InboxNews::read(&text), Some(InboxNews { from: "instance".to_owned(), what }));
            }
        }
        let long = ConversationKey { ai_agent: "a".into(), conversation: "c".repeat(8_000).as_str().into() };
        assert_eq!(InboxNews::text("instance", &What::Changed(long)), None);
        assert_eq!(InboxNews::read("instance of 17"), None);
    }
}
