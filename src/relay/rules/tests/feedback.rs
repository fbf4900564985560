//! What customers say of a handoff afterwards.

use super::{
    make::at,
    world::{ALEX, World},
};
use crate::relay::{
    feedback::{Feedback, Given, Rating},
    rules::{act::TakeOver, feedback},
};

fn given(rating: i64) -> Given {
    Given { rating: Some(Rating::Number(rating.into())), comment: Some("Thanks!".to_owned()) }
}

fn gives(world: &mut World, rating: i64) -> bool {
    let id = world.handoff().id.clone();
    world.decide(feedback::give(id, given(rating)))
}

#[test]
fn the_last_feedback_to_a_handoff_that_is_over_counts() {
    let mut world = World::started();
    world.accept(ALEX, TakeOver::No).unwrap();
    assert!(!gives(&mut world, 5), "it is not over");
    world.end(ALEX).unwrap();
    let version = world.handoff().version;
    for (millis, rating, since, changes) in [(1_000, 5, 1_000, 1), (2_000, 5, 1_000, 1), (3_000, 4, 3_000, 2)]
    {
        world.clock(millis);
        assert!(gives(&mut world, rating));
        assert_eq!(world.handoff().feedback, Some(Feedback { given: given(rating), at: at(since) }));
        assert_eq!(world.handoff().version, version + changes, "{millis}");
    }
    assert_eq!(world.handoff().agent(), Some(ALEX));
    assert!(!world.decide(feedback::give("nobody".into(), given(5))));
}

#[test]
fn feedback_is_read_as_it_was_stored() {
    for (stored, rating, comment) in [
        (r#"{"rating":5,"at":1790000000000000}"#, Some(Rating::Number(5.into())), None),
        (
            r#"{"rating":"5","comment":"a","at":1790000000000000}"#,
            Some(Rating::Text("5".to_owned())),
            Some("a"),
        ),
        (r#"{"comment":"a","at":1790000000000000}"#, None, Some("a")),
    ] {
        let read: Feedback = serde_json::from_str(stored).unwrap();
        assert_eq!(read.given, Given { rating, comment: comment.map(str::to_owned) }, "{stored}");
        let again: Feedback = serde_json::from_value(serde_json::to_value(&read).unwrap()).unwrap();
        assert_eq!(again, read);
    }
}
