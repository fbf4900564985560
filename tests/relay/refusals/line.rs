//! A line of the table, and how it is checked.

use crate::support::{
    answer::Answer,
    raw::Raw,
    relay::{API_KEY, OTHER_SECRET, SECRET, START_KEY},
};

/// So much of [`filler`] would be an echo of the request.
const ECHO: &str = "xxxxxxxxxxxxxxxx";
/// No sentence is longer.
const LONGEST: usize = 160;
/// Ada's contract has these sentences: they are exactly so.
const FIXED: [&str; 2] = ["Missing conversation_id", "Invalid signature"];
const SECRETS: [&str; 6] =
    [API_KEY, START_KEY, SECRET, OTHER_SECRET, "token-of-alex-0123456789", "token-of-sam-0123456789"];

/// What is sent, and what must come back.
pub struct Line {
    pub what: String,
    pub request: Raw,
    expected: Expected,
}

#[derive(Debug, PartialEq)]
enum Expected {
    /// A problem with this status, and this in its sentence.
    Refused(u16, String),
    /// 200, and a body with this in it.
    Taken(&'static str),
    /// No answer.
    Closed,
}

/// Refused with a sentence that has `key` in it, which no other refusal of this status has at this door.
pub fn refused(what: &str, request: Raw, status: u16, key: &str) -> Line {
    Line { what: what.to_owned(), request, expected: Expected::Refused(status, key.to_owned()) }
}

pub fn taken(what: &str, request: Raw, body: &'static str) -> Line {
    Line { what: what.to_owned(), request, expected: Expected::Taken(body) }
}

pub fn closed(what: &str, request: Raw) -> Line {
    Line { what: what.to_owned(), request, expected: Expected::Closed }
}

/// What long inputs are made of.
pub fn filler(length: usize) -> String {
    "x".repeat(length)
}

impl Expected {
    /// Whether it is what came.
    fn is_met_by(&self, came: &Self) -> bool {
        match (self, came) {
            (Self::Refused(status, key), Self::Refused(came, sentence)) => {
                let is_fixed = FIXED.contains(&key.as_str());
                let says_so = if is_fixed { sentence == key } else { sentence.contains(key.as_str()) };
                status == came && says_so
            }
            _ => self == came,
        }
    }
}

impl Line {
    pub fn is_taken(&self) -> bool {
        matches!(self.expected, Expected::Taken(_))
    }

    /// What is wrong with this answer, if anything is.
    pub fn check(&self, answer: Option<&Answer>) -> Result<(), String> {
        let came = match (&self.expected, answer) {
            (_, None) => Expected::Closed,
            (Expected::Taken(part), Some(answer)) if answer.status == 200 && answer.text().contains(part) => {
                Expected::Taken(part)
            }
            (_, Some(answer)) => {
                let (status, sentence) = answer.refusal()?;
                Expected::Refused(status, sentence)
            }
        };
        if !self.expected.is_met_by(&came) {
            return Err(format!("{came:?}, not {:?}", self.expected));
        }
        answer.map_or(Ok(()), manners)
    }

    /// The line in Markdown: what is sent, with `names` instead of ids, and what came back.
    pub fn row(&self, answer: Option<&Answer>, names: &[(&str, &str)]) -> String {
        let (status, detail) = match (&self.expected, answer) {
            (_, None) => ("—".to_owned(), "closed without an answer".to_owned()),
            (Expected::Taken(part), Some(answer)) if answer.status == 200 => {
                ("200".to_owned(), (*part).to_owned())
            }
            (_, Some(answer)) => {
                let detail = answer.refusal().map_or_else(|seen| seen, |(_, sentence)| sentence);
                (answer.status.to_string(), detail)
            }
        };
        let request = self.request.first_line();
        let request = names.iter().fold(request, |request, (id, name)| request.replace(id, name));
        let request = match request.split_once(ECHO) {
            Some((before, after)) => format!("{before}xxx…{}", after.trim_start_matches('x')),
            None => request,
        };
        format!("| `{request}`, {} | {status} | {detail} |", self.what)
    }
}

/// What holds for every answer.
fn manners(answer: &Answer) -> Result<(), String> {
    let needed = match answer.status {
        401 => Some("www-authenticate"),
        405 => Some("allow"),
        500.. => return Err("nothing that a client sends is our fault".to_owned()),
        _ => None,
    };
    if let Some(name) = needed.filter(|name| answer.header(name).is_empty()) {
        return Err(format!("the header {name} is missing"));
    }
    let all = format!("{:?} {}", answer.headers, answer.text());
    let said = SECRETS.iter().map(|secret| secret.trim_start_matches("whsec_")).chain([ECHO]);
    match said.into_iter().find(|said| all.contains(said)) {
        Some(said) => Err(format!("it says {said}")),
        None if answer.refusal().is_ok_and(|(_, sentence)| sentence.len() > LONGEST) => {
            Err("the sentence is too long".to_owned())
        }
        None => Ok(()),
    }
}
