//! What was said before a contact began, as an agent of Amazon Connect reads it.

use super::text::parts;
use crate::relay::{
    contact::Opening,
    thread::{Content, Role, Row},
};

/// Space for the mark of an older part, in bytes.
const MARK: usize = 64;
/// How many older parts are sent: 3 MB. Of a longer conversation the beginning is left out.
const MOST_PARTS: usize = 200;
const HEADING: &str = "[Conversation so far]";
const NEWEST: &str = "[Conversation so far, newest part]";

/// What a contact begins with: `rows` in reading order, in messages of `limit` bytes at most. The newest part comes first,
/// as the initial message; the older ones follow it in order, each marked *earlier*. Where the chat can't begin with a message,
/// the newest part comes last.
pub fn opening(rows: &[Row], limit: usize) -> Opening {
    let room = limit.saturating_sub(MARK).max(1);
    let lines: Vec<String> = rows.iter().filter_map(line).flat_map(|line| parts(&line, room)).collect();
    if lines.is_empty() {
        return Opening::default();
    }
    let mut pages = pages(&lines, room);
    let newest = pages.pop().unwrap_or_default();
    if pages.is_empty() {
        return Opening { initial: Some(format!("{HEADING}\n{newest}")), ..Opening::default() };
    }
    let left_out = pages.len().saturating_sub(MOST_PARTS);
    let kept = &pages[left_out..];
    let of = kept.len();
    let mark = |(index, page): (usize, &String)| {
        let cut = if index == 0 && left_out > 0 { ", the beginning is left out" } else { "" };
        format!("[Earlier, part {} of {of}{cut}]\n{page}", index + 1)
    };
    let earlier = kept.iter().enumerate().map(mark).collect();
    Opening { initial: Some(format!("{NEWEST}\n{newest}")), earlier, ..Opening::default() }
}

/// Lines put together, as many as fit a page. The last page is full, the first has what remains.
fn pages(lines: &[String], room: usize) -> Vec<String> {
    let mut pages: Vec<Vec<&str>> = Vec::new();
    let mut size = room + 1;
    for line in lines.iter().rev() {
        size += line.len() + 1;
        if size > room {
            pages.push(Vec::new());
            size = line.len();
        }
        if let Some(page) = pages.last_mut() {
            page.push(line);
        }
    }
    pages.iter().rev().map(|page| page.iter().rev().copied().collect::<Vec<_>>().join("\n")).collect()
}

/// A row as a line: who and what. None for what agents need not read.
pub fn line(row: &Row) -> Option<String> {
    let name = row.author.display_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let who = match row.author.role {
        Role::EndUser => "Customer",
        Role::AiAgent => name.unwrap_or("AI Agent"),
        Role::HumanAgent => name.unwrap_or("Agent"),
        Role::System | Role::Unknown => name.unwrap_or("System"),
    };
    said(&row.content).map(|what| format!("{who}: {what}"))
}

/// What a message says, as text; none for what is no message.
pub fn said(content: &Content) -> Option<String> {
    Some(match content {
        Content::Text { body } => body.clone(),
        Content::File { filename, .. } => format!("[File: {filename}]"),
        Content::Link { url, link_text: Some(text) } if !text.trim().is_empty() => format!("{text} ({url})"),
        Content::Link { url, .. } => url.clone(),
        Content::Unknown { name } => format!("[A message of the type {name}, which can't be shown here]"),
        Content::Presence { .. }
        | Content::Note { .. }
        | Content::Event { .. }
        | Content::Unreadable { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::{
        thread::{AdaIds, Author, Source},
        time::Time,
    };

    fn row(seq: u64, role: Role, name: Option<&str>, content: Content) -> Row {
        Row {
            id: format!("r{seq}").as_str().into(),
            handoff: "h".into(),
            seq,
            at: Time::default(),
            ids: AdaIds::default(),
            author: Author { role, display_name: name.map(str::to_owned), avatar: None },
            content,
            created_at: Time::default(),
            created_by_ada: true,
            source: Source::Transcript,
            sending: None,
            tried_at: None,
            late: false,
        }
    }

    fn text(seq: u64, body: &str) -> Row {
        row(seq, Role::EndUser, Some("Maria"), Content::Text { body: body.to_owned() })
    }

    #[test]
    fn a_short_conversation_is_one_message_that_reads_well() {
        let file = Content::File {
            filename: "receipt.pdf".to_owned(),
            mime_type: "application/pdf".to_owned(),
            source_url: Some("https://presigned.example/secret".to_owned()),
            bytes: crate::relay::thread::Bytes::Awaited,
        };
        let link = Content::Link {
            url: "https://shop.example/7".to_owned(),
            link_text: Some("Your order".to_owned()),
        };
        let rows = [
            row(
                1,
                Role::System,
                None,
                Content::Event { event: crate::relay::thread::EventName::Started, by: None, to: None },
            ),
            text(2, "Where is my parcel?"),
            row(3, Role::AiAgent, Some("Robo"), link),
            row(4, Role::EndUser, None, file),
            row(5, Role::HumanAgent, Some("Sam"), Content::Note { body: "careful".to_owned() }),
        ];
        let opening = opening(&rows, 16_384);
        assert_eq!(
            opening.initial.as_deref(),
            Some(
                "[Conversation so far]\nCustomer: Where is my parcel?\nRobo: Your order (https://shop.example/7)\n\
                 Customer: [File: receipt.pdf]"
            )
        );
        assert!(opening.earlier.is_empty());
    }

    #[test]
    fn nothing_said_is_no_message() {
        assert_eq!(opening(&[], 16_384), Opening::default());
    }

    #[test]
    fn of_a_long_one_the_newest_part_comes_first_and_the_older_ones_follow_in_order() {
        for (count, limit) in [(200_u64, 1_024_usize), (5_000, 16_384), (5_000, 1_024)] {
            let rows: Vec<Row> = (1..=count).map(|seq| text(seq, &format!("message {seq} 😀"))).collect();
            let opening = opening(&rows, limit);
            let initial = opening.initial.clone().unwrap_or_default();
            assert!(initial.starts_with(NEWEST) && initial.ends_with(&format!("message {count} 😀")));
            let all: Vec<&String> = opening.earlier.iter().chain(&opening.initial).collect();
            assert!(all.iter().all(|part| part.len() <= limit), "{limit}");
            let said: Vec<&str> = all
                .iter()
                .flat_map(|part| part.lines())
                .filter(|line| line.starts_with("Customer"))
                .collect();
            let expected: Vec<String> =
                (1..=count).map(|seq| format!("Customer: message {seq} 😀")).collect();
            assert_eq!(said, expected.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(opening.earlier[0].starts_with("[Earlier, part 1 of"));
        }
    }

    #[test]
    fn the_beginning_of_an_endless_one_is_left_out_and_that_is_said() {
        let rows: Vec<Row> = (1..=1_000).map(|seq| text(seq, &"x".repeat(400))).collect();
        let opening = opening(&rows, 512);
        assert_eq!(opening.earlier.len(), MOST_PARTS);
        assert!(opening.earlier[0].starts_with("[Earlier, part 1 of 200, the beginning is left out]\n"));
        assert!(opening.earlier.iter().all(|part| part.len() <= 512));
    }

    #[test]
    fn a_message_longer_than_a_part_is_cut_between_characters() {
        let opening = opening(&[text(1, &"😀".repeat(1_000))], 1_024);
        let all: String = opening.earlier.iter().chain(&opening.initial).map(String::as_str).collect();
        assert_eq!(all.matches('😀').count(), 1_000);
    }
}
