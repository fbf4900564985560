//! Made-up languages: one that shows which texts are no texts of a language, and one that is written from right to left.

use std::{cell::RefCell, collections::BTreeMap, fs, time::Duration};

use regex::{Captures, Regex};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    desk::{Desk, row},
    texts::{Language, console},
    tour::{DATA, go_through, relay_of, size},
};

/// The console with another language, made of the English one: a language is a file.
fn console_with(tag: &str, direction: &str, change: impl Fn(&str) -> String) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(console()).unwrap().map(|file| file.unwrap()) {
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let made = Language::read("en").made_up(direction, change);
    fs::write(folder.path().join(format!("language-{tag}.js")), made).unwrap();
    folder
}

/// Changes all of a text but its placeholders.
fn outside_placeholders(text: &str, change: impl Fn(char) -> char) -> String {
    let part = Regex::new(r"(\{\w+\})|[^{]+").unwrap();
    let changed = |found: &Captures<'_>| match found.get(1) {
        Some(placeholder) => placeholder.as_str().to_owned(),
        None => found[0].chars().map(&change).collect(),
    };
    part.replace_all(text, changed).into_owned()
}

/// `⟦Åççéþţ⟧`: longer, with brackets around what is a text.
fn accented(text: &str) -> String {
    const LETTERS: [(char, char); 10] = [
        ('a', 'å'),
        ('c', 'ç'),
        ('e', 'é'),
        ('i', 'î'),
        ('n', 'ñ'),
        ('o', 'ö'),
        ('s', 'š'),
        ('t', 'ţ'),
        ('u', 'û'),
        ('y', 'ý'),
    ];
    let letter =
        |letter| LETTERS.iter().find(|(plain, _)| *plain == letter).map_or(letter, |(_, other)| *other);
    format!("⟦{}⟧", outside_placeholders(text, letter))
}

/// Hebrew letters, as many as there were Latin ones, and no Hebrew.
fn mirrored(text: &str) -> String {
    let letter = |letter: char| match letter.to_ascii_lowercase() {
        small @ 'a'..='z' => char::from_u32('א' as u32 + small as u32 - 'a' as u32).unwrap(),
        _ => letter,
    };
    outside_placeholders(text, letter)
}

/// The texts of the page that are neither between brackets nor data. Keys, times, and what people have written are data; so
/// are dates, which the browser writes.
const FOREIGN: &str = r#"const isData = 'kbd, code, time, style, script, noscript, .avatar, .bubble[dir=auto], .language option, blockquote, '
        + '#filters option[value^="field:"], #filters label:has([name^="field:"]) > span';
    const dates = /\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b|\bat\b|\bUTC\b|\bGMT\b|\b[AP]M\b|\b[ap]m\b|mailto:|\bBrazilian\b|\bPortuguese\b/g;
    const inBrackets = /⟦[^⟦⟧]*⟧/g;
    const rest = (text) => {
        for (let was; was !== text;) [was, text] = [text, text.replace(inBrackets, ' ')];
        for (const one of arguments[0]) text = text.replaceAll(one, ' ');
        return text.replace(dates, ' ').replace(/[0-9a-f-]{20,}/g, ' ');
    };
    const isText = (text) => /\p{L}{2,}/u.test(rest(text));
    const found = new Set();
    for (const element of document.querySelectorAll('body, body *')) {
        if (element.closest(isData)) continue;
        for (const name of ['aria-label', 'title', 'placeholder', 'alt'])
            if (isText(element.getAttribute(name) ?? '')) found.add(`${name}: ${element.getAttribute(name)}`);
        if (![...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())) continue;
        const copy = element.cloneNode(true);
        for (const part of copy.querySelectorAll(isData)) part.remove();
        if (isText(copy.textContent)) found.add(copy.textContent.trim());
    }
    if (isText(document.title)) found.add(document.title);
    return [...found]"#;

#[tokio::test]
async fn all_that_the_page_says_is_a_text_of_its_language() {
    let folder = console_with("qaa", "ltr", accented);
    let relay = relay_of(folder.path().to_str().unwrap()).await;
    let desk = Desk::speaking(&relay, "qaa").await;
    let mut data: Vec<&str> = ["Kim", "Alex", "Sam"].into_iter().chain(DATA).collect();
    // Names within longer ones go last.
    data.sort_by_key(|one| std::cmp::Reverse(one.len()));
    let found = RefCell::new(BTreeMap::new());
    go_through(&relay, &desk, async |view: &str| {
        let foreign: Vec<String> = desk.js(FOREIGN, &[json!(data)]).await;
        for text in foreign {
            found.borrow_mut().entry(text).or_insert_with(|| view.to_owned());
        }
    })
    .await;
    let found = found.into_inner();
    assert!(found.is_empty(), "no texts of the language, each where it was first: {found:#?}");
    desk.closes_after(&["status of 401", "net::ERR"]).await;
}

