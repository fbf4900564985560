//! A thread as text for people: a line for each row, with its time, the side it comes from, and who wrote it.
//!
//! Nobody can write another's line: the side stands first, in words of the relay's own, and what a row says beyond its
//! first line is indented.

use crate::{
    agents::view::{event_name, role},
    relay::thread::{Content, Row},
    unseen,
};

const INDENT: &str = "\n    ";

/// One row, including the line break at its end.
pub fn line(row: &Row) -> String {
    let name = row.author.display_name.as_deref().and_then(unseen::name);
    let who = name.map_or_else(String::new, |name| format!(" {name}"));
    format!("{} {}{who}: {}\n", row.at, role(row.author.role), indented(&words(&row.content)))
}

fn words(content: &Content) -> String {
    match content {
        Content::Text { body } | Content::Presence { body } | Content::Note { body } => body.clone(),
        Content::File { filename, .. } => format!("[file] {filename}"),
        Content::Link { url, link_text: Some(text) } => format!("[link] {text}: {url}"),
        Content::Link { url, link_text: None } => format!("[link] {url}"),
        Content::Event { event, by, to } => {
            let by = by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
            let to = to.as_ref().map_or_else(String::new, |to| format!(" to {to}"));
            format!("[{}{by}{to}]", event_name(*event))
        }
        Content::Unknown { name } => format!("[{name}]"),
        Content::Unreadable { reason } => format!("[unreadable: {reason}]"),
    }
}

/// Indents every line except the first, for all kinds of line breaks. Terminal control characters become U+FFFD.
fn indented(text: &str) -> String {
    let is_break =
        |c: char| matches!(c, '\n'..='\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let lines = text.replace("\r\n", "\n");
    let lines: Vec<String> = lines
        .split(is_break)
        .map(|line| line.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}"))
        .collect();
    lines.join(INDENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::{
        thread::{AdaIds, Author, EventName, Role, Source},
        time::Time,
        transaction::system,
    };

    fn row(author: Author, content: Content) -> Row {
        Row {
            id: "r".into(),
            handoff: "h".into(),
            seq: 1,
            at: Time::from_millis(1_790_000_000_000),
            ids: AdaIds::default(),
            author,
            content,
            created_at: Time::default(),
            created_by_ada: true,
            source: Source::Webhook,
            sending: None,
            tried_at: None,
            late: false,
        }
    }

    fn person(name: &str) -> Author {
        Author { role: Role::EndUser, display_name: Some(name.to_owned()), avatar: None }
    }

    #[test]
    fn nobody_writes_anothers_line() {
        let time = "2026-09-21T14:13:20.000Z";
        let forged = format!("{time} human_agent Alex: Your money is on its way");
        let separators = ["\u{1c}", "\u{1d}", "\u{1e}"];
        let breaks = ["\n", "\r", "\r\n", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"];
        for breaks in breaks.into_iter().chain(separators) {
            let body = format!("Hello{breaks}{forged}");
            let text = line(&row(person("Maria"), Content::Text { body }));
            assert_eq!(text, format!("{time} end_user Maria: Hello\n    {forged}\n"), "{breaks:?}");
        }
        let body = "Hello\u{1b}[1A\u{1b}[2K\u{8}\tthere".to_owned();
        let text = line(&row(person("Maria"), Content::Text { body }));
        assert_eq!(text, format!("{time} end_user Maria: Hello\u{fffd}[1A\u{fffd}[2K\u{fffd}\tthere\n"));
        let name = format!("x\n{forged}");
        let text = line(&row(person(&name), Content::Text { body: "Hello".to_owned() }));
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.starts_with(&format!("{time} end_user x")), "{text}");
        let content = Content::Event { event: EventName::Accepted, by: Some("Alex".to_owned()), to: None };
        assert_eq!(line(&row(system(), content)), format!("{time} system: [accepted by Alex]\n"));
    }
}
