//! The table: figures beside goals, then what each server did.

use std::fmt::Write;

use super::Report;
use crate::{
    figures::{Figures, Goal, Row, Spread, Unit},
    measure::Run,
};

/// The table as text.
pub fn write(report: &Report<'_>) -> String {
    let mut text = String::new();
    let Report { version, seconds, rounds, machine, binary_bytes, .. } = report;
    let megabytes = *binary_bytes as f64 / f64::from(1 << 20);
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "handoff-relay {version}, binary {megabytes:.1} MB; {machine}; {rounds} rounds of {seconds} s"
    );
    if report.smoke {
        let _ = writeln!(text, "A smoke test: these figures mean nothing.");
    }
    for Figures { scenario, rows, runs } in report.scenarios {
        let _ = writeln!(text, "\n{scenario}");
        rows.iter().for_each(|row| line(&mut text, row));
        if !runs.is_empty() {
            servers(&mut text, runs);
        }
    }
    text
}

fn line(text: &mut String, row: &Row) {
    let Row { what, figure: Spread { median, least, most }, unit, goal, note } = row;
    let spread = format!("{} to {}", unit.say(*least), unit.say(*most));
    let goal = goal.map_or_else(String::new, |goal| say(goal, *unit));
    let met = match row.is_met() {
        Some(true) => "met",
        Some(false) => "not met",
        None => "",
    };
    let _ = writeln!(text, "  {what:<72} {:>10}  {spread:<26} {goal:<18} {met}", unit.say(*median));
    if let Some(note) = note {
        let _ = writeln!(text, "      ({note})");
    }
}

/// A goal in words.
pub fn say(goal: Goal, unit: Unit) -> String {
    let number = unit.say(goal.number());
    match goal {
        Goal::AtLeast(_) => format!("at least {number}"),
        Goal::AtMost(_) => format!("at most {number}"),
    }
}

/// The medians of each server, and all warnings with how often they came.
fn servers(text: &mut String, runs: &[Run]) {
    let mut names: Vec<&str> = Vec::new();
    for run in runs {
        if !names.contains(&run.server.as_str()) {
            names.push(&run.server);
        }
    }
    names.sort_unstable();
    let _ = writeln!(
        text,
        "    {:<24} {:>10} {:>9} {:>9} {:>9} {:>9} {:>10} {:>8} {:>10}",
        "server", "a second", "p50 ms", "p90 ms", "p99 ms", "CPU µs", "B written", "MB", "generator"
    );
    for name in names {
        let of: Vec<&Run> = runs.iter().filter(|run| run.server == name).collect();
        let middle = |figure: fn(&Run) -> f64| Spread::of(of.iter().map(|run| figure(run))).median;
        let _ = writeln!(
            text,
            "    {name:<24} {:>10.0} {:>9.2} {:>9.2} {:>9.2} {:>9.1} {:>10.0} {:>8.1} {:>8.0} %",
            middle(|run| run.per_second),
            middle(|run| run.p50_ms),
            middle(|run| run.p90_ms),
            middle(|run| run.p99_ms),
            middle(|run| run.cpu_us),
            middle(|run| run.written),
            middle(|run| run.resident_mb),
            middle(|run| run.generator * 100.0),
        );
        let doubtful = of.iter().filter(|run| !run.warnings.is_empty()).count();
        if let Some(warning) = of.iter().flat_map(|run| &run.warnings).next() {
            let _ = writeln!(
                text,
                "      {doubtful} of {} rounds are doubtful, for example: {warning}",
                of.len()
            );
        }
    }
}
