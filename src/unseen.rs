//! Characters that can't be seen, or that change how the ones around them are shown: names go without them, so that none
//! looks like another.

/// Whether a character is one of them. Joiners aren't: names in some scripts, and emoji, are written with them.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A person's name without them; `None` if nothing is left.
pub fn name(name: &str) -> Option<String> {
    let plain: String = name.chars().filter(|c| !is_unseen(*c)).collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_a_name() {
        for (given, shown) in [
            ("Maria\u{202e}avliS", Some("MariaavliS")),
            ("\u{2066}Ada\u{2069}\n\u{200f}", Some("Ada")),
            ("عمر بن\u{200d}حسن 👩‍💻", Some("عمر بن\u{200d}حسن 👩‍💻")),
            (" \u{202e} ", None),
        ] {
            assert_eq!(name(given).as_deref(), shown, "{given:?}");
        }
    }
}
