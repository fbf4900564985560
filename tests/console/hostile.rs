//! Texts that would rather be something else.

use serde_json::{Value, json};

use crate::{
    desk::Desk,
    relay::chat,
    support::{
        events::{from_now, shows_at},
        eventually,
        relay::Relay,
    },
};

const TEXTS: [&str; 7] = [
    "<img src=x onerror=\"window.hacked = 1\"><script>window.hacked = 1</script>",
    "[click me](javascript:window.hacked=1) javascript:window.hacked=1",
    "</p></div><iframe src=\"https://example.com\"></iframe><style>* { display: none }</style>",
    "{{constructor.constructor('window.hacked = 1')()}} ${window.hacked = 1}",
    "مرحبا، أين طلبي رقم 20817؟",
    "👩‍👩‍👧‍👦 🇧🇷 👍🏽 é ﷽ Z̷̨̛a̷l̶g̴o̷",
    "\u{202e}evil\u{202c} and \u{2066}isolated\u{2069}",
];

#[tokio::test]
async fn it_is_inert_and_readable() {
    let relay = Relay::start().await;
    let conversation = relay.ada.open_conversation();
    let name = "<b onclick=alert(1)>Maria</b>";
    let context =
        json!({"name": name, "page": "javascript:window.hacked=1", "<img src=x onerror=alert(1)>": "<i>"});
    assert_eq!(relay.ada.start_handoff(&conversation, context).await.unwrap(), 200);
    let handoff = relay.alex().handoff_of(&conversation).await["id"].as_str().unwrap().to_owned();
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.shows("#conversation-name", name).await;
    let long = "tooLongForOneLine".repeat(50_000 / 17 + 1)[..50_000].to_owned();
    for text in TEXTS.iter().chain([&&*long]) {
        relay.ada.customer_says(&conversation, text).await.unwrap();
    }
    let link = json!({"type": "link", "url": "javascript:window.hacked=1", "link_text": "A link"});
    relay.gets(&shows_at(&conversation, "link", from_now(0), link)).await;
    desk.shows("#messages .bubble", "A link").await;
    desk.clicks("[data-action=show-all]").await;
    desk.until("50,000 letters", async || desk.thread().await.contains(&long).then_some(())).await;

    let thread = desk.thread().await;
    for text in TEXTS {
        assert!(thread.iter().any(|shown| shown == text), "{text:?} is not among {thread:?}");
    }
    let found: Value = desk
        .js(
            "return {
                hacked: window.hacked ?? null,
                elements: document.querySelectorAll('#desk :is(img, script, iframe, style, b, i)').length,
                links: [...document.querySelectorAll('#desk a')].filter((a) => !/^(https?|mailto):/.test(a.href)).length,
                handlers: document.querySelectorAll('[onclick], [onerror]').length,
                wide: document.documentElement.scrollWidth > innerWidth || thread.scrollWidth > thread.clientWidth,
                rightToLeft: document.querySelectorAll('#messages .bubble p:dir(rtl)').length,
            }",
            &[],
        )
        .await;
    let nothing =
        json!({"hacked": null, "elements": 0, "links": 0, "handlers": 0, "wide": false, "rightToLeft": 1});
    assert_eq!(found, nothing);

    desk.writes(TEXTS[4]).await;
    desk.writes(TEXTS[5]).await;
    eventually("both at Ada", async || {
        let said = chat(&relay, &conversation);
        (said[said.len() - 2..] == TEXTS[4..6]).then_some(())
    })
    .await;
    desk.closes().await;
}

/// Words that name one address over a link to another.
#[tokio::test]
async fn a_link_shows_where_it_leads() {
    const LINKS: [(&str, &str, &str); 7] = [
        ("https://evil.example/login", "https://bank.example/login", "https://evil.example/login"),
        ("https://evil.example/login", "your bank, bank.example", "https://evil.example/login"),
        ("https://bank.example@evil.example/", "https://bank.example", "https://evil.example/"),
        (
            "https://evil.example/",
            "\u{202e}elpmaxe.knab//:sptth\u{202c} www.bank.example",
            "https://evil.example/",
        ),
        ("https://www.bank.example/a", "bank.example", "bank.example"),
        ("https://survey.example/csat", "Rate this chat", "Rate this chat"),
        ("https://files.example/a?sig=x", "Open invoice.pdf", "Open invoice.pdf"),
    ];
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    for (number, (url, words, _)) in (0_i64..).zip(LINKS) {
        let link = json!({"type": "link", "url": url, "link_text": words});
        relay.gets(&shows_at(&conversation, &format!("link {number}"), from_now(number - 20), link)).await;
        relay.ada.customer_says(&conversation, &format!("[{words}]({url})")).await.unwrap();
    }
    relay
        .ada
        .customer_says(&conversation, "Write to [help@bank.example](mailto:a@evil.example)")
        .await
        .unwrap();
    desk.shows("#messages .bubble", "Write to a@evil.example").await;
    let cards = desk.texts("#messages .link-card a").await;
    let in_text = desk.texts("#messages [data-type=text] .bubble a:not([href^=mailto])").await;
    let wanted: Vec<&str> = LINKS.iter().map(|(_, _, shown)| *shown).collect();
    assert_eq!(
        (cards, in_text),
        (wanted.iter().map(ToString::to_string).collect(), wanted.iter().map(ToString::to_string).collect())
    );
    desk.closes().await;
}
