//! The texts of the interface, as files: all languages have the same ones, each is used, and no other words stand in the page.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use regex::Regex;
use serde_json::{Map, Value};

const BEGIN: &str = "globalThis.language = ";
/// The form of a text that depends on no number.
pub const PLAIN: &str = "";
const NUMBER: &str = "{number}";

/// A language's file.
pub struct Language {
    /// What precedes the texts.
    head: String,
    value: Value,
}

impl Language {
    /// The file of a tag.
    pub fn read(tag: &str) -> Self {
        let text = fs::read_to_string(console().join(format!("language-{tag}.js"))).unwrap();
        let begin = text.find(BEGIN).unwrap() + BEGIN.len();
        let value = text[begin..].trim_end().trim_end_matches(';');
        let value = serde_json::from_str(value).unwrap_or_else(|error| panic!("language-{tag}.js: {error}"));
        Self { head: text[..begin].to_owned(), value }
    }

    /// The file with each text changed, for a made-up language in this direction.
    pub fn made_up(mut self, direction: &str, change: impl Fn(&str) -> String) -> String {
        self.value["direction"] = direction.into();
        for group in self.value["texts"].as_object_mut().unwrap().values_mut() {
            for text in group.as_object_mut().unwrap().values_mut() {
                match text {
                    Value::Object(forms) => {
                        forms.values_mut().for_each(|form| *form = made_up(form, &change))
                    }
                    text => *text = made_up(text, &change),
                }
            }
        }
        format!("{}{};\n", self.head, self.value)
    }

    fn groups(&self) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
        self.value["texts"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, group)| (name, group.as_object().unwrap()))
    }

    /// Each text by `group.key`, with its forms by name; one that has none is [`PLAIN`].
    pub fn texts(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let forms = |value: &Value| match value {
            Value::Object(forms) => forms.iter().map(|(form, value)| (form.clone(), text(value))).collect(),
            value => BTreeMap::from([(PLAIN.to_owned(), text(value))]),
        };
        self.groups()
            .flat_map(|(group, texts)| {
                texts.iter().map(move |(key, value)| (format!("{group}.{key}"), forms(value)))
            })
            .collect()
    }
}

fn made_up(text: &Value, change: impl Fn(&str) -> String) -> Value {
    change(text.as_str().unwrap()).into()
}

pub fn console() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("console")
}

/// The tags of all languages.
pub fn tags() -> Vec<String> {
    let tag = |name: &str| Some(name.strip_prefix("language-")?.strip_suffix(".js")?.to_owned());
    sources(|_| true).iter().filter_map(|(name, _)| tag(name)).collect()
}

/// The files of the console that are texts, by name, but for those of other kinds.
fn sources(is_wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let files = fs::read_dir(console()).unwrap().map(|file| file.unwrap());
    let names = files.map(|file| (file.file_name().into_string().unwrap(), file.path()));
    let wanted = names.filter(|(name, _)| is_wanted(name));
    wanted.map(|(name, path)| (name, fs::read_to_string(path).unwrap())).collect()
}

fn modules() -> Vec<(String, String)> {
    sources(|name| name.ends_with(".js") && !name.starts_with("language-"))
}

/// What stands in braces.
fn placeholders(text: &str) -> BTreeSet<&str> {
    static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{\w+\}").unwrap());
    PLACEHOLDER.find_iter(text).map(|found| found.as_str()).collect()
}

#[test]
fn all_languages_have_the_same_texts_with_the_same_placeholders() {
    let tags = tags();
    assert!(tags.len() >= 2, "{tags:?}");
    let english = Language::read("en").texts();
    for tag in tags {
        let texts = Language::read(&tag).texts();
        let keys = |texts: &BTreeMap<String, _>| texts.keys().cloned().collect::<BTreeSet<_>>();
        let differing: Vec<_> = keys(&english).symmetric_difference(&keys(&texts)).cloned().collect();
        assert!(differing.is_empty(), "{tag} and en differ in {differing:?}");
        for (key, forms) in &texts {
            let wanted: BTreeSet<_> = english[key].values().flat_map(|form| placeholders(form)).collect();
            let has_forms = |forms: &BTreeMap<String, String>| !forms.contains_key(PLAIN);
            assert_eq!(has_forms(forms), has_forms(&english[key]), "{tag}: {key} has forms in one of both");
            for (form, text) in forms {
                let mut found = placeholders(text);
                // `one file` needs no number.
                if ![PLAIN, "other"].contains(&&**form) && wanted.contains(NUMBER) {
                    found.insert(NUMBER);
                }
                assert_eq!(found, wanted, "{tag}: {key} {form}");
                assert!(!text.trim().is_empty() && text.trim() == text, "{tag}: {key} {form}");
            }
        }
    }
}

