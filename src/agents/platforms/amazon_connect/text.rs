//! Long texts, cut into what one message may hold.

/// How far a cut may move back to fall between two words: a part is at least three quarters full.
const ROOM: usize = 4;

/// The parts of a text, in order, each at most `limit` bytes: one part if it fits. Cut between lines or words where one
/// ends near enough, else between characters. Together they have every character but the blank at a cut.
pub fn parts(text: &str, limit: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > limit {
        let most = floor(rest, limit);
        let least = most - most / ROOM;
        let blank = rest[..most].rfind('\n').or_else(|| rest[..most].rfind(' ')).filter(|at| *at >= least);
        let (end, next) = blank.map_or((most, most), |at| (at, at + 1));
        parts.push(rest[..end].to_owned());
        rest = &rest[next..];
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest.to_owned());
    }
    parts
}

/// The beginning of a text, at most `most` characters.
pub fn beginning(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The last place at or before `limit` that is between two characters; behind the first character at least.
fn floor(text: &str, limit: usize) -> usize {
    let within = (1..=limit).rev().find(|at| text.is_char_boundary(*at));
    within.unwrap_or_else(|| text.chars().next().map_or(0, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_that_fits_stays_whole_and_a_long_one_is_cut_between_words() {
        assert_eq!(parts("", 10), [""]);
        assert_eq!(parts("0123456789", 10), ["0123456789"]);
        assert_eq!(parts("one two three", 8), ["one two", "three"]);
        assert_eq!(parts("0123456789ab", 10), ["0123456789", "ab"]);
        assert_eq!(parts("a bcdefghijkl", 10), ["a bcdefghi", "jkl"], "no word ends near");
        assert_eq!(parts("12345 7\n901234", 10), ["12345 7\n90", "1234"]);
        assert_eq!(parts("1234567\n901234", 10), ["1234567\n90", "1234"]);
        assert_eq!(parts("12345678\n01234", 10), ["12345678", "01234"]);
    }

    #[test]
    fn no_character_is_cut() {
        // 😀 has four bytes: a cut at 10 would fall into the third.
        assert_eq!(parts("😀😀😀😀", 10), ["😀😀", "😀😀"]);
        assert_eq!(parts("é".repeat(6).as_str(), 5), ["éé", "éé", "éé"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_part_is_too_long(text in "\\PC{0,300}", limit in 4_usize..60) {
            let parts = parts(&text, limit);
            prop_assert!(parts.iter().all(|part| part.len() <= limit), "{parts:?}");
            let words = |text: &str| text.replace([' ', '\n'], "");
            prop_assert_eq!(words(&parts.concat()), words(&text));
        }
    }
}
