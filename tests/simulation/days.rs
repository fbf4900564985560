//! Days at a desk: hours, absences, offers, failures, other settings. Nobody is ever stuck, and everything ends.
//!
//! ```text
//! SIM_DAYS=30 SIM_SEED=17 scripts/test --test simulation days -- --nocapture
//! ```

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use handoff_relay::{
    engine::{Absence, AiAgents, Assigner, Engine, TimeOuts, worker::run},
    relay::{
        dispatch::Assignment,
        handoff::Handoff,
        hours::{Hours, Override, add_to_week},
        id::{HandoffId, TeamName},
        policy::{Policy, Timeout},
        routing::{Member, Offering, Routing, Team},
        rules::{
            act::{self, Ending, Receiver, TakeOver},
            offer,
            start::StartOutcome,
            write::{self, AgentMessage, Request},
        },
        thread::{Content, EventName, Role},
        time::Time,
        waiting_room::OwnWaitingRoom,
    },
    store::{HandoffQuery, StatusFilter},
};
use serde_json::{Map, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{desk::Desk, dice::Dice, in_simulated_time, relay::policy};

/// People do something so often.
const TURN: Duration = Duration::from_mins(5);
/// In a day.
const TURNS: u64 = 24 * 12;
/// Unless `SIM_DAYS` says otherwise.
const DAYS: u64 = 7;
const AGENTS: [&str; 4] = ["Alex", "Sam", "Kim", "Zoë"];
const TEAMS: [&str; 2] = ["Support", "Billing"];
/// The longest of all settings.
const LONGEST_WAIT: Duration = Duration::from_mins(60);
const LONGEST_SILENCE: Duration = Duration::from_hours(4);
const LONGEST_ABSENCE: Duration = Duration::from_mins(30);
/// Until a worker has looked, a webhook has come that was delayed, and clocks agree; and a turn, after which the last
/// sign of somebody counts.
const SLACK: Duration = Duration::from_mins(10);

/// An agent and what they are doing.
#[derive(Default)]
struct Person {
    is_there: bool,
    last_sign: Time,
}

struct Days {
    desk: Desk,
    dice: Dice,
    people: BTreeMap<&'static str, Person>,
    /// Dropped with the process.
    workers: JoinSet<()>,
    /// What is broken is whole from then on.
    trouble_until: Time,
    begun: Vec<(String, HandoffId)>,
    refused: usize,
    reloads: usize,
}

impl Days {
    async fn new(seed: u64) -> Self {
        let dice = Dice::new(seed ^ 0x6461_7973);
        let desk = Desk::new(seed).await;
        let people = AGENTS.map(|name| (name, Person::default())).into();
        let trouble_until = desk.now();
        let mut days = Self {
            desk,
            dice,
            people,
            workers: JoinSet::new(),
            trouble_until,
            begun: Vec::new(),
            refused: 0,
            reloads: 0,
        };
        days.begins();
        days
    }

    /// The process is there, with the workers that look after handoffs.
    fn begins(&mut self) {
        let engine = self.desk.engine();
        let (environment, stop) = (engine.environment(), CancellationToken::new());
        self.workers = JoinSet::new();
        self.workers.spawn(run(TimeOuts::new(Arc::clone(&engine)), Arc::clone(&environment), stop.clone()));
        self.workers.spawn(run(Absence::new(Arc::clone(&engine)), Arc::clone(&environment), stop.clone()));
        self.workers.spawn(run(Assigner::new(Arc::clone(&engine)), environment, stop));
        self.reloads();
    }

    /// The settings are read again, and are others.
    fn reloads(&mut self) {
        self.reloads += 1;
        let began_at = self.desk.engine().policy().began_at;
        let policy = settings(&self.dice, policy(began_at));
        self.desk.engine().replace_ai_agents(Arc::new(AiAgents::one(self.desk.relay.ai_agent(policy))));
        self.desk.engine().settings_are_settled();
    }

    fn engine(&self) -> Option<Arc<Engine>> {
        self.desk.relay.engine()
    }

    async fn open(&self, status: StatusFilter) -> Vec<Handoff> {
        let query = HandoffQuery { status: Some(status), limit: 1_000, ..HandoffQuery::default() };
        self.desk.relay.store.held().handoffs(&query).await.unwrap().handoffs
    }

    /// Some time passes, and people do what they do.
    async fn passes(&mut self) {
        self.desk.post.passes(TURN).await;
        self.something_breaks();
        if self.engine().is_none() && self.desk.now() >= self.trouble_until {
            self.desk.relay.start();
            self.begins();
        }
        let Some(engine) = self.engine() else { return };
        if self.desk.now() >= self.trouble_until {
            self.desk.relay.shaky.fails(0);
        }
        if self.dice.below(250) == 0 {
            self.reloads();
        }
        self.people_come_and_go(&engine).await;
        self.customers_write(&engine).await;
        self.agents_work(&engine).await;
    }

    /// Now and then something is broken for a while, one thing at a time.
    fn something_breaks(&mut self) {
        let now = self.desk.now();
        if now < self.trouble_until || self.dice.below(200) != 0 {
            return;
        }
        let lasts = self.dice.millis(60_000, 1_800_000);
        self.trouble_until = now + lasts;
        match self.dice.below(3) {
            0 => self.desk.ada.goes_away(lasts),
            1 => drop(self.desk.relay.shaky.fails(30)),
            _ => {
                self.workers = JoinSet::new();
                self.desk.relay.dies();
            }
        }
    }

    async fn people_come_and_go(&mut self, engine: &Engine) {
        let now = self.desk.now();
        for (name, person) in &mut self.people {
            // About four hours there, six hours not.
            let turn = if person.is_there { 48 } else { 72 };
            if self.dice.below(turn) == 0 {
                person.is_there = !person.is_there;
                if person.is_there {
                    let _ = engine.set_away(name, false).await;
                }
            }
            if person.is_there {
                engine.saw(name).await;
                person.last_sign = now;
                if self.dice.below(60) == 0 {
                    let _ = engine.set_away(name, self.dice.percent(50)).await;
                }
            }
        }
        if self.dice.below(200) == 0 {
            let is_open = self.dice.percent(50);
            let until = Some(now + self.dice.millis(600_000, 36_000_000));
            let decided = Override { is_open, until, by: "Kim".to_owned(), at: now };
            let decided = self.dice.percent(70).then_some(decided);
            let _ = engine.decide_opening(TeamName(self.dice.one_of(&TEAMS).to_owned()), decided).await;
        }
    }

    async fn customers_write(&mut self, engine: &Engine) {
        if self.dice.below(6) == 0 {
            self.is_handed_off(engine).await;
        }
        let open: Vec<String> = self.begun.iter().rev().take(10).map(|(chat, _)| chat.clone()).collect();
        for chat in open {
            match self.dice.below(60) {
                0..15 => drop(self.desk.ada.writes(&chat, Role::EndUser, "And now?")),
                15 => drop(self.desk.ada.ends(&chat, self.dice.percent(30))),
                _ => {}
            }
        }
    }

    async fn is_handed_off(&mut self, engine: &Engine) {
        let chat = format!("days-{}", self.begun.len() + self.refused);
        let mut context = Map::new();
        context.insert("team".to_owned(), json!(self.dice.one_of(&TEAMS)));
        context.insert("language".to_owned(), json!(self.dice.one_of(&["de", "en", ""])));
        self.desk.ada.begins(&chat, Duration::ZERO);
        let ai_agents = engine.ai_agents();
        match engine.start(&ai_agents, ai_agents.first(), chat.clone(), context).await {
            Ok(StartOutcome::New(id) | StartOutcome::Same(id)) => self.begun.push((chat, id)),
            // Ada takes her fallback.
            Ok(_) | Err(_) => {
                self.refused += 1;
                self.desk.ada.look(&chat, |known| known.in_handoff = false);
            }
        }
    }

    async fn agents_work(&mut self, engine: &Engine) {
        let (waiting, active) =
            (self.open(StatusFilter::Waiting).await, self.open(StatusFilter::Active).await);
        let now = self.desk.now();
        for name in AGENTS.into_iter().filter(|name| self.people[name].is_there) {
            let agent = name.to_owned();
            for handoff in &waiting {
                let id = handoff.id.clone();
                let (is_mine, is_free) = match handoff.dispatch.offered_to(now) {
                    Some(offered) => (offered == name, false),
                    None => (false, true),
                };
                match self.dice.below(100) {
                    0..40 if is_mine => drop(engine.act(act::accept(id, agent.clone(), TakeOver::No)).await),
                    40..60 if is_mine => drop(engine.act(offer::decline(id, agent.clone())).await),
                    0..10 if is_free => drop(engine.act(act::accept(id, agent.clone(), TakeOver::No)).await),
                    99 => drop(engine.act(act::accept(id, agent.clone(), TakeOver::Yes)).await),
                    _ => {}
                }
            }
            for handoff in active.iter().filter(|handoff| handoff.agent() == Some(name)) {
                self.acts(engine, name, handoff).await;
            }
        }
    }

    async fn acts(&self, engine: &Engine, name: &str, handoff: &Handoff) {
        let (id, agent) = (handoff.id.clone(), name.to_owned());
        match self.dice.below(60) {
            0..25 => {
                let by = Request { agent, idempotency: None, author: None };
                let message = AgentMessage { by, text: "I look into it".to_owned() };
                drop(engine.act(write::message(id, message)).await);
            }
            25..29 => drop(engine.act(act::end(id, agent, Ending::default())).await),
            29 => drop(engine.act(act::release(id, agent, None)).await),
            30 => {
                let to = Receiver::Agent(self.dice.one_of(&AGENTS).to_owned());
                drop(engine.act(act::hand_over(id, agent, to, None)).await);
            }
            31 => {
                let to = Receiver::Team(TeamName(self.dice.one_of(&TEAMS).to_owned()));
                drop(engine.act(act::hand_over(id, agent, to, None)).await);
            }
            _ => {}
        }
    }

    /// Nobody has waited for longer than the settings and what was broken explain.
    async fn is_well(&self) {
        let now = self.desk.now();
        if now < self.trouble_until + SLACK {
            return;
        }
        let latest = |since: Time, bound: Duration| (since + bound).max(self.trouble_until) + SLACK;
        for handoff in self.open(StatusFilter::Waiting).await {
            assert!(now <= latest(handoff.idle.since, LONGEST_WAIT), "waits for ever: {handoff:#?}");
        }
        for handoff in self.open(StatusFilter::Active).await {
            assert!(now <= latest(handoff.idle.since, LONGEST_SILENCE), "is silent for ever: {handoff:#?}");
            let (Some(agent), Some(unanswered)) = (handoff.agent(), handoff.unanswered) else { continue };
            let had_since = handoff.dispatch.agent_since.unwrap_or_default();
            let gone_since = self.people[agent].last_sign.max(had_since).max(unanswered.since);
            // After a failure it is watched for as long again.
            let gone_since = gone_since.max(self.trouble_until);
            assert!(now <= latest(gone_since, LONGEST_ABSENCE), "{agent} is gone: {handoff:#?}");
        }
    }

    /// How often something is in the threads.
    async fn count(&self, wanted: EventName) -> usize {
        let mut count = 0;
        for (_, id) in &self.begun {
            let rows = self.desk.relay.store.held().rows(id, 0, usize::MAX).await.unwrap();
            let is_it =
                |content: &Content| matches!(content, Content::Event { event, .. } if *event == wanted);
            count += rows.iter().filter(|row| is_it(&row.content)).count();
        }
        count
    }
}

/// Others each time.
fn settings(dice: &Dice, policy: Policy) -> Policy {
    let text = || dice.percent(50).then(|| "Sorry.".to_owned());
    let timeout = |from: u64, to: Duration| {
        let after = Duration::from_secs(from + dice.below(to.as_secs() - from + 1));
        Some(Timeout { after, text: text() })
    };
    let assignment = || dice.one_of(&Assignment::ALL);
    let hours = || {
        let mut week = Default::default();
        add_to_week(&mut week, dice.one_of(&["Mon-Sun 00:00-24:00", "Mon-Fri 08:00-18:00"])).unwrap();
        Hours { zone: jiff::tz::TimeZone::UTC, week, holidays: Default::default() }
    };
    let team = |name: &&str| Team {
        name: TeamName((*name).to_owned()),
        limits: Default::default(),
        hours: dice.percent(50).then(hours),
        closed_text: None,
        needs_agents: dice.percent(30),
        waiting_room: OwnWaitingRoom::default(),
        assignment: dice.percent(50).then(assignment),
        offer_timeout: None,
    };
    let member = |name: &&str| Member {
        name: (*name).to_owned(),
        teams: dice.percent(50).then(|| vec![TeamName(dice.one_of(&TEAMS).to_owned())]),
        languages: dice.percent(30).then(|| vec!["de".to_owned()]),
        limit: dice.percent(50).then(|| 1 + dice.below(4)),
        is_lead: *name == "Kim",
    };
    let routing = Routing {
        teams: TEAMS.iter().map(team).collect(),
        members: AGENTS.iter().map(member).collect(),
        offering: Offering { assignment: assignment(), timeout: dice.millis(120_000, 900_000) },
        ..Routing::default()
    };
    Policy {
        waiting_timeout: timeout(300, LONGEST_WAIT),
        idle_timeout: timeout(600, LONGEST_SILENCE),
        // Ada's lists are read now and then, or a month would take minutes.
        recover_after: Duration::from_mins(20),
        gone_after: dice.millis(720_000, LONGEST_ABSENCE.as_secs() * 1_000),
        routing: Arc::new(routing),
        ..policy
    }
}

#[test]
fn days_at_a_desk_leave_nobody_stuck() {
    in_simulated_time(async {
        let mut days = Days::new(crate::number("SIM_SEED").unwrap_or(1)).await;
        for _ in 0..crate::number("SIM_DAYS").unwrap_or(DAYS) * TURNS {
            days.passes().await;
            days.is_well().await;
        }
        // Everybody goes home, and nobody is handed off any more.
        days.people.values_mut().for_each(|person| person.is_there = false);
        days.trouble_until = days.desk.now();
        days.desk.relay.shaky.fails(0);
        days.desk.ada.calm();
        if days.engine().is_none() {
            days.desk.relay.start();
            days.begins();
        }
        for _ in 0..6 * 12 {
            days.desk.post.passes(TURN).await;
        }
        for status in [StatusFilter::Waiting, StatusFilter::Active] {
            assert_eq!(days.open(status).await, [], "is left over");
        }
        for (chat, _) in &days.begun {
            assert!(!days.desk.ada.look(chat, |known| known.in_handoff), "{chat} is left over at Ada");
        }
        let told = [
            ("handoffs", days.begun.len()),
            ("refused", days.refused),
            ("other settings", days.reloads),
            ("accepted", days.count(EventName::Accepted).await),
            ("handed over", days.count(EventName::HandedOver).await),
            ("agents gone", days.count(EventName::AgentGone).await),
            ("timed out", days.count(EventName::TimedOut).await),
        ];
        println!("days: {told:?}");
        for (what, count) in told {
            assert!(count >= 5, "{what}: {count}, so this shows nothing");
        }
    });
}
