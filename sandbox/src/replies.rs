//! What the AI Agent says: a handful of canned answers.

/// The first line of every conversation.
pub(crate) const GREETING: &str = "Hi Maria, I'm Acme's assistant. Ask me about your order or our opening \
                                   hours, or ask for a person at any time.";
/// Said before the handoff block runs.
pub(crate) const CONNECTING: &str = "Of course. I'll connect you with a person from our team.";
/// The handoff block's error fallback.
pub(crate) const NOBODY_THERE: &str = "I'm sorry, I can't reach our team right now. Please try again in a \
                                       little while, or ask me something else.";
/// Said when a handoff is over.
pub(crate) const BACK: &str = "I'm back if you need anything else.";

/// The answer to a file.
pub(crate) const GOT_A_FILE: &str = "Thank you, I have your file. I can't look into files myself, but a person from \
                                     our team can: just ask for one.";

/// What the AI Agent does with a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// It answers.
    Say(&'static str),
    /// It hands the conversation over.
    HandOff,
}

/// The words that ask for a person; they win over all others.
const PERSON: &[&str] = &["agent", "person", "human", "someone"];

/// The first row with a word of the message answers it.
const ANSWERS: &[(&[&str], &str)] = &[
    (
        &["hour", "hours", "open", "opening", "close", "closing"],
        "We're open Monday to Friday from 9:00 to 18:00, and on Saturday from 10:00 to 14:00.",
    ),
    (
        &["order", "orders", "parcel", "package", "delivery", "shipping"],
        "Your latest order, A-1042, left our warehouse yesterday and should arrive tomorrow.",
    ),
    (&["thanks", "thank"], "You're welcome!"),
    (&["hi", "hello", "hey"], "Hello! What can I do for you?"),
];

const FALLBACK: &str = "I'm not sure about that one. Would you like to talk to a person? Just say so.";

/// How the AI Agent reacts to what the customer wrote.
pub(crate) fn react(text: &str) -> Reaction {
    let text = text.to_lowercase();
    let words: Vec<_> = text.split(|letter: char| !letter.is_alphanumeric()).collect();
    let says_one_of = |list: &[&str]| words.iter().any(|word| list.contains(word));
    if says_one_of(PERSON) {
        return Reaction::HandOff;
    }
    let answer = ANSWERS.iter().find(|(keywords, _)| says_one_of(keywords));
    Reaction::Say(answer.map_or(FALLBACK, |(_, answer)| answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_wins_over_everything_else() {
        assert_eq!(react("Hello, can I ask a HUMAN about my order?"), Reaction::HandOff);
        assert_eq!(react("someone?"), Reaction::HandOff);
    }

    #[test]
    fn words_count_only_whole() {
        assert_eq!(react("The agenda, personally"), Reaction::Say(FALLBACK));
        assert!(matches!(react("When are you open?"), Reaction::Say(answer) if answer.contains("9:00")));
    }
}
