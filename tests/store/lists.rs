//! What agents and workers read: handoffs, rows, conversations that are due, dead letters.

use std::time::Duration;

use handoff_relay::{
    relay::{
        buffer::Buffer,
        changes::{DeadLetter, WriteSet},
        handoff::{Handoff, Missed},
        id::TeamName,
        sight::Sight,
        thread::{Content, Row},
        time::Time,
    },
    store::{
        Due, HandoffQuery, Order, RetentionPeriods, StatusFilter, Store,
        search::{Found, IndexProgress, Place},
    },
};
use serde_json::json;

use super::{
    database,
    file::File,
    make::{
        active, at, ended, handoff, ids, index, key, letter, of, of_handoff, purge, put_handoffs, put_rows,
        row, view, write,
    },
};

fn all() -> HandoffQuery {
    HandoffQuery { limit: 50, ..HandoffQuery::default() }
}

async fn some(store: &dyn Store) {
    let mut named = handoff("h4", "d");
    named.end_user.name = Some("Zoë Çelik".to_owned());
    named.end_user.id = Some("user-77".to_owned());
    named.context = json!({ "plan": "Pro", "seats": 12, "odd": "50%_off" }).as_object().unwrap().clone();
    let missed = Some(Missed { at: at(9), told: None });
    let missed = Handoff { missed, ..ended("h3", "a", "Alex", "r") };
    let handoffs = vec![handoff("h1", "a"), active("h2", "b", "Alex"), missed, named];
    put_handoffs(store, handoffs).await;
}

async fn each_filter_narrows_the_list(store: &dyn Store) {
    some(store).await;
    index(store).await;
    let text = |text: &str| HandoffQuery { text: Some(text.to_owned()), ..all() };
    let status = |status| HandoffQuery { status: Some(status), ..all() };
    for (query, found) in [
        (all(), vec!["h4", "h3", "h2", "h1"]),
        (status(StatusFilter::Waiting), vec!["h4", "h1"]),
        (status(StatusFilter::Active), vec!["h2"]),
        (status(StatusFilter::Ended), vec!["h3"]),
        (HandoffQuery { conversation: Some("a".to_owned()), ..all() }, vec!["h3", "h1"]),
        (HandoffQuery { end_user: Some("user-77".to_owned()), ..all() }, vec!["h4"]),
        (HandoffQuery { end_user: Some("User-77".to_owned()), ..all() }, vec![]),
        (HandoffQuery { missed: true, ..all() }, vec!["h3"]),
        (HandoffQuery { missed: true, ..status(StatusFilter::Waiting) }, vec![]),
        (HandoffQuery { agent: Some("Alex".to_owned()), ..all() }, vec!["h3", "h2"]),
        (HandoffQuery { agent: Some("Alex".to_owned()), ..status(StatusFilter::Active) }, vec!["h2"]),
        (HandoffQuery { agent: Some("alex".to_owned()), ..all() }, vec![]),
        (text("pro"), vec!["h4"]),
        (text("zoë ç"), vec!["h4"]),
        (text("ZOË Ç"), vec!["h4"]),
        (text("zoe celik"), vec!["h4"]),
        (text("USER-77"), vec!["h4"]),
        (text("12"), vec!["h4"]),
        (text("0%_o"), vec!["h4"]),
        (text("%"), vec!["h4"]),
        (text("h2"), vec!["h2"]),
        (text("nobody"), vec![]),
    ] {
        let page = store.handoffs(&query).await.unwrap();
        assert_eq!((ids(&page.handoffs), page.next), (found, None), "{query:?}");
    }
}

