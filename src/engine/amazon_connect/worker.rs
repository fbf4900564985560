//! The worker that looks after contacts: what was said there joins the thread, agents who left are gone, notifications
//! that never came are read from the transcript.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::{sync::watch, task::JoinSet};

use super::{Line, Trouble};
use crate::{
    agents::platforms::{
        Answer, Kind, Platform,
        amazon_connect::{
            AmazonConnect, Subscription,
            aws::{CallError, ErrorKind},
        },
    },
    engine::{
        Engine,
        worker::{StepError, Worker, signal},
    },
    files::{FileKey, fetch::FetchError, kinds, name},
    relay::{
        contact::{Contact, ContactState, Happening, Item},
        id::{HandoffId, RowId},
        rules::{
            contact::{
                begin,
                close::Because,
                release::{self, FetchedFile, FetchedFiles},
            },
            notify::NoticeOutcome,
        },
        time::Time,
    },
    store::{
        StoreError,
        files::{FileChecks, FileOf},
    },
};

/// How many contacts are looked after at once.
const AT_ONCE: usize = 32;
/// How many are asked for in one step when the process begins.
const PAGE: usize = 500;
/// A new subscription is confirmed within this time.
const TO_BE_CONFIRMED: Duration = Duration::from_secs(10);
/// After trouble a contact rests for so long, and twice as long each time, up to a limit.
const AFTER_TROUBLE: Duration = Duration::from_secs(2);
const AFTER_TROUBLE_MOST: Duration = Duration::from_mins(5);
/// For so long a file is asked for that can't be had, while what was said after it waits. One that comes has the fetcher's time.
const FETCHED_FOR: Duration = Duration::from_mins(1);
/// For so long contacts of before wait to be compared with their transcripts, before anything new of them is shown.
const CATCH_UP: Duration = Duration::from_mins(2);
/// After this time, bytes that were stored for a message belong to its row, or to none.
const UNSURE_FOR: Duration = Duration::from_hours(1);

/// See the module.
pub struct Contacts {
    engine: Arc<Engine>,
    signal: watch::Receiver<()>,
    under_way: JoinSet<(HandoffId, bool)>,
    busy: BTreeSet<HandoffId>,
    /// After trouble, and how long it was this time.
    rests_until: BTreeMap<HandoffId, (Time, Duration)>,
    /// Contacts that were not over when this process began, and that nobody has looked after since.
    from_before: BTreeSet<HandoffId>,
    has_met_them: bool,
    has_asked_for_subscription: bool,
    /// Ends with the worker.
    asking: JoinSet<()>,
}

impl Contacts {
    /// A worker on the engine's store.
    pub fn new(engine: Arc<Engine>) -> Self {
        let signal = engine.store.signals().contacts();
        Self {
            engine,
            signal,
            under_way: JoinSet::new(),
            busy: BTreeSet::new(),
            rests_until: BTreeMap::new(),
            from_before: BTreeSet::new(),
            has_met_them: false,
            has_asked_for_subscription: false,
            asking: JoinSet::new(),
        }
    }

    /// Finds the contacts of before, all of them, page by page.
    async fn meet(&mut self) -> Result<(), StoreError> {
        while !self.has_met_them {
            let page = self.engine.store.open_contacts(self.from_before.last(), PAGE).await?;
            self.has_met_them = page.len() < PAGE;
            self.from_before.extend(page);
        }
        Ok(())
    }

    /// Finds out, when the process begins, whether notifications come; what arrives later says more.
    fn look_up_subscription(&mut self) {
        if std::mem::replace(&mut self.has_asked_for_subscription, true) {
            return;
        }
        let engine = Arc::clone(&self.engine);
        let asks = async move {
            let Some((platform, connect)) = engine.amazon_connect() else { return };
            let look = || connect.look_up_subscription(platform.links.public_url());
            let mut found = look().await;
            if found.as_ref().is_ok_and(|found| found.trouble().is_some()) {
                // Who has just been subscribed is being asked to confirm it.
                tokio::time::sleep(TO_BE_CONFIRMED).await;
                found = look().await;
            }
            match found.map(Subscription::trouble) {
                Ok(None) => {}
                Ok(Some(trouble)) => {
                    tracing::error!(platform = %platform.id, trouble, "nothing comes from Amazon Connect")
                }
                Err(error) => {
                    tracing::info!(platform = %platform.id, reason = %error, "the topic's subscriptions could not be listed");
                }
            }
        };
        self.asking.spawn(asks);
    }

