//! What a store would keep of the one conversation, as strict as the strictest: it shows a decision no more
//! than its scope names, refuses what SQLite would refuse, and checks after each decision that the books
//! balance.

use std::collections::{BTreeMap, BTreeSet};

use crate::relay::{
    buffer::Buffer,
    changes::{DeadLetter, IdempotencyScope, Idempotent, NoticeScope, Of, Scope, View, WriteSet},
    contact::Contact,
    delivery::{Delivery, Job, Write},
    event::{Event, EventKind},
    handoff::Handoff,
    id::RowId,
    ledger::Ledger,
    matching::MatchKey,
    thread::{Bytes, Content, EventName, Row, Sending},
    time::Time,
};

#[derive(Default)]
pub struct Books {
    pub handoffs: Vec<Handoff>,
    pub rows: Vec<Row>,
    pub outbox: Vec<Delivery>,
    pub inbox: Vec<Event>,
    pub buffer: Option<Buffer>,
    /// When a store believes that it is due.
    pub due: Option<Time>,
    pub seen: BTreeSet<String>,
    pub dead_letters: Vec<DeadLetter>,
    pub idempotency: BTreeMap<IdempotencyScope, Idempotent>,
    pub contact: Option<Contact>,
    /// When somebody must look at it.
    pub contact_due: Option<Time>,
    pub start_refused_until: Option<Time>,
}

impl Books {
    pub fn view(&self, scope: &Scope) -> View {
        let known = match &scope.of {
            Of::Conversation(_) => true,
            Of::Handoff(id) => self.handoffs.iter().any(|handoff| handoff.id == *id),
        };
        if !known {
            return View::new(scope);
        }
        let mut view = View {
            buffer: self.buffer,
            inbox_depth: self.inbox.len() as u64,
            dead_letter: scope.dead_letter.as_ref().and_then(|id| self.dead_letter(id)).cloned(),
            idempotent: scope.idempotency.as_ref().and_then(|asked| self.idempotency.get(asked)).cloned(),
            ..View::new(scope)
        };
        for delivery in &self.outbox {
            *view.queued.entry(delivery.destination()).or_default() += 1;
        }
        if let Some(id) = &scope.svix_id {
            *view.seen = self.seen.contains(id);
        }
        if let Some(mark) = scope.unread_behind {
            *view.unread_behind = self.unread_behind(scope, mark);
        }
        if scope.with_contact {
            *view.contact = self.contact.clone();
        }
        if scope.with_inbox {
            view.start_refused_until = self.start_refused_until;
            *view.inbox = self.inbox.clone();
            view.inbox.sort_by_key(Event::sort_key);
        }
        if scope.with_outbox {
            let is_notice = |delivery: &&Delivery| delivery.job.notice().is_some();
            *view.outbox = self.outbox.iter().filter(|delivery| !is_notice(delivery)).cloned().collect();
        }
        if let Some(notices) = &scope.notices {
            *view.notices =
                self.outbox.iter().filter(|delivery| is_asked(notices, delivery)).cloned().collect();
        }
        view.handoffs = self.handoffs_for(scope);
        view.rows = self.rows_for(scope, &view);
        view
    }

    fn handoffs_for(&self, scope: &Scope) -> Vec<Handoff> {
        let from = scope.takes_from(if scope.with_inbox { &self.inbox } else { &[] });
        let is_over = |handoff: &Handoff| handoff.took_until().is_some_and(|until| until < from);
        let first = self.handoffs.iter().rposition(is_over).unwrap_or(0);
        let asked = |handoff: &Handoff| matches!(&scope.of, Of::Handoff(id) if *id == handoff.id);
        let is_shown = |(index, handoff): &(usize, &Handoff)| {
            let has_deliveries = || self.outbox.iter().any(|delivery| delivery.handoff == handoff.id);
            *index >= first
                || asked(handoff)
                || self.handoffs.get(index + 1).is_some_and(asked)
                || index.checked_sub(1).is_some_and(|before| asked(&self.handoffs[before]))
                || (scope.with_outbox && has_deliveries())
        };
        self.handoffs.iter().enumerate().filter(is_shown).map(|(_, handoff)| handoff.clone()).collect()
    }

