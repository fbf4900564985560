//! What is read from a page of Ada's message list.

use handoff_relay::{
    ada::bodies::{messages, next_page},
    json::{Object, mended},
    relay::event::Message,
};

use crate::{reader::WORDS, run::Target};

#[test]
fn list() {
    Target { name: "list", count: 5_000, words: WORDS }.fuzz(read);
}

fn read(page: &[u8]) -> String {
    let page = mended(page);
    let Ok(page) = Object::read(&page) else { return "no object".to_owned() };
    let Ok(all) = messages(&page, None) else { return "no page".to_owned() };
    for message in &all {
        assert!((1..=200).contains(&message.id.as_str().chars().count()));
        let kept = serde_json::to_string(message).unwrap();
        assert_eq!(serde_json::from_str::<Message>(&kept).unwrap(), *message, "{kept}");
    }
    assert_eq!(messages(&page, None).unwrap(), all, "the same at the next reading");
    let kinds: Vec<String> =
        all.iter().map(|message| format!("{:?}", std::mem::discriminant(&message.content))).collect();
    format!("{kinds:?} {}", next_page(&page).is_some())
}
