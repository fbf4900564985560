//! What there is to say about each setting, for `handoff-relay check`.

use super::{NAMES, Settings, Sources, Terminal, reader::Reader};

/// A setting, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name, or what else the sentence is about.
    pub name: String,
    /// How it stands.
    pub state: State,
}

/// How a setting stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It has a value that will do.
    Set,
    /// It has none; its default serves.
    Unset,
    /// It will do, but there is something to know.
    Warned(String),
    /// It keeps the relay from starting.
    Wrong(String),
}

impl Settings {
    /// Reads the settings as [`Settings::from_process`] does, and says how each one stands. The settings are
    /// there if nothing is wrong.
    pub fn survey() -> (Vec<Finding>, Option<Settings>) {
        let Sources { env, file, problems } = Sources::of_process();
        let reader = Reader::new(&env, &file.unwrap_or_default(), problems);
        let set = reader.set_names();
        let read = Self::read(reader, Terminal::detect());
        let (told, settings): (Vec<(String, State)>, _) = match read {
            Ok((settings, warnings)) => {
                let told = warnings.into_iter().map(|told| (told.name, State::Warned(told.sentence)));
                (told.collect(), Some(settings))
            }
            Err(error) => {
                let told = error.0.into_iter().map(|told| (told.name, State::Wrong(told.sentence)));
                (told.collect(), None)
            }
        };
        let quiet = NAMES.into_iter().filter(|name| told.iter().all(|(other, _)| other != name));
        let quiet =
            quiet.map(|name| (name.to_owned(), if set.contains(&name) { State::Set } else { State::Unset }));
        let mut all: Vec<(String, State)> = quiet.chain(told.iter().cloned()).collect();
        // In the manual's order; what is about no setting comes last.
        all.sort_by_key(|(name, _)| NAMES.iter().position(|known| known == name).unwrap_or(NAMES.len()));
        (all.into_iter().map(|(name, state)| Finding { name, state }).collect(), settings)
    }
}
