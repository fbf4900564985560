//! The language of the interface: chosen by the browser, and by the agent.

use serde_json::{Value, json};

use crate::{
    desk::{Desk, OnDisk, row},
    figures::first_view::network_of_first_view,
    samples,
    support::relay::{Relay, Setup, token_of},
    team::relay_with_teams,
    texts::{Language, PLAIN, tags},
};

impl Desk {
    /// Chooses a language in the part of the page `place`.
    async fn takes_language(&self, place: &str, tag: &str) {
        self.js::<()>(
            "const select = document.getElementById(arguments[0]);
            select.value = arguments[1];
            select.dispatchEvent(new Event('change'))",
            &[json!(format!("{place}-language")), json!(tag)],
        )
        .await;
    }

    async fn opens_settings(&self) {
        self.clicks("#account").await;
        self.clicks("#account-menu [data-action=settings]").await;
        self.sees("#settings[open] #settings-language").await;
    }
}

#[tokio::test]
async fn an_agent_works_in_german_and_goes_back_to_english() {
    let relay = Setup::new().set("OUTCOMES", "gelöst").start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::speaking(&relay, "de-AT,de,en").await;
    desk.shows("#sign-in h1", "Anmelden").await;
    desk.shows("#token-hint", "Die Tokens stehen in AGENT_TOKENS.").await;
    desk.types("falsch").await;
    desk.clicks("#sign-in-button").await;
    desk.shows("#sign-in-problem", "Dieses Token ist ungültig.").await;
    desk.js::<()>("document.getElementById('token').value = ''", &[]).await;
    desk.types(token_of("Alex")).await;
    desk.clicks("#sign-in-button").await;
    desk.is_signed_in("Alex").await;
    desk.comes_to("return document.documentElement.lang", json!("de")).await;
    desk.shows("#tab-waiting", "Wartend").await;
    desk.opens(&handoff).await;
    desk.shows("#conversation-status", "Wartezeit").await;
    desk.shows("#messages .line", "Vom KI-Agenten übergeben").await;
    desk.clicks("[data-action=accept]").await;
    desk.shows("#conversation-status", "Ihnen zugewiesen").await;
    desk.writes("Guten Tag.").await;
    desk.has_message("Guten Tag.", "confirmed").await;
    desk.shows("#messages .line", "Sie haben angenommen").await;
    relay.ada.customer_says(&conversation, "Danke!").await.unwrap();
    desk.shows("#messages .bubble", "Danke!").await;
    desk.comes_to("return document.querySelector('#messages .day').textContent", json!("Heute")).await;
    desk.clicks("#conversation-actions [data-action=end]").await;
    desk.shows("dialog.ask legend", "Ergebnis").await;
    desk.sees("dialog.ask[data-ready] input:focus").await;
    desk.types("1").await;
    desk.confirms("Unterhaltung mit Maria Silva beenden?").await;
    desk.shows("#conversation-status", "Von Ihnen beendet · Gelöst").await;
    // The customer is told nothing by the interface.
    let said = relay.ada.messages(&conversation);
    assert!(
        said.iter().filter_map(|message| message.text()).all(|text| !text.contains("beendet")),
        "{said:?}"
    );

    desk.opens_settings().await;
    let names =
        "return [...document.querySelectorAll('#settings-language option')].map((one) => one.textContent)";
    desk.comes_to(names, json!(["Deutsch", "English"])).await;
    desk.is_accessible("German settings").await;
    desk.takes_language("settings", "en").await;
    desk.shows("#tab-waiting", "Waiting").await;
    desk.comes_to("return document.documentElement.lang", json!("en")).await;
    // It is kept, and stays after a sign-out.
    desk.shows("#conversation-status", "You ended it · Gelöst").await;
    desk.clicks("#account").await;
    desk.clicks("[data-action=sign-out]").await;
    desk.shows("#sign-in h1", "Sign in").await;
    desk.takes_language("sign-in", "de").await;
    desk.shows("#sign-in h1", "Anmelden").await;
    desk.closes_after(&["status of 401"]).await;
}

#[tokio::test]
async fn german_reports_have_german_dates() {
    let relay = relay_with_teams().await;
    let desk = Desk::speaking(&relay, "de").await;
    desk.signs_in("Kim").await;
    desk.clicks("#reports-link").await;
    desk.shows("#reports h2", "Berichte").await;
    desk.shows("[data-part=now-tiles] dt", "Wartend").await;
    let weekday =
        "return /^(Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag), \\d+\\. \\p{L}+ \\d{4}$/u
        .test(document.querySelector('[data-part=day-about] strong')?.textContent)";
    desk.comes_to(weekday, json!(true)).await;
    desk.closes().await;
}

/// A file that is attached would be lost: the agent is asked. A draft is there again.
#[tokio::test]
async fn another_language_loses_nothing() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.types("A draft").await;
    let map = OnDisk::new("map.png", samples::png(64, 64));
    desk.attaches(&[&map]).await;
    desk.sees("#attachments img").await;
    desk.opens_settings().await;
    desk.takes_language("settings", "de").await;
    desk.shows("dialog.ask h2", "Change the language?").await;
    desk.shows("dialog.ask p", "1 file will not be sent.").await;
    desk.clicks("dialog.ask [value=no]").await;
    desk.comes_to("return document.getElementById('settings-language').value", json!("en")).await;
    desk.takes_language("settings", "de").await;
    desk.confirms("Change the language?").await;
    desk.shows("#conversation-status", "Ihnen zugewiesen").await;
    desk.comes_to("return document.getElementById('composer-text').value", json!("A draft")).await;
    desk.misses("#attachments img").await;
    desk.closes().await;
}

