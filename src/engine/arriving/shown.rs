//! What streams were shown of what waits, and which of it has got its row since.

use std::collections::HashMap;

use crate::{
    relay::{
        id::{ConversationKey, MessageId},
        rules::arriving::ArrivingMessage,
        thread::Row,
    },
    store::{FeedItem, Since, Store, StoreError},
};

/// Changes read at once.
const PAGE: usize = 200;

/// See the module.
#[derive(Default)]
pub struct Shown {
    messages: HashMap<ConversationKey, Vec<ArrivingMessage>>,
    /// The conversation of each. Of two with the same id the later one is found.
    places: HashMap<MessageId, ConversationKey>,
    /// The change up to which rows were looked at.
    position: u64,
}

impl Shown {
    /// Nothing is shown, and no row behind this change was looked at.
    pub fn begins_at(position: u64) -> Self {
        Self { position, ..Self::default() }
    }

    /// What is shown of a conversation.
    pub fn of(&self, key: &ConversationKey) -> &[ArrivingMessage] {
        self.messages.get(key).map_or(&[], Vec::as_slice)
    }

    /// From now on this is shown of a conversation, in place of what it gives.
    pub fn put(&mut self, key: ConversationKey, messages: Vec<ArrivingMessage>) -> Vec<ArrivingMessage> {
        let before = self.messages.remove(&key).unwrap_or_default();
        for message in &before {
            self.places.remove(message.id());
        }
        if !messages.is_empty() {
            self.places.extend(messages.iter().map(|message| (message.id().clone(), key.clone())));
            self.messages.insert(key, messages);
        }
        before
    }

    /// Takes out what has got its row where it was shown.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn follow(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        loop {
            let changes = match store.changes_since(self.position, PAGE).await? {
                Since::Changes(changes) => changes,
                Since::Reset(newest) => {
                    self.position = newest;
                    return Ok(());
                }
            };
            for (number, change) in &changes {
                self.position = *number;
                if let FeedItem::Row(row) = change {
                    self.joined(row);
                }
            }
            if changes.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// A row has come. Only one that readers know by the message's own id, in the same thread, is that message for them.
    fn joined(&mut self, row: &Row) {
        let Some(id) = row.ids.shown() else { return };
        let Some(key) = self.places.get(id) else { return };
        let Some(messages) = self.messages.get_mut(key) else { return };
        let is_it = |shown: &ArrivingMessage| shown.id() == id && shown.handoff == row.handoff;
        let Some(place) = messages.iter().position(is_it) else { return };
        messages.remove(place);
        if messages.is_empty() {
            self.messages.remove(key);
        }
        self.places.remove(id);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests: what is unexpected ends the test")]
mod tests {
    use super::*;
    use crate::{
        relay::{
            changes::{Scope, WriteSet},
            event::Message,
            thread::{AdaIds, Author, Content, Role},
            time::Time,
        },
        store::{self, MemoryStore},
    };

    fn key(conversation: &str) -> ConversationKey {
        ConversationKey { ai_agent: "a".into(), conversation: conversation.into() }
    }

    fn message(handoff: &str, id: &str) -> ArrivingMessage {
        let author = Author { role: Role::EndUser, display_name: None, avatar: None };
        let content = Content::Text { body: "hello".to_owned() };
        let message = Message { id: id.into(), created_at: Time::default(), author, content };
        ArrivingMessage::new(handoff.into(), Time::default(), message)
    }

    async fn commits(store: &MemoryStore, rows: Vec<Row>) {
        let changes = WriteSet { rows, ..WriteSet::default() };
        let decided = store::decide(store, Scope::conversation(&key("a")), move |_| (changes, ()), |()| {});
        decided.await.unwrap();
    }

    #[tokio::test]
    async fn what_has_its_row_where_it_was_shown_is_shown_no_longer() {
        let store = MemoryStore::new(Time::default());
        let mut shown = Shown::begins_at(*store.signals().feed().borrow());
        let ids = |messages: &[ArrivingMessage]| -> Vec<String> {
            messages.iter().map(|message| message.id().to_string()).collect()
        };
        assert_eq!(shown.put(key("a"), vec![message("h1", "one"), message("h1", "two")]), []);
        shown.put(key("b"), vec![message("h2", "three")]);
        let row = |number: u64, arriving: ArrivingMessage| Row {
            id: number.to_string().as_str().into(),
            seq: number,
            ..arriving.row()
        };
        let known_otherwise =
            AdaIds { webhook: Some("other".into()), list: Some("two".into()), ..AdaIds::default() };
        let two = Row { ids: known_otherwise, ..row(2, message("h1", "two")) };
        commits(&store, vec![row(1, message("h1", "one")), two, row(3, message("h9", "three"))]).await;
        shown.follow(&store).await.unwrap();
        assert_eq!(ids(shown.of(&key("a"))), ["two"]);
        assert_eq!(ids(shown.of(&key("b"))), ["three"], "it has its row elsewhere");
        commits(&store, vec![row(4, message("h2", "three"))]).await;
        shown.follow(&store).await.unwrap();
        assert_eq!(ids(shown.of(&key("b"))), [""; 0]);
        assert_eq!(ids(&shown.put(key("a"), Vec::new())), ["two"]);
        assert!(shown.messages.is_empty() && shown.places.is_empty(), "nothing is kept of what is over");
    }
}
