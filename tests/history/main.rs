//! Judges histories: whether messages were lost or doubled, and whether a handoff was one agent's at a time. The judges
//! are shown what they must catch.
//!
//! `HISTORY=file cargo test --test history judged -- --nocapture` judges a file that another run has left.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a failed test is a panic")]

#[path = "../support/history/mod.rs"]
mod history;

use std::path::Path;

use history::{Kind, Line, Recorder, operations, ownership, read, total_queue};

/// Lines such as `alex invoke accept h`, at one moment each.
fn lines(text: &str) -> Vec<Line> {
    let line = |(time, line): (u64, &str)| {
        let mut words = line.split_whitespace();
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (process, kind) = (word(), word());
        let kind = serde_json::from_value(kind.into()).unwrap();
        Line { time, process, kind, f: word().replace('-', " "), key: word(), value: word() }
    };
    (0..).zip(text.trim().lines()).map(line).collect()
}

fn queue(text: &str) -> total_queue::TotalQueue {
    total_queue::judge(&operations(&lines(text)).unwrap(), "q")
}

fn is_linearizable(text: &str) -> bool {
    ownership::judge(&operations(&lines(text)).unwrap()).is_ok()
}

#[test]
fn a_queue_that_keeps_its_promise_is_valid() {
    let told = queue(
        "a invoke enqueue q 1\n a ok enqueue q 1\n b invoke enqueue q 2\n b info enqueue q 2\n c invoke enqueue q 3\n\
         d invoke enqueue q 4\n d fail enqueue q 4\n e invoke enqueue other 5\n e ok enqueue other 5\n\
         z invoke dequeue q\n z ok dequeue q 2\n z invoke dequeue q\n z ok dequeue q 1\n z invoke dequeue q\n z fail dequeue q",
    );
    assert!(told.is_valid());
    assert_eq!((told.attempted, told.acknowledged, told.ok), (4, 1, 2));
    assert_eq!(told.recovered, ["2"]);
}

#[test]
fn what_a_queue_does_wrong_is_caught() {
    let told = queue("a invoke enqueue q 1\n a ok enqueue q 1");
    assert_eq!((told.is_valid(), told.lost), (false, vec!["1".to_owned()]));
    let twice = "a invoke enqueue q 1\n a ok enqueue q 1\n z invoke dequeue q\n z ok dequeue q 1\n z invoke dequeue q\n z ok dequeue q 1";
    let told = queue(twice);
    assert_eq!((told.is_valid(), told.duplicated), (false, vec!["1".to_owned()]));
    let told = queue("z invoke dequeue q\n z ok dequeue q 9");
    assert_eq!((told.is_valid(), told.unexpected), (false, vec!["9".to_owned()]));
    let told = queue("a invoke enqueue q 1\n a fail enqueue q 1\n z invoke dequeue q\n z ok dequeue q 1");
    assert_eq!((told.is_valid(), told.unexpected), (false, vec!["1".to_owned()]));
}

#[test]
fn one_owner_after_another_makes_sense() {
    for sensible in [
        "a invoke accept h a\n a ok accept h a\n b invoke accept h b\n b fail accept h b\n b invoke read h\n b ok read h a\n\
         a invoke release h a\n a ok release h a\n b invoke read h\n b ok read h\n b invoke accept h b\n b ok accept h b\n\
         a invoke release h a\n a fail release h a",
        // At once: one of them is first.
        "a invoke accept h a\n b invoke accept h b\n a fail accept h a\n b ok accept h b",
        "a invoke accept h a\n b invoke take-over h b\n a ok accept h a\n b ok take-over h b\n c invoke read h\n c ok read h b",
        // Nobody knows whether it happened: then either.
        "a invoke accept h a\n a info accept h a\n b invoke accept h b\n b ok accept h b",
        "a invoke accept h a\n a info accept h a\n b invoke accept h b\n b fail accept h b\n b invoke read h\n b ok read h a",
        "a invoke accept h a\n b invoke read h\n b ok read h\n b invoke read h\n b ok read h a",
        // The store was not there.
        "a invoke accept h a\n a fail accept h unavailable\n b invoke read h\n b ok read h",
        // One handoff says nothing of another.
        "a invoke accept h a\n a ok accept h a\n b invoke accept i b\n b ok accept i b",
    ] {
        assert!(is_linearizable(sensible), "{sensible}");
    }
}