/// Filters are of values as they are shown: those of another language are forgotten, and none of them hides the list.
#[tokio::test]
async fn filters_of_another_language_hide_nobody() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.js::<()>(
        "localStorage.setItem('handoff-relay.view', JSON.stringify({filters: {channel: 'E-mail'}, orders: {waiting: 'newest'}}))",
        &[],
    )
    .await;
    desk.reloads().await;
    desk.sees("#filter-chips button").await;
    desk.misses(&row(&handoff)).await;
    desk.opens_settings().await;
    desk.takes_language("settings", "de").await;
    desk.shows("#tab-waiting", "Wartend").await;
    desk.sees(&row(&handoff)).await;
    desk.misses("#filter-chips button").await;
    desk.closes().await;
}

#[tokio::test]
async fn texts_take_forms_and_values_by_the_language() {
    let relay = Relay::start().await;
    let desk = Desk::speaking(&relay, "de-AT,de").await;
    let script = "const done = arguments[arguments.length - 1];
        import('/console/language.js').then(({variant, format, formatParts, listed, locale, number, tag}) => {
            const forms = {one: '{number} Datei von {name}', other: '{number} Dateien von {name}'};
            done([
                tag,
                locale,
                [variant(['fr', 'DE-ch', 'de'], 'de', 'de'), variant(['den'], 'de', 'de'), variant([], 'en', 'en-GB')],
                [0, 1, 2, 12345].map((number) => format(forms, {number, name: '{number}'})),
                format('{a} und {a}', {a: 'x'}),
                formatParts('{b} vor {a}.', {a: 'A', b: 'B'}),
                [listed(['A']), listed(['A', 'B', 'C'])],
                number(1234.5, {minimumFractionDigits: 1}),
            ]);
        }, (error) => done(String(error)))";
    let found = desk.driver().execute_async(script, vec![]).await.unwrap();
    let wanted = json!([
        "de",
        "de-AT",
        ["DE-ch", "de", "en-GB"],
        [
            "0 Dateien von {number}",
            "1 Datei von {number}",
            "2 Dateien von {number}",
            "12.345 Dateien von {number}"
        ],
        "x und x",
        ["", "B", " vor ", "A", "."],
        ["A", "A, B und C"],
        "1.234,5",
    ]);
    // Austria groups digits by a space that doesn't break.
    let found = found.json().to_string().replace("12\u{a0}345", "12.345").replace("1\u{a0}234,5", "1.234,5");
    assert_eq!(serde_json::from_str::<Value>(&found).unwrap(), wanted);
    desk.closes().await;
}

/// A language has a form for each kind of number that it tells apart.
#[tokio::test]
async fn every_language_has_all_its_plural_forms() {
    let relay = Relay::start().await;
    let desk = Desk::open(&relay).await;
    for tag in tags() {
        let script =
            "return new Intl.PluralRules(arguments[0]).resolvedOptions().pluralCategories.toSorted()";
        let wanted: Vec<String> = desk.js(script, &[json!(tag)]).await;
        for (key, forms) in
            Language::read(&tag).texts().iter().filter(|(_, forms)| !forms.contains_key(PLAIN))
        {
            assert_eq!(forms.keys().collect::<Vec<_>>(), wanted.iter().collect::<Vec<_>>(), "{tag}: {key}");
        }
    }
    desk.closes().await;
}

/// Of all languages, the page loads one.
#[tokio::test]
async fn the_first_view_in_german_takes_less_than_100_kb() {
    let relay = Relay::start().await;
    relay.hand_off().await;
    let desk = Desk::speaking(&relay, "de").await;
    let events = network_of_first_view(&desk, &relay).await;
    let loaded = events.iter().filter(|event| event["method"] == "Network.loadingFinished");
    let total: f64 = loaded.map(|event| event["params"]["encodedDataLength"].as_f64().unwrap()).sum();
    println!("{total} bytes with their headers");
    assert!((50_000.0..100_000.0).contains(&total), "{total} bytes");
    let asked = events.iter().filter_map(|event| event["params"]["request"]["url"].as_str());
    let languages: Vec<_> = asked.filter(|url| url.contains("/console/language-")).collect();
    assert!(languages.len() == 1 && languages[0].contains("/language-de-"), "{languages:?}");
    desk.closes().await;
}

/// Also a wide screen at 400 %.
#[tokio::test]
async fn long_words_find_room_on_a_narrow_screen() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::speaking(&relay, "de").await;
    let narrow = json!({"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": false});
    desk.devtools("Emulation.setDeviceMetricsOverride", narrow).await;
    desk.signs_in("Alex").await;
    desk.js::<()>("location.hash = `#/c/${arguments[0]}`", &[json!(handoff)]).await;
    let fits = "return document.documentElement.scrollWidth <= innerWidth";
    desk.sees("#conversation-actions [data-action=accept]").await;
    desk.comes_to(fits, json!(true)).await;
    desk.clicks("[data-action=accept]").await;
    desk.sees("#conversation-actions [data-action=release]").await;
    desk.comes_to(fits, json!(true)).await;
    desk.closes().await;
}
