//! What happens: a schedule drawn from a seed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use handoff_relay::{
    environment::Environment,
    relay::{
        id::{HandoffId, RowId, TeamName},
        rules::{
            act::{self, Ending, Receiver, TakeOver},
            start::{SAME_CALL, StartOutcome},
            write::{self, AgentMessage},
        },
        thread::{Role, Sending},
    },
    store::{HandoffQuery, Snapshot},
};
use serde_json::Map;

use crate::{
    ada::SimAda, clock::Simulated, desk::alex, dice::Dice, kept::Kind, post::Post, promises, relay::Relay,
};

/// A message that an agent was told is accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub row: RowId,
    pub handoff: HandoffId,
    pub body: String,
    /// It has been sent again by hand, so that its place is another.
    pub retried: bool,
}

/// A simulation under way.
pub struct Story {
    pub ada: Arc<SimAda>,
    pub relay: Arc<Relay>,
    pub environment: Arc<Simulated>,
    pub accepted: Vec<Accepted>,
    /// Which of Ada's handoffs ours are, where the start call was answered.
    pub known: BTreeMap<HandoffId, (String, u32)>,
    /// What happened, to be read when something is wrong.
    pub trace: Vec<String>,
    post: Post,
    dice: Dice,
    conversations: Vec<String>,
    written: u64,
    crashes: u64,
    backup: Backup,
}

/// Whether a backup is restored in the course of a story.
enum Backup {
    /// No.
    Never,
    /// One is to be made.
    Wanted,
    /// One has been made.
    Made(Box<Snapshot>),
    /// It has been restored: what came after it is forgotten here, and known to Ada.
    Restored,
}

impl Story {
    pub async fn new(kind: Kind, seed: u64) -> Self {
        let dice = Dice::new(seed);
        let environment = Arc::new(Simulated::new(dice.clone()));
        let clock: Arc<dyn Environment> = Arc::<Simulated>::clone(&environment);
        let ada = SimAda::new(clock, dice.clone());
        let relay = Relay::new(kind, Arc::clone(&environment), Arc::clone(&ada), dice.clone()).await;
        relay.shaky.fails(dice.one_of(&[0, 0, 2, 15]));
        let post = Post::new(Arc::clone(&ada), Arc::clone(&relay), dice.clone());
        let conversations = (0..=dice.below(3)).map(|number| format!("chat-{number}")).collect();
        Self {
            ada,
            relay,
            environment,
            accepted: Vec::new(),
            known: BTreeMap::new(),
            trace: Vec::new(),
            post,
            crashes: dice.one_of(&[0, 2, 6]),
            backup: if dice.percent(20) { Backup::Wanted } else { Backup::Never },
            dice,
            conversations,
            written: 0,
        }
    }

    /// Whether the relay has forgotten what it once knew.
    pub fn was_restored(&self) -> bool {
        matches!(self.backup, Backup::Restored)
    }

    pub fn lost(&self) -> &[String] {
        &self.post.lost
    }

    pub fn lost_ends(&self) -> &[(String, u32)] {
        &self.post.lost_ends
    }

    fn note(&mut self, what: String) {
        let at = self.environment.now();
        self.trace.push(format!("{at} {what}"));
    }

    /// Everything that happens, and then the calm in which it must settle.
    pub async fn runs(&mut self, steps: u64) -> Result<(), String> {
        for _ in 0..steps {
            self.step().await;
            promises::hold_always(self)?;
            let pause = match self.dice.below(10) {
                0 => self.dice.millis(5_000, 60_000),
                1..5 => self.dice.millis(300, 3_000),
                _ => self.dice.millis(0, 200),
            };
            self.post.passes(pause).await;
        }
        self.settles().await?;
        promises::hold_in_the_end(self).await
    }

    async fn step(&mut self) {
        let conversation =
            self.conversations[self.dice.below(self.conversations.len() as u64) as usize].clone();
        if self.dice.percent(self.crashes) {
            return self.crashes_and_starts().await;
        }
        if self.dice.percent(3) {
            self.backs_up_or_restores().await;
        }
        match self.dice.below(100) {
            0..12 => self.begins(&conversation).await,
            12..40 => self.customer_writes(&conversation),
            40..45 => self.ends(&conversation).await,
            45..75 => self.agent_writes(&conversation).await,
            75..83 => self.agent_acts(&conversation).await,
            83..90 => self.agent_retries_or_drops(&conversation).await,
            90..92 => {
                self.note("Ada can't be reached".to_owned());
                self.ada.goes_away(self.dice.millis(5_000, 90_000));
            }
            _ => {
                if let (Some(engine), Some(id)) = (self.relay.engine(), self.newest(&conversation).await) {
                    engine.opened(id);
                }
            }
        }
    }

