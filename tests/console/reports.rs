//! The reports, as a lead meets them.

use serde_json::json;
use thirtyfour::Key;

use crate::{
    desk::{Desk, row},
    support::relay::Relay,
    team::relay_with_teams,
};

/// Alex has one, answered; one waits.
async fn busy(relay: &Relay) -> (String, String) {
    let alex = relay.agent("Alex");
    let (_, answered) = relay.hand_off().await;
    alex.accepts(&answered).await;
    alex.writes(&answered, "Hello").await;
    let (_, waiting) = relay.hand_off().await;
    (answered, waiting)
}

#[tokio::test]
async fn a_lead_sees_now_and_a_day() {
    let relay = relay_with_teams().await;
    let (_, waiting) = busy(&relay).await;
    let kim = Desk::of_agent(&relay, "Kim").await;
    kim.sees(&row(&waiting)).await;
    kim.network().await;
    kim.clicks("#reports-link").await;
    kim.shows("#reports [data-part=now-tiles] dd", "1").await;
    kim.misses("#queue").await;
    let tiles =
        "return Object.fromEntries([...document.querySelectorAll('[data-part=now-tiles] .tiles > div')]
        .map((one) => [one.querySelector('dt').textContent, one.querySelector('dd').textContent]))";
    kim.comes_to(tiles, json!({"Waiting": "1", "Active": "1", "Without an answer": "0", "On duty": "2"}))
        .await;
    kim.shows("[data-part=now-teams] tbody th", "Billing").await;
    kim.shows("[data-part=now-agents] tbody tr", "Alex").await;
    kim.shows("[data-part=day-tiles] dd", "2").await;
    kim.shows("[data-part=day-agents] tbody th", "Alex").await;
    kim.sees("svg.day-chart[role=img][aria-label^='Conversations by hour: ']").await;
    kim.sees(".day-chart rect").await;
    kim.clicks("#reports summary").await;
    kim.shows("#reports details tbody tr", "00:00").await;

    // It goes on by itself.
    relay.agent("Alex").accepts(&waiting).await;
    kim.comes_to(tiles, json!({"Waiting": "0", "Active": "2", "Without an answer": "1", "On duty": "2"}))
        .await;

    let date = "return document.getElementById('reports-date').value";
    let today: String = kim.js(date, &[]).await;
    kim.clicks("[data-action=day-before]").await;
    kim.comes_to("return document.querySelector('[data-part=day-tiles] dd').textContent", json!("0")).await;
    let before: String = kim.js(date, &[]).await;
    assert!(before < today, "{before} {today}");
    kim.sees("svg.day-chart[aria-label='No conversation began on this day.']").await;
    let link: String =
        kim.js("return document.getElementById('reports-csv').getAttribute('href')", &[]).await;
    assert!(link.starts_with(&format!("/api/reports/day.csv?date={before}&time_zone=")), "{link}");
    let csv = "const done = arguments[arguments.length - 1];
        fetch(document.getElementById('reports-csv').href).then((answer) => answer.text()).then(done)";
    let csv = kim.driver().execute_async(csv, vec![]).await.unwrap();
    assert!(csv.json().as_str().unwrap().contains("handoff_id,conversation_id,"), "{:?}", csv.json());
    kim.clicks("[data-action=day-after]").await;
    kim.comes_to(date, json!(today)).await;
    kim.sees("[data-action=day-after]:disabled").await;

    kim.presses(Key::Escape).await;
    kim.sees("#queue").await;
    kim.misses("#reports").await;
    kim.comes_to("return document.activeElement.id", json!("reports-link")).await;
    kim.goes_to("/#/reports").await;
    kim.reloads().await;
    kim.shows("[data-part=now-tiles] dd", "2").await;
    kim.clicks("#reports-back").await;
    kim.sees("#queue").await;
    kim.closes().await;
}

#[tokio::test]
async fn agents_of_a_team_have_no_reports() {
    let relay = relay_with_teams().await;
    let (answered, _) = busy(&relay).await;
    let alex = Desk::of_agent(&relay, "Alex").await;
    alex.misses("#reports-link").await;
    alex.goes_to("/#/reports").await;
    alex.reloads().await;
    alex.clicks("#tab-mine").await;
    alex.sees(&row(&answered)).await;
    alex.misses("#reports").await;
    alex.closes().await;
}

/// Nothing of it is loaded before it is asked for; and what fails is told.
#[tokio::test]
async fn the_page_is_loaded_on_demand() {
    let relay = relay_with_teams().await;
    let kim = Desk::of_agent(&relay, "Kim").await;
    let loaded = "return performance.getEntriesByType('resource').filter((one) => one.name.includes('/console/reports')).length";
    assert_eq!(kim.js::<u64>(loaded, &[]).await, 0);
    kim.clicks("#reports-link").await;
    kim.sees("#reports .tiles").await;
    assert_eq!(kim.js::<u64>(loaded, &[]).await, 2, "a script and a style sheet");
    let fails = "window.fetch = async () => { throw new TypeError('no network'); };";
    kim.js::<()>(fails, &[]).await;
    kim.clicks("[data-action=day-before]").await;
    kim.shows("[data-part=day-about] .problem", "The relay can't be reached.").await;
    kim.closes().await;
}
