//! Changes inputs: their bytes, their words, and the JSON in them.

use serde_json::{Map, Value, json};

/// Changes of one input at once.
const MAX_CHANGES: usize = 4;
/// Inputs don't grow beyond this: the doors' limits have tests of their own.
const MAX_BYTES: usize = 20_000;
/// What breaks parsers, queries, paths, pages and terminals.
const NASTY: &[&str] = &[
    "",
    " ",
    "\0",
    "\n",
    "\r\n",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{feff}",
    "\u{fffd}",
    "ß",
    "İ",
    "😀",
    "e\u{301}",
    "\\",
    "\"",
    "'",
    "' OR 1=1 --",
    "%",
    "_",
    "%00",
    "%2e%2e",
    "%2F",
    "%FF",
    "%zz",
    "..",
    "../../v2/x",
    "a/b?c=d#e",
    "&",
    "=",
    "+",
    ",",
    ";",
    ":",
    "#",
    "${HOME}",
    "$(id)",
    "{{7*7}}",
    "<img src=x onerror=alert(1)>",
    "null",
    "true",
    "-0",
    "-1",
    "0",
    "1e999",
    "0.1",
    "9007199254740993",
    "9223372036854775808",
    "18446744073709551616",
    "2026-11-21T04:30:00.123Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:60Z",
    "-009999-01-01T00:00:00Z",
    "2026-11-21T04:30:00+99:99",
    "{",
    "}",
    "[",
    "]",
    "\\u0000",
    "\\ud800",
    crate::MARK,
];

/// The same numbers for every seed.
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `below`, which is at least 1.
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The high bits are the better ones.
        usize::try_from((self.0 >> 16) % below as u64).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, things: &[&'a T]) -> &'a T {
        things[self.roll(things.len())]
    }
}

/// Makes new inputs of known ones.
pub struct Mutator {
    dice: Dice,
    words: Vec<&'static str>,
}

impl Mutator {
    /// Beside what is nasty everywhere it uses the `words` of a language.
    pub fn new(seed: u64, words: &[&'static str]) -> Self {
        Self { dice: Dice::new(seed), words: [NASTY, words].concat() }
    }

    /// One of `pool`, changed.
    pub fn change(&mut self, pool: &[Vec<u8>]) -> Vec<u8> {
        let mut input = pool[self.dice.roll(pool.len())].clone();
        for _ in 0..=self.dice.roll(MAX_CHANGES) {
            input = match self.dice.roll(4) {
                0 => self.bytes(input),
                1 => self.word(input),
                2 => {
                    let other = self.dice.roll(pool.len());
                    self.splice(input, &pool[other])
                }
                _ => self.json(input),
            };
            input.truncate(MAX_BYTES);
        }
        input
    }

    /// A place between two bytes.
    fn place(&mut self, input: &[u8]) -> usize {
        self.dice.roll(input.len() + 1)
    }

    /// Two places, the first not behind the second, mostly close to each other.
    fn range(&mut self, input: &[u8]) -> std::ops::Range<usize> {
        let (from, reach) = (self.place(input), 1 << self.dice.roll(10));
        from..(from + self.dice.roll(reach)).min(input.len())
    }

    fn bytes(&mut self, mut input: Vec<u8>) -> Vec<u8> {
        let range = self.range(&input);
        match self.dice.roll(4) {
            0 => drop(input.drain(range)),
            1 => {
                let again = input[range.clone()].to_vec();
                drop(input.splice(range.start..range.start, again));
            }
            2 => input.insert(range.start, u8::try_from(self.dice.roll(256)).unwrap()),
            _ => {
                if let Some(byte) = input.get_mut(range.start) {
                    *byte ^= 1 << self.dice.roll(8);
                }
            }
        }
        input
    }

    /// Puts a word somewhere, or in the place of something.
    fn word(&mut self, mut input: Vec<u8>) -> Vec<u8> {
        let range = self.range(&input);
        let end = if self.dice.roll(2) == 0 { range.start } else { range.end };
        let word = self.dice.pick(&self.words);
        drop(input.splice(range.start..end, word.bytes()));
        input
    }

    /// A beginning of one and an end of the other.
    fn splice(&mut self, mut input: Vec<u8>, other: &[u8]) -> Vec<u8> {
        let (cut, from) = (self.place(&input), self.place(other));
        input.truncate(cut);
        input.extend(&other[from..]);
        input
    }

    /// Changes a value in the JSON that the input is, or that stands behind its first empty line.
    fn json(&mut self, input: Vec<u8>) -> Vec<u8> {
        let body = input.windows(2).position(|two| two == b"\n\n").map_or(0, |at| at + 2);
        let Ok(mut value) = serde_json::from_slice::<Value>(&input[body..]) else { return self.word(input) };
        let steps = self.dice.roll(5);
        self.alter(&mut value, steps);
        [&input[..body], value.to_string().as_bytes()].concat()
    }

    /// Goes at most `steps` into a value, and changes what is there.
    fn alter(&mut self, value: &mut Value, steps: usize) {
        match value {
            Value::Object(fields) if steps > 0 && !fields.is_empty() => {
                let name = fields.keys().nth(self.dice.roll(fields.len())).unwrap().clone();
                match self.dice.roll(6) {
                    0 => drop(fields.remove(&name)),
                    1 => {
                        let other = self.dice.pick(&self.words).to_owned();
                        let moved = fields.remove(&name).unwrap();
                        fields.insert(other, moved);
                    }
                    _ => self.alter(&mut fields[&name], steps - 1),
                }
            }
            Value::Array(items) if steps > 0 && !items.is_empty() => {
                let at = self.dice.roll(items.len());
                self.alter(&mut items[at], steps - 1);
            }
            other => *other = self.value(other),
        }
    }

    /// Something else in the place of a value.
    fn value(&mut self, old: &Value) -> Value {
        let word = self.dice.pick(&self.words);
        match self.dice.roll(8) {
            0 => Value::Null,
            1 => json!([old]),
            2 => Value::Object(Map::from_iter([(word.to_owned(), old.clone())])),
            3 => serde_json::from_str(word).unwrap_or_default(),
            4 => json!(word.repeat(1 + self.dice.roll(300))),
            5 => json!(format!("{word}{}", old.as_str().unwrap_or_default())),
            6 => json!(format!("{}{word}", old.as_str().unwrap_or_default())),
            _ => json!(word),
        }
    }
}