    fn ended(&mut self, ended: Result<(HandoffId, bool), tokio::task::JoinError>) {
        match ended {
            Ok((handoff, is_well)) => {
                self.busy.remove(&handoff);
                if is_well {
                    self.from_before.remove(&handoff);
                    self.rests_until.remove(&handoff);
                } else {
                    let before = self.rests_until.get(&handoff).map(|(_, rest)| *rest * 2);
                    let rest = before.unwrap_or(AFTER_TROUBLE).min(AFTER_TROUBLE_MOST);
                    self.rests_until.insert(handoff, (self.engine.environment.now() + rest, rest));
                }
            }
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }

    fn start(&mut self, handoff: HandoffId) {
        if !self.busy.insert(handoff.clone()) {
            return;
        }
        let engine = Arc::clone(&self.engine);
        self.under_way.spawn(async move {
            let is_well = engine.look_after(&handoff).await;
            (handoff, is_well)
        });
    }
}

#[async_trait]
impl Worker for Contacts {
    fn name(&self) -> &'static str {
        "contacts"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        if self.engine.amazon_connect().is_none() {
            return Ok(None);
        }
        while let Some(ended) = self.under_way.try_join_next() {
            self.ended(ended);
        }
        self.meet().await?;
        self.look_up_subscription();
        let now = self.engine.environment.now();
        // What has been well for long is forgotten.
        self.rests_until.retain(|_, (until, rest)| *until + *rest > now);
        let limit = AT_ONCE + self.busy.len() + self.rests_until.len();
        let due = self.engine.store.due_contacts(now, limit).await?;
        let before = self.from_before.iter().cloned();
        let all: Vec<HandoffId> = due.items.into_iter().chain(before.take(limit)).collect();
        for handoff in all {
            let rests = self.rests_until.get(&handoff).is_some_and(|(until, _)| *until > now);
            if self.busy.len() < AT_ONCE && !rests {
                self.start(handoff);
            }
        }
        // What is due by now waits for a place, or for its rest.
        let next = due.next.filter(|at| *at > now);
        let rested = self.rests_until.values().map(|(until, _)| *until).filter(|until| *until > now).min();
        Ok([next, rested].into_iter().flatten().min())
    }

    async fn woken(&mut self) {
        let ended = tokio::select! {
            biased;
            () = signal(&mut self.signal) => return,
            Some(ended) = self.under_way.join_next() => ended,
        };
        self.ended(ended);
    }

    async fn finish(&mut self) {
        while let Some(ended) = self.under_way.join_next().await {
            self.ended(ended);
        }
    }
}

impl Engine {
    /// Amazon Connect, if it is one of the platforms.
    pub fn amazon_connect(&self) -> Option<(&Platform, &AmazonConnect)> {
        self.platforms.iter().find_map(|platform| match &platform.kind {
            Kind::AmazonConnect(connect) => Some((platform, &**connect)),
            Kind::Webhook(_) => None,
        })
    }

    /// Does what is due for a contact. False after trouble.
    async fn look_after(&self, handoff: &HandoffId) -> bool {
        let Some((_, connect)) = self.amazon_connect() else { return true };
        let line = Line { engine: self, connect, handoff };
        let trouble = match line.look_after().await {
            Ok(()) => return true,
            Err(trouble) => trouble,
        };
        let reason = match trouble {
            Trouble::Store(error) => error.to_string(),
            Trouble::Call(error) => error.to_string(),
            Trouble::Over => match line.find_out().await {
                Ok(Answer::Outcome(NoticeOutcome::Later { reason, .. })) => reason,
                Ok(_) | Err(Trouble::Over) => return true,
                Err(Trouble::Store(error)) => error.to_string(),
                Err(Trouble::Call(error)) => error.to_string(),
            },
        };
        tracing::warn!(handoff.id = %handoff, reason, "a contact could not be looked after");
        false
    }
}