async fn teams_narrow_the_list_and_what_an_agent_may_see(store: &dyn Store) {
    let of_team = |team: &str, handoff: Handoff| Handoff { team: Some(team.into()), ..handoff };
    let handoffs = vec![
        of_team("Billing", handoff("b1", "a")),
        of_team("Billing", active("b2", "b", "Sam")),
        of_team("EU's \"team\"", handoff("e1", "c")),
        of_team("EU's \"team\"", ended("e2", "d", "Alex", "r")),
        handoff("none", "e"),
    ];
    put_handoffs(store, handoffs).await;
    let sees = |teams: &[&str], agent: &str| {
        let teams = teams.iter().map(|team| TeamName::from(*team)).collect();
        HandoffQuery { sight: Sight::Of { teams, agent: agent.to_owned() }, ..all() }
    };
    let of_team = |team: &str, query: HandoffQuery| HandoffQuery { team: Some(team.into()), ..query };
    for (query, found) in [
        (of_team("Billing", all()), vec!["b2", "b1"]),
        (of_team("EU's \"team\"", all()), vec!["e2", "e1"]),
        (of_team("billing", all()), vec![]),
        (sees(&["Billing"], "Kim"), vec!["none", "b2", "b1"]),
        (sees(&["Billing"], "Alex"), vec!["none", "e2", "b2", "b1"]),
        (sees(&["EU's \"team\"", "Billing"], "Kim"), vec!["none", "e2", "e1", "b2", "b1"]),
        (sees(&[], "Sam"), vec!["none", "b2"]),
        (of_team("Billing", sees(&["EU's \"team\""], "Sam")), vec!["b2"]),
        (
            HandoffQuery { status: Some(StatusFilter::Waiting), ..sees(&["Billing"], "Kim") },
            vec!["none", "b1"],
        ),
    ] {
        let page = store.handoffs(&query).await.unwrap();
        assert_eq!((ids(&page.handoffs), page.next), (found, None), "{query:?}");
        let sight = &query.sight;
        assert!(page.handoffs.iter().all(|handoff| sight.has(handoff)));
    }
    put_handoffs(store, vec![Handoff { team: Some("Billing".into()), ..handoff("e1", "c") }]).await;
    let page = store.handoffs(&of_team("Billing", all())).await.unwrap();
    assert_eq!(ids(&page.handoffs), ["e1", "b2", "b1"], "a handoff may change its team");
}

fn finds(text: &str) -> HandoffQuery {
    HandoffQuery { text: Some(text.to_owned()), ..all() }
}

async fn messages_are_looked_through_too_and_it_is_said_where(store: &dyn Store) {
    some(store).await;
    let words = ["Das ist ÄUSSERST \"gut\"", "nothing", "äußerst 50%_off", "end"];
    let rows = (1..).zip(words).map(|(seq, words)| row("h1", seq, words));
    let note = Row { content: Content::Note { body: "Ausserst wichtig".to_owned() }, ..row("h2", 1, "") };
    put_rows(store, rows.chain([note, row("h3", 1, "gut\\besser")]).collect()).await;
    index(store).await;
    let id = || Place::Id;
    for (text, found) in [
        (
            "äußerst",
            vec![("h2", Place::Row(1), "Ausserst wichtig"), ("h1", Place::Row(3), "äußerst 50%_off")],
        ),
        ("\"gut\"", vec![("h1", Place::Row(1), "Das ist ÄUSSERST \"gut\"")]),
        ("t 50%_o", vec![("h1", Place::Row(3), "äußerst 50%_off")]),
        ("t\\b", vec![("h3", Place::Row(1), "gut\\besser")]),
        (
            "0%_off",
            vec![
                ("h4", Place::Context("odd".to_owned()), "50%_off"),
                ("h1", Place::Row(3), "äußerst 50%_off"),
            ],
        ),
        ("celik", vec![("h4", Place::EndUser, "Zoë Çelik")]),
        ("h2", vec![("h2", id(), "h2")]),
        ("is", vec![]),
        ("nothing at", vec![]),
    ] {
        let page = store.handoffs(&finds(text)).await.unwrap();
        let places = page.found.iter().map(|found| found.clone().unwrap());
        let shown: Vec<_> = page.handoffs.iter().map(|one| one.id.as_str()).zip(places).collect();
        let wanted: Vec<_> =
            found.into_iter().map(|(id, place, text)| (id, Found { place, text: text.to_owned() })).collect();
        assert_eq!(shown, wanted, "{text}");
        let oldest = HandoffQuery { order: Order::Oldest, ..finds(text) };
        let mut page = store.handoffs(&oldest).await.unwrap();
        page.handoffs.reverse();
        page.found.reverse();
        let places = page.found.into_iter().flatten();
        assert_eq!(page.handoffs.iter().map(|one| one.id.as_str()).zip(places).collect::<Vec<_>>(), wanted);
    }
    assert_eq!(store.handoffs(&all()).await.unwrap().found, []);
    let ended = HandoffQuery { status: Some(StatusFilter::Ended), ..finds("gut") };
    assert_eq!(ids(&store.handoffs(&ended).await.unwrap().handoffs), ["h3"]);
    // What a row says now is what is found.
    let none = Row { content: Content::Presence { body: "gut".to_owned() }, ..row("h3", 1, "") };
    put_rows(store, vec![row("h1", 1, "other words"), none]).await;
    index(store).await;
    assert_eq!(ids(&store.handoffs(&finds("gut")).await.unwrap().handoffs), Vec::<&str>::new());
    assert_eq!(ids(&store.handoffs(&finds("OTHER W")).await.unwrap().handoffs), ["h1"]);
}

