//! A view shows what its scope asks for, and no more.

use handoff_relay::{
    relay::{
        buffer::Buffer,
        changes::{INBOX_PAGE, IdempotencyScope, Idempotent, Loaded, Scope, WriteSet},
        event::Event,
        handoff::{AdaEnd, End, Handoff, Status},
        thread::{Role, Source},
    },
    store::Store,
};

use super::make::{
    at, ended, event, handoff, key, match_key, of, of_handoff, put_deliveries, put_handoffs, put_rows, reads,
    row, row_ids, sends, view, write,
};

async fn an_empty_store_shows_nothing(store: &dyn Store) {
    for scope in [of("a"), of_handoff("none")] {
        let scope = Scope {
            svix_id: Some("s".to_owned()),
            unread_behind: Some(0),
            ..scope.with_inbox().with_outbox()
        };
        let view = view(store, scope).await;
        assert!(view.handoffs.is_empty() && view.rows.is_empty());
        assert!(view.outbox.is_empty() && view.inbox.is_empty());
        assert_eq!((view.buffer, view.inbox_depth, *view.seen), (None, 0, false));
        assert_eq!((view.idempotent, *view.unread_behind), (None, 0));
    }
}

async fn handoffs_come_oldest_first_and_of_one_conversation(store: &dyn Store) {
    put_handoffs(store, vec![handoff("z", "a"), handoff("other", "b")]).await;
    put_handoffs(store, vec![handoff("m", "a")]).await;
    put_handoffs(store, vec![handoff("b", "a")]).await;
    let mut changed = handoff("z", "a");
    changed.version = 2;
    put_handoffs(store, vec![changed.clone()]).await;
    for scope in [of("a"), of_handoff("m")] {
        let view = view(store, scope).await;
        assert_eq!(super::make::ids(&view.handoffs), ["z", "m", "b"]);
        assert_eq!(view.handoffs[0], changed);
    }
    let mut elsewhere = of("a");
    let handoff_relay::relay::changes::Of::Conversation(key) = &mut elsewhere.of else { panic!() };
    key.ai_agent = "other.ada.support".into();
    assert!(view(store, elsewhere).await.handoffs.is_empty(), "of another AI Agent");
}

async fn a_conversation_shows_the_handoffs_that_matter(store: &dyn Store) {
    const DAY: i64 = 86_400;
    let days = |days: i64, name: &str| {
        let ended = ended(name, "a", "Alex", "r");
        let Status::Ended(end) = ended.status.clone() else { panic!() };
        let end = End { at: at(days * DAY), ada: AdaEnd::Told { at: at(days * DAY) }, ..end };
        Handoff { status: Status::Ended(end), ..ended }
    };
    let unsettled = |handoff: Handoff| {
        let Status::Ended(end) = handoff.status.clone() else { panic!() };
        Handoff { status: Status::Ended(End { ada: AdaEnd::Unsettled, ..end }), ..handoff }
    };
    put_handoffs(store, vec![days(10, "h1"), days(20, "h2"), days(30, "h3")]).await;
    put_handoffs(store, vec![days(40, "h4"), handoff("h5", "a")]).await;
    let shows = async |scope| super::make::ids(&view(store, scope).await.handoffs).join(" ");
    assert_eq!(shows(of("a")).await, "h4 h5", "the open one, and the last that ended");
    let of_a_message = |days: i64| Scope { since: Some(at(days * DAY)), ..of("a") };
    for (day, shown) in [(60, "h4 h5"), (40, "h3 h4 h5"), (25, "h2 h3 h4 h5"), (5, "h1 h2 h3 h4 h5")] {
        assert_eq!(shows(of_a_message(day)).await, shown, "a message of day {day}");
    }
    assert_eq!(shows(of_handoff("h2")).await, "h1 h2 h3 h4 h5", "the one asked for, and those beside it");
    assert_eq!(shows(of_handoff("h1")).await, "h1 h2 h4 h5");
    write(store, WriteSet { inbox: vec![event("a", "s", 25 * DAY)], ..WriteSet::default() }).await;
    assert_eq!(shows(of("a").with_inbox()).await, "h2 h3 h4 h5", "that a buffered event may belong to");
    put_deliveries(store, vec![sends("d", "h2", "a")]).await;
    assert_eq!(shows(of("a").with_outbox()).await, "h2 h4 h5", "with deliveries");
    put_handoffs(store, vec![unsettled(days(40, "h4"))]).await;
    assert_eq!(shows(of("a")).await, "h3 h4 h5", "one whose end Ada has not answered may take any message");
}