/// A text is named as `texts.group.key`, as `const { key } = texts.group`, by all of a group as `texts.group[key]`, or in the
/// page as `data-text="group.key"`.
fn used(texts: &BTreeMap<String, BTreeMap<String, String>>) -> BTreeSet<String> {
    let [by_key, at_once, whole, in_page] = [
        r"texts\.(\w+\.\w+)",
        r"const \{([^}]+)\} = texts\.(\w+);",
        r"texts\.(\w+)(?:\[|,)",
        r#"data-text(?:-\w+)?="([^"]+)""#,
    ]
    .map(|pattern| Regex::new(pattern).unwrap());
    let mut used = BTreeSet::new();
    for (_, text) in modules() {
        used.extend(by_key.captures_iter(&text).map(|found| found[1].to_owned()));
        for found in at_once.captures_iter(&text) {
            let keys = found[1].split(',').map(|key| key.split(':').next().unwrap().trim());
            used.extend(keys.map(|key| format!("{}.{key}", &found[2])));
        }
        for found in whole.captures_iter(&text) {
            let group = format!("{}.", &found[1]);
            let keys = texts.keys().filter(|key| key.starts_with(&group));
            used.extend(keys.cloned());
        }
    }
    for (_, page) in sources(|name| name == "index.html") {
        used.extend(in_page.captures_iter(&page).map(|found| found[1].to_owned()));
    }
    used
}

#[test]
fn every_text_is_used_and_all_that_are_used_exist() {
    let texts = Language::read("en").texts();
    let known: BTreeSet<String> = texts.keys().cloned().collect();
    let used = used(&texts);
    let missing: Vec<_> = used.difference(&known).collect();
    assert!(missing.is_empty(), "no language has {missing:?}");
    let unused: Vec<_> = known.difference(&used).collect();
    assert!(unused.is_empty(), "nothing uses {unused:?}");
}

/// Several words in a string of a module, or one that is capitalised, are a text that no language has. What these rules don't
/// see, the made-up language finds in the page.
#[test]
fn modules_have_no_words_of_their_own() {
    const NO_TEXTS: [&str; 15] = [
        "AltGraph",
        "Arrow",
        "Control+",
        "Dead",
        "Digit",
        "End",
        "Enter",
        "Escape",
        "Files",
        "Home",
        "Period",
        "Tab",
        "noopener noreferrer nofollow",
        "ppt pptx key",
        "txt log csv",
    ];
    let [string, value, words, attribute] = [
        r#""(?:[^"\\\n]|\\.)*"|`(?:[^`\\\n]|\\.)*`"#,
        r"\$\{[^}]*\}",
        r"\p{L}{2,},? \p{L}{2,}|^.\p{Lu}\p{Ll}+[ .:…`\x22]",
        r#"(?:class|preserveAspectRatio): "[^"]*"|(?:closest\??\.?|matchMedia|querySelector(?:All)?)\([^)]*\)|const (?:WRITES|PRESSED) = .*"#,
    ]
    .map(|pattern| Regex::new(pattern).unwrap());
    let mut found = Vec::new();
    for (name, text) in modules() {
        assert!(
            !text.contains("const texts =") || name == "language.js",
            "{name} hides the language's texts"
        );
        for line in text.lines().filter(|line| !is_comment(line) && !line.starts_with("import ")) {
            let line = attribute.replace_all(line, "");
            let literals =
                string.find_iter(&line).map(|literal| value.replace_all(literal.as_str(), "").into_owned());
            let is_text = |literal: &String| {
                words.is_match(literal) && !NO_TEXTS.iter().any(|known| literal[1..].starts_with(known))
            };
            found.extend(literals.filter(is_text).map(|literal| format!("{name}: {literal}")));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

fn is_comment(line: &str) -> bool {
    ["//", "/*", "*"].iter().any(|begin| line.trim_start().starts_with(begin))
}

/// What stands in the page itself is filled in, but for names, keys, and what is said to browsers without scripts.
#[test]
fn the_page_has_no_words_of_its_own() {
    let (_, page) = sources(|name| name == "index.html").remove(0);
    let body = &page[page.find("<body>").unwrap()..page.find("<noscript>").unwrap()];
    let tag = Regex::new(r"<[^>]*>").unwrap();
    let words: Vec<&str> = tag.split(body).map(str::trim).filter(|text| text.len() > 1).collect();
    assert_eq!(words, ["AGENT_TOKENS", "handoff-relay"]);
    let attribute = Regex::new(r#" (?:aria-label|title|placeholder|alt)="[^"]+""#).unwrap();
    let attributes: Vec<_> = attribute.find_iter(body).map(|found| found.as_str()).collect();
    assert!(attributes.is_empty(), "{attributes:?}");
}
