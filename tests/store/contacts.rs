//! Contacts in Amazon Connect, and starts that were refused.

use handoff_relay::{
    relay::{
        changes::{Scope, WriteSet},
        contact::{Contact, ContactState},
        handoff::{AdaEnd, End, EndedBy, Status},
        id::HandoffId,
    },
    store::{RetentionPeriods, Store},
};

use super::make::{at, contact, handoff, key, purge, put_handoffs, view, write};

async fn put(store: &dyn Store, contact: Contact, due: Option<i64>) {
    write(store, WriteSet { contact: Some((contact, due.map(at))), ..WriteSet::default() }).await;
}

async fn due(store: &dyn Store, now: i64, limit: usize) -> (Vec<String>, Option<i64>) {
    let due = store.due_contacts(at(now), limit).await.unwrap();
    let ids = due.items.into_iter().map(|id: HandoffId| id.0).collect();
    (ids, due.next.map(|at| at.second()))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn a_contact_is_found_by_its_handoff_and_by_its_id(store: &dyn Store) {
    put_handoffs(store, vec![handoff("h1", "a"), handoff("h2", "b")]).await;
    let planned = contact("h1", None, ContactState::Starting);
    put(store, planned.clone(), Some(900)).await;
    assert_eq!(store.contact(&"h1".into()).await.unwrap(), Some(planned.clone()));
    assert_eq!(store.contact(&"h2".into()).await.unwrap(), None);
    assert_eq!(store.handoff_of_contact("c1").await.unwrap(), None);
    let made = contact("h1", Some("c1"), ContactState::Open);
    put(store, made.clone(), Some(950)).await;
    assert_eq!(store.handoff_of_contact("c1").await.unwrap(), Some("h1".into()));
    let scope = Scope { with_contact: true, ..Scope::handoff(&"h1".into()) };
    assert_eq!(*view(store, scope).await.contact, Some(made));
    let scope = Scope { with_contact: true, ..Scope::handoff(&"h2".into()) };
    assert_eq!(*view(store, scope).await.contact, None);
}

async fn contacts_are_due_in_their_order(store: &dyn Store) {
    for (handoff, id, at) in
        [("h1", "c1", Some(30)), ("h2", "c2", Some(10)), ("h3", "c3", None), ("h4", "c4", Some(20))]
    {
        put(store, contact(handoff, Some(id), ContactState::Open), at).await;
    }
    let first = at(10).second();
    assert_eq!(due(store, 9, 9).await, (names(&[]), Some(first)));
    assert_eq!(due(store, 20, 9).await, (names(&["h2", "h4"]), Some(at(30).second())));
    assert_eq!(due(store, 99, 2).await, (names(&["h2", "h4"]), Some(at(30).second())));
    put(store, contact("h2", Some("c2"), ContactState::Closed), None).await;
    assert_eq!(due(store, 99, 9).await, (names(&["h4", "h1"]), None));
}

async fn open_contacts_are_listed_page_by_page(store: &dyn Store) {
    for (handoff, state) in [
        ("h1", ContactState::Open),
        ("h2", ContactState::Closed),
        ("h3", ContactState::Open),
        ("h4", ContactState::Closed),
        ("h5", ContactState::Open),
    ] {
        put(store, contact(handoff, Some(&format!("c-{handoff}")), state), None).await;
    }
    let first = store.open_contacts(None, 2).await.unwrap();
    assert_eq!(first, ["h1".into(), "h3".into()]);
    assert_eq!(store.open_contacts(first.last(), 2).await.unwrap(), ["h5".into()]);
}

async fn a_contact_goes_with_its_handoff(store: &dyn Store) {
    let end =
        End { at: at(1), by: EndedBy::Agent, agent: None, ada: AdaEnd::Told { at: at(1) }, row: "r".into() };
    let over = handoff_relay::relay::handoff::Handoff { status: Status::Ended(end), ..handoff("h1", "a") };
    put_handoffs(store, vec![over]).await;
    put(store, contact("h1", Some("c1"), ContactState::Closed), Some(5)).await;
    let day = std::time::Duration::from_hours(24);
    let keep = RetentionPeriods { ended: Some(day), dead_letters: None };
    let now = at(1) + day * 2;
    purge(store, now, &keep).await;
    assert_eq!(store.contact(&"h1".into()).await.unwrap(), None);
    assert_eq!(store.handoff_of_contact("c1").await.unwrap(), None);
    assert_eq!(due(store, 99, 9).await, (names(&[]), None));
}

async fn a_refused_start_is_remembered_until_its_time_or_a_start(store: &dyn Store) {
    let refused = |until: Option<i64>| WriteSet {
        start_refused: Some((key("a"), until.map(at))),
        ..WriteSet::default()
    };
    let until = async || view(store, Scope::conversation(&key("a")).with_inbox()).await.start_refused_until;
    assert_eq!(until().await, None);
    write(store, refused(Some(100))).await;
    assert_eq!(until().await, Some(at(100)));
    write(store, refused(Some(200))).await;
    assert_eq!(until().await, Some(at(200)));
    write(store, refused(None)).await;
    assert_eq!(until().await, None);
    write(store, refused(Some(300))).await;
    let keep = RetentionPeriods { ended: None, dead_letters: None };
    store.purge(at(299), &keep).await.unwrap();
    assert_eq!(until().await, Some(at(300)));
    store.purge(at(300), &keep).await.unwrap();
    assert_eq!(until().await, None);
}

on_every_store!(
    a_contact_is_found_by_its_handoff_and_by_its_id,
    contacts_are_due_in_their_order,
    open_contacts_are_listed_page_by_page,
    a_contact_goes_with_its_handoff,
    a_refused_start_is_remembered_until_its_time_or_a_start,
);
