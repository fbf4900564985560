//! JSON as others write it. One letter or number that can't be read must not cost the rest: only what is asked for is
//! read, each field by itself, and half letters become whole ones.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

pub use tree::Tree;

mod tree;

/// In place of what is no letter: as long as the escape that it replaces.
const REPLACEMENT: &[u8] = br"\ufffd";
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The bytes of a JSON text, with U+FFFD in place of each half of a surrogate pair (`\ud83d` alone), which no string
/// can hold, and without a byte order mark. Places in it are those of the original, the mark aside.
pub fn mended(bytes: &[u8]) -> Cow<'_, [u8]> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut mended = Cow::Borrowed(bytes);
    let mut at = 0;
    while let Some(next) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        at += next;
        at += match (surrogate(bytes, at), surrogate(bytes, at + ESCAPE)) {
            (Some(Half::High), Some(Half::Low)) => 2 * ESCAPE,
            (Some(_), _) => {
                mended.to_mut()[at..at + ESCAPE].copy_from_slice(REPLACEMENT);
                ESCAPE
            }
            // The backslash, and what it escapes: another one, perhaps.
            (None, _) => 2,
        };
    }
    mended
}

/// The same, with what no JSON has mended too, where there is any: `NaN` and `Infinity` become `null`, and U+FFFD stands in
/// place of escapes that there aren't, of control characters in strings and of what is not UTF-8. Of what was signed by
/// Ada, or answered by her, one such letter must not cost the rest.
pub fn repaired(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mended = mended(bytes);
    if std::str::from_utf8(&mended).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok()) {
        return mended;
    }
    Cow::Owned(repair(&String::from_utf8_lossy(&mended)).into_bytes())
}

fn repair(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len());
    let (mut rest, mut in_string) = (text, false);
    while let Some(next) = rest.chars().next() {
        let (whole, length) = match next {
            '"' => {
                in_string = !in_string;
                ("\"", 1)
            }
            '\\' if in_string => match escape(rest) {
                Some(length) => (&rest[..length], length),
                None => ("\u{fffd}", 1),
            },
            c if in_string && c.is_control() && c.is_ascii() && c != '\u{7f}' => ("\u{fffd}", 1),
            c if in_string || !c.is_ascii_alphabetic() && c != '-' => (&rest[..c.len_utf8()], c.len_utf8()),
            _ => {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c))
                    .unwrap_or(rest.len());
                let is_none = ["NaN", "-NaN", "Infinity", "-Infinity"].contains(&&rest[..end]);
                (if is_none { "null" } else { &rest[..end] }, end)
            }
        };
        repaired.push_str(whole);
        rest = &rest[length..];
    }
    repaired
}

/// The length of the escape with which a text begins, if there is such a one.
fn escape(text: &str) -> Option<usize> {
    match text.as_bytes().get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => text.get(2..ESCAPE)?.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(ESCAPE),
        _ => None,
    }
}

/// How deep values may be nested: more than people nest, less than hurts.
const DEPTH: usize = 64;
/// The length of `\ud83d`.
const ESCAPE: usize = 6;

enum Half {
    High,
    Low,
}

fn surrogate(bytes: &[u8], at: usize) -> Option<Half> {
    let digits = bytes.get(at..at + ESCAPE)?.strip_prefix(br"\u")?;
    let code = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    match code {
        0xD800..=0xDBFF => Some(Half::High),
        0xDC00..=0xDFFF => Some(Half::Low),
        _ => None,
    }
}

/// What is asked of an object, however it was read.
pub trait Fields: Clone {
    /// Whether there is such a field, with more than `null`.
    fn is_given(&self, field: &str) -> bool;

    /// A field's text, if it is one.
    fn text(&self, field: &str) -> Option<Cow<'_, str>>;

    /// A field's object; an empty one if it is none.
    fn object(&self, field: &str) -> Cow<'_, Self>;

