//! Files whose bytes may belong to no row.

use std::collections::BTreeSet;

use super::state::State;
use crate::{
    relay::{id::HandoffId, thread::Content, time::Time},
    store::files::{FileChecks, FileOf},
};

impl State {
    pub fn due_file_checks(&self, now: Time, limit: usize) -> Vec<FileOf> {
        let due = self.file_checks.iter().filter(|(_, at)| **at <= now);
        let mut due: Vec<(Time, &FileOf)> = due.map(|(file, at)| (*at, file)).collect();
        due.sort_by_key(|(at, file)| (*at, &file.row));
        due.into_iter().take(limit).map(|(_, file)| file.clone()).collect()
    }

    pub fn change_file_checks(&mut self, change: FileChecks) {
        match change {
            FileChecks::Later(file, at) => {
                self.file_checks.entry(file).or_insert(at);
            }
            FileChecks::Done(files) => self.file_checks.retain(|file, _| !files.contains(file)),
        }
    }

    /// The files of threads that are about to be purged.
    pub fn check_files_of(&mut self, threads: &BTreeSet<HandoffId>) {
        let rows = threads.iter().filter_map(|id| self.threads.get(id)).flat_map(|rows| rows.values());
        let files = rows.filter(|row| matches!(row.content, Content::File { .. }));
        let files = files.map(|row| FileOf { handoff: row.handoff.clone(), row: row.id.clone() });
        for file in files.collect::<Vec<_>>() {
            self.file_checks.entry(file).or_default();
        }
    }
}