async fn a_search_has_pages(store: &dyn Store) {
    for number in 0..9 {
        let id = format!("h{number}");
        put_handoffs(store, vec![if number % 3 == 0 { handoff(&id, "a") } else { active(&id, "b", "Sam") }])
            .await;
        // More than are asked of an index at once.
        let words = |seq| row(&id, seq, &format!("needle {seq}"));
        put_rows(store, (1..=if number == 4 { 450 } else { 2 }).map(words).collect()).await;
    }
    while store.index(100).await.unwrap() != IndexProgress::All {}
    for order in [Order::Newest, Order::Oldest] {
        let sam = Some("Sam".to_owned());
        let mut query = HandoffQuery { limit: 2, order, agent: sam, ..finds("needle") };
        let mut pages = Vec::new();
        loop {
            let page = store.handoffs(&query).await.unwrap();
            let seqs = page.found.iter().map(|found| match found {
                Some(Found { place: Place::Row(seq), .. }) => *seq,
                other => panic!("{other:?}"),
            });
            let seqs: Vec<u64> = seqs.collect();
            pages.push((ids(&page.handoffs).join(" "), seqs));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        let mut wanted = vec![("h8 h7", vec![2, 2]), ("h5 h4", vec![2, 450]), ("h2 h1", vec![2, 2])];
        if order == Order::Oldest {
            wanted = vec![("h1 h2", vec![2, 2]), ("h4 h5", vec![450, 2]), ("h7 h8", vec![2, 2])];
        }
        let wanted: Vec<_> = wanted.into_iter().map(|(ids, seqs)| (ids.to_owned(), seqs)).collect();
        assert_eq!(pages, wanted);
    }
}

/// In one of many entries is what an index is asked for first.
async fn what_is_rare_is_found_among_what_is_common(store: &dyn Store) {
    for number in 0..6 {
        let id = format!("h{number}");
        put_handoffs(store, vec![handoff(&id, "a")]).await;
        let words = |seq| match (number, seq) {
            (1 | 3 | 4, 20) => row(&id, seq, "My order: 50%_off rarities, Zoë"),
            // Every three letters of it, and not the text.
            (2, 20) => row(&id, seq, "My 50%_off order: Zoë rarities"),
            _ => row(&id, seq, &format!("My order number {seq}")),
        };
        put_rows(store, (1..=40).map(words).collect()).await;
    }
    index(store).await;
    for text in ["ORDER: 50%_off rarities", "off rarities, zoe", "rarities, "] {
        for (order, found) in
            [(Order::Newest, [vec!["h4", "h3"], vec!["h1"]]), (Order::Oldest, [vec!["h1", "h3"], vec!["h4"]])]
        {
            let query = HandoffQuery { limit: 2, order, ..finds(text) };
            let first = store.handoffs(&query).await.unwrap();
            let second = store.handoffs(&HandoffQuery { after: first.next, ..query }).await.unwrap();
            assert_eq!([ids(&first.handoffs), ids(&second.handoffs)], found, "{text}");
            let place = Place::Row(20);
            assert!(first.found.iter().all(|found| found.as_ref().is_some_and(|found| found.place == place)));
        }
    }
    assert!(store.handoffs(&finds("rarities order")).await.unwrap().handoffs.is_empty());
}

async fn what_is_purged_is_not_found(store: &dyn Store) {
    put_handoffs(store, vec![ended("h1", "a", "Alex", "h1-1"), handoff("h2", "b")]).await;
    put_rows(store, vec![row("h1", 1, "needle"), row("h2", 1, "needle")]).await;
    index(store).await;
    let keep = RetentionPeriods { ended: Some(Duration::ZERO), dead_letters: None };
    purge(store, at(999), &keep).await;
    index(store).await;
    assert_eq!(ids(&store.handoffs(&finds("needle")).await.unwrap().handoffs), ["h2"]);
    assert_eq!(ids(&store.handoffs(&finds("Alex")).await.unwrap().handoffs), Vec::<&str>::new());
}

/// As where nobody may make an extension: slower, and the same.
#[tokio::test]
async fn without_the_extension_a_database_is_searched_all_the_same() {
    let url = crate::postgres::shared().database().await;
    let name = url.rsplit_once('/').unwrap().1.split('?').next().unwrap();
    let plain = format!("plain_{name}");
    let allow = format!("CREATE ROLE {plain} LOGIN; GRANT USAGE, CREATE ON SCHEMA public TO {plain}");
    crate::postgres::execute(&url, &allow).await;
    let as_plain = url.replacen("relay@", &format!("{plain}@"), 1);
    let store = database::open_as(crate::postgres::settings(&as_plain)).await;
    messages_are_looked_through_too_and_it_is_said_where(&*store).await;
    let client = crate::postgres::connect(&url).await;
    let is_there = async || {
        let made = client.query_one("SELECT to_regclass('search_trigrams') IS NOT NULL", &[]).await.unwrap();
        made.get::<_, bool>(0)
    };
    assert!(!is_there().await);
    // Somebody makes it, and a relay starts.
    crate::postgres::execute(&url, "CREATE EXTENSION pg_trgm").await;
    let again = database::open_as(crate::postgres::settings(&as_plain)).await;
    assert!(is_there().await);
    assert_eq!(ids(&again.handoffs(&finds("other w")).await.unwrap().handoffs), ["h1"]);
}

/// Without the thousands of rows that would make an index worth its while.
#[tokio::test]
async fn an_agents_list_and_a_search_are_looked_up_in_indexes() {
    let url = crate::postgres::shared().database().await;
    some(&*database::open_as(crate::postgres::settings(&url)).await).await;
    let client = crate::postgres::connect(&url).await;
    client.batch_execute("SET enable_seqscan = off; SET enable_sort = off").await.unwrap();
    for (sql, index) in [
        ("FROM handoffs WHERE agent = 'Alex' ORDER BY position DESC LIMIT 9", "handoffs_of_agent "),
        (
            "FROM handoffs WHERE agent = 'Alex' AND status = 'active' ORDER BY position DESC LIMIT 9",
            "handoffs_of_agent_by_status ",
        ),
        ("FROM search_texts WHERE text LIKE '%needle%'", "search_trigrams "),
    ] {
        let rows = client.query(&format!("EXPLAIN SELECT position {sql}"), &[]).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert!(plan.iter().any(|line| line.contains(index)), "{plan:#?}");
    }
    let file = File::new();
    some(&*file.open().await).await;
    let connection = rusqlite::Connection::open(&file.path).unwrap();
    for (sql, index) in [
        ("agent = 'Alex' ORDER BY position DESC LIMIT 9", "handoffs_of_agent (agent=?)"),
        (
            "status = 'active' AND agent = 'Alex' ORDER BY position DESC LIMIT 9",
            "handoffs_of_agent_by_status (agent=? AND status=?)",
        ),
    ] {
        let sql = format!("EXPLAIN QUERY PLAN SELECT doc FROM handoffs WHERE {sql}");
        let plan: String = connection.query_one(&sql, (), |row| row.get("detail")).unwrap();
        assert!(plan.contains(index), "{plan}");
    }
}

async fn the_oldest_first_if_asked(store: &dyn Store) {
    some(store).await;
    let oldest = HandoffQuery { order: Order::Oldest, limit: 3, ..HandoffQuery::default() };
    let first = store.handoffs(&oldest).await.unwrap();
    assert_eq!(ids(&first.handoffs), ["h1", "h2", "h3"]);
    put_handoffs(store, vec![active("h1", "a", "Sam"), handoff("h5", "e")]).await;
    let second = store.handoffs(&HandoffQuery { after: first.next, ..oldest.clone() }).await.unwrap();
    assert_eq!((ids(&second.handoffs), second.next), (vec!["h4", "h5"], None));
    let waiting = HandoffQuery { status: Some(StatusFilter::Waiting), ..oldest.clone() };
    assert_eq!(ids(&store.handoffs(&waiting).await.unwrap().handoffs), ["h4", "h5"]);
    let beyond = HandoffQuery { after: Some(u64::MAX), ..oldest };
    assert_eq!(store.handoffs(&beyond).await.unwrap().handoffs, []);
}

async fn the_list_shows_what_has_changed(store: &dyn Store) {
    some(store).await;
    let mut changed = active("h1", "a", "Sam");
    changed.end_user.id = Some("user \0 78".to_owned());
    put_handoffs(store, vec![changed.clone()]).await;
    for query in [
        HandoffQuery { agent: Some("Sam".to_owned()), ..all() },
        HandoffQuery { end_user: changed.end_user.id.clone(), ..all() },
    ] {
        assert_eq!(ids(&store.handoffs(&query).await.unwrap().handoffs), ["h1"]);
    }
    put_handoffs(store, vec![active("h1", "a", "Sam")]).await;
    let changed = store.handoff(&"h1".into()).await.unwrap();
    assert_eq!(changed, Some(active("h1", "a", "Sam")));
    assert_eq!(store.handoff(&"none".into()).await.unwrap(), None);
}

async fn pages_follow_without_gaps_while_new_ones_come(store: &dyn Store) {
    for number in 0..7 {
        put_handoffs(
            store,
            vec![handoff(&format!("h{number}"), "a"), active(&format!("x{number}"), "b", "Sam")],
        )
        .await;
    }
    let mut query = HandoffQuery { status: Some(StatusFilter::Waiting), limit: 3, ..HandoffQuery::default() };
    let mut pages = Vec::new();
    loop {
        let page = store.handoffs(&query).await.unwrap();
        pages.push(ids(&page.handoffs).join(" "));
        put_handoffs(store, vec![handoff(&format!("new{}", pages.len()), "a")]).await;
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(pages, ["h6 h5 h4", "h3 h2 h1", "h0"]);
}

async fn a_last_page_that_is_full_says_that_it_is_the_last(store: &dyn Store) {
    put_handoffs(store, vec![handoff("h1", "a"), handoff("h2", "b")]).await;
    let page = store.handoffs(&HandoffQuery { limit: 2, ..all() }).await.unwrap();
    assert_eq!((page.handoffs.len(), page.next), (2, None));
    for after in [0, u64::MAX] {
        let page = store.handoffs(&HandoffQuery { after: Some(after), ..all() }).await.unwrap();
        assert_eq!((page.handoffs.len(), page.next), (if after == 0 { 0 } else { 2 }, None), "{after}");
    }
}

async fn rows_come_by_number_behind_a_mark(store: &dyn Store) {
    put_rows(store, [2, 1, 4, 3].map(|seq| row("h", seq, "")).to_vec()).await;
    put_rows(store, vec![row("g", 1, "another thread")]).await;
    for (after, limit, found) in [
        (0, 9, vec![1, 2, 3, 4]),
        (0, 2, vec![1, 2]),
        (2, 2, vec![3, 4]),
        (4, 9, vec![]),
        (u64::MAX, 9, vec![]),
    ] {
        let rows = store.rows(&"h".into(), after, limit).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), found, "after {after}");
    }
    assert!(store.rows(&"none".into(), 0, 9).await.unwrap().is_empty());
    assert_eq!(store.row(&"h-3".into()).await.unwrap(), Some(row("h", 3, "")));
    assert_eq!(store.row(&"h-5".into()).await.unwrap(), None);
    put_rows(store, vec![row("h", 3, "changed")]).await;
    assert_eq!(store.rows(&"h".into(), 2, 1).await.unwrap(), [row("h", 3, "changed")]);
}