    async fn backs_up_or_restores(&mut self) {
        match std::mem::replace(&mut self.backup, Backup::Never) {
            Backup::Wanted => {
                let Some(snapshot) = self.relay.store.snapshot() else { return };
                self.note("a backup is made".to_owned());
                self.backup = Backup::Made(Box::new(snapshot));
            }
            Backup::Made(snapshot) => {
                self.note("the process dies, and the backup is restored".to_owned());
                self.relay.dies();
                self.relay.store.restore(&snapshot);
                self.relay.start();
                self.backup = Backup::Restored;
            }
            as_it_was @ (Backup::Never | Backup::Restored) => self.backup = as_it_was,
        }
    }

    async fn crashes_and_starts(&mut self) {
        self.note("the process dies".to_owned());
        self.relay.dies();
        let down = self.dice.one_of(&[0, 100, 3_000, 200_000]);
        self.post.passes(Duration::from_millis(down)).await;
        self.relay.start();
        self.note("and is back".to_owned());
    }

    /// Ada hands a conversation over, unless it has. The start call may come late, twice, or be lost.
    async fn begins(&mut self, conversation: &str) {
        let (busy, begun) =
            self.ada.look(conversation, |known| (known.in_handoff || known.over, known.begins_at));
        // A start call within a minute of the last one is taken for the same.
        let soon = self.environment.now().since(begun) < SAME_CALL + Duration::from_secs(5);
        if busy || soon || self.relay.engine().is_none() {
            return;
        }
        self.note(format!("{conversation}: a handoff begins"));
        // Within two seconds of another's end nobody can tell which of the two a message belongs to.
        self.post.passes(Duration::from_secs(5)).await;
        self.writes_as(conversation, Role::EndUser, "asks");
        self.post.passes(Duration::from_secs(3)).await;
        let number = self.ada.begins(conversation, self.dice.millis(0, 1_500));
        if self.dice.percent(8) {
            self.note(format!("{conversation}: its start call is lost"));
            return self.post.passes(Duration::from_secs(3)).await;
        }
        for _ in 0..=u64::from(self.dice.percent(15)) {
            self.start_call(conversation, number).await;
        }
        self.post.passes(Duration::from_secs(3)).await;
    }

    async fn start_call(&mut self, conversation: &str, number: u32) {
        let Some(engine) = self.relay.engine() else { return };
        // Ada would take her fallback.
        let fails = self.relay.shaky.fails(0);
        let ai_agents = engine.ai_agents();
        let started = engine.start(&ai_agents, ai_agents.first(), conversation.to_owned(), Map::new()).await;
        self.relay.shaky.fails(fails);
        match started {
            Ok(StartOutcome::New(id) | StartOutcome::Same(id)) => {
                self.known.insert(id, (conversation.to_owned(), number));
            }
            other => panic!("a start call came to {other:?}"),
        }
    }

    fn writes_as(&mut self, conversation: &str, role: Role, what: &str) {
        self.written += 1;
        let body = format!("{what} {}", self.written);
        self.note(format!("{conversation}: {role:?} writes {body}"));
        self.ada.writes(conversation, role, &body);
    }

    fn customer_writes(&mut self, conversation: &str) {
        if !self.ada.look(conversation, |known| known.over) {
            self.writes_as(conversation, Role::EndUser, "customer");
        }
    }

    async fn ends(&mut self, conversation: &str) {
        if !self.ada.look(conversation, |known| known.in_handoff) {
            return;
        }
        self.post.passes(Duration::from_secs(3)).await;
        let whole = self.dice.percent(20);
        self.note(format!("{conversation}: Ada ends it (all of it: {whole})"));
        self.ada.ends(conversation, whole);
        self.post.passes(Duration::from_secs(3)).await;
        if !whole {
            self.writes_as(conversation, Role::AiAgent, "machine");
        }
    }

