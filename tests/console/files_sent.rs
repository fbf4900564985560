//! Files that agents send.

use std::time::Duration;

use sandbox::SentFile;
use serde_json::json;
use thirtyfour::Key;

use crate::{
    desk::{Desk, OnDisk},
    samples::{self, PDF, PROGRAM},
    support::{relay::Relay, soon},
};

const MB: usize = 1 << 20;

/// Waits until the customer has so many files.
pub async fn arrived(relay: &Relay, conversation: &str, number: usize) -> Vec<SentFile> {
    let there = relay.ada.until(|ada| ada.files_sent_to(conversation).len() >= number);
    soon("the files at Ada", there).await;
    let files = relay.ada.files_sent_to(conversation);
    assert_eq!(files.len(), number, "{files:?}");
    files
}

#[tokio::test]
async fn attached_dropped_and_pasted_they_follow_the_text_in_their_order() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    let picture = OnDisk::new("map.png", samples::png(320, 200));
    let form = OnDisk::new("form.pdf", PDF);
    let notes = OnDisk::new("notes.txt", "Ring twice.\n");

    desk.attaches(&[&picture, &form]).await;
    desk.sees("#attachments img").await;
    desk.drags(&[&notes], "#thread", "dragEnter").await;
    desk.shows("#drop", "Drop files to send them to Maria Silva").await;
    desk.drags(&[&notes], "#queue", "dragOver").await;
    desk.misses("#drop").await;
    desk.drags(&[&notes], "#thread", "dragOver").await;
    desk.sees("#drop").await;
    desk.drags(&[&notes], "#thread", "drop").await;
    desk.misses("#drop").await;
    desk.copies_picture().await;
    desk.clicks("#composer-text").await;
    desk.presses(Key::Control + "v").await;
    desk.until("the pasted picture", async || (desk.attached().await.len() == 4).then_some(())).await;
    let attached = desk.attached().await;
    assert_eq!(attached[..3], ["map.png", "form.pdf", "notes.txt"]);
    let pasted = &attached[3];
    assert!(pasted.starts_with("pasted-20") && pasted.ends_with(".png"), "{pasted}");

    desk.types("Here they are.").await;
    desk.presses(Key::Enter).await;
    let files = arrived(&relay, &conversation, 4).await;
    let names: Vec<&str> = files.iter().map(|file| &*file.filename).collect();
    assert_eq!(names, attached);
    for (file, bytes) in files.iter().zip([samples::png(320, 200), PDF.into(), "Ring twice.\n".into()]) {
        assert_eq!(file.sha256, samples::sha256(bytes), "{}", file.filename);
    }
    let messages = relay.ada.messages(&conversation);
    let text = messages.iter().position(|message| message.text() == Some("Here they are.")).unwrap();
    assert!(messages[text + 1..].iter().all(|message| message.file.is_some()), "the text goes first");
    for name in &attached {
        desk.has_file(name, "confirmed").await;
    }
    desk.misses("#attachments").await;
    assert_eq!(desk.sees_picture("#messages .picture img").await, 320);
    desk.reloads().await;
    desk.has_file("form.pdf", "confirmed").await;
    desk.clicks("#tab-mine").await;
    desk.shows("#queue-list .preview", pasted).await;
    desk.closes().await;
}

#[tokio::test]
async fn forty_nine_megabytes_show_how_far_they_are_and_arrive_whole() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    let bytes = samples::log(49 * MB);
    desk.uploads_at(30_000_000).await;
    let log = OnDisk::new("week.log", &bytes);
    desk.attaches(&[&log]).await;
    desk.shows("#attachments .file-about", "LOG, 49.0 MB").await;
    desk.sends().await;
    let part = "const bar = document.querySelector('#pending progress'); return bar ? bar.value : null";
    desk.until("a part of it", async || {
        let part: Option<f64> = desk.js(part, &[]).await;
        part.filter(|part| (0.05..1.0).contains(part))
    })
    .await;
    desk.shows("#pending .file-percent", "%").await;
    let files = arrived(&relay, &conversation, 1).await;
    assert_eq!((files[0].size, &files[0].sha256), (49 * MB as u64, &samples::sha256(&bytes)));
    desk.has_file("week.log", "confirmed").await;
    desk.misses("#pending .entry").await;
    desk.closes().await;
}