impl Line<'_> {
    async fn look_after(&self) -> Result<(), Trouble> {
        let Some(mut contact) = self.contact().await? else { return Ok(()) };
        let began_at = self.engine.policy().began_at;
        let is_from_before =
            contact.compared_at < began_at && contact.is_to_be_compared(self.now(), began_at);
        if is_from_before && self.now().since(began_at) < CATCH_UP {
            // What was missed comes before what is new.
            self.catch_up(&contact).await?;
            let Some(compared) = self.contact().await? else { return Ok(()) };
            contact = compared;
        }
        let now = self.now();
        if contact.state == ContactState::Starting
            && contact.gives_up_at <= now
            && self.engine.decide(begin::give_up(self.handoff.clone())).await?
            && contact.made.is_some()
        {
            // A part of it is there, and nobody may talk into it.
            self.close(Because::Ended, None).await?;
        }
        if contact.release_at.is_some_and(|at| at <= now) {
            self.release(&contact).await?;
        }
        if self.is_left_open(&contact).await? {
            self.close(Because::Ended, None).await?;
            return Ok(());
        }
        if contact.agent_left_at.is_some() {
            self.engine.decide(release::agent_is_gone(self.handoff.clone())).await?;
        }
        if contact.is_to_be_compared(now, began_at) {
            self.compare(&contact).await?;
        }
        Ok(())
    }

    /// Compares a contact of before with its transcript. If it is over, that waits behind what was said.
    async fn catch_up(&self, contact: &Contact) -> Result<(), Trouble> {
        match self.compare(contact).await {
            Err(Trouble::Over) => match self.find_out().await? {
                Answer::Outcome(NoticeOutcome::Later { reason, .. }) => {
                    Err(passing("GetTranscript", &reason))
                }
                _ => Ok(()),
            },
            compared => compared,
        }
    }

    /// Whether the handoff is over, and nothing has ended the contact: its event may have expired, or Amazon Connect may
    /// have been out of the settings then.
    async fn is_left_open(&self, contact: &Contact) -> Result<bool, Trouble> {
        let may_be_open = match contact.state {
            ContactState::Starting | ContactState::Failed => contact.made.is_some() || contact.may_exist,
            ContactState::Open | ContactState::Closing => true,
            ContactState::Closed => false,
        };
        Ok(may_be_open && self.handoff().await?.is_some_and(|handoff| !handoff.is_open()))
    }

    /// What was said joins the thread: what stands before the first file at once, the rest as its files come. Their links
    /// are good for minutes.
    async fn release(&self, contact: &Contact) -> Result<(), Trouble> {
        let rows: Vec<RowId> = contact.pending.iter().map(|item| contact.row_of(item)).collect();
        let mut files = FetchedFiles::new();
        self.engine.decide(release::due(self.handoff.clone(), rows.clone(), files.clone())).await?;
        let mut waits_since = contact.waits_since.unwrap_or_else(|| self.now());
        for item in contact.in_order() {
            let Happening::File { attachment, filename, mime_type, .. } = &item.what else { continue };
            let file = Attached { attachment, filename, mime_type };
            let fetched = self.fetch_until(waits_since + FETCHED_FOR, contact, &item, &file).await?;
            if let Err(reason) = &fetched {
                tracing::warn!(handoff.id = %self.handoff, reason, "an attachment could not be fetched");
            }
            files.insert(item.id, fetched);
            self.engine.decide(release::due(self.handoff.clone(), rows.clone(), files.clone())).await?;
            waits_since = self.now();
        }
        Ok(())
    }

    /// Fetches a file. After this time, one that can't be had is given up.
    async fn fetch_until(
        &self,
        gives_up_at: Time,
        contact: &Contact,
        item: &Item,
        file: &Attached<'_>,
    ) -> Result<Result<FetchedFile, String>, Trouble> {
        match self.fetch_one(contact, item, file).await {
            Err(Trouble::Call(error)) if error.is_passing() && self.now() >= gives_up_at => {
                Ok(Err(error.to_string()))
            }
            Err(Trouble::Over) => Ok(Err("the chat was over before it could be fetched".to_owned())),
            fetched => fetched,
        }
    }

    async fn fetch_one(
        &self,
        contact: &Contact,
        item: &Item,
        file: &Attached<'_>,
    ) -> Result<Result<FetchedFile, String>, Trouble> {
        let Some(made) = &contact.made else { return Ok(Err("its contact is not known".to_owned())) };
        let row = contact.row_of(item);
        let key = FileKey::new(self.handoff.as_str(), row.as_str());
        let check = FileOf { handoff: self.handoff.clone(), row };
        self.engine.store.change_file_checks(FileChecks::Later(check, self.now() + UNSURE_FOR)).await?;
        let attachment = file.attachment;
        let url = self
            .connected(made, move |token| {
                async move { self.connect.api.attachment_url(&token, attachment).await }.boxed()
            })
            .await;
        let url = match url {
            Ok(url) => url,
            Err(Trouble::Call(error)) if !error.is_passing() => return Ok(Err(error.to_string())),
            Err(trouble) => return Err(trouble),
        };
        Ok(match self.keep(&key, &url, file).await {
            Ok(kept) => kept,
            Err(FetchError::Refused(why)) => Err(why),
            Err(FetchError::Passing(why) | FetchError::Expired(why)) => {
                return Err(passing(GET_ATTACHMENT, &why));
            }
            Err(FetchError::Local(error)) => return Err(passing(GET_ATTACHMENT, &error.to_string())),
        })
    }

    /// Keeps a file's bytes, if Ada takes such a file: its name is clean then, and its type is what its content says.
    async fn keep(
        &self,
        key: &FileKey,
        url: &str,
        file: &Attached<'_>,
    ) -> Result<Result<FetchedFile, String>, FetchError> {
        let spool = self.engine.files.spool().map_err(FetchError::Local)?;
        let spooled = self.engine.fetcher.fetch(url, file.mime_type, spool).await?;
        let filename = name::clean(file.filename);
        let mime_type = match kinds::check(&filename, &spooled) {
            Ok(mime_type) => mime_type.to_owned(),
            Err(unfit) => return Ok(Err(format!("Ada does not take it: {unfit}"))),
        };
        if spooled.size() == 0 {
            return Ok(Err("it is empty".to_owned()));
        }
        self.engine.files.keep(key, &spooled).await.map_err(FetchError::Local)?;
        Ok(Ok(FetchedFile { filename, mime_type, size: spooled.size() }))
    }
}

/// A file that somebody attached there.
struct Attached<'i> {
    attachment: &'i str,
    filename: &'i str,
    mime_type: &'i str,
}

const GET_ATTACHMENT: &str = "GetAttachment";

/// Trouble that may pass, with what was called.
fn passing(operation: &'static str, why: &str) -> Trouble {
    Trouble::Call(CallError::without_answer(ErrorKind::Unreached, operation, why))
}
