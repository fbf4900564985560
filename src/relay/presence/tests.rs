//! Stories of who is where, and that what is told has a bound.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const LOOKING: Option<Activity> = Some(Activity::Looking);
const WRITING: Option<Activity> = Some(Activity::Writing);

fn at(millis: i64) -> Time {
    Time::from_millis(millis)
}

fn of(agent: &str, activity: Option<Activity>) -> Presence {
    Presence { handoff: "h".into(), agent: agent.to_owned(), activity }
}

impl Board {
    /// What is told at once when Sam says this here.
    fn sam(&mut self, activity: Option<Activity>, millis: i64) -> Option<Option<Activity>> {
        let news = self.say(of("Sam", activity), Origin::Here, at(millis)).unwrap();
        news.map(|news| news.presence.activity)
    }

    fn told(&mut self, millis: i64) -> Vec<Option<Activity>> {
        self.due(at(millis)).into_iter().map(|news| news.presence.activity).collect()
    }
}

#[test]
fn what_is_said_is_told_at_once_and_is_over_by_itself() {
    let mut board = Board::default();
    assert_eq!(board.sam(LOOKING, 0), Some(LOOKING));
    assert_eq!(board.others(&"h".into(), "Alex"), [of("Sam", LOOKING)]);
    assert!(board.others(&"h".into(), "Sam").is_empty() && board.others(&"i".into(), "Alex").is_empty());
    assert_eq!(board.next(), Some(at(25_000)));
    assert_eq!(board.sam(LOOKING, 10_000), Some(LOOKING), "who comes later learns of it, too");
    assert!(board.told(34_999).is_empty());
    assert_eq!(board.told(35_000), [None]);
    assert!(board.others(&"h".into(), "Alex").is_empty());
    assert_eq!((board.told(37_000), board.next()), (Vec::new(), None));
    assert!(board.entries.is_empty(), "nothing is kept of who has gone");
}

#[test]
fn changes_within_the_pause_are_told_after_it_and_once() {
    let mut board = Board::default();
    assert_eq!(board.sam(LOOKING, 0), Some(LOOKING));
    for (millis, activity) in [(100, WRITING), (200, None), (300, LOOKING), (400, WRITING)] {
        assert_eq!(board.sam(activity, millis), None);
    }
    assert_eq!(board.next(), Some(at(2_000)));
    assert_eq!(board.told(2_000), [WRITING]);
    assert_eq!(board.sam(LOOKING, 2_100), None);
    assert_eq!(board.sam(WRITING, 2_200), None);
    assert!(board.told(4_000).is_empty(), "it is as it was told");
    assert_eq!(board.sam(None, 5_000), Some(None));
    assert_eq!(board.sam(LOOKING, 5_100), None, "who comes back at once is held to the pause");
    assert_eq!(board.told(7_000), [LOOKING]);
    assert_eq!(Board::default().sam(None, 0), None, "who was not there can't go");
}

#[test]
fn who_has_no_stream_any_more_is_gone_after_a_moment_unless_they_say_otherwise() {
    let mut board = Board::default();
    board.sam(LOOKING, 0);
    board.say(of("Kim", LOOKING), Origin::Elsewhere, at(0)).unwrap();
    board.leaves("Sam", at(5_000));
    board.leaves("Kim", at(5_000));
    assert_eq!(board.next(), Some(at(8_000)));
    board.sam(LOOKING, 6_000);
    assert!(board.told(8_000).is_empty(), "a page that was loaded anew");
    board.leaves("Sam", at(9_000));
    assert_eq!(board.told(12_000), [None]);
    assert_eq!(board.others(&"h".into(), "Alex"), [of("Kim", LOOKING)], "whose stream is elsewhere");
}

#[test]
fn the_last_word_counts_wherever_it_was_said() {
    let mut board = Board::default();
    let said = |board: &mut Board, origin, millis| {
        board.say(of("Sam", LOOKING), origin, at(millis)).unwrap().map(|news| news.origin)
    };
    assert_eq!(said(&mut board, Origin::Here, 0), Some(Origin::Here));
    assert_eq!(said(&mut board, Origin::Elsewhere, 10_000), Some(Origin::Elsewhere));
    let over = board.due(at(35_000));
    assert_eq!(over, [News { presence: of("Sam", None), origin: Origin::Elsewhere }]);
}

#[test]
fn an_agent_is_in_so_many_handoffs_and_no_more() {
    let mut board = Board::default();
    let say = |board: &mut Board, handoff: String, activity, millis| {
        let presence = Presence { handoff: HandoffId(handoff), agent: "Sam".to_owned(), activity };
        board.say(presence, Origin::Here, at(millis)).map(drop)
    };
    for number in 0..MOST {
        assert_eq!(say(&mut board, format!("h{number}"), LOOKING, 0), Ok(()));
    }
    assert_eq!(say(&mut board, "one more".to_owned(), LOOKING, 0), Err(TooMany));
    assert_eq!(say(&mut board, "h0".to_owned(), WRITING, 0), Ok(()), "one of them");
    assert_eq!(say(&mut board, "h0".to_owned(), None, 5_000), Ok(()));
    board.due(at(7_000));
    assert_eq!(say(&mut board, "one more".to_owned(), LOOKING, 7_000), Ok(()));
}

fn activity() -> impl Strategy<Value = Option<Activity>> {
    prop_oneof![Just(None), Just(LOOKING), Just(WRITING)]
}

proptest! {
    /// Whatever is said, those who are told know the truth as soon as the pause is over, and are told no more often.
    #[test]
    fn the_others_know_the_truth_and_are_not_flooded(
        words in proptest::collection::vec((0..4_000_i64, activity()), 1..60)
    ) {
        let (mut board, mut now, mut told) = (Board::default(), 0, Vec::new());
        for (pause, activity) in words {
            // The worker sleeps until something is due, and no longer.
            while let Some(next) = board.next().filter(|next| *next <= at(now + pause)) {
                told.extend(board.due(next).into_iter().map(|news| (next, news.presence.activity)));
            }
            now += pause;
            told.extend(board.sam(activity, now).map(|activity| (at(now), activity)));
            let quiet = told.last().is_some_and(|(last, _)| *last + PAUSE > at(now));
            let known = told.last().and_then(|(_, activity)| *activity);
            prop_assert!(known == activity || quiet);
        }
        while let Some(next) = board.next() {
            told.extend(board.due(next).into_iter().map(|news| (next, news.presence.activity)));
        }
        prop_assert_eq!(told.last().and_then(|(_, activity)| *activity), None);
        for pair in told.windows(2) {
            prop_assert!(pair[0].0 + PAUSE <= pair[1].0, "{:?}", told);
        }
        prop_assert!(board.entries.is_empty());
    }
}