#[tokio::test]
async fn what_ada_does_not_take_is_told_at_once() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    let large = OnDisk::new("backup.zip", []);
    std::fs::File::options().write(true).open(large.path()).unwrap().set_len(51 * MB as u64).unwrap();
    let program = OnDisk::new("setup.exe", PROGRAM);
    let empty = OnDisk::new("empty.txt", []);
    desk.attaches(&[&large, &program, &empty]).await;
    for words in ["The file is 51.0 MB.", ".exe files can't be sent", "The file is empty."] {
        desk.shows("#attachments [data-fault] .problem", words).await;
    }
    desk.sees("#composer-send:disabled").await;
    desk.clicks("#attachments li:nth-child(2) button").await;
    desk.until("two of them", async || (desk.attached().await == ["backup.zip", "empty.txt"]).then_some(()))
        .await;

    // The relay keeps the same rules for those that come past the page.
    let refused = relay.send_past_the_page(&desk, &handoff, "backup.zip", 51 * MB).await;
    assert_eq!(refused, 413);
    let disguised = OnDisk::new("invoice.pdf", PROGRAM);
    desk.attaches(&[&disguised]).await;
    desk.sends().await;
    desk.shows("#pending .failure p", "program").await;
    desk.shows("#pending .failure p", "TXT, LOG, CSV").await;
    desk.misses("#pending [data-action=retry]").await;
    desk.clicks("#pending [data-action=drop]").await;
    desk.misses("#pending .entry").await;
    desk.writes("And a text.").await;
    desk.has_message("And a text.", "confirmed").await;
    assert_eq!(relay.ada.files_sent_to(&conversation), []);
    desk.closes_after(&["status of 413", "status of 415"]).await;
}

impl Relay {
    /// Posts a file of zeros as a page could that knows no limits. Gives the status.
    async fn send_past_the_page(&self, desk: &Desk, handoff: &str, name: &str, size: usize) -> u64 {
        let script = "const [handoff, name, size, done] = arguments;
            const form = new FormData();
            form.append('file', new Blob([new Uint8Array(size)]), name);
            fetch(`/api/handoffs/${handoff}/files`, {method: 'POST', body: form})
                .then(({status}) => done(status), (error) => done(String(error)))";
        let arguments = vec![json!(handoff), json!(name), json!(size)];
        let answer = desk.driver().execute_async(script, arguments).await.unwrap();
        answer.json().as_u64().unwrap_or_else(|| panic!("{}", answer.json()))
    }
}

#[tokio::test]
async fn names_are_text_whatever_is_in_them() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    let long = format!("{}.txt", "long ".repeat(60));
    let names = [
        "../../etc/passwd.txt",
        "<img src=x onerror='window.hacked = 1'>.txt",
        "\"quoted\" & 'single'; filename=evil.txt",
        "فاتورة نوفمبر.txt",
        "Übersicht 世界 👩‍👩‍👧.txt",
        "invoice\u{202e}fdp.txt",
        &long,
    ];
    let files: Vec<_> = names.iter().map(|name| json!([name, "text/plain", "Words."])).collect();
    desk.attaches_made(json!(files)).await;
    desk.until("all of them", async || (desk.attached().await.len() == names.len()).then_some(())).await;
    desk.sends().await;
    let sent = arrived(&relay, &conversation, names.len()).await;
    for file in &sent {
        assert!(!file.filename.contains(['/', '\\', '\u{202e}']), "{:?}", file.filename);
        assert!(file.filename.ends_with(".txt") && file.filename.len() <= 255, "{:?}", file.filename);
        desk.has_file(&file.filename, "confirmed").await;
    }
    assert_eq!(sent[3].filename, names[3]);
    assert_eq!(sent[4].filename, names[4]);
    let wide = "return window.hacked ?? (thread.scrollWidth > thread.clientWidth ? 'wide' : null)";
    desk.comes_to(wide, json!(null)).await;
    desk.shows("#messages .file-name", "…").await;
    desk.closes().await;
}

impl Desk {
    /// Has a picture in the clipboard, as after a screenshot.
    async fn copies_picture(&self) {
        let allowed = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
        self.devtools("Browser.grantPermissions", allowed).await;
        self.waits_at_most(Duration::from_secs(10)).await;
        let script = "const done = arguments[0];
            const canvas = document.createElement('canvas');
            canvas.toBlob((blob) => navigator.clipboard.write([new ClipboardItem({'image/png': blob})])
                .then(() => done(''), (error) => done(String(error))))";
        let problem = self.driver().execute_async(script, Vec::new()).await.unwrap();
        assert_eq!(problem.json(), "");
    }
}
