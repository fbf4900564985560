//! What the customer says goes to the contact.

use std::time::Duration;

use bytes::Bytes as RawBytes;
use futures_util::{FutureExt, TryStreamExt};

use super::{Line, TAKEN, Trouble, later, may_pass};
use crate::{
    agents::platforms::{
        Answer, Platform,
        amazon_connect::{
            api::{OutgoingText, Upload},
            attachments,
            aws::{CallError, ErrorKind},
            text, transcript,
        },
    },
    files::FileKey,
    relay::{
        contact::{Contact, ContactState, MadeContact, SentParts},
        handoff::CLOCK_TOLERANCE,
        rules::{contact::progress, notify::NoticeOutcome},
        thread::{Bytes, Content, Role, Row, Source},
        time::Time,
    },
};

/// How long the messages behind a file wait for its bytes, and how often it is looked.
const FILE_WAIT: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// What any channel takes, in bytes: older descriptions of the API have this limit.
const LEAST_LIMIT: usize = 1_024;
/// What is said before a message that came after later ones: a chat can't be sorted again.
const DELAYED: &str = "[Delayed]";
/// What is said before a message of before the handoff.
const EARLIER: &str = "[Earlier]";
/// How many rows before a message are looked at for later ones.
const LOOKED_BACK: u64 = 50;
/// How much of a refused message is quoted, in characters.
const QUOTED: usize = 60;

/// What of a row goes to the contact.
enum Said {
    Nothing,
    Text(String),
    File { filename: String, mime_type: String },
}

