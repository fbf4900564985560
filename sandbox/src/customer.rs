//! What the customer and the AI side do. The chat page and tests call the same functions.

use std::sync::Arc;

use anyhow::{Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::Sandbox;
use crate::conversation::{Content, Conversation};
use crate::files::StoredFile;

impl Sandbox {
    /// A new active conversation, greeted by the AI Agent. Returns its id, 24 hex digits.
    pub fn open_conversation(&self) -> String {
        let ids = self.0.lock().ids;
        self.add(Conversation::open(Arc::clone(&self.0.origin), ids))
    }

    /// The same on another channel than the chat, such as `email`.
    pub fn open_conversation_on(&self, modality: &'static str) -> String {
        let ids = self.0.lock().ids;
        let mut conversation = Conversation::open(Arc::clone(&self.0.origin), ids);
        conversation.modality = modality;
        self.add(conversation)
    }

    /// The same with an id of one's choice, which no conversation here has yet.
    pub fn open_conversation_as(&self, id: &str) {
        let ids = self.0.lock().ids;
        self.add(Conversation::open_as(id.to_owned(), Arc::clone(&self.0.origin), ids));
    }

    /// The customer writes, and outside a handoff the AI Agent answers. Who asks for a person starts a
    /// handoff: then this returns after the start call. Returns the id of the customer's message.
    ///
    /// # Errors
    /// When the conversation is unknown or over.
    pub async fn customer_says(&self, conversation: &str, text: &str) -> Result<String> {
        self.customer_adds(conversation, Content::of_text(text)).await
    }

    /// The customer sends a file, of any name and type, and outside a handoff the AI Agent answers. Returns the
    /// id of the customer's message.
    ///
    /// # Errors
    /// When the conversation is unknown or over, or the file too large (50 MiB) or not writable.
    pub async fn customer_sends_file(
        &self,
        conversation: &str,
        filename: &str,
        mime_type: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<String> {
        let mut incoming = self.0.files.begin()?;
        ensure!(incoming.write(&bytes.into()).await?, "the file is too large");
        let file = self.0.files.keep(incoming, filename.to_owned(), mime_type.to_owned()).await?;
        self.customer_sends(conversation, &file).await
    }

    /// The same with a file that is kept already.
    pub(crate) async fn customer_sends(&self, conversation: &str, file: &StoredFile) -> Result<String> {
        let content = Content::of_file(file.kept.clone(), &file.filename, &file.mime_type);
        self.customer_adds(conversation, content).await
    }

    async fn customer_adds(&self, conversation: &str, content: Content) -> Result<String> {
        let said = self.change(conversation, |conversation| conversation.customer_says(content))?;
        if said.hand_off {
            self.run_start(conversation, customer_context()).await?;
        }
        Ok(said.message_id)
    }

    /// Runs the handoff block: posts `context` and the `conversation_id` to the start URL. After a 2xx the
    /// conversation is in handoff, else the AI Agent says its error fallback. Returns the status, 0 when no
    /// answer came.
    ///
    /// # Errors
    /// When the conversation is unknown or over.
    pub async fn start_handoff(&self, conversation: &str, context: Value) -> Result<u16> {
        self.change(conversation, Conversation::begin_start)?;
        self.run_start(conversation, context).await
    }

    /// The customer closes the chat: the handoff ends, if there is one, and the conversation too.
    ///
    /// # Errors
    /// When the conversation is unknown or over already.
    pub async fn customer_ends_chat(&self, conversation: &str) -> Result<()> {
        Ok(self.change(conversation, Conversation::end)?)
    }

    /// Ada ends the handoff by itself; the conversation goes on with the AI Agent.
    ///
    /// # Errors
    /// When the conversation is unknown or not in a handoff.
    pub async fn ada_ends_handoff(&self, conversation: &str) -> Result<()> {
        Ok(self.change(conversation, Conversation::end_handoff)?)
    }

    /// Makes the start call in a task of its own: a browser that leaves must not stop it halfway.
    async fn run_start(&self, conversation: &str, context: Value) -> Result<u16> {
        let (sandbox, id) = (self.clone(), conversation.to_owned());
        let call = self.0.tasks.spawn(async move {
            let status = sandbox.post_start(&id, context).await;
            let settled = sandbox.change(&id, |conversation| {
                conversation.settle_start((200..300).contains(&status));
                Ok(())
            });
            settled.map(|()| status)
        });
        Ok(call.await??)
    }
}

/// What Acme's handoff flow knows about the customer.
fn customer_context() -> Value {
    json!({
        "end_user_name": "Maria Silva",
        "first_name": "Maria",
        "last_name": "Silva",
        "end_user_email": "maria.silva@example.com",
        "account_number": "AC-20817",
        "issue_category": "billing",
        "language": "en",
    })
}
