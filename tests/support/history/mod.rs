//! What everybody in a run did and saw, one line for each beginning and end, and judges who know nothing of the relay.
//!
//! A line is JSON, as Jepsen's histories have it: `type` is `invoke`, and then `ok` (it happened), `fail` (it did not) or
//! `info` (nobody knows). A process does one thing at a time.

pub mod ownership;
pub mod total_queue;

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use serde::{Deserialize, Serialize};

/// What became of something that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Microseconds since the run began.
    pub time: u64,
    pub process: String,
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What is done.
    pub f: String,
    /// To which queue or handoff.
    pub key: String,
    pub value: String,
}

/// Writes lines as they come.
#[derive(Clone)]
pub struct Recorder(Arc<Mutex<(Instant, File)>>);

impl Recorder {
    pub fn new(path: &Path) -> Self {
        Self(Arc::new(Mutex::new((Instant::now(), File::create(path).unwrap()))))
    }

    pub fn write(&self, process: &str, kind: Kind, f: &str, key: &str, value: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let time = known.0.elapsed().as_micros().try_into().unwrap();
        let [process, f, key, value] = [process, f, key, value].map(str::to_owned);
        let line = serde_json::to_string(&Line { time, process, kind, f, key, value }).unwrap();
        writeln!(known.1, "{line}").unwrap();
    }

    /// Something that is over as soon as it has begun.
    pub fn at_once(&self, process: &str, f: &str, key: &str, value: &str) {
        self.write(process, Kind::Invoke, f, key, value);
        self.write(process, Kind::Ok, f, key, value);
    }
}

/// The lines of a file, or why it is none, with the line's number.
pub fn read(path: &Path) -> Result<Vec<Line>, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut lines: Vec<Line> = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = line
            .map_err(|error| error.to_string())
            .and_then(|line| serde_json::from_str::<Line>(&line).map_err(|error| format!("{error}: {line}")));
        let line = line.map_err(|error| format!("line {number}: {error}"))?;
        if lines.last().is_some_and(|before| before.time > line.time) {
            return Err(format!("line {number}: time goes back"));
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Something that was done, from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub process: String,
    pub f: String,
    pub key: String,
    /// What it was begun with, and what it gave.
    pub asked: String,
    pub answer: String,
    pub began: u64,
    /// `None` if nobody knows whether it happened.
    pub ended: Option<u64>,
    pub kind: Kind,
}

/// Each beginning with its end. What has none is `info`.
pub fn operations(lines: &[Line]) -> Result<Vec<Operation>, String> {
    let mut open: HashMap<&str, usize> = HashMap::new();
    let mut operations: Vec<Operation> = Vec::new();
    for line in lines {
        if line.kind == Kind::Invoke {
            if open.insert(&line.process, operations.len()).is_some() {
                return Err(format!("{} does two things at a time: {line:?}", line.process));
            }
            operations.push(Operation {
                process: line.process.clone(),
                f: line.f.clone(),
                key: line.key.clone(),
                asked: line.value.clone(),
                answer: String::new(),
                began: line.time,
                ended: None,
                kind: Kind::Info,
            });
            continue;
        }
        let known = open.remove(line.process.as_str()).map(|place| &mut operations[place]);
        let known = known.filter(|known| known.f == line.f && known.key == line.key);
        let Some(known) = known else { return Err(format!("an end without a beginning: {line:?}")) };
        known.kind = line.kind;
        known.answer.clone_from(&line.value);
        known.ended = (line.kind != Kind::Info).then_some(line.time);
    }
    Ok(operations)
}
