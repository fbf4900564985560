//! Reports as JSON.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::relay::{
    duty::Duty,
    id::TeamName,
    report::{AgentLoad, Day, DayReport, EndedCounts, Figures, Hour, Load, NowReport, Ratings, Spread},
    time::Time,
};

/// How it stands now.
#[derive(Serialize, ToSchema)]
#[schema(as = ReportOfNow)]
pub struct NowView {
    /// As of this time.
    at: String,
    /// In all.
    total: LoadView,
    /// Of each team, in the order of the settings.
    teams: Vec<TeamLoadView>,
    /// Of each agent, in the order of the settings.
    agents: Vec<AgentLoadView>,
}

/// The open handoffs of a team.
#[derive(Serialize, ToSchema)]
#[schema(as = TeamLoad)]
pub struct TeamLoadView {
    /// Its name; null for handoffs of no team.
    #[schema(example = "Billing")]
    team: Option<String>,
    /// Who is there for them, and how many they are.
    #[serde(flatten)]
    load: LoadView,
}

/// Who is there for open handoffs, and how many these are.
#[derive(Serialize, ToSchema)]
#[schema(as = Load)]
pub struct LoadView {
    /// The names of agents who take handoffs.
    #[schema(example = json!(["Alex"]))]
    on_duty: Vec<String>,
    /// Of those who have said that they don't.
    away: Vec<String>,
    /// Of those of whom there is no sign.
    gone: Vec<String>,
    /// How many handoffs wait for an agent.
    waiting: u64,
    /// How long the oldest of them waits; null if none does.
    longest_wait_seconds: Option<u64>,
    /// How many handoffs agents have.
    active: u64,
    /// In how many of these the customer waits for an answer.
    unanswered: u64,
}

/// What an agent has.
#[derive(Serialize, ToSchema)]
#[schema(as = AgentLoad)]
pub struct AgentLoadView {
    /// Their name.
    #[schema(example = "Alex")]
    agent: String,
    /// `on`, `away` or `gone`; null if they are not in the settings.
    #[schema(example = "on")]
    duty: Option<&'static str>,
    /// How many handoffs they have.
    active: u64,
    /// In how many of these the customer waits for an answer.
    unanswered: u64,
}

/// How a day went: of the handoffs that began on it, what has become of them until now.
#[derive(Serialize, ToSchema)]
#[schema(as = ReportOfDay)]
pub struct DayView {
    /// The day.
    #[schema(example = "2026-11-30")]
    date: String,
    /// By whose clocks.
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    /// Its first instant.
    from: String,
    /// The first instant of the next day.
    until: String,
    /// Of all handoffs.
    total: FiguresView,
    /// Of those of each team that has any, by name.
    teams: Vec<TeamFiguresView>,
    /// Of those that each agent has or had last, by name. First answers are counted for the agent who had the handoff
    /// then.
    agents: Vec<AgentFiguresView>,
    /// Each hour of the day: 24, or 23 or 25 if the clocks are changed.
    hours: Vec<HourView>,
}

/// The handoffs of a team.
#[derive(Serialize, ToSchema)]
#[schema(as = TeamFigures)]
pub struct TeamFiguresView {
    /// Its name; null for handoffs of no team.
    #[schema(example = "Billing")]
    team: Option<String>,
    /// Their figures.
    #[serde(flatten)]
    figures: FiguresView,
}

/// The handoffs of an agent.
#[derive(Serialize, ToSchema)]
#[schema(as = AgentFigures)]
pub struct AgentFiguresView {
    /// Their name.
    #[schema(example = "Alex")]
    agent: String,
    /// Their figures.
    #[serde(flatten)]
    figures: FiguresView,
}

/// Figures of handoffs.
#[derive(Serialize, ToSchema)]
#[schema(as = Figures)]
pub struct FiguresView {
    /// How many began.
    begun: u64,
    /// How many an agent accepted.
    accepted: u64,
    /// How many ran out while the customer waited for an answer.
    missed: u64,
    /// How many are not over yet.
    open: u64,
    /// How many are over.
    ended: u64,
    /// Of these, who ended how many.
    ended_by: EndedView,
    /// What came of them, as agents said, by name.
    outcomes: Vec<OutcomeView>,
    /// How long customers waited until an agent accepted.
    wait: SpreadView,
    /// How long they waited for the first message of a human agent.
    first_answer: SpreadView,
    /// How many accepted ones are left out of `first_answer`: they began when the relay did not record it yet.
    first_answer_unrecorded: u64,
    /// What customers said.
    feedback: RatingsView,
}

/// Who ended how many handoffs.
#[derive(Serialize, ToSchema)]
#[schema(as = EndedBy)]
pub struct EndedView {
    /// The customer.
    end_user: u64,
    /// An agent.
    agent: u64,
    /// A rule of the relay or of Ada.
    system: u64,
    /// Ada, without saying who.
    ada: u64,
}