async fn wait_until(store: &dyn Store, conversation: &str, due: Option<Time>) {
    let buffer = due.map(|due| (Buffer { arrivals: None, held_until: Some(due) }, due));
    write(store, WriteSet { buffer: Some((key(conversation), buffer)), ..WriteSet::default() }).await;
}

async fn conversations_come_due_in_order(store: &dyn Store) {
    assert_eq!(store.due_conversations(at(9), 9).await.unwrap(), Due { items: vec![], next: None });
    for (conversation, due) in [("c", 3), ("a", 1), ("d", 4), ("b", 2)] {
        wait_until(store, conversation, Some(at(due))).await;
    }
    let keys = |names: &[&str]| names.iter().map(|name| key(name)).collect::<Vec<_>>();
    for (now, limit, found, next) in [
        (0, 9, &[][..], Some(at(1))),
        (3, 9, &["a", "b", "c"][..], Some(at(4))),
        (9, 9, &["a", "b", "c", "d"][..], None),
        (9, 2, &["a", "b"][..], Some(at(3))),
        (9, 0, &[][..], Some(at(1))),
    ] {
        let due = store.due_conversations(at(now), limit).await.unwrap();
        assert_eq!(due, Due { items: keys(found), next }, "at {now}, limit {limit}");
    }
    wait_until(store, "a", Some(at(5))).await;
    wait_until(store, "b", None).await;
    let due = store.due_conversations(at(4), 9).await.unwrap();
    assert_eq!(due, Due { items: keys(&["c", "d"]), next: Some(at(5)) });
}