    /// Whether a field is `true`.
    fn is_true(&self, field: &str) -> bool;
}

/// A JSON object whose values are unread so far. Of a name that stands twice the last counts.
#[derive(Clone, Debug, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A name, of which most need no copy.
#[derive(Deserialize)]
pub struct Name<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl Fields for Object<'_> {
    fn is_given(&self, field: &str) -> bool {
        self.get(field).is_some_and(|field| !field.is_null())
    }

    fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        self.text(field).map(Cow::Owned)
    }

    fn object(&self, field: &str) -> Cow<'_, Self> {
        Cow::Owned(self.object(field))
    }

    fn is_true(&self, field: &str) -> bool {
        self.get(field).is_some_and(|field| field.raw() == "true")
    }
}

impl<'a> Object<'a> {
    /// The object that mended bytes are.
    ///
    /// # Errors
    /// They are none.
    pub fn read(mended: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(mended)
    }

    /// A field; `null` is there, too.
    pub fn get(&self, field: &str) -> Option<Field<'a>> {
        self.0.iter().rev().find(|(name, _)| name == field).map(|(_, value)| Field(value))
    }

    /// A field's text, if it is one.
    pub fn text(&self, field: &str) -> Option<String> {
        self.get(field)?.text()
    }

    /// A field's object; an empty one if it is none.
    pub fn object(&self, field: &str) -> Self {
        self.get(field).and_then(Field::object).unwrap_or_default()
    }

    /// All fields, by name.
    pub fn into_fields(self) -> impl Iterator<Item = (String, Field<'a>)> {
        let fields: BTreeMap<_, _> = self.0.into_iter().collect();
        fields.into_iter().map(|(name, value)| (name.into_owned(), Field(value)))
    }
}

/// A value that is unread so far.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a>(&'a RawValue);

impl<'a> Field<'a> {
    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.0.get() == "null"
    }

    /// The text that it is, if any.
    pub fn text(self) -> Option<String> {
        serde_json::from_str(self.0.get()).ok()
    }

    /// The object that it is, if any.
    pub fn object(self) -> Option<Object<'a>> {
        serde_json::from_str(self.0.get()).ok()
    }

    /// The items of the list that it is, if any.
    pub fn items(self) -> Option<Vec<Field<'a>>> {
        let items: Vec<&RawValue> = serde_json::from_str(self.0.get()).ok()?;
        Some(items.into_iter().map(Field).collect())
    }

    /// Its JSON, as it came.
    pub fn raw(self) -> &'a str {
        self.0.get()
    }

    /// The value. A number that none of ours can hold is the text that it was written as, and so is the whole of what
    /// is nested deeper than 64 levels.
    pub fn value(self) -> Value {
        self.within(DEPTH).unwrap_or_else(|| self.raw().into())
    }

    /// `None` if it is nested deeper.
    fn within(self, depth: usize) -> Option<Value> {
        let inner = |field: Field<'_>| depth.checked_sub(1).and_then(|depth| field.within(depth));
        if let Some(items) = self.items() {
            return items.into_iter().map(inner).collect();
        }
        if let Some(fields) = self.object() {
            let fields = fields.into_fields().map(|(name, value)| Some((name, inner(value)?)));
            return fields.collect::<Option<_>>().map(Value::Object);
        }
        Some(match serde_json::from_str(self.raw()) {
            // A longer number would come out as another one.
            Ok(Value::Number(number)) if number.is_f64() && is_whole(self.raw()) => self.raw().into(),
            Ok(value) => value,
            Err(_) => self.raw().into(),
        })
    }
}

