//! What a team says of those who wait for it.

use std::collections::BTreeSet;

use super::{mistakes::Mistakes, table::Table};
use crate::{
    relay::waiting_room::{Banner, WaitingRoom, WaitingText},
    settings::{
        parse,
        waiting_room::{banner, together},
    },
};

/// What it may say of them.
pub(super) const KEYS: [&str; 3] = ["accept_text", "queue_banner", TEXTS];
const TEXTS: &str = "waiting_texts";
/// What a text may say of itself.
const TEXT_KEYS: [&str; 2] = ["after", "text"];
const EXAMPLE: &str = "waiting_texts = [{ after = \"5m\", text = \"...\" }]";
const MOST_TEXTS: usize = 10;

/// What a table says of it, before it is known what the environment says.
#[derive(Debug)]
pub(super) struct WaitingRoomTable {
    at: usize,
    accept_text: Option<Option<String>>,
    banner: Option<Banner>,
    texts: Option<Vec<WaitingText>>,
}

impl WaitingRoomTable {
    pub(super) fn read(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Self {
        let [accept_text, queue_banner, _] = KEYS;
        let accept_text = table.text(accept_text, mistakes, parse::text_or_off).map(|found| found.value);
        let banner = table.text(queue_banner, mistakes, banner).map(|found| found.value);
        Self { at: table.at, accept_text, banner, texts: texts(table, mistakes) }
    }

    /// With what the environment says where the table says nothing.
    pub(super) fn settings(self, environment: &WaitingRoom, mistakes: &mut Mistakes) -> WaitingRoom {
        let Self { at, accept_text, banner, texts } = self;
        let names = [
            if banner.is_some() { "queue_banner" } else { "QUEUE_BANNER" },
            if texts.is_some() { TEXTS } else { "WAITING_TEXT" },
        ];
        let is_own = banner.is_some() || texts.is_some();
        let room = WaitingRoom {
            accept_text: accept_text.unwrap_or_else(|| environment.accept_text.clone()),
            banner: banner.unwrap_or(environment.banner),
            texts: texts.unwrap_or_else(|| environment.texts.clone()),
        };
        if is_own && room.banner != Banner::Off && !room.texts.is_empty() {
            mistakes.add(at, together(names[0], names[1]));
        }
        room
    }
}

fn texts(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Vec<WaitingText>> {
    if !table.has(TEXTS) {
        return None;
    }
    let tables = table.tables_as(TEXTS, "a text of waiting_texts", EXAMPLE, mistakes)?;
    if tables.len() > MOST_TEXTS {
        mistakes.add(table.place(TEXTS), format!("{TEXTS} must be at most {MOST_TEXTS} texts"));
    }
    let mut times = BTreeSet::new();
    let mut texts = Vec::new();
    for mut table in tables {
        let after = table.text("after", mistakes, parse::wait);
        let text = table.text("text", mistakes, parse::words);
        for key in TEXT_KEYS {
            table.require(key, mistakes);
        }
        table.refuse_others(&TEXT_KEYS, mistakes);
        let (Some(after), Some(text)) = (after, text) else { continue };
        if !times.insert(after.value) {
            mistakes.add(after.at, format!("another text of {TEXTS} has this time"));
        }
        texts.push(WaitingText { after: after.value, text: text.value });
    }
    texts.sort_by_key(|text| text.after);
    Some(texts)
}
