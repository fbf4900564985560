//! A day that is always the same: when things have happened, and what the page takes for now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{desk::Desk, support::relay::Relay};

/// The store's times are microseconds, and nothing else in a document is as large.
const TIMES: std::ops::Range<i64> = 1_500_000_000_000_000..3_000_000_000_000_000;
const SECOND: i64 = 1_000_000;
/// The hour and the minute that the page shows as now.
const HOUR: i64 = 14;
const MINUTE: i64 = 32;
const AN_HOUR: i64 = 60;

/// When a handoff began, and how its thread went on from there.
#[derive(Clone, Copy)]
pub struct Pace {
    /// How many minutes ago its first row was.
    pub minutes: i64,
    /// The seconds between two rows.
    pub seconds: i64,
}

/// Has handoffs of a stopped relay happen at other times.
pub fn lay_out(relay: &Relay, handoffs: &[(String, Pace)]) {
    let mut file = Connection::open(relay.file()).unwrap();
    let file = file.transaction().unwrap();
    let now = Timestamp::now().as_microsecond();
    for (handoff, pace) in handoffs {
        let times = Times::of(&file, handoff, now, *pace);
        let rows = documents(&file, "SELECT id, doc FROM thread_rows WHERE handoff = ?1", handoff);
        for (row, doc) in rows {
            file.execute("UPDATE thread_rows SET doc = ?1 WHERE id = ?2", (times.moved(doc), row)).unwrap();
        }
        for (_, doc) in documents(&file, "SELECT id, doc FROM handoffs WHERE id = ?1", handoff) {
            file.execute("UPDATE handoffs SET doc = ?1 WHERE id = ?2", (times.moved(doc), handoff)).unwrap();
        }
        for column in ["ended_at", "idle_since"] {
            let ask = format!("SELECT {column} FROM handoffs WHERE id = ?1");
            let at: Option<i64> = file.query_one(&ask, [handoff], |row| row.get(0)).unwrap();
            let change = format!("UPDATE handoffs SET {column} = ?1 WHERE id = ?2");
            file.execute(&change, (at.map(|at| times.of_time(at)), handoff)).unwrap();
        }
    }
    file.commit().unwrap();
}

fn documents(file: &Connection, sql: &str, handoff: &str) -> Vec<(String, String)> {
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([handoff], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// The times of a thread's rows, and those that they get.
struct Times(BTreeMap<i64, i64>);

impl Times {
    fn of(file: &Connection, handoff: &str, now: i64, pace: Pace) -> Self {
        let sql = "SELECT json_extract(doc, '$.at') FROM thread_rows WHERE handoff = ?1
            ORDER BY json_extract(doc, '$.at'), seq";
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([handoff], |row| row.get(0)).unwrap();
        let begin = now - pace.minutes * 60 * SECOND;
        let places = rows.map(Result::unwrap).zip(0..);
        Self(places.map(|(at, place)| (at, begin + place * pace.seconds * SECOND)).collect())
    }

    /// What happened with a row or behind it happens with it or behind it.
    fn of_time(&self, at: i64) -> i64 {
        match self.0.range(..=at).next_back().or_else(|| self.0.first_key_value()) {
            Some((row, new)) => new + (at - row).clamp(0, SECOND),
            None => at,
        }
    }

    fn moved(&self, doc: String) -> String {
        let mut value: Value = serde_json::from_str(&doc).unwrap();
        self.walk(&mut value);
        value.to_string()
    }

    fn walk(&self, value: &mut Value) {
        match value {
            Value::Number(number) => {
                if let Some(at) = number.as_i64().filter(|at| TIMES.contains(at)) {
                    *value = json!(self.of_time(at));
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|one| self.walk(one)),
            Value::Object(fields) => fields.values_mut().for_each(|one| self.walk(one)),
            _ => {}
        }
    }
}

/// How many minutes ago it was this hour and minute yesterday, by the page's clock as the relay has it.
pub fn yesterday(hour: i64, minute: i64) -> i64 {
    let passed = Timestamp::now().as_second() / 60 % AN_HOUR;
    24 * AN_HOUR + (HOUR - hour) * AN_HOUR + passed - minute
}

impl Desk {
    /// From the next page on it is 14:32, by the clocks of a zone in which it is about that time.
    pub async fn is_at_half_past_two(&self) {
        let minutes = Timestamp::now().as_second() / 60;
        let ahead = (HOUR - minutes / AN_HOUR % 24 + 36) % 24 - 12;
        // These names count the hours behind.
        let zone = json!({"timezoneId": format!("Etc/GMT{:+}", -ahead)});
        self.devtools("Emulation.setTimezoneOverride", zone).await;
        self.devtools("Emulation.setLocaleOverride", json!({"locale": "en-GB"})).await;
        let late = (MINUTE - minutes % AN_HOUR) * 60_000;
        let script = format!(
            "const [Real, late] = [Date, {late}];
            globalThis.Date = class extends Real {{
                constructor(...given) {{
                    if (given.length === 0) super(Real.now() + late);
                    else if (typeof given[0] === 'string' && given[0].endsWith('Z')) super(Real.parse(given[0]) + late);
                    else super(...given);
                }}
                static now() {{ return Real.now() + late; }}
            }};"
        );
        self.devtools("Page.enable", json!({})).await;
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
    }
}
