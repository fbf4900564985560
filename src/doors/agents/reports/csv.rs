//! A table for spreadsheets: comma-separated values, as RFC 4180 has them.

use std::{borrow::Cow, time::Duration};

use crate::relay::{
    feedback::Rating,
    id::TeamName,
    report::{Day, Entry, Stage},
    time::Time,
};

/// Spreadsheets take a file without it for one of another encoding than UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';
const COLUMNS: [&str; 15] = [
    "handoff_id",
    "conversation_id",
    "team",
    "agent",
    "status",
    "begun_at",
    "accepted_at",
    "wait_seconds",
    "first_answer_at",
    "first_answer_seconds",
    "ended_at",
    "ended_by",
    "missed",
    "outcome",
    "rating",
];

/// A line with the names of the columns, and one for each handoff.
pub fn table(day: &Day, entries: &[Entry]) -> String {
    let mut table = String::from(BYTE_ORDER_MARK);
    write_line(&mut table, COLUMNS.map(str::to_owned));
    for entry in entries {
        write_line(&mut table, cells(day, entry));
    }
    table
}

fn cells(day: &Day, entry: &Entry) -> [String; COLUMNS.len()] {
    let time = |at: Time| day.date_and_clock(at);
    let seconds = |time: Duration| time.as_secs().to_string();
    let (status, ended_at, ended_by) = match entry.stage {
        Stage::Waiting => ("waiting", None, ""),
        Stage::Active => ("active", None, ""),
        Stage::Ended { at, by } => ("ended", Some(at), by.as_str()),
    };
    let answer = entry.answer().map(|(after, _)| after);
    let rating = entry.rating.as_ref().map(|rating| match rating {
        Rating::Number(number) => number.to_string(),
        Rating::Text(text) => harmless(text).into_owned(),
    });
    let text = |text: Option<&str>| harmless(text.unwrap_or_default()).into_owned();
    [
        text(Some(entry.id.as_str())),
        text(Some(entry.conversation.as_str())),
        text(entry.team.as_ref().map(TeamName::as_str)),
        text(entry.agent.as_deref()),
        status.to_owned(),
        time(entry.begun_at),
        entry.accepted_at.map(time).unwrap_or_default(),
        entry.wait().map(seconds).unwrap_or_default(),
        answer.map(|after| time(entry.begun_at + after)).unwrap_or_default(),
        answer.map(seconds).unwrap_or_default(),
        ended_at.map(time).unwrap_or_default(),
        ended_by.to_owned(),
        if entry.is_missed { "yes" } else { "no" }.to_owned(),
        text(entry.outcome.as_deref()),
        rating.unwrap_or_default(),
    ]
}

/// A text that a spreadsheet does not take for a formula: customers and agents write some of these.
fn harmless(text: &str) -> Cow<'_, str> {
    let begins = text.trim_start().chars().next();
    let is_formula = begins.is_some_and(|first| "=+-@＝＋－＠".contains(first));
    let is_hidden = text.starts_with(['\t', '\r', '\n']);
    if is_formula || is_hidden { format!("'{text}").into() } else { text.into() }
}

fn write_line(table: &mut String, cells: [String; COLUMNS.len()]) {
    for (number, cell) in cells.iter().enumerate() {
        if number > 0 {
            table.push(',');
        }
        if cell.contains([',', '"', '\r', '\n']) || cell.trim() != cell {
            table.push('"');
            table.push_str(&cell.replace('"', "\"\""));
            table.push('"');
        } else {
            table.push_str(cell);
        }
    }
    table.push_str("\r\n");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::relay::{
        handoff::{EndedBy, FirstAnswer, Handoff},
        id::ConversationKey,
    };

    #[test]
    fn no_text_is_a_formula() {
        for (text, shown) in [
            ("Alex", "Alex"),
            ("", ""),
            ("a=b", "a=b"),
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", "' =1"),
            ("\t=1", "'\t=1"),
            ("\rx", "'\rx"),
            ("＝1", "'＝1"),
        ] {
            assert_eq!(harmless(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_line_has_what_is_known_by_the_clocks_of_the_zone() {
        let day = Day::new(Day::date("2026-11-30").unwrap(), Day::zone("Europe/Berlin").unwrap()).unwrap();
        let key = ConversationKey { ai_agent: "acme".into(), conversation: "c-1".into() };
        let waiting = Entry { begun_at: day.from, ..Entry::from(Handoff::blank("h-1".into(), key)) };
        let after = |seconds| day.from + Duration::from_secs(seconds);
        let ended = Entry {
            team: Some("Billing, EU".into()),
            agent: Some("=Sam \"S\"".to_owned()),
            stage: Stage::Ended { at: after(90), by: EndedBy::Agent },
            accepted_at: Some(after(10)),
            first_answer: FirstAnswer::Given { at: after(21), by: None },
            is_missed: true,
            outcome: Some("two\nlines".to_owned()),
            rating: Some(Rating::Number((-2).into())),
            ..waiting.clone()
        };
        let table = table(&day, &[waiting, ended]);
        let (names, lines) = table.split_once("\r\n").unwrap();
        assert!(names.starts_with("\u{feff}handoff_id,conversation_id,team,"), "{names}");
        assert_eq!(
            lines,
            "h-1,c-1,,,waiting,2026-11-30 00:00:00,,,,,,,no,,\r\n\
             h-1,c-1,\"Billing, EU\",\"'=Sam \"\"S\"\"\",ended,2026-11-30 00:00:00,2026-11-30 00:00:10,10,\
             2026-11-30 00:00:21,21,2026-11-30 00:01:30,agent,yes,\"two\nlines\",-2\r\n"
        );
    }
}