fn is_whole(number: &str) -> bool {
    number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Fields).map(Self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_no_json_has_costs_nothing_else() {
        let cases: [(&[u8], &str); 9] = [
            (br#"{"a":"bad \x esc","b":1}"#, r#"{"a":"bad �x esc","b":1}"#),
            (br#"{"a":"\u12g4","b":"\"\\\/"}"#, r#"{"a":"�u12g4","b":"\"\\\/"}"#),
            (b"{\"a\":\"\xff\",\"b\":1}", r#"{"a":"�","b":1}"#),
            (b"{\"a\":\"one\ntwo\",\"b\":1}", r#"{"a":"one�two","b":1}"#),
            (br#"{"a":NaN,"b":[-Infinity, Infinity,true]}"#, r#"{"a":null,"b":[null, null,true]}"#),
            (br#"{"a":"NaN","b":-1e5,"c":1E+5}"#, r#"{"a":"NaN","b":-1e5,"c":1E+5}"#),
            (br#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (br#"{"a":nothing}"#, r#"{"a":nothing}"#),
            (br#"{"a":"open"#, r#"{"a":"open"#),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(std::str::from_utf8(&repaired(bytes)), Ok(wanted));
        }
    }

    #[test]
    fn half_letters_become_whole_ones() {
        for (text, wanted) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""a\uDE00b""#, r#""a\ufffdb""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
            (r#""\ud83d\n""#, r#""\ufffd\n""#),
            (r#"{"\ud83d": "\"\ud83d\""}"#, r#"{"\ufffd": "\"\ufffd\""}"#),
            (r#""\ud83"#, r#""\ud83"#),
            (r#""\"#, r#""\"#),
            ("\u{feff}{}", "{}"),
        ] {
            assert_eq!(String::from_utf8_lossy(&mended(text.as_bytes())), wanted, "{text}");
        }
    }

    #[test]
    fn what_nobody_reads_may_be_anything() {
        let deep = ["[".repeat(100_000), "]".repeat(100_000)].concat();
        let text = format!(
            r#"{{"a": 1e999, "b": {deep}, "c": "x", "c": "y", "\ud83d": "\ud83d", "n": null, "o": {{"p": ["q"]}}}}"#
        );
        let bytes = mended(text.as_bytes());
        let object = Object::read(&bytes).unwrap();
        assert_eq!(object.text("c").as_deref(), Some("y"));
        assert_eq!(object.text("\u{fffd}").as_deref(), Some("\u{fffd}"));
        assert_eq!((object.text("a"), object.text("b"), object.text("missing")), (None, None, None));
        assert!(object.get("n").unwrap().is_null());
        let items = object.object("o").get("p").unwrap().items().unwrap();
        assert_eq!(items[0].text().as_deref(), Some("q"));
        assert_eq!(object.get("a").unwrap().value(), json!("1e999"));
        assert_eq!(object.get("b").unwrap().value(), json!(deep));
    }

    #[test]
    fn values_are_what_was_written() {
        for (text, value) in [
            ("1", json!(1)),
            ("1.50", json!(1.5)),
            ("18446744073709551615", json!(u64::MAX)),
            ("123456789012345678901", json!("123456789012345678901")),
            (r#"{"a": [true, null, {}, []]}"#, json!({"a": [true, null, {}, []]})),
            (r#"{"a": [1e999, 123456789012345678901]}"#, json!({"a": ["1e999", "123456789012345678901"]})),
        ] {
            let text = format!(r#"{{"x": {text}}}"#);
            assert_eq!(Object::read(text.as_bytes()).unwrap().get("x").unwrap().value(), value);
        }
    }

    proptest! {
        /// What JSON readers take anyway is left alone, and what is mended is JSON.
        #[test]
        fn good_json_stays_and_strings_can_always_be_read(text in "\\PC{0,20}", codes in prop::collection::vec(any::<u16>(), 0..8)) {
            let good = json!({ &text: text }).to_string();
            prop_assert_eq!(&*mended(good.as_bytes()), good.as_bytes());
            let escaped: String = codes.iter().map(|code| format!("\\u{code:04x}")).collect();
            let string = format!("\"{escaped}\"");
            let read: String = serde_json::from_slice(&mended(string.as_bytes())).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&codes));
        }
    }
}
