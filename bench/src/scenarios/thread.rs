//! A conversation of 100,000 messages beside one of 100: opening it, reading on, and taking a message.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{
    folder, progress,
    release::{quiet, to_a_stream},
};
use crate::{
    figures::{Figures, Goal, Row, Spread, Unit},
    http::call,
    null_ada::NullAda,
    options::Options,
    prepared,
    relay::{Relay, as_agent},
};

const SHORT: u32 = 100;
const LONG: u32 = 100_000;
/// Webhooks a second of the one conversation, which must be silent for its quiet period behind each.
const RATE: u32 = 2;
/// How often a page is asked for.
const ASKED: u32 = 300;
/// Rows of a page.
const PAGE: u32 = 100;
/// How much longer than with the short one it may take.
const WITHIN: f64 = 1.2;

/// What takes how long, in milliseconds.
struct Times {
    opening: f64,
    reading_on: f64,
    noting: f64,
    taking: f64,
}

type Time = fn(&Times) -> f64;

pub fn run(options: &Options) -> Result<Figures> {
    let long = options.sized(LONG, 1_000);
    let (mut of_short, mut of_long) = (Vec::new(), Vec::new());
    for round in 0..options.rounds() {
        progress(&format!(" round {}", round + 1));
        of_short.push(one(options, SHORT)?);
        of_long.push(one(options, long)?);
    }
    let mut rows = Vec::new();
    let whats: [(&str, Time); 4] = [
        ("its newest page", |times| times.opening),
        ("a page in its middle", |times| times.reading_on),
        ("a note in it", |times| times.noting),
        ("release of a message in it", |times| times.taking),
    ];
    for (what, time) in whats {
        let ratios = of_long.iter().zip(&of_short).map(|(long, short)| time(long) / time(short));
        rows.push(
            Row::new(format!("{what}, p50: {long} rows / {SHORT} rows"), Unit::Ratio, ratios)
                .goal(Goal::AtMost(WITHIN)),
        );
        rows.push(Row::new(format!("{what}, p50, {long} rows"), Unit::Ms, of_long.iter().map(time)));
    }
    Ok(Figures { scenario: "thread".to_owned(), rows, runs: Vec::new() })
}

fn one(options: &Options, rows: u32) -> Result<Times> {
    let (folder, ada) = (folder(options)?, NullAda::start(0)?);
    let quiet = quiet();
    let settings = [("DEBOUNCE_MS", &*quiet)];
    let relay = Relay::start(options, folder.path(), &ada.url, &settings)?;
    let id = relay.hands_off(0)?;
    relay.calm()?;
    relay.child.stop()?;
    let last = prepared::lengthen(folder.path(), rows)?;
    let relay = Relay::start(options, folder.path(), &ada.url, &settings)?;
    relay.calm()?;
    let page = |after: u32| {
        let path = format!("/api/handoffs/{id}/messages?limit={PAGE}&after={after}");
        let body = call(relay.child.address, "GET", &path, &as_agent(), "")?;
        let page: Value = serde_json::from_str(&body)?;
        ensure!(page["data"].as_array().is_some_and(|data| !data.is_empty()), "a page has no rows");
        Ok(())
    };
    let newest = last.saturating_sub(PAGE);
    let note = || {
        let path = format!("/api/handoffs/{id}/notes");
        call(relay.child.address, "POST", &path, &as_agent(), r#"{"text":"A note."}"#).map(drop)
    };
    let times = Times {
        opening: timed(|| page(newest))?,
        reading_on: timed(|| page(newest / 2))?,
        noting: timed(note)?,
        taking: to_a_stream("relay, one thread", options, RATE, 1, [&relay, &relay])?.0.p50,
    };
    let Times { opening, reading_on, noting, taking } = times;
    progress(&format!(
        "  {rows} rows: newest page {opening:.2}, middle {reading_on:.2}, note {noting:.2}, release {taking:.2} ms"
    ));
    relay.child.stop()?;
    Ok(times)
}

/// How long something takes, the median of many.
fn timed(what: impl Fn() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..ASKED {
        let began = Instant::now();
        what()?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Spread::of(times).median)
}
