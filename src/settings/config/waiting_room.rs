//! What a route, a team or an AI Agent says to those who wait.

use std::collections::BTreeSet;

use super::{mistakes::Mistakes, table::Table};
use crate::{
    relay::waiting_room::{OwnWaitingRoom, WaitingRoom, WaitingText},
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

/// What a table says of it.
#[derive(Debug)]
pub(super) struct WaitingRoomTable {
    at: usize,
    pub(super) own: OwnWaitingRoom,
}

/// What counts where a table says nothing.
#[derive(Debug)]
pub(super) struct General {
    room: WaitingRoom,
    /// What the banner and the texts are called where they are said.
    names: [String; 2],
}

impl General {
    /// What the environment says.
    pub(super) fn of_environment(room: &WaitingRoom) -> Self {
        Self { room: room.clone(), names: ["QUEUE_BANNER", "WAITING_TEXT"].map(str::to_owned) }
    }

    /// With what the table of `whose` says, such as *the team Billing*, for the tables that count before it.
    pub(super) fn with(&self, whose: &str, table: &WaitingRoomTable) -> Self {
        let names = table.names(self).map(|name| match name {
            Name::Own(key) => format!("{key} of {whose}"),
            Name::General(name) => name.to_owned(),
        });
        Self { room: table.own.or(&self.room), names }
    }
}

/// What something is called: by a key of the same table, or as it is called elsewhere.
enum Name<'a> {
    Own(&'static str),
    General(&'a str),
}

impl WaitingRoomTable {
    pub(super) fn read(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Self {
        let [accept_text, queue_banner, _] = KEYS;
        let accept_text = table.text(accept_text, mistakes, parse::text_or_off).map(|found| found.value);
        let banner = table.text(queue_banner, mistakes, banner).map(|found| found.value);
        Self { at: table.at, own: OwnWaitingRoom { accept_text, banner, texts: texts(table, mistakes) } }
    }

    fn names<'a>(&self, general: &'a General) -> [Name<'a>; 2] {
        let [_, queue_banner, texts] = KEYS;
        let [general_banner, general_texts] = &general.names;
        let name =
            |is_own, key, general: &'a str| if is_own { Name::Own(key) } else { Name::General(general) };
        [
            name(self.own.banner.is_some(), queue_banner, general_banner),
            name(self.own.texts.is_some(), texts, general_texts),
        ]
    }

    /// Refuses a banner beside texts.
    pub(super) fn check(&self, general: &General, mistakes: &mut Mistakes) {
        if self.own.or(&general.room).is_at_odds() && !general.room.is_at_odds() {
            let [banner, texts] = self.names(general).map(|name| match name {
                Name::Own(name) | Name::General(name) => name,
            });
            mistakes.add(self.at, together(banner, texts));
        }
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
