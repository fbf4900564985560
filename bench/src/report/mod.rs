//! What comes out: a table on standard output, a file for machines, a picture.

mod picture;
mod table;

use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{figures::Figures, options::Options};

/// The file for machines.
#[derive(Serialize)]
struct Report<'a> {
    version: &'a str,
    /// Figures of a smoke test mean nothing.
    smoke: bool,
    seconds: f64,
    rounds: usize,
    machine: String,
    binary_bytes: u64,
    scenarios: &'a [Figures],
}

/// Prints the table and writes both files.
///
/// # Errors
/// A file can't be written.
pub fn write(options: &Options, all: &[Figures]) -> Result<()> {
    let binary_bytes = std::fs::metadata(options.relay()?)?.len();
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        smoke: options.smoke,
        seconds: options.seconds(),
        rounds: options.rounds(),
        machine: machine(),
        binary_bytes,
        scenarios: all,
    };
    let text = table::write(&report);
    std::io::stdout().write_all(text.as_bytes())?;
    let write = |name: &str, text: &str| {
        let path = options.out.join(name);
        std::fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))
    };
    write("figures.json", &serde_json::to_string_pretty(&report)?)?;
    write("figures.svg", &picture::write(&report))
}

/// The machine in a line.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    format!("{cores} cores, {model}")
}
