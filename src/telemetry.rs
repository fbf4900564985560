//! Log lines: for eyes on a terminal, one JSON object each elsewhere.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::settings::LogFormat;

/// Colours are for a terminal whose owner wants them (`NO_COLOR`).
fn colours() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stderr().is_terminal() && !unwanted
}

/// Sends log lines to standard error, filtered as `RUST_LOG` says.
///
/// # Errors
/// The filter is malformed; the text says where.
pub fn init(format: LogFormat, filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("RUST_LOG is malformed: {error}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Pretty => lines.with_target(false).with_ansi(colours()).init(),
        LogFormat::Json => lines.json().flatten_event(true).with_target(false).init(),
    }
    Ok(())
}
