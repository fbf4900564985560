//! JSON that is read whole and in one pass, with hardly a copy. Where anything in it can't be read there is no tree, and
//! [`Object`](super::Object) has what can.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Fields, Name};

/// A value and what is in it.
#[derive(Clone, Debug)]
pub enum Tree<'a> {
    /// `null`.
    Null,
    /// A string.
    Text(Cow<'a, str>),
    /// Of a name that stands twice the last counts.
    Object(Vec<(Cow<'a, str>, Tree<'a>)>),
    /// `true`.
    True,
    /// A number, `false` or a list: nothing that anybody asks a tree for.
    Other,
}

static EMPTY: Tree<'static> = Tree::Object(Vec::new());

impl<'a> Tree<'a> {
    /// The object that mended bytes are, if all of it can be read.
    pub fn object(mended: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(mended).ok()?;
        serde_json::from_str(text).ok().filter(|tree| matches!(tree, Self::Object(_)))
    }

    fn get(&self, field: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().rev().find(|(name, _)| name == field).map(|(_, value)| value)
    }
}

impl Fields for Tree<'_> {
    fn is_given(&self, field: &str) -> bool {
        !matches!(self.get(field), None | Some(Self::Null))
    }

    fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        match self.get(field)? {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    fn object(&self, field: &str) -> Cow<'_, Self> {
        Cow::Borrowed(self.get(field).filter(|value| matches!(value, Self::Object(_))).unwrap_or(&EMPTY))
    }

    fn is_true(&self, field: &str) -> bool {
        matches!(self.get(field), Some(Self::True))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Tree<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Value)
    }
}

/// More than most objects have fields.
const USUAL_FIELDS: usize = 12;

struct Value;

impl<'de> Visitor<'de> for Value {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree<'de>, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree<'de>, E> {
        Ok(if value { Tree::True } else { Tree::Other })
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Tree<'de>, E> {
        Ok(Tree::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Tree<'de>, E> {
        Ok(Tree::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Tree<'de>, E> {
        Ok(Tree::Other)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Tree::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree<'de>, A::Error> {
        let mut fields = Vec::with_capacity(USUAL_FIELDS);
        while let Some((Name(name), value)) = map.next_entry()? {
            fields.push((name, value));
        }
        Ok(Tree::Object(fields))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{Object, mended},
        *,
    };

    /// JSON as anybody may write it, some of it with what only one of the two can read.
    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            Just("false".to_owned()),
            Just("-1.5e3".to_owned()),
            Just("1e999".to_owned()),
            Just("[[], {\"a\": null}]".to_owned()),
            Just(r#""\ud83d \n \u00e9""#.to_owned()),
            "[a-z]{0,6}".prop_map(|text| format!("\"{text}\"")),
        ];
        leaf.prop_recursive(4, 24, 6, |inner| {
            let name = prop_oneof![Just("a"), Just("b"), Just(r"\u0063"), Just("d")];
            prop::collection::vec((name, inner), 0..6).prop_map(|fields| {
                let fields: Vec<_> =
                    fields.into_iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
                format!("{{{}}}", fields.join(", "))
            })
        })
    }

    fn say_the_same(tree: &Tree<'_>, object: &Object<'_>, depth: usize) -> Result<(), TestCaseError> {
        for name in ["a", "b", "c", "d", "missing"] {
            prop_assert_eq!(Fields::text(tree, name), Fields::text(object, name));
            prop_assert_eq!(tree.is_given(name), object.is_given(name));
            prop_assert_eq!(tree.is_true(name), object.is_true(name));
            if depth > 0 {
                say_the_same(&Fields::object(tree, name), &Fields::object(object, name), depth - 1)?;
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_tree_says_what_the_object_says(text in json()) {
            let bytes = mended(text.as_bytes());
            if let Some(tree) = Tree::object(&bytes) {
                say_the_same(&tree, &Object::read(&bytes).unwrap(), 4)?;
            } else {
                prop_assert!(text.contains("1e999") || !text.starts_with('{'), "{}", text);
            }
        }
    }

    #[test]
    fn there_is_none_of_what_is_no_object_or_can_not_be_read() {
        let deep = format!("{{\"a\": {}{}}}", "{\"a\":".repeat(200), "}".repeat(200));
        for text in ["", "null", "[]", "\"a\"", "{\"a\": NaN}", "{\"a\": 1} x", &deep] {
            assert!(Tree::object(text.as_bytes()).is_none(), "{text}");
        }
        assert!(Tree::object(b"{\"a\": \"\xff\"}").is_none());
    }
}