async fn dead_letters_come_newest_first(store: &dyn Store) {
    for id in ["z", "a", "m"] {
        write(store, WriteSet { dead_letters: vec![letter(id)], ..WriteSet::default() }).await;
    }
    let all = [letter("m"), letter("a"), letter("z")];
    let page = store.dead_letters(None, 3).await.unwrap();
    assert_eq!((page.letters.as_slice(), page.next), (&all[..], None), "the last page says so");
    let first = store.dead_letters(None, 2).await.unwrap();
    assert_eq!(first.letters, all[..2]);
    write(store, WriteSet { dead_letters: vec![letter("new")], ..WriteSet::default() }).await;
    let second = store.dead_letters(first.next, 2).await.unwrap();
    assert_eq!((second.letters.as_slice(), second.next), (&all[2..], None));
}

async fn a_dead_letter_is_shown_changed_and_gone(store: &dyn Store) {
    for id in ["a", "b", "c"] {
        write(store, WriteSet { dead_letters: vec![letter(id)], ..WriteSet::default() }).await;
    }
    let changed = DeadLetter { reason: "still".to_owned(), ..letter("a") };
    let changes = WriteSet {
        dead_letters: vec![changed.clone()],
        dead_letters_done: vec!["b".to_owned(), "never was".to_owned()],
        ..WriteSet::default()
    };
    write(store, changes).await;
    let page = store.dead_letters(None, 9).await.unwrap();
    assert_eq!(page.letters, [letter("c"), changed.clone()], "a changed one keeps its place");
    for (id, found) in [("a", Some(changed)), ("b", None), ("none", None)] {
        assert_eq!(store.dead_letter(id).await.unwrap(), found);
        for mut scope in [of("a"), of_handoff("none")] {
            assert_eq!(view(store, scope.clone()).await.dead_letter, None, "not asked for");
            scope.dead_letter = Some(id.to_owned());
            assert_eq!(view(store, scope).await.dead_letter, found);
        }
    }
}

on_every_store!(
    each_filter_narrows_the_list,
    teams_narrow_the_list_and_what_an_agent_may_see,
    messages_are_looked_through_too_and_it_is_said_where,
    a_search_has_pages,
    what_is_rare_is_found_among_what_is_common,
    what_is_purged_is_not_found,
    the_oldest_first_if_asked,
    the_list_shows_what_has_changed,
    pages_follow_without_gaps_while_new_ones_come,
    a_last_page_that_is_full_says_that_it_is_the_last,
    rows_come_by_number_behind_a_mark,
    conversations_come_due_in_order,
    dead_letters_come_newest_first,
    a_dead_letter_is_shown_changed_and_gone,
);