/// How often something came of a handoff.
#[derive(Serialize, ToSchema)]
#[schema(as = OutcomeCount)]
pub struct OutcomeView {
    /// What.
    #[schema(example = "solved")]
    outcome: String,
    /// How often.
    count: u64,
}

/// How long something took.
#[derive(Serialize, ToSchema)]
#[schema(as = Spread)]
pub struct SpreadView {
    /// How often it was measured.
    count: u64,
    /// Half of them took no longer; null if there is none.
    median_seconds: Option<u64>,
    /// Nine of ten took no longer.
    p90_seconds: Option<u64>,
}

/// What customers said.
#[derive(Serialize, ToSchema)]
#[schema(as = Ratings)]
pub struct RatingsView {
    /// How many gave a rating.
    count: u64,
    /// How many of these are numbers.
    numbers: u64,
    /// The average of these, to two decimals; null if there is none.
    average: Option<f64>,
}

/// The handoffs that began within an hour.
#[derive(Serialize, ToSchema)]
#[schema(as = HourOfDay)]
pub struct HourView {
    /// Its first instant.
    at: String,
    /// What the clocks show then.
    #[schema(example = "09:00")]
    clock: String,
    /// How many began.
    begun: u64,
    /// How many of them an agent accepted.
    accepted: u64,
    /// How many of them were missed.
    missed: u64,
}

impl NowView {
    /// As of `at`.
    pub fn new(at: Time, report: NowReport) -> Self {
        let team = |(team, load): (Option<TeamName>, Load)| TeamLoadView {
            team: team.map(|team| team.0),
            load: LoadView::from(load),
        };
        Self {
            at: at.to_string(),
            total: LoadView::from(report.total),
            teams: report.teams.into_iter().map(team).collect(),
            agents: report.agents.into_iter().map(AgentLoadView::from).collect(),
        }
    }
}

impl From<Load> for LoadView {
    fn from(load: Load) -> Self {
        Self {
            on_duty: load.on,
            away: load.away,
            gone: load.gone,
            waiting: load.waiting,
            longest_wait_seconds: load.longest_wait.map(|wait| wait.as_secs()),
            active: load.active,
            unanswered: load.unanswered,
        }
    }
}

impl From<AgentLoad> for AgentLoadView {
    fn from(load: AgentLoad) -> Self {
        let AgentLoad { name, duty, active, unanswered } = load;
        Self { agent: name, duty: duty.map(Duty::as_str), active, unanswered }
    }
}

impl DayView {
    /// Of this day.
    pub fn new(day: &Day, report: DayReport) -> Self {
        let team = |(team, figures): (Option<TeamName>, Figures)| TeamFiguresView {
            team: team.map(|team| team.0),
            figures: figures.into(),
        };
        let agent = |(agent, figures): (String, Figures)| AgentFiguresView { agent, figures: figures.into() };
        let hour = |Hour { at, begun, accepted, missed }: Hour| HourView {
            at: at.to_string(),
            clock: day.clock(at),
            begun,
            accepted,
            missed,
        };
        Self {
            date: day.date.to_string(),
            time_zone: day.zone_name().to_owned(),
            from: day.from.to_string(),
            until: day.until.to_string(),
            total: report.total.into(),
            teams: report.teams.into_iter().map(team).collect(),
            agents: report.agents.into_iter().map(agent).collect(),
            hours: report.hours.into_iter().map(hour).collect(),
        }
    }
}

impl From<Figures> for FiguresView {
    fn from(figures: Figures) -> Self {
        let EndedCounts { end_user, agent, system, ada } = figures.ended;
        let outcome = |(outcome, count)| OutcomeView { outcome, count };
        Self {
            begun: figures.begun,
            accepted: figures.accepted,
            missed: figures.missed,
            open: figures.open,
            ended: figures.ended.all(),
            ended_by: EndedView { end_user, agent, system, ada },
            outcomes: figures.outcomes.into_iter().map(outcome).collect(),
            wait: figures.wait.into(),
            first_answer: figures.first_answer.into(),
            first_answer_unrecorded: figures.unrecorded,
            feedback: figures.ratings.into(),
        }
    }
}

impl From<Spread> for SpreadView {
    fn from(Spread { count, median, p90 }: Spread) -> Self {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
        Self { count, median_seconds: seconds(median), p90_seconds: seconds(p90) }
    }
}

impl From<Ratings> for RatingsView {
    fn from(Ratings { count, numbers, average }: Ratings) -> Self {
        Self { count, numbers, average: average.map(|average| (average * 100.0).round() / 100.0) }
    }
}
