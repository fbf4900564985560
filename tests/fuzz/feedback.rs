//! What Ada's flow sends after a handoff: the body of a feedback call.

use handoff_relay::{
    ada::feedback_call::{self, FeedbackCall},
    relay::feedback::{Given, Rating},
};

use crate::{MARK, run::Target};

#[test]
fn feedback() {
    let words = &["conversation_id", "ada_conversation_id", "handoff_id", "rating", "comment", "ai_agent"];
    Target { name: "feedback", count: 5_000, words }.fuzz(read);
}

fn read(body: &[u8]) -> String {
    let FeedbackCall { about, given, ai_agent } = match feedback_call::read(body) {
        Ok(call) => call,
        Err(told) => {
            assert!(!told.contains(MARK), "{told}");
            // Where the JSON breaks is no news.
            return told.chars().filter(|c| !c.is_ascii_digit()).collect();
        }
    };
    let kept = serde_json::to_string(&given).unwrap();
    assert_eq!(serde_json::from_str::<Given>(&kept).unwrap(), given, "{kept}");
    assert!(given.comment.as_ref().is_none_or(|text| (1..=2_000).contains(&text.chars().count())));
    let rating = match &given.rating {
        Some(Rating::Text(text)) => {
            assert!((1..=100).contains(&text.chars().count()));
            "text"
        }
        Some(Rating::Number(number)) => {
            assert!(number.as_f64().unwrap().abs() <= 1_000_000.0);
            "number"
        }
        None => "none",
    };
    format!(
        "{:?} {rating} {} {}",
        std::mem::discriminant(&about),
        given.comment.is_some(),
        ai_agent.is_some()
    )
}
