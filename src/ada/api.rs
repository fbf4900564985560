//! What the engine asks of Ada.

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde_json::{Map, Value};

use super::{
    answer::Answer,
    limits::{Permit, Priority},
};
use crate::relay::{
    delivery::{MessagePage, Receipt, ShownAuthor, UploadedFile},
    handoff::Profile,
    id::ConversationKey,
    time::Offset,
    waiting_room::Shown,
};

/// What a message says.
#[derive(Clone, Copy, Debug)]
pub enum Says<'a> {
    /// Words.
    Text(&'a str),
    /// A file that Ada has already.
    File(&'a UploadedFile),
}

/// A file for Ada: at most 50 MB, of a type that Ada takes.
pub struct Upload {
    /// Its name.
    pub filename: String,
    /// Its type.
    pub mime_type: String,
    /// How many bytes it has.
    pub size: u64,
    /// The bytes, as they are read.
    pub bytes: BoxStream<'static, io::Result<Bytes>>,
}

/// The calls of one AI Agent's API that a handoff needs. [`Client`](super::client::Client) makes them; a
/// simulation answers them itself.
#[async_trait]
pub trait Ada: Send + Sync {
    /// Waits until Ada's limits leave room for a call.
    async fn turn(&self, priority: Priority) -> Permit;

    /// Posts a message of a human agent.
    async fn send_message(
        &self,
        permit: Permit,
        key: &ConversationKey,
        by: &ShownAuthor,
        says: Says<'_>,
    ) -> Answer<Receipt>;

    /// Brings a file to Ada, for a message to point to.
    async fn upload(&self, permit: Permit, key: &ConversationKey, file: Upload) -> Answer<UploadedFile>;

    /// Ends the handoff. Ada's "not in a handoff" comes as [`Failure::NoHandoff`].
    ///
    /// [`Failure::NoHandoff`]: crate::relay::delivery::Failure::NoHandoff
    async fn end_handoff(&self, permit: Permit, key: &ConversationKey) -> Answer<Receipt>;

    /// Reads a part of the conversation's messages, oldest first, from the page where the last reading ended
    /// or else from the beginning. What can't be read is shown as that. Each page after the first waits for a
    /// permit of `priority`.
    async fn list_messages(
        &self,
        permit: Permit,
        priority: Priority,
        key: &ConversationKey,
        from: Option<&str>,
    ) -> Answer<MessagePage>;

    /// Whether the whole conversation has ended.
    async fn is_over(&self, permit: Permit, key: &ConversationKey) -> Answer<bool>;

    /// Who an end user is.
    async fn read_end_user(&self, permit: Permit, end_user: &str) -> Answer<Profile>;

    /// Sets metavariables of an end user: strings, booleans or integers, 10 KB in all.
    async fn update_end_user(
        &self,
        permit: Permit,
        end_user: &str,
        values: &Map<String, Value>,
    ) -> Answer<()>;

    /// Sets metadata of the conversation: 4 KB in all. It sets no metavariables.
    async fn update_conversation(
        &self,
        permit: Permit,
        key: &ConversationKey,
        values: &Map<String, Value>,
    ) -> Answer<()>;

    /// Shows the customer in the banner of Ada's chat how long they wait. Ada refuses it in other channels, and once a human
    /// agent has written.
    async fn show_banner(&self, permit: Permit, key: &ConversationKey, shown: Shown) -> Answer<()>;

    /// Ada's clock minus ours, as far as answers have told.
    fn offset(&self) -> Offset;

    /// Why Ada refuses the key, if it does.
    fn denied(&self) -> Option<String>;
}
