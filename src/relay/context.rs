//! The context: the fields of a start call besides the conversation's id. They are stored unchanged, within limits, and
//! searched for the customer's name.

use serde_json::{Map, Value};

/// How many bytes the context of one handoff has at most, its names and its values as JSON.
pub const MAX_BYTES: usize = 64 << 10;
/// How many fields.
pub const MAX_FIELDS: usize = 200;
/// A longer name of a field is cut: 200 of them leave room for values.
const MAX_NAME_BYTES: usize = 200;
/// The maximum size of a field that was cut as far as possible: its name, and the mark of the cut.
const LEAST_BYTES: usize = 256;
/// The name of the field that replaces fields over the limit.
const LEFT_OUT: &str = "(left out)";

/// Which fields a further call may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// All of them.
    Overwrite,
    /// Those that aren't there yet.
    Add,
}

/// Adds the fields of a call. If the result is too large, the largest values are cut. If existing fields may not
/// change, only the `brought` ones are cut. New fields over the limit are left out.
pub fn merge(context: &mut Map<String, Value>, brought: Map<String, Value>, how: Merge) {
    let mut new = Map::new();
    for (name, value) in brought {
        let name = short_name(name);
        match (context.get_mut(&name), how) {
            (Some(known), Merge::Overwrite) => *known = value,
            (Some(_), Merge::Add) => {}
            (None, _) => drop(new.insert(name, value)),
        }
    }
    let fields = MAX_FIELDS.saturating_sub(context.len());
    match how {
        Merge::Overwrite => {
            keep(&mut new, fields);
            context.extend(new);
            cut_to(context, MAX_BYTES);
        }
        Merge::Add => {
            let room = MAX_BYTES.saturating_sub(bytes(context));
            keep(&mut new, fields.min(room / LEAST_BYTES));
            cut_to(&mut new, room);
            context.extend(new);
        }
    }
}

/// Keeps at most so many fields; the last says how many were left out.
fn keep(fields: &mut Map<String, Value>, most: usize) {
    if fields.len() <= most {
        return;
    }
    let kept = most.saturating_sub(1);
    let left_out = fields.len() - kept;
    *fields = std::mem::take(fields).into_iter().take(kept).collect();
    if most > 0 {
        fields.insert(LEFT_OUT.to_owned(), format!("{left_out} more fields").into());
    }
}

/// Cuts the largest values, so that the fields have at most so many bytes.
fn cut_to(fields: &mut Map<String, Value>, most: usize) {
    if bytes(fields) <= most {
        return;
    }
    let names: usize = fields.keys().map(String::len).sum();
    let mut sizes: Vec<usize> = fields.values().map(size).collect();
    sizes.sort_unstable();
    let level = level(&sizes, most.saturating_sub(names));
    for value in fields.values_mut().filter(|value| size(value) > level) {
        *value = cut(value, level);
    }
}

fn bytes(fields: &Map<String, Value>) -> usize {
    fields.iter().map(|(name, value)| name.len() + size(value)).sum()
}

/// The largest size that all values may have, given their `sizes` in order, so that together they have `left`.
fn level(sizes: &[usize], left: usize) -> usize {
    let mut left = left;
    for (place, size) in sizes.iter().enumerate() {
        let share = left / (sizes.len() - place);
        if *size > share {
            return share;
        }
        left -= size;
    }
    usize::MAX
}

/// How many bytes a value has as JSON.
fn size(value: &Value) -> usize {
    value.to_string().len()
}

/// The beginning of a value's text, within `most` bytes if the mark of the cut fits. A value that the mark would only
/// make longer stays unchanged.
fn cut(value: &Value, most: usize) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mark = mark(&text);
    // Characters that are escaped take more bytes than they have.
    let mut left = most.saturating_sub(mark.len() + 2);
    let fits = |c: &char| {
        let bytes = Value::from(c.to_string()).to_string().len() - 2;
        let fits = bytes <= left;
        left = left.saturating_sub(bytes);
        fits
    };
    let begin: String = text.chars().take_while(fits).collect();
    let shorter = Value::from(format!("{begin}{mark}"));
    if size(&shorter) < size(value) { shorter } else { value.clone() }
}

