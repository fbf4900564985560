//! Compares an open contact with its transcript: notifications that never came are read from there.

use std::time::Duration;

use futures_util::FutureExt;

use super::{Line, Trouble};
use crate::{
    agents::platforms::amazon_connect::happening,
    relay::{
        contact::Contact,
        rules::contact::release::{self, Taken},
    },
};

/// Items are read again from a little before: clocks of several machines stamp them.
const OVERLAP: Duration = Duration::from_mins(2);

impl Line<'_> {
    /// Takes in what is missing.
    pub(super) async fn compare(&self, contact: &Contact) -> Result<(), Trouble> {
        let Some(made) = &contact.made else { return Ok(()) };
        let since = contact.compared_until.map(|at| at - OVERLAP);
        let mut until = contact.compared_until;
        let mut next: Option<String> = None;
        loop {
            let from = next.as_deref();
            let page = self
                .connected(made, move |token| {
                    async move { self.connect.api.transcript(&token, &made.current_id, from, since).await }
                        .boxed()
                })
                .await?;
            let items: Vec<_> = page
                .items
                .iter()
                .flat_map(|item| happening::of(item, self.connect.settings.system_messages))
                .collect();
            until = page.items.iter().filter_map(|item| item.absolute_time).max().max(until);
            if self.engine.take_in(contact, items).await? == Taken::Full {
                // What waits joins the thread first; the rest is read again.
                return Ok(());
            }
            match page.next {
                Some(token) if Some(&token) != next.as_ref() => next = Some(token),
                Some(_) | None => break,
            }
        }
        self.engine.decide(release::compared(self.handoff.clone(), until)).await?;
        Ok(())
    }
}