    /// The conversation's newest handoff, as an agent finds it.
    async fn newest(&self, conversation: &str) -> Option<HandoffId> {
        let query =
            HandoffQuery { conversation: Some(conversation.to_owned()), limit: 1, ..HandoffQuery::default() };
        let page = self.relay.store.held().handoffs(&query).await.unwrap();
        page.handoffs.into_iter().next().map(|handoff| handoff.id)
    }

    async fn agent_writes(&mut self, conversation: &str) {
        let (Some(engine), Some(id)) = (self.relay.engine(), self.newest(conversation).await) else { return };
        for _ in 0..=self.dice.below(3) {
            self.written += 1;
            let body =
                if self.dice.percent(20) { "ok".to_owned() } else { format!("agent {}", self.written) };
            let message = AgentMessage { by: alex(), text: body.clone() };
            if let Ok(row) = engine.act(write::message(id.clone(), message)).await {
                self.note(format!("{conversation}: Alex writes {body} ({})", row.id));
                self.accepted.push(Accepted { row: row.id, handoff: id.clone(), body, retried: false });
            }
        }
    }

    async fn agent_acts(&mut self, conversation: &str) {
        let (Some(engine), Some(id)) = (self.relay.engine(), self.newest(conversation).await) else { return };
        let agent = "Alex".to_owned();
        let done = match self.dice.below(6) {
            0 => engine.act(act::end(id.clone(), agent, Ending::default())).await.map(|_| "ends"),
            1 => engine.act(act::release(id.clone(), agent, None)).await.map(|_| "releases"),
            2 => engine.act(act::read(id.clone(), self.dice.below(30))).await.map(|()| "reads"),
            3 => {
                let to = match self.dice.percent(50) {
                    true => Receiver::Agent("Sam".to_owned()),
                    false => Receiver::Team(TeamName::from("Billing")),
                };
                let note = self.dice.percent(50).then(|| "see above".to_owned());
                engine.act(act::hand_over(id.clone(), agent, to, note)).await.map(|_| "hands over")
            }
            _ => engine.act(act::accept(id.clone(), agent, TakeOver::Yes)).await.map(|_| "accepts"),
        };
        if let Ok(did) = done {
            self.note(format!("{conversation}: Alex {did} {id}"));
        }
    }

    async fn agent_retries_or_drops(&mut self, conversation: &str) {
        let (Some(engine), Some(id)) = (self.relay.engine(), self.newest(conversation).await) else { return };
        let rows = self.relay.store.held().rows(&id, 0, usize::MAX).await.unwrap();
        let failed = rows.into_iter().find(|row| matches!(row.sending, Some(Sending::Failed { .. })));
        let Some(row) = failed.map(|row| row.id) else { return };
        if self.dice.percent(30) {
            drop(engine.act(write::drop(id, row, "Alex".to_owned())).await);
        } else if engine.act(write::retry(id, row.clone(), "Alex".to_owned())).await.is_ok() {
            self.note(format!("{conversation}: Alex sends {row} again"));
            let again = self.accepted.iter_mut().filter(|accepted| accepted.row == row);
            again.for_each(|accepted| accepted.retried = true);
        }
    }

    /// Nothing goes wrong any more, and everything comes to rest.
    async fn settles(&mut self) -> Result<(), String> {
        self.note("calm".to_owned());
        self.ada.calm();
        self.relay.shaky.fails(0);
        self.post.arrives().await;
        // Twice as long as anything takes: a message's age, a refused key's pause, two rounds of recovery.
        for half_minute in 0..60 {
            self.post.passes(Duration::from_secs(30)).await;
            self.post.arrives().await;
            if half_minute % 10 == 9 {
                promises::hold_always(self)?;
                promises::nobody_waits_for_ever(self).await?;
            }
        }
        for _ in 0..200 {
            let depths = self.relay.store.held().depths().await.unwrap();
            if depths.outbox() == 0 && depths.inbox == 0 {
                return Ok(());
            }
            self.post.passes(Duration::from_secs(1)).await;
            self.post.arrives().await;
        }
        let depths = self.relay.store.held().depths().await.unwrap();
        Err(format!("it never came to rest: {depths:?}"))
    }
}