    fn dead_letter(&self, id: &str) -> Option<&DeadLetter> {
        self.dead_letters.iter().find(|letter| letter.id == id)
    }

    fn unread_behind(&self, scope: &Scope, mark: u64) -> u64 {
        let Of::Handoff(id) = &scope.of else { return 0 };
        let behind = |row: &&Row| row.handoff == *id && row.seq > mark && row.counts_as_unread();
        self.rows.iter().filter(behind).count() as u64
    }

    fn rows_for(&self, scope: &Scope, view: &View) -> Vec<Row> {
        let mut ids: BTreeSet<&RowId> = scope.rows.iter().collect();
        if scope.with_outbox {
            ids.extend(view.outbox.iter().filter_map(|delivery| delivery.job.row()));
        }
        ids.extend(view.idempotent.iter().map(|known| &known.row));
        if scope.with_inbox || scope.with_outbox {
            ids.extend(view.handoffs.iter().filter_map(Handoff::end).map(|end| &end.row));
        }
        let inbox = if scope.with_inbox { &view.inbox[..] } else { &[] };
        let buffered = inbox.iter().filter_map(|event| match &event.kind {
            EventKind::Message(message) => Some(MatchKey::from(message)),
            _ => None,
        });
        let keys: Vec<MatchKey> = scope.matching.iter().cloned().chain(buffered).collect();
        let could_be = |row: &Row, key: &MatchKey| {
            row.ids.all().any(|id| *id == key.id) || key.fingerprints.contains(&row.fingerprint())
        };
        let is_shown = |row: &Row| view.handoffs.iter().any(|handoff| handoff.id == row.handoff);
        let wanted = |row: &&Row| {
            ids.contains(&row.id) || (is_shown(row) && keys.iter().any(|key| could_be(row, key)))
        };
        self.rows.iter().filter(wanted).cloned().collect()
    }

    pub fn apply(&mut self, changes: WriteSet) {
        for handoffs in [changes.handoffs, changes.handoffs_unseen] {
            put(&mut self.handoffs, handoffs, |handoff| handoff.id.0.clone());
        }
        for rows in [changes.rows, changes.rows_unseen] {
            put(&mut self.rows, rows, |row| row.id.0.clone());
        }
        put(&mut self.outbox, changes.deliveries, |delivery| delivery.id.0.clone());
        self.outbox.retain(|delivery| !changes.deliveries_done.contains(&delivery.id));
        for event in changes.inbox {
            assert!(self.inbox.iter().all(|known| known.svix_id != event.svix_id), "in the inbox twice");
            self.inbox.push(event);
        }
        self.inbox.retain(|event| !changes.inbox_done.contains(&event.svix_id));
        for svix_id in changes.remember {
            assert!(self.seen.insert(svix_id), "remembered twice");
        }
        if let Some((_, buffer)) = changes.buffer {
            (self.buffer, self.due) = buffer.unzip();
        }
        put(&mut self.dead_letters, changes.dead_letters, |letter| letter.id.clone());
        self.dead_letters.retain(|letter| !changes.dead_letters_done.contains(&letter.id));
        self.idempotency.extend(changes.idempotent);
        if let Some((contact, due)) = changes.contact {
            (self.contact, self.contact_due) = (Some(contact), due);
        }
        if let Some((_, until)) = changes.start_refused {
            self.start_refused_until = until;
        }
        self.balance();
    }

    /// What must hold whatever has happened.
    fn balance(&self) {
        assert!(self.inbox.is_empty() || self.buffer.is_some(), "events wait, and nobody will look");
        for (index, handoff) in self.handoffs.iter().enumerate() {
            let last = index + 1 == self.handoffs.len();
            assert!(last || !handoff.is_open() && !handoff.end_is_unsettled(), "two handoffs run at once");
            self.numbers_are_right(handoff);
            self.outbox_is_right(handoff);
        }
    }

