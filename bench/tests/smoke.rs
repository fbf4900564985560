//! The bench itself: everything is measured for a moment, with whatever build of the relay lies beside it.
//!
//! No time is asserted. Each scenario must give figures, and each server must have kept what it acknowledged: the bench
//! fails otherwise.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test is a panic")]

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

const BENCH: &str = env!("CARGO_BIN_EXE_handoff-relay-bench");

fn bench(out: &Path, arguments: &[&str]) -> Output {
    Command::new(BENCH).args(arguments).arg("--out").arg(out).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_scenario_gives_figures() {
    let out = tempfile::tempdir().unwrap();
    let ended = bench(out.path(), &["--smoke"]);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let figures = std::fs::read_to_string(out.path().join("figures.json")).unwrap();
    let figures: Value = serde_json::from_str(&figures).unwrap();
    let scenarios = figures["scenarios"].as_array().unwrap();
    let names: Vec<&str> = scenarios.iter().map(|scenario| scenario["scenario"].as_str().unwrap()).collect();
    let all = [
        "kept",
        "pace",
        "others",
        "release",
        "streams",
        "reply",
        "platform",
        "memory",
        "start",
        "search",
        "thread",
        "remembered",
    ];
    assert_eq!(names, all);
    let table = text(&ended.stdout);
    let picture = std::fs::read_to_string(out.path().join("figures.svg")).unwrap();
    for row in scenarios.iter().flat_map(|scenario| scenario["rows"].as_array().unwrap()) {
        let what = row["what"].as_str().unwrap();
        // What is not a number is null in JSON.
        assert!(row["figure"]["median"].is_number(), "{row}");
        assert!(table.contains(what), "{what} is not in {table}");
        let is_drawn = matches!(row["unit"].as_str(), Some("ratio" | "ms"));
        assert!(!is_drawn || picture.contains(what), "{what} is not in the picture");
    }
    // Servers' folders are gone.
    let left: Vec<_> =
        std::fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_cannot_be_measured_is_named() {
    let out = tempfile::tempdir().unwrap();
    for (arguments, wanted) in [
        (&["--relay", "/nowhere/handoff-relay"][..], "/nowhere/handoff-relay is not there"),
        (&["--smoke", "--relay", "/bin/false"], "kept could not be measured"),
        (&["--rounds", "0"], "--rounds must be at least 1"),
        (&["--seconds", "0"], "--seconds must be from 0.1 to 60"),
        (&["--only", "nothing"], "invalid value 'nothing'"),
    ] {
        let ended = bench(out.path(), arguments);
        let said = text(&ended.stderr);
        assert!(!ended.status.success() && said.contains(wanted), "{arguments:?}: {said}");
    }
}
