//! Languages: those of an AI Agent's customers, of agents, and of routes.

use crate::settings::parse::Parsed;

const MOST_CHARS: usize = 35;

/// A language tag, such as `de`, `pt-BR` or `zh_Hant_TW`: two or three letters, and what says more of it.
pub(super) fn language(text: &str) -> Parsed<String> {
    let mut parts = text.split(['-', '_']);
    let primary = parts.next().unwrap_or_default();
    let is_primary =
        (2..=3).contains(&primary.len()) && primary.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if text.len() <= MOST_CHARS && is_primary && parts.all(is_part) {
        Ok(text.to_owned())
    } else {
        Err("must be a language such as de or pt-BR".to_owned())
    }
}