impl Line<'_> {
    /// Sends a row that is new since the contact was opened, as it was then.
    pub(super) async fn message(
        &self,
        platform: &Platform,
        row: &Row,
        since: Time,
    ) -> Result<Answer, Trouble> {
        let Some(contact) = self.contact().await? else { return Ok(TAKEN) };
        let Some(made) = contact.made.clone().filter(|_| contact.state == ContactState::Open) else {
            return Ok(TAKEN);
        };
        if row.seq <= contact.opened_with {
            return Ok(Answer::KnownUpTo(contact.opened_with));
        }
        let said = said(row);
        if matches!(said, Said::Nothing) {
            return Ok(TAKEN);
        }
        let contact = self.marked(contact, row).await?;
        match said {
            Said::Nothing => Ok(TAKEN),
            Said::Text(text) => self.text(&contact, &made, row, &text).await,
            Said::File { filename, mime_type } => {
                // Its bytes may have come since.
                let now = self.engine.store.row(&row.id).await?;
                let bytes = match now.map(|row| row.content) {
                    Some(Content::File { bytes, .. }) => bytes,
                    _ => Bytes::Awaited,
                };
                // The same at each try.
                let link = platform.links.url(self.handoff.as_str(), row.id.as_str(), since);
                match bytes {
                    Bytes::Awaited if self.now().since(since) < FILE_WAIT => {
                        Ok(Answer::Outcome(NoticeOutcome::NotYet(LOOK_AGAIN)))
                    }
                    Bytes::Kept { size } => {
                        let file = CustomersFile { filename, mime_type, size, link };
                        self.file(&contact, &made, row, file).await
                    }
                    Bytes::Awaited => {
                        self.text(&contact, &made, row, &format!("[File: {filename}] {link}")).await
                    }
                    Bytes::Missing { .. } => {
                        let text = format!("[File: {filename}, which could not be fetched]");
                        self.text(&contact, &made, row, &text).await
                    }
                }
            }
        }
    }

    /// The contact, with what stands before the row's text, if it needs that. Rows change, so it is recorded before the
    /// first call: a later try must not say something else under the same client token.
    async fn marked(&self, mut contact: Contact, row: &Row) -> Result<Contact, Trouble> {
        if contact.parts_sent.as_ref().is_some_and(|sent| sent.row == row.id) {
            return Ok(contact);
        }
        let mark = if self.is_from_before(row).await? {
            Some(EARLIER.to_owned())
        } else if self.is_delayed(row).await? {
            Some(DELAYED.to_owned())
        } else {
            None
        };
        let sent = SentParts { mark, ..self.none_of(row) };
        self.engine.decide(progress::part_sent(self.handoff.clone(), sent.clone())).await?;
        contact.parts_sent = Some(sent);
        Ok(contact)
    }

    fn none_of(&self, row: &Row) -> SentParts {
        SentParts { row: row.id.clone(), limit: self.connect.settings.message_limit, parts: 0, mark: None }
    }

    /// Whether a row was said before the handoff began, and came too late for the contact's opening.
    async fn is_from_before(&self, row: &Row) -> Result<bool, Trouble> {
        if row.source != Source::Transcript {
            return Ok(false);
        }
        let Some(handoff) = self.handoff().await? else { return Ok(false) };
        let began = handoff.began(self.engine.ada(&handoff.key).offset());
        Ok(row.at + CLOCK_TOLERANCE < began)
    }

    /// Whether a message of the customer came after later ones, which the contact has by now.
    async fn is_delayed(&self, row: &Row) -> Result<bool, Trouble> {
        if row.late || row.author.role != Role::EndUser {
            return Ok(row.late);
        }
        let before = self
            .engine
            .store
            .rows(self.handoff, row.seq.saturating_sub(LOOKED_BACK), LOOKED_BACK as usize)
            .await?;
        let is_later =
            |other: &Row| other.seq < row.seq && other.at > row.at && other.author.role == Role::EndUser;
        Ok(before.iter().any(is_later))
    }

    /// Sends a text, in as many messages as it needs.
    async fn text(
        &self,
        contact: &Contact,
        made: &MadeContact,
        row: &Row,
        text: &str,
    ) -> Result<Answer, Trouble> {
        let sent = contact.parts_sent.clone().filter(|sent| sent.row == row.id);
        let sent = sent.unwrap_or_else(|| self.none_of(row));
        let text = &sent.mark.as_ref().map_or_else(|| text.to_owned(), |mark| format!("{mark} {text}"));
        let shorter = SentParts { limit: LEAST_LIMIT, ..sent.clone() };
        let parted = match self.parts(made, text, sent).await? {
            Parted::TooLong(_) => self.parts(made, text, shorter).await?,
            parted => parted,
        };
        Ok(match parted {
            Parted::All => TAKEN,
            Parted::Refused(error) | Parted::TooLong(error) => Answer::Refused(error.to_string()),
        })
    }

    /// Sends what is left of a text, part by part. Agents are told of each part that is refused.
    async fn parts(&self, made: &MadeContact, text: &str, sent: SentParts) -> Result<Parted, Trouble> {
        let SentParts { row, limit, parts: begin, mark } = sent;
        let parts = text::parts(text, limit);
        let is_long = parts.len() > 1;
        let mut parted = Parted::All;
        for (index, part) in parts.iter().enumerate().skip(begin) {
            // Blank messages are refused, and say nothing.
            if part.trim().is_empty() {
                continue;
            }
            if let Err(error) = self.send_text(made, part, format!("{row}-{limit}-{index}")).await? {
                // A channel that takes shorter messages only has none of it yet.
                if index == 0 && limit > LEAST_LIMIT && is_too_long(&error, part) {
                    return Ok(Parted::TooLong(error));
                }
                self.refused(part, &error.to_string()).await?;
                if error.kind != ErrorKind::Invalid {
                    return Ok(Parted::Refused(error));
                }
                parted = Parted::Refused(error);
            }
            if is_long {
                let sent = SentParts { row: row.clone(), limit, parts: index + 1, mark: mark.clone() };
                self.engine.decide(progress::part_sent(self.handoff.clone(), sent)).await?;
            }
        }
        Ok(parted)
    }

    /// Sends an older part of the conversation: in shorter messages if it is too long for the channel. Agents are told of
    /// what is refused, since the chat is worth more than what was said before it.
    pub(super) async fn earlier(
        &self,
        made: &MadeContact,
        part: &str,
        client_token: String,
    ) -> Result<(), Trouble> {
        let Err(error) = self.send_text(made, part, client_token.clone()).await? else { return Ok(()) };
        if !is_too_long(&error, part) {
            return self.refused(part, &error.to_string()).await;
        }
        for (index, piece) in text::parts(part, LEAST_LIMIT - EARLIER.len() - 1).iter().enumerate() {
            // The first one says itself what it is.
            let piece = &if index == 0 { piece.clone() } else { format!("{EARLIER} {piece}") };
            if let Err(error) = self.send_text(made, piece, format!("{client_token}-{index}")).await? {
                // It was not for its length: the other pieces would be refused, too.
                return self.refused(piece, &error.to_string()).await;
            }
        }
        Ok(())
    }

    /// Sends one message. The inner error is a refusal: it will never be taken as it is.
    async fn send_text(
        &self,
        made: &MadeContact,
        text: &str,
        client_token: String,
    ) -> Result<Result<(), CallError>, Trouble> {
        let message = &OutgoingText { content_type: "text/plain", content: text.to_owned(), client_token };
        let answer = self
            .connected(made, move |token| {
                async move { self.connect.api.send_message(&token, message).await }.boxed()
            })
            .await;
        match answer {
            Ok(answer) => {
                if let Some(status) = answer.processing.filter(|status| status != "PROCESSING") {
                    self.refused(text, &format!("its own processing answered {status}")).await?;
                }
                Ok(Ok(()))
            }
            Err(Trouble::Call(error)) if !may_pass(&error) => Ok(Err(error)),
            Err(trouble) => Err(trouble),
        }
    }

    /// Tells agents that a message of the customer is not in the contact.
    async fn refused(&self, text: &str, reason: &str) -> Result<(), Trouble> {
        let quoted = text::beginning(text.trim(), QUOTED);
        let more = if quoted.len() < text.trim().len() { "…" } else { "" };
        let told =
            format!("Failed in Amazon Connect: “{quoted}{more}”. The agent there does not see it: {reason}");
        self.engine.decide(progress::tell_agents(self.handoff.clone(), told)).await?;
        Ok(())
    }

    /// Attaches a file. One that Amazon Connect does not take becomes a sentence with a link to it.
    async fn file(
        &self,
        contact: &Contact,
        made: &MadeContact,
        row: &Row,
        file: CustomersFile,
    ) -> Result<Answer, Trouble> {
        let CustomersFile { filename, mime_type, size, link } = file;
        let sentence = format!("[File: {filename}] {link}");
        if !attachments::fits(&filename, size, contact.attachments) {
            return self.text(contact, made, row, &sentence).await;
        }
        let key = FileKey::new(self.handoff.as_str(), row.id.as_str());
        let bytes = match self.engine.files.read(&key, None).await {
            Ok(Some(bytes)) => bytes.map_ok(|chunk| chunk.to_vec()).try_concat().await.map(RawBytes::from),
            Ok(None) => return self.text(contact, made, row, &sentence).await,
            Err(error) => Err(error),
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) => {
                let reason = error.to_string();
                return Ok(Answer::Outcome(NoticeOutcome::Later { reason, retry_after: None }));
            }
        };
        let (upload, bytes) = (
            &Upload {
                name: text::beginning(&filename, attachments::NAME_CHARS),
                mime_type: attachments::mime_type(&filename).map_or(mime_type, str::to_owned),
                client_token: row.id.to_string(),
            },
            &bytes,
        );
        let attached = self
            .connected(made, move |token| {
                async move { self.connect.api.upload(&token, upload, bytes.clone()).await }.boxed()
            })
            .await;
        match attached {
            // The same upload has been completed before.
            Ok(_) => {}
            Err(Trouble::Call(error)) if error.kind == ErrorKind::Conflict => {}
            Err(Trouble::Call(error)) if error.is_passing() => return Ok(later(&error)),
            Err(Trouble::Call(error)) => {
                tracing::info!(handoff.id = %self.handoff, reason = %error, "a file becomes a link in Amazon Connect");
                return self.text(contact, made, row, &sentence).await;
            }
            // Attachments may be off, or the chat may be over.
            Err(Trouble::Over) => match self.find_out().await? {
                Answer::Outcome(NoticeOutcome::Taken) => return Ok(TAKEN),
                _ => return self.text(contact, made, row, &sentence).await,
            },
            Err(trouble) => return Err(trouble),
        }
        self.engine.decide(progress::attached(self.handoff.clone())).await?;
        Ok(TAKEN)
    }
}