async fn the_buffer_is_the_conversations(store: &dyn Store) {
    let buffer = Buffer { arrivals: Some((at(1), at(2))), held_until: Some(at(3)) };
    write(store, WriteSet { buffer: Some((key("a"), Some((buffer, at(3))))), ..WriteSet::default() }).await;
    assert_eq!(view(store, of("a")).await.buffer, Some(buffer));
    assert_eq!(view(store, of("b")).await.buffer, None);
    write(store, WriteSet { buffer: Some((key("a"), None)), ..WriteSet::default() }).await;
    assert_eq!(view(store, of("a")).await.buffer, None);
}

async fn the_inbox_is_in_order_and_counted(store: &dyn Store) {
    let events = [("a", "s3", 3), ("a", "s1", 1), ("b", "s9", 0), ("a", "s2", 2)];
    let inbox: Vec<Event> = events.iter().map(|(chat, id, seconds)| event(chat, id, *seconds)).collect();
    write(store, WriteSet { inbox: inbox.clone(), ..WriteSet::default() }).await;
    let mut scope = of("a");
    assert_eq!(view(store, scope.clone()).await.inbox, Loaded::default(), "not asked for");
    scope.with_inbox = true;
    let shown = view(store, scope.clone()).await;
    assert_eq!(*shown.inbox, [inbox[1].clone(), inbox[3].clone(), inbox[0].clone()]);
    assert_eq!(shown.inbox_depth, 4, "of all conversations");

    let inbox_done = vec!["s1".to_owned(), "s9".to_owned(), "never was".to_owned()];
    write(store, WriteSet { inbox_done, ..WriteSet::default() }).await;
    let shown = view(store, scope).await;
    assert_eq!((shown.inbox.len(), shown.inbox_depth), (2, 2));
}

async fn the_inbox_comes_in_pages(store: &dyn Store) {
    let number = |number: usize| event("a", &format!("{number:05}"), i64::try_from(number).unwrap());
    let inbox: Vec<Event> = (0..INBOX_PAGE + 5).rev().map(number).collect();
    write(store, WriteSet { inbox, ..WriteSet::default() }).await;
    let mut scope = of("a");
    scope.with_inbox = true;
    let shown = view(store, scope).await;
    assert_eq!(shown.inbox.len(), INBOX_PAGE);
    assert_eq!(shown.inbox.last().unwrap().svix_id, format!("{:05}", INBOX_PAGE - 1), "the oldest first");
    assert_eq!(shown.inbox_depth, INBOX_PAGE as u64 + 5);
}

async fn the_outbox_is_in_the_order_of_the_queue(store: &dyn Store) {
    put_handoffs(store, vec![handoff("h", "a"), handoff("g", "a"), handoff("x", "b")]).await;
    put_deliveries(store, vec![sends("d9", "h", "a"), reads("d8", "h", "a"), sends("x1", "x", "b")]).await;
    put_deliveries(store, vec![sends("d1", "g", "a")]).await;
    let mut again = sends("d9", "h", "a");
    again.due_at = at(99);
    put_deliveries(store, vec![again.clone()]).await;
    let mut scope = of_handoff("h");
    assert_eq!(view(store, scope.clone()).await.outbox, Loaded::default(), "not asked for");
    scope.with_outbox = true;
    let shown = view(store, scope.clone()).await.outbox;
    assert_eq!(
        *shown,
        [again, reads("d8", "h", "a"), sends("d1", "g", "a")],
        "a changed one keeps its place"
    );
    let done = vec!["d8".into(), "never was".into()];
    write(store, WriteSet { deliveries_done: done, ..WriteSet::default() }).await;
    assert_eq!(view(store, scope).await.outbox.len(), 2);
}

async fn rows_are_found_by_what_is_asked(store: &dyn Store) {
    put_handoffs(store, vec![handoff("h", "a"), handoff("g", "a"), handoff("x", "b")]).await;
    let mut rows: Vec<_> = (1..=4).map(|seq| row("h", seq, &format!("says {seq}"))).collect();
    rows.extend([row("g", 1, "says 1"), row("x", 1, "says 1")]);
    put_rows(store, rows).await;
    assert_eq!(row_ids(&view(store, of("a")).await), Vec::<&str>::new());

    let mut scope = of("a");
    scope.rows = vec!["h-4".into(), "none".into()];
    assert_eq!(row_ids(&view(store, scope).await), ["h-4"]);
    let mut scope = of("a");
    scope.matching = vec![match_key("ada-h-2", "other words"), match_key("other id", "says 1")];
    let found = view(store, scope).await;
    assert_eq!(row_ids(&found), ["g-1", "h-1", "h-2"], "by id and by words, of this conversation alone");
    let mut renamed = row("h", 3, "says 3");
    renamed.ids.list = Some("listed".into());
    put_rows(store, vec![renamed]).await;
    let mut scope = of("a");
    scope.matching = vec![match_key("listed", "")];
    assert_eq!(row_ids(&view(store, scope).await), ["h-3"], "by any of its ids");
}

