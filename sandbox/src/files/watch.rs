//! What tests ask of files, and do to them.

use std::time::Duration;

use bytes::Bytes;

use super::{KeptFile, Minter};
use crate::message::StoredMessage;
use crate::{Role, Sandbox};

/// A file that the end user of a conversation sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentFile {
    /// Its message.
    pub message_id: String,
    /// Who sent it.
    pub role: Role,
    /// As its message says.
    pub filename: String,
    /// As its message says.
    pub mime_type: String,
    /// In bytes.
    pub size: u64,
    /// 64 hex digits.
    pub sha256: String,
}

impl Sandbox {
    /// The files that a conversation's end user sees, in order; those that Ada doesn't keep, because their
    /// messages point elsewhere, aren't among them. Empty for an unknown conversation.
    pub fn files_sent_to(&self, conversation: &str) -> Vec<SentFile> {
        self.messages(conversation).into_iter().filter_map(|message| self.sent(message)).collect()
    }

    /// The bytes of a message's file; `None` when it has none.
    pub async fn file_bytes(&self, message_id: &str) -> Option<Bytes> {
        let file = self.0.files.find(self.file_of(message_id)?.id)?;
        tokio::fs::read(file.path()).await.ok().map(Bytes::from)
    }

    /// The statuses of all requests for a message's file so far, by whatever URL that ever pointed to it: how
    /// often the relay has fetched it. The customer's page doesn't count.
    pub fn file_fetches(&self, message_id: &str) -> Vec<u16> {
        self.file_of(message_id).map(|file| self.0.files.fetches(file.id)).unwrap_or_default()
    }

    /// A new presigned URL for a message's file; `None` when it has none.
    pub fn file_url(&self, message_id: &str) -> Option<String> {
        let file = self.file_of(message_id)?;
        Some(self.minter().url(file.id))
    }

    /// Ends all URLs so far: they answer 403. The message list has new ones.
    pub fn expire_files(&self) {
        self.0.links.expire();
        self.0.changed();
    }

    /// How long the URLs from now on are good; 7 days unless set. In whole milliseconds.
    pub fn set_file_expiry(&self, lifetime: Duration) {
        self.0.links.set_lifetime(lifetime);
    }

    /// Mints URLs for what nobody asked for: webhooks.
    pub(crate) fn minter(&self) -> Minter<'_> {
        let base = self.0.lock().base_url.clone();
        Minter::new(&self.0.links, base)
    }

    fn file_of(&self, message_id: &str) -> Option<KeptFile> {
        let state = self.0.lock();
        state.conversations.values().find_map(|conversation| conversation.file_of(message_id))
    }
    fn sent(&self, message: StoredMessage) -> Option<SentFile> {
        let file = self.0.files.find(message.file?.id)?;
        let text = |name: &str| message.content[name].as_str().unwrap_or_default().to_owned();
        Some(SentFile {
            role: message.role,
            filename: text("filename"),
            mime_type: text("mime_type"),
            size: file.kept.size,
            sha256: file.sha256().ok()?,
            message_id: message.message_id,
        })
    }
}