/// What is wider than its place, or outside of the window.
const OUTSIDE: &str = "const found = [];
    if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
    for (const element of document.querySelectorAll('button, a, input, select, textarea, h1, h2, h3, p, dialog[open], [role=tab]')) {
        if (!element.checkVisibility({visibilityProperty: true}) || element.closest('.unseen, #skip, .scroller, .entry[data-joined] .author, [data-kind=own] .author')) continue;
        const {left, right, width} = element.getBoundingClientRect();
        const name = `${element.tagName} ${element.id} ${element.className} ${element.textContent.slice(0, 40)}`;
        if (width > 1 && (left < -1 || right > innerWidth + 1)) found.push(`outside: ${name}`);
        if (element.matches('button, [role=tab]') && element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflow === 'visible') found.push(`cut off: ${name}`);
    }
    return found";

impl Desk {
    /// Nothing is outside of the window or cut off, on a phone and on a wide screen.
    async fn fits(&self, view: &str) {
        for (width, height) in [(390, 844), (1440, 900)] {
            self.devtools("Emulation.setDeviceMetricsOverride", size(width, height)).await;
            self.devtools(
                "Emulation.setEmulatedMedia",
                json!({"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}),
            )
            .await;
            let what = format!("nothing of {view} outside at {width}");
            let fits = async || {
                let outside: Vec<String> = self.js(OUTSIDE, &[]).await;
                if outside.is_empty() { Ok(()) } else { Err(outside) }
            };
            // What the new size has set going comes to rest.
            let last = RefCell::new(Vec::new());
            let fitting = tokio::time::timeout(Duration::from_secs(3), async {
                while let Err(outside) = fits().await {
                    *last.borrow_mut() = outside;
                }
            });
            assert!(fitting.await.is_ok(), "{what}: {:#?}", last.borrow());
        }
    }
}

#[tokio::test]
async fn from_right_to_left_everything_has_its_place() {
    let folder = console_with("he", "rtl", mirrored);
    let relay = relay_of(folder.path().to_str().unwrap()).await;
    let desk = Desk::speaking(&relay, "he").await;
    desk.comes_to("return document.documentElement.dir", json!("rtl")).await;
    go_through(&relay, &desk, async |view: &str| desk.fits(view).await).await;
    desk.closes_after(&["status of 401", "net::ERR"]).await;
}

#[tokio::test]
async fn german_words_have_room() {
    let relay = relay_of(console().to_str().unwrap()).await;
    let desk = Desk::speaking(&relay, "de").await;
    go_through(&relay, &desk, async |view: &str| desk.fits(view).await).await;
    desk.closes_after(&["status of 401", "net::ERR"]).await;
}

/// Where the middle of something is, as a share of the window's width.
const MIDDLE: &str = "const {left, right} = document.querySelector(arguments[0]).getBoundingClientRect();
    return (left + right) / 2 / innerWidth";

#[tokio::test]
async fn from_right_to_left_the_list_and_the_customer_are_at_the_right() {
    let folder = console_with("he", "rtl", mirrored);
    let relay = relay_of(folder.path().to_str().unwrap()).await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::speaking(&relay, "he").await;
    desk.devtools("Emulation.setDeviceMetricsOverride", size(1440, 900)).await;
    desk.signs_in("Kim").await;
    desk.sees(&row(&handoff)).await;
    desk.accepts(&handoff).await;
    for text in ["Hello there", "مرحبا"] {
        relay.ada.customer_says(&conversation, text).await.unwrap();
        desk.shows("#messages .bubble", text).await;
    }
    desk.writes("Good morning.").await;
    desk.has_message("Good morning.", "confirmed").await;
    let middle = async |css: &str| desk.js::<f64>(MIDDLE, &[json!(css)]).await;
    let (list, thread, details) = (middle("#queue").await, middle("#thread").await, middle("#details").await);
    assert!(list > thread && thread > details, "{list} {thread} {details}");
    let customer = middle("[data-kind=customer] .bubble").await;
    let own = middle("[data-kind=own] .bubble").await;
    assert!(customer > thread && thread > own, "{customer} {thread} {own}");
    // What people write keeps its own direction.
    let directions = "return [...document.querySelectorAll('[data-kind=customer] .bubble p')]
        .map((one) => getComputedStyle(one).direction)";
    let directions: Value = desk.js(directions, &[]).await;
    let directions = directions.as_array().unwrap();
    assert_eq!(directions[directions.len() - 2..], ["ltr", "rtl"]);
    let mirrored = "return getComputedStyle(document.querySelector('#details-toggle .icon')).transform";
    desk.comes_to(mirrored, json!("matrix(-1, 0, 0, 1, 0, 0)")).await;
    desk.is_accessible("from right to left").await;
    // The arrow keys go where they point.
    desk.clicks("#tab-waiting").await;
    desk.presses(thirtyfour::Key::Left).await;
    desk.sees("#tab-mine[aria-selected=true]").await;
    desk.closes().await;
}