#[test]
fn two_owners_are_caught() {
    for (planted, lines) in [
        ("two accept", "a invoke accept h a\n b invoke accept h b\n a ok accept h a\n b ok accept h b"),
        ("a refusal without reason", "a invoke accept h a\n a fail accept h a"),
        (
            "what was told not to have happened has",
            "a invoke accept h a\n a fail accept h unavailable\n b invoke read h\n b ok read h a",
        ),
        (
            "an owner who is gone is seen",
            "a invoke accept h a\n a ok accept h a\n b invoke take-over h b\n b ok take-over h b\n c invoke read h\n c ok read h a",
        ),
        (
            "time goes back",
            "a invoke accept h a\n c invoke read h\n c ok read h a\n c invoke read h\n c ok read h\n a ok accept h a",
        ),
        (
            "another's is released",
            "a invoke accept h a\n a ok accept h a\n b invoke release h b\n b ok release h b",
        ),
        (
            "it is accepted after a take-over is done",
            "a invoke take-over h a\n a ok take-over h a\n b invoke accept h b\n b ok accept h b",
        ),
        (
            "what nobody has done is seen",
            "a invoke accept h a\n a info accept h a\n b invoke read h\n b ok read h b",
        ),
    ] {
        assert!(!is_linearizable(lines), "{planted}");
    }
}

#[test]
fn a_long_history_with_a_single_fault_is_judged_soon() {
    let mut text = String::new();
    for round in 0..400 {
        let (one, other) = if round % 2 == 0 { ("a", "b") } else { ("b", "a") };
        text += &format!(
            "{one} invoke accept h {one}\n{other} invoke read h\nc{round} invoke release h c\n{one} ok accept h {one}\n"
        );
        text += &format!(
            "{other} ok read h {one}\n{one} invoke release h {one}\n{one} ok release h {one}\nc{round} fail release h c\n"
        );
    }
    assert!(is_linearizable(&text));
    text += "a invoke read h\na ok read h b";
    assert!(!is_linearizable(&text));
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history");
    let recorder = Recorder::new(&path);
    recorder.write("a", Kind::Invoke, "enqueue", "q", "1 \"ü\"\n");
    recorder.clone().at_once("b", "dequeue", "q", "1");
    recorder.write("a", Kind::Info, "enqueue", "q", "");
    let known = operations(&read(&path).unwrap()).unwrap();
    assert_eq!((known.len(), known[0].asked.as_str(), known[0].kind), (2, "1 \"ü\"\n", Kind::Info));
    assert!(known[0].ended.is_none() && known[1].ended > Some(known[1].began) || known[1].kind == Kind::Ok);
    std::fs::write(&path, "{}\n").unwrap();
    assert!(read(&path).unwrap_err().starts_with("line 1: missing field"));
    for wrong in [
        "a ok accept h a",
        "a invoke accept h a\n a invoke accept h a",
        "a invoke accept h a\n a ok read h a",
    ] {
        assert!(operations(&lines(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn a_history_that_is_left_is_judged() {
    let Ok(path) = std::env::var("HISTORY") else { return };
    let operations = operations(&read(Path::new(&path)).unwrap()).unwrap();
    let mut queues: Vec<&str> =
        operations.iter().filter(|known| known.f == "enqueue").map(|known| known.key.as_str()).collect();
    queues.sort_unstable();
    queues.dedup();
    for queue in queues {
        let told = total_queue::judge(&operations, queue);
        println!("{queue}: {told}");
        assert!(told.is_valid(), "{told:#?}");
    }
    let (calls, handoffs) = ownership::judge(&operations).unwrap();
    println!("{calls} calls for {handoffs} handoffs are linearizable");
}
