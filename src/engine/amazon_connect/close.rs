//! A contact ends.

use futures_util::FutureExt;

use super::{Line, TAKEN, Trouble, may_pass};
use crate::{
    agents::platforms::{
        Answer,
        amazon_connect::{api::OutgoingText, aws::ErrorKind},
    },
    relay::{
        contact::MadeContact,
        rules::contact::close::{self, Because},
    },
};

impl Line<'_> {
    /// Ends the contact, whatever state it is in; before that, `line` is said there.
    pub(super) async fn close(&self, because: Because, line: Option<&str>) -> Result<Answer, Trouble> {
        let Some(contact) = self.engine.decide(close::begin(self.handoff.clone(), because)).await? else {
            return Ok(TAKEN);
        };
        let made = match (&contact.made, contact.may_exist) {
            (Some(made), _) => Some(made.clone()),
            (None, false) => None,
            // A call whose answer never came may have made it: the same call tells its id.
            (None, true) => match self.make(&contact).await {
                Ok(made) => Some(made),
                Err(Trouble::Call(error)) if !may_pass(&error) => None,
                Err(trouble) => return Err(trouble),
            },
        };
        if let Some(made) = made {
            self.end(&made, line).await?;
        }
        self.engine.decide(close::closed(self.handoff.clone())).await?;
        Ok(TAKEN)
    }

    async fn end(&self, made: &MadeContact, line: Option<&str>) -> Result<(), Trouble> {
        if made.connection.is_some() {
            if let Some(line) = line {
                let client_token = format!("{}-elsewhere", self.handoff);
                let content = line.to_owned();
                let message = &OutgoingText { content_type: "text/plain", content, client_token };
                // The end matters more than the word about it.
                drop(
                    self.connected(made, move |token| {
                        async move { self.connect.api.send_message(&token, message).await }.boxed()
                    })
                    .await,
                );
            }
            let client_token = &format!("{}-end", self.handoff);
            let left = self
                .connected(made, move |token| {
                    async move { self.connect.api.disconnect(&token, client_token).await }.boxed()
                })
                .await;
            match left {
                Ok(()) => return Ok(()),
                Err(Trouble::Call(error)) if error.is_passing() => return Err(error.into()),
                Err(Trouble::Store(error)) => return Err(error.into()),
                // It may be over, or its tokens have ended: the owner's call settles it.
                Err(Trouble::Call(_) | Trouble::Over) => {}
            }
        }
        if made.current_id != made.id {
            // A transfer may not have been told: of two ids one may be known to be over, and the other not.
            drop(self.connect.api.stop_contact(&made.id).await);
        }
        match self.connect.api.stop_contact(&made.current_id).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind == ErrorKind::Gone => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