async fn rows_of_buffered_events_deliveries_and_ends_come_along(store: &dyn Store) {
    put_handoffs(store, vec![ended("g", "a", "Alex", "g-2"), handoff("h", "a")]).await;
    put_rows(store, vec![row("g", 1, ""), row("g", 2, "end"), row("h", 1, "sent"), row("h", 2, "s1")]).await;
    put_deliveries(store, vec![sends("d", "h", "a"), reads("r", "h", "a")]).await;
    write(store, WriteSet { inbox: vec![event("a", "s1", 1)], ..WriteSet::default() }).await;
    let mut scope = of("a");
    scope.with_outbox = true;
    assert_eq!(row_ids(&view(store, scope.clone()).await), ["g-2", "h-1"]);
    scope.with_outbox = false;
    scope.with_inbox = true;
    assert_eq!(row_ids(&view(store, scope).await), ["g-2", "h-2"], "what the event could be");
}

async fn unread_rows_are_counted_behind_a_mark(store: &dyn Store) {
    put_handoffs(store, vec![handoff("h", "a")]).await;
    let mut rows: Vec<_> = (1..=6).map(|seq| row("h", seq, "")).collect();
    rows[1].author.role = Role::AiAgent;
    rows[4].source = Source::Transcript;
    put_rows(store, rows.clone()).await;
    for (mark, count) in [(0, 4), (1, 3), (3, 2), (5, 1), (6, 0), (99, 0)] {
        let mut scope = of_handoff("h");
        scope.unread_behind = Some(mark);
        assert_eq!(*view(store, scope).await.unread_behind, count, "behind {mark}");
    }
    rows[4].source = Source::Webhook;
    put_rows(store, vec![rows[4].clone()]).await;
    let mut scope = of_handoff("h");
    scope.unread_behind = Some(4);
    assert_eq!(*view(store, scope).await.unread_behind, 2, "a changed row counts as it is now");
}

async fn the_greatest_mark_of_all_has_nothing_behind_it(store: &dyn Store) {
    put_handoffs(store, vec![handoff("h", "a")]).await;
    put_rows(store, vec![row("h", 1, "")]).await;
    let mut scope = of_handoff("h");
    scope.unread_behind = Some(u64::MAX);
    assert_eq!(*view(store, scope).await.unread_behind, 0);
}

async fn an_idempotency_key_counts_per_agent_and_handoff(store: &dyn Store) {
    let asked = |agent: &str, handoff: &str, key: &str| IdempotencyScope {
        agent: agent.to_owned(),
        handoff: handoff.into(),
        key: key.to_owned(),
    };
    let known = Idempotent { digest: "d".to_owned(), row: "h-1".into() };
    put_handoffs(store, vec![handoff("h", "a"), handoff("g", "a")]).await;
    put_rows(store, vec![row("h", 1, "")]).await;
    let idempotent = Some((asked("Alex", "h", "k"), known.clone()));
    write(store, WriteSet { idempotent, at: at(0), ..WriteSet::default() }).await;
    for (scope, found) in [
        (asked("Alex", "h", "k"), true),
        (asked("Sam", "h", "k"), false),
        (asked("Alex", "g", "k"), false),
        (asked("Alex", "h", "K"), false),
    ] {
        let mut of = of_handoff("h");
        of.idempotency = Some(scope.clone());
        let view = view(store, of).await;
        assert_eq!(view.idempotent, found.then(|| known.clone()), "{scope:?}");
        assert_eq!(row_ids(&view), if found { vec!["h-1"] } else { vec![] });
    }
}

on_every_store!(
    an_empty_store_shows_nothing,
    handoffs_come_oldest_first_and_of_one_conversation,
    a_conversation_shows_the_handoffs_that_matter,
    the_buffer_is_the_conversations,
    the_inbox_is_in_order_and_counted,
    the_inbox_comes_in_pages,
    the_outbox_is_in_the_order_of_the_queue,
    rows_are_found_by_what_is_asked,
    rows_of_buffered_events_deliveries_and_ends_come_along,
    unread_rows_are_counted_behind_a_mark,
    the_greatest_mark_of_all_has_nothing_behind_it,
    an_idempotency_key_counts_per_agent_and_handoff,
);