    fn numbers_are_right(&self, handoff: &Handoff) {
        let mut thread: Vec<&Row> = self.rows.iter().filter(|row| row.handoff == handoff.id).collect();
        thread.sort_by_key(|row| row.seq);
        let numbers: Vec<u64> = thread.iter().map(|row| row.seq).collect();
        assert_eq!(numbers, (1..=handoff.last_seq).collect::<Vec<u64>>(), "a gap in the numbers");
        let unread = |row: &&&Row| row.counts_as_unread() && row.seq > handoff.read_up_to;
        assert_eq!(handoff.unread, thread.iter().filter(unread).count() as u64, "unread miscounted");
        let accounts =
            thread.iter().map(|row| Ledger::of(row)).fold(Ledger::default(), |sum, one| sum.and(&one));
        let Ledger { taken, duplicates, .. } = handoff.ledger;
        assert_eq!(handoff.ledger, Ledger { taken, duplicates, ..accounts }, "the account is wrong");
        assert_eq!(handoff.ledger.lost(), 0, "something is lost");
        let words = thread.iter().filter(|row| row.is_end_users_words()).max_by_key(|row| (row.at, row.seq));
        let last_words = handoff.last_words.as_ref().map(|row| &row.id);
        assert_eq!(last_words, words.map(|row| &row.id), "these are not the customer's last words");
        self.waiting_is_right(handoff, &thread);
        let mut ids = BTreeSet::new();
        for id in thread.iter().filter_map(|row| row.ids.webhook.as_ref()) {
            assert!(ids.insert(id), "{id} shows twice");
        }
    }

    /// Who has no answer waits, and whoever has waited too long was missed.
    fn waiting_is_right(&self, handoff: &Handoff, thread: &[&Row]) {
        if !thread.iter().any(|row| row.is_answer()) {
            assert!(handoff.unanswered.is_some(), "nobody has answered");
        }
        if let Some(last) = thread.iter().rfind(|row| row.is_answer() || row.counts_as_unread()) {
            assert!(last.is_answer() || handoff.unanswered.is_some(), "the last words have no answer");
        }
        let timed_out = |row: &Row| matches!(row.content, Content::Event { event: EventName::TimedOut, .. });
        let ran_out = thread.iter().any(|row| timed_out(row));
        assert!(handoff.missed.is_none() || ran_out && !handoff.is_open(), "missed before its time");
        assert!(!ran_out || handoff.agent().is_some() || handoff.missed.is_some(), "nobody knows of it");
    }

    fn outbox_is_right(&self, handoff: &Handoff) {
        let of_it: Vec<&Delivery> =
            self.outbox.iter().filter(|delivery| delivery.handoff == handoff.id).collect();
        let rows_in = |files: bool| -> BTreeSet<&RowId> {
            let in_it = of_it.iter().filter(|delivery| matches!(delivery.job, Job::Fetch(_)) == files);
            in_it.filter_map(|delivery| delivery.job.row()).collect()
        };
        let rows_that = |wait: fn(&Row) -> bool| -> BTreeSet<&RowId> {
            self.rows.iter().filter(|row| row.handoff == handoff.id && wait(row)).map(|row| &row.id).collect()
        };
        let promised = rows_in(false);
        let queued = rows_that(|row| row.sending == Some(Sending::Queued));
        assert_eq!(queued, promised, "what agents see as queued is what waits");
        let awaited = rows_that(|row| matches!(row.content, Content::File { bytes: Bytes::Awaited, .. }));
        assert_eq!(awaited, rows_in(true), "what agents see as on its way is what is fetched");
        let end_waits = of_it.iter().any(|delivery| matches!(delivery.job, Job::Write(Write::End { .. })));
        assert_eq!(end_waits, handoff.end_is_unsettled(), "an end call waits until it is settled");
        assert!(handoff.is_open() || end_waits || promised.is_empty(), "an ended handoff sends");
    }
}

fn is_asked(notices: &NoticeScope, delivery: &Delivery) -> bool {
    delivery.job.notice().is_some()
        && match notices {
            NoticeScope::NextOf(lane) | NoticeScope::FirstOf(lane) => delivery.lane() == *lane,
            NoticeScope::One(id) => delivery.id == *id,
            NoticeScope::Expired { handoff, at } => {
                delivery.handoff == *handoff
                    && delivery.expires_at.is_some_and(|expires_at| expires_at <= *at)
            }
        }
}

fn put<T>(known: &mut Vec<T>, changed: Vec<T>, id: impl Fn(&T) -> String) {
    for new in changed {
        match known.iter().position(|old| id(old) == id(&new)) {
            Some(index) => known[index] = new,
            None => known.push(new),
        }
    }
}
