//! Log lines: for eyes on a terminal, one JSON object each elsewhere.
//!
//! What people and other programs send ends up in them. Whatever that is, an event is one line: nothing that was
//! sent can look like a line of ours.

use std::io::{self, IsTerminal};

use tracing_subscriber::{
    EnvFilter,
    field::MakeExt,
    fmt::{MakeWriter, format},
    util::SubscriberInitExt,
};

use crate::settings::LogFormat;

/// Whether lines have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// For a terminal.
    On,
    /// For a file or a pipe.
    Off,
}

impl Colours {
    /// They are for a terminal whose owner wants them (`NO_COLOR`).
    fn detect() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if io::stderr().is_terminal() && !unwanted { Self::On } else { Self::Off }
    }
}

/// Sends log lines to standard error, filtered as `RUST_LOG` says.
///
/// # Errors
/// As [`lines`].
pub fn init(format: LogFormat, filter: &str) -> Result<(), String> {
    lines(format, filter, Colours::detect(), io::stderr)?.init();
    Ok(())
}

/// What makes log lines and hands each to `writer`, in one piece. JSON has no colours.
///
/// # Errors
/// The filter is malformed. The sentence doesn't quote it: no setting's value is ever shown.
pub fn lines(
    format: LogFormat,
    filter: &str,
    colours: Colours,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
) -> Result<tracing::Dispatch, String> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|_| "RUST_LOG must be such as info or warn,handoff_relay=debug".to_owned())?;
    // What can't be written is left out. The library would say so on standard error, and panic where that can't be written either.
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_target(false).log_internal_errors(false);
    Ok(match format {
        LogFormat::Pretty => {
            // The library's own fields let colours of a value through.
            let fields = format::debug_fn(|line, field, value| match field.name() {
                "message" => write!(line, "{}", visible(&format!("{value:?}"))),
                // Where in a library's source it comes from.
                name if name.starts_with("log.") => Ok(()),
                name => write!(line, "{name}={}", visible(&format!("{value:?}"))),
            });
            let lines = lines.fmt_fields(fields.delimited(" ")).with_ansi(colours == Colours::On);
            lines.with_writer(writer).finish().into()
        }
        LogFormat::Json => lines.json().flatten_event(true).with_writer(Visible(writer)).finish().into(),
    })
}

/// Writes each event with [`visible`] letters alone.
struct Visible<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Visible<W> {
    type Writer = Visible<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Visible(self.0.make_writer())
    }
}

impl<W: io::Write> io::Write for Visible<W> {
    /// `event` is a whole one, which is how tracing-subscriber writes.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        self.0.write_all(format!("{}\n", visible(line)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Text with what breaks lines or controls a terminal escaped, as JSON escapes it.
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || turns_or_breaks(letter) {
            visible.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            visible.push(letter);
        }
    }
    visible
}

/// Breaks lines for some readers, or turns the direction of what follows.
const fn turns_or_breaks(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use super::*;

    /// Nothing of this may reach a line as it is.
    const FORGED: &str = "x\n{\"level\":\"INFO\"}\r\u{1b}[2J\u{1b}[31m\u{9b}1m\u{85}\u{2028}\u{202e}\t\0";

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, colours: Colours) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let dispatch = lines(format, "trace", colours, move || writer.clone()).unwrap();
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::info!(shown = %FORGED, text = FORGED, debug = ?FORGED, "message {FORGED}");
        });
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        for format in [LogFormat::Pretty, LogFormat::Json] {
            let text = logged(format, Colours::Off);
            let line = text.strip_suffix('\n').unwrap();
            let raw = line.chars().find(|letter| letter.is_control() || turns_or_breaks(*letter));
            assert_eq!(raw, None, "{format:?}: {line:?}");
        }
        let json: serde_json::Value = serde_json::from_str(&logged(LogFormat::Json, Colours::Off)).unwrap();
        assert_eq!((&json["text"], &json["shown"]), (&FORGED.into(), &FORGED.into()), "it can be read back");
    }

    #[test]
    fn colours_are_ours_alone() {
        let line = logged(LogFormat::Pretty, Colours::On);
        assert!(line.contains("\u{1b}["), "{line:?}");
        assert!(!line.contains("\u{1b}[2J") && !line.contains("\u{1b}[31m"), "{line:?}");
        assert_eq!(line.matches('\n').count(), 1, "{line:?}");
    }

    #[test]
    fn a_malformed_filter_is_not_quoted() {
        for filter in ["a=b=c", "[{x=5eCr3t(}]=debug", "5eCr3t=5eCr3t"] {
            let error = lines(LogFormat::Pretty, filter, Colours::Off, io::sink).unwrap_err();
            assert!(!error.contains("5eCr3t"), "{error}");
        }
    }
}
