//! Files that customers send, as agents see them.

use sandbox::FileFault;
use serde_json::{Value, json};
use thirtyfour::Key;

use crate::{
    desk::Desk,
    samples::{self, PDF, SVG},
    support::relay::Relay,
};

/// Has the customer send files: name, type, bytes.
async fn sends(relay: &Relay, conversation: &str, files: &[(&str, &str, Vec<u8>)]) {
    for (name, mime_type, bytes) in files {
        relay.ada.customer_sends_file(conversation, name, mime_type, bytes.clone()).await.unwrap();
    }
}

#[tokio::test]
async fn pictures_open_in_a_window_that_leads_through_all_of_them() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    let files = [
        ("one.png", "image/png", samples::png(640, 360)),
        ("broken.png", "image/png", b"\x89PNG, and no more".to_vec()),
        ("two.png", "image/png", samples::png(90, 900)),
        ("drawing.svg", "image/svg+xml", SVG.into()),
    ];
    sends(&relay, &conversation, &files).await;
    assert_eq!(desk.sees_picture("img[alt='one.png']").await, 640);
    assert_eq!(desk.sees_picture("img[alt='two.png']").await, 90);
    assert_eq!(desk.sees_picture("img[alt='drawing.svg']").await, 64);
    desk.shows("#messages .bubble[data-file=tile]", "broken.png").await;
    desk.shows("#messages .file-about", "can't be shown").await;
    let high = "return [...document.querySelectorAll('.picture img')].map((one) => one.clientHeight)";
    desk.comes_to(high, json!([216, 216, 216])).await;

    desk.sees_picture("img[alt='one.png']").await;
    desk.clicks("img[alt='one.png']").await;
    let shown = "const image = document.querySelector('#lightbox[open] img');
        return [image?.alt, image?.naturalWidth, document.getElementById('lightbox-place').innerText]";
    desk.comes_to(shown, json!(["one.png", 640, "1 of 4"])).await;
    desk.presses(Key::Right + Key::Right).await;
    desk.comes_to(shown, json!(["two.png", 90, "3 of 4"])).await;
    desk.presses(Key::Left).await;
    desk.shows("#lightbox-stage", "can't be shown").await;
    desk.clicks("#lightbox [data-action=next]").await;
    desk.clicks("#lightbox [data-action=next]").await;
    desk.comes_to(shown, json!(["drawing.svg", 64, "4 of 4"])).await;
    // Behind the last there is nothing, and the focus stays.
    desk.presses(Key::Right).await;
    desk.comes_to(shown, json!(["drawing.svg", 64, "4 of 4"])).await;
    let focus = "return document.activeElement.getAttribute('aria-label')";
    desk.comes_to(focus, json!("Next picture")).await;
    desk.presses(Key::Tab).await;
    desk.comes_to(focus, json!("Download")).await;
    desk.presses(Key::Shift + Key::Tab).await;
    desk.comes_to(focus, json!("Next picture")).await;
    let (name, bytes) = desk.downloads("#lightbox-download").await;
    assert_eq!((&*name, bytes), ("drawing.svg", SVG.into()));
    desk.presses(Key::Escape).await;
    desk.misses("#lightbox").await;
    desk.comes_to("return document.activeElement.querySelector('img')?.alt", json!("one.png")).await;
    desk.presses(Key::Enter).await;
    desk.comes_to(shown, json!(["one.png", 640, "1 of 4"])).await;
    desk.presses(Key::Escape).await;
    desk.comes_to("return [window.hacked ?? null, document.cookie]", json!([null, ""])).await;
    desk.closes().await;
}

#[tokio::test]
async fn documents_are_saved_as_they_are_and_sounds_play() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    let page = "<script>top.hacked = 1</script>";
    let files = [
        ("voice.wav", "audio/wav", samples::wav()),
        // A film without pictures: what it takes to play.
        ("film.mp4", "video/mp4", samples::wav()),
        ("page.html", "text/html", page.into()),
        ("invoice.pdf", "application/pdf", PDF.into()),
    ];
    sends(&relay, &conversation, &files).await;
    desk.clicks("#tab-mine").await;
    desk.shows("#queue-list .preview", "invoice.pdf").await;
    for player in ["audio", "video"] {
        let ready = format!(
            "const media = document.querySelector('#messages {player}');
            return media && Math.round(media.duration)"
        );
        desk.comes_to(&ready, json!(1)).await;
    }
    for (name, bytes) in [("page.html", page), ("invoice.pdf", PDF)] {
        let saved = desk.downloads(&format!("#messages a.file[download='{name}']")).await;
        assert_eq!(saved, (name.to_owned(), bytes.into()));
    }
    desk.shows("#messages .file", &format!("PDF, {} bytes", PDF.len())).await;
    desk.comes_to("return window.hacked ?? null", json!(null)).await;
    desk.closes().await;
}

#[tokio::test]
async fn a_file_that_is_not_there_yet_says_so_and_one_that_can_not_be_had_is_asked_for_again() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    relay.ada.file_fault_next(FileFault::Slow(20_000));
    sends(&relay, &conversation, &[("map.png", "image/png", noise(20_000))]).await;
    desk.shows("#messages .file-state", "Downloading…").await;
    desk.shows("#messages .file-about", "can't be shown").await;

    relay.ada.file_fault_always(Some(FileFault::Status(403)));
    sends(&relay, &conversation, &[("form.pdf", "application/pdf", PDF.into())]).await;
    desk.sees("#messages .file-failure").await;
    desk.misses("#messages a[download='form.pdf']").await;
    relay.ada.file_fault_always(None);
    desk.clicks("[data-action=fetch-again]").await;
    let saved = desk.downloads("#messages a[download='form.pdf']").await;
    assert_eq!(saved, ("form.pdf".to_owned(), PDF.into()));
    desk.closes().await;
}

/// Bytes that are no picture.
fn noise(size: usize) -> Vec<u8> {
    samples::log(size)
}

#[tokio::test]
async fn hostile_names_are_text_and_change_nothing_around_them() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    let long = format!("{}.pdf", "x".repeat(300));
    let names = [
        "../../../etc/passwd.pdf",
        "<img src=x onerror=\"window.hacked = 1\">.pdf",
        "\"quoted\" 'single'.pdf",
        "invoice\u{202e}fdp.exe.pdf",
        "فاتورة.pdf",
        "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467} 世界.pdf",
        &long,
    ];
    for name in names {
        sends(&relay, &conversation, &[(name, "application/pdf", PDF.into())]).await;
    }
    desk.until("all of them", async || {
        (desk.texts("#messages a.file").await.len() == names.len()).then_some(())
    })
    .await;
    let shown = desk.texts("#messages .file-name").await;
    assert_eq!((&*shown[0], &*shown[1]), (names[0], names[1]));
    assert_eq!((&*shown[3], &*shown[4], &*shown[5]), ("invoicefdp.exe.pdf", names[4], names[5]));
    assert!(shown[6].chars().count() <= 56, "{}", shown[6]);
    let found: Value = desk
        .js(
            "return [window.hacked ?? null, document.querySelectorAll('#messages img').length,
                thread.scrollWidth > thread.clientWidth]",
            &[],
        )
        .await;
    assert_eq!(found, json!([null, 0, false]));
    let (name, _) = desk.downloads("#messages a.file[download^='..']").await;
    assert_eq!(name, "passwd.pdf");
    desk.closes().await;
}
