//! Texts as a search compares them: without regard to case, accents, and the forms that a letter may have.

use unicode_normalization::char::{canonical_combining_class, decompose_compatible};

/// A text, folded. Each character is folded by itself, so what a character became can be found in it.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.chars().filter(|c| *c != '\0').map(|c| c.to_ascii_lowercase()).collect();
    }
    let mut folded = String::with_capacity(text.len());
    text.chars().for_each(|c| fold_into(&mut folded, c));
    folded
}

/// Adds what a character is folded to. The capital of a letter may be two letters, as that of `ß`, and one letter may have
/// two small forms, so it goes from small to capital and back. NUL is nothing: databases don't take it.
fn fold_into(folded: &mut String, c: char) {
    if c.is_ascii() {
        folded.extend(Some(c.to_ascii_lowercase()).filter(|c| *c != '\0'));
        return;
    }
    decompose_compatible(c, |part| {
        let small = part.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
        // Marks that are letters of their own, as vowels are in some scripts, stay.
        small.filter(|c| canonical_combining_class(*c) == 0).for_each(|c| folded.push(c));
    });
}

/// Where in `text` the first character begins that a folded `wanted` is found from.
pub fn find(text: &str, wanted: &str) -> Option<usize> {
    let at = fold(text).find(wanted)?;
    let mut folded = String::new();
    text.char_indices().find_map(|(begin, c)| {
        fold_into(&mut folded, c);
        (folded.len() > at).then_some(begin)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_accents_and_forms_make_no_difference() {
        for (one, other) in [
            ("ÄUSSERST", "äußerst"),
            ("ẞ", "ss"),
            ("Zoë Çelik", "ZOE CELIK"),
            ("e\u{301}", "é"),
            ("ΟΔΟΣ", "οδός"),
            ("İstanbul", "istanbul"),
            ("ﬁn", "FIN"),
            ("Ｗｉｄｅ", "wide"),
            ("a\0b", "AB"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} and {other}");
        }
        assert_ne!(fold("कि"), fold("क"), "a vowel is no accent");
        assert_eq!(fold("50%_off"), "50%_off");
    }

    #[test]
    fn what_is_found_is_where_it_begins() {
        assert_eq!(find("Das ist äußerst gut", &fold("USSER")), Some(10));
        assert_eq!(find("ﬁn de siècle", &fold("n DE")), Some(3));
        assert_eq!(find("ﬁn", "i"), Some(0), "within a character");
        assert_eq!(find("fin", "x"), None);
    }

    proptest! {
        #[test]
        fn folding_is_done_at_once_and_of_parts_as_of_the_whole(one in "\\PC{0,12}", other in "\\PC{0,12}") {
            let folded = fold(&one);
            prop_assert_eq!(&fold(&folded), &folded);
            prop_assert_eq!(fold(&format!("{one}{other}")), format!("{folded}{}", fold(&other)));
            let both = format!("{one}{other}");
            prop_assert!(find(&both, &fold(&other)).is_some() || fold(&other).is_empty());
        }
    }
}