/// The mark at the end of a cut text, with its original length. If the text was cut before, that mark is kept.
fn mark(text: &str) -> String {
    let (begin, end) = ("… (cut: ", " characters)");
    let known = text.rfind(begin).map(|at| &text[at..]).filter(|mark| {
        let number = mark.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    known.map_or_else(|| format!("{begin}{}{end}", text.chars().count()), str::to_owned)
}

fn short_name(mut name: String) -> String {
    if name.len() > MAX_NAME_BYTES {
        name.truncate(name.floor_char_boundary(MAX_NAME_BYTES));
        name.push('…');
    }
    name
}

/// Names stand in every list: a longer one is cut.
const NAME_CHARS: usize = 200;

/// The beginning of a name.
pub fn bounded_name(name: &str) -> String {
    bounded(name).to_owned()
}

fn bounded(name: &str) -> &str {
    // Most have fewer bytes than they may have characters.
    if name.len() <= NAME_CHARS {
        return name;
    }
    name.char_indices().nth(NAME_CHARS).map_or(name, |(end, _)| &name[..end])
}

/// What the fields call the end user: full name, or name.
pub fn name(context: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| text(context, key);
    let parts: Vec<String> = [text("first_name"), text("last_name")].into_iter().flatten().collect();
    if !parts.is_empty() {
        return Some(bounded_name(&parts.join(" ")));
    }
    ["name", "end_user_name"].into_iter().find_map(text)
}

/// The end user's e-mail address.
pub fn email(context: &Map<String, Value>) -> Option<String> {
    ["email", "end_user_email"].into_iter().find_map(|key| text(context, key))
}

fn text(context: &Map<String, Value>, key: &str) -> Option<String> {
    // A person may have the name of another variable.
    filled_name(context.get(key)?.as_str()?).filter(|text| text.strip_prefix('@') != Some(key))
}

/// A name without variables that nobody has filled in; `None` if nothing is left, or only a word for no value.
pub fn filled_name(text: &str) -> Option<String> {
    let mut text = filled_in(text);
    if text.len() > NAME_CHARS {
        text = bounded_name(&text);
    }
    // A person may be called Null.
    (!text.is_empty() && !NO_VALUE.contains(&text.as_str())).then_some(text)
}

/// What programming languages print for a missing value.
const NO_VALUE: [&str; 4] = ["null", "undefined", "None", "[object Object]"];

/// Whether a text is an unfilled placeholder: it has only variables, in the syntax of any template language (`{x}`,
/// `{{x}}`, `${x}`, `#{x}`, `<x>`, `[x]`, `%x%`, `@x`, `$x`), or says that there is no value.
pub fn is_unfilled(text: &str) -> bool {
    let says_none = ["none", "null", "nil", "nan", "n/a", "undefined", "[object object]"];
    let wrapped = |open: &str, close: &str| {
        text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some_and(is_identifier)
    };
    text.contains('{') && filled_in(text).is_empty()
        || [("[", "]"), ("<", ">"), ("%", "%"), ("@", ""), ("$", "")]
            .iter()
            .any(|(open, close)| wrapped(open, close))
        || says_none.contains(&text.to_lowercase().as_str())
}

fn is_identifier(text: &str) -> bool {
    let is_first = |c: char| c.is_alphabetic() || c == '_';
    text.starts_with(is_first) && text.chars().all(|c| is_first(c) || c.is_ascii_digit() || "-. ".contains(c))
}

/// A text without its variables, and without the blanks that stood between them.
fn filled_in(text: &str) -> String {
    if !text.contains('{') {
        return in_words(text);
    }
    let mut words = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        rest = match variable(from) {
            Some(length) => {
                words.push_str(before.strip_suffix(['$', '#']).unwrap_or(before));
                &from[length..]
            }
            None => {
                words.push_str(before);
                words.push('{');
                &from[1..]
            }
        };
    }
    words.push_str(rest);
    in_words(&words)
}

/// A text with one blank between its words.
fn in_words(text: &str) -> String {
    let mut words = String::with_capacity(text.len().min(NAME_CHARS));
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

/// The length of the variable with which a text begins.
fn variable(text: &str) -> Option<usize> {
    let of = |open: &str, close: &str| {
        let inner = text.strip_prefix(open)?;
        let end = inner.find(['{', '}'])?;
        inner[end..].starts_with(close).then_some(open.len() + end + close.len())
    };
    of("{{", "}}").or_else(|| of("{", "}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_fits_is_kept_as_it_came() {
        let brought = fields(json!({"a": "x".repeat(60_000), "b": {"c": [1, null, "é"]}, "d": 7}));
        let mut context = Map::new();
        merge(&mut context, brought.clone(), Merge::Overwrite);
        assert_eq!(context, brought);
        merge(&mut context, fields(json!({"d": 8, "e": false})), Merge::Overwrite);
        assert_eq!((&context["d"], &context["e"]), (&json!(8), &json!(false)));
        merge(&mut context, fields(json!({"d": 9, "f": 1})), Merge::Add);
        assert_eq!((&context["d"], &context["f"]), (&json!(8), &json!(1)), "what is there stays");
    }

    #[test]
    fn the_largest_values_are_cut_and_say_so() {
        let mut context = Map::new();
        for call in 0..100 {
            let name = format!("note_{call}");
            merge(&mut context, fields(json!({name: "é".repeat(100_000), "plan": "pro"})), Merge::Overwrite);
            assert!(bytes(&context) <= MAX_BYTES, "{call}: {}", bytes(&context));
        }
        assert_eq!(context["plan"], "pro", "what is small stays whole");
        for name in ["note_0", "note_99"] {
            let note = context[name].as_str().unwrap();
            assert!(
                note.ends_with("é… (cut: 100000 characters)") && note.matches("cut").count() == 1,
                "{note}"
            );
        }
        let mut context = Map::new();
        let list = vec!["a long enough text"; 10_000];
        merge(&mut context, fields(json!({"list": list, "plan": "pro"})), Merge::Overwrite);
        assert!(context["list"].as_str().unwrap().starts_with("[\"a long"), "it becomes a text");
        assert!(bytes(&context) <= MAX_BYTES && bytes(&context) > MAX_BYTES - 100);
    }

    #[test]
    fn what_is_there_loses_nothing_to_what_is_added() {
        let known = fields(json!({"a": "x".repeat(40_000)}));
        let mut context = known.clone();
        merge(&mut context, fields(json!({"b": "y".repeat(200_000), "c": 1})), Merge::Add);
        assert_eq!((&context["a"], &context["c"]), (&known["a"], &json!(1)));
        assert!(context["b"].as_str().unwrap().len() > 20_000 && bytes(&context) <= MAX_BYTES);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn no_calls_break_the_bounds(
            calls in prop::collection::vec(
                (any::<bool>(), prop::collection::vec(("[a-d]{1,250}", 0_usize..40_000), 0..90)),
                1..6,
            )
        ) {
            let mut context = Map::new();
            for (overwrites, fields) in calls {
                let known = context.clone();
                let how = if overwrites { Merge::Overwrite } else { Merge::Add };
                let value = |length: usize| if length.is_multiple_of(3) { 7.into() } else { "x".repeat(length).into() };
                merge(&mut context, fields.into_iter().map(|(name, length)| (name, value(length))).collect(), how);
                prop_assert!(bytes(&context) <= MAX_BYTES && context.len() <= MAX_FIELDS);
                let stays = known.iter().all(|(name, value)| name == LEFT_OUT || context.get(name) == Some(value));
                prop_assert!(overwrites || stays);
            }
        }
    }

    #[test]
    fn more_fields_than_fit_are_counted() {
        let many: Map<String, Value> =
            (0..500).map(|number| (format!("f{number:03}"), number.into())).collect();
        let mut context = Map::new();
        merge(&mut context, many, Merge::Overwrite);
        assert_eq!(context.len(), MAX_FIELDS);
        assert_eq!((&context["f000"], &context[LEFT_OUT]), (&json!(0), &json!("301 more fields")));
        let known = context.clone();
        merge(&mut context, fields(json!({"one more": 1})), Merge::Add);
        assert_eq!(context, known, "there is no room");
        let names: Map<String, Value> =
            (0..150).map(|number| (format!("{number}{}", "n".repeat(5_000)), 1.into())).collect();
        let mut context = Map::new();
        merge(&mut context, names, Merge::Overwrite);
        assert!(context.len() == 150 && bytes(&context) <= MAX_BYTES, "names are cut, too");
    }

    #[test]
    fn a_variable_that_nobody_filled_in_is_no_name() {
        for (context, called) in [
            (json!({"first_name": "{first_name}", "last_name": "King"}), Some("King")),
            (json!({"name": "{{name}}", "end_user_name": "King"}), Some("King")),
            (json!({"name": " { name } ", "email": "a@b"}), None),
            (json!({"name": "{first_name} {last_name}", "email": "a@b"}), None),
            (json!({"name": "{{first_name}}  King"}), Some("King")),
            (json!({"name": " Maria\u{a0}Silva "}), Some("Maria Silva")),
            (json!({"name": "{Ada"}), Some("{Ada")),
            (
                json!({"first_name": "@first_name", "last_name": "None", "name": "${name}", "end_user_name": "King"}),
                Some("King"),
            ),
            (json!({"name": "null"}), None),
            (json!({"name": "[object Object]", "first_name": "undefined"}), None),
            (json!({"first_name": "Jennifer", "last_name": "Null"}), Some("Jennifer Null")),
            (json!({"name": "@maria"}), Some("@maria")),
        ] {
            assert_eq!(name(&fields(context.clone())).as_deref(), called, "{context}");
        }
        assert_eq!(
            email(&fields(json!({"email": "{email}", "end_user_email": " a@b "}))).as_deref(),
            Some("a@b")
        );
        for text in ["{}", "{{}}", " {a}{{b}} {c} "] {
            assert!(is_unfilled(text), "{text}");
        }
        for text in
            ["", " ", "{", "{{x}", "{x}}", "a {b}", "{a{b}}", "@", "@1", "[1]", "<>", "Nulla", "5f9-a_b.c"]
        {
            assert!(!is_unfilled(text), "{text}");
        }
    }
}