/// How far a text came.
enum Parted {
    /// All of it was taken.
    All,
    /// Something of it was refused.
    Refused(CallError),
    /// Nothing of it was taken, which may be because of its length.
    TooLong(CallError),
}

/// Whether a text may have been refused because of its length.
fn is_too_long(error: &CallError, text: &str) -> bool {
    error.kind == ErrorKind::Invalid && text.len() > LEAST_LIMIT
}

/// A file of the customer, and the relay's link to it.
struct CustomersFile {
    filename: String,
    mime_type: String,
    size: u64,
    link: String,
}

/// What of a row is new to the contact: what the customer and the AI Agent say, and people of other systems.
fn said(row: &Row) -> Said {
    let prefix = match (row.author.role, row.source) {
        (Role::EndUser, _) => None,
        (Role::AiAgent, _) => Some("AI Agent"),
        (Role::HumanAgent, Source::Webhook | Source::Recovered | Source::Transcript) => Some("Another agent"),
        (Role::HumanAgent | Role::System | Role::Unknown, _) => return Said::Nothing,
    };
    match (&row.content, prefix) {
        (Content::File { filename, mime_type, .. }, None) => {
            Said::File { filename: filename.clone(), mime_type: mime_type.clone() }
        }
        (content, prefix) => match (transcript::said(content), prefix) {
            (None, _) => Said::Nothing,
            (Some(text), None) => Said::Text(text),
            (Some(text), Some(prefix)) => Said::Text(format!("[{prefix}] {text}")),
        },
    }
}
