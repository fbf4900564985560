//! Three months of data, and a hundred who listen: whether the page is as quick as on the first day.

use std::time::Duration;

use futures_util::future::join_all;
use rusqlite::{Connection, params};
use serde_json::json;

use super::{hands_off, spread};
use crate::{
    desk::Desk,
    support::{LOOK_AGAIN, relay::Relay},
};

const HANDOFFS: u32 = 100_000;
const WAITING: i64 = 40;
const STREAMS: usize = 100;
const TIMES: usize = 30;
const INDEXED_WITHIN: Duration = Duration::from_secs(600);

/// Calls `act` so many times, and gives how long each took until `is_there` and the frame with it was painted.
const MEASURE: &str = "const [times, handoffs, done] = arguments;
    const painted = () => new Promise((go) => requestAnimationFrame(() => {
        const {port1, port2} = new MessageChannel();
        port1.onmessage = () => (port1.close(), go());
        port2.postMessage(0);
    }));
    const becomes = (is_there) => new Promise((go) => {
        if (is_there()) return go();
        const observer = new MutationObserver(() => is_there() && (observer.disconnect(), go()));
        observer.observe(document.body, {childList: true, subtree: true, attributes: true});
    });
    const is_open = (id) => document.querySelector(`#conversation[data-handoff-id='${id}']`) !== null
        && document.querySelector('#messages .entry') !== null;
    const open = (link) => {
        link.click();
        return () => is_open(link.closest('[data-handoff-id]').dataset.handoffId);
    };
    const links = [...document.querySelectorAll('#queue-list a')];
    const measure = async (act) => {
        const all = [];
        for (let time = 0; time < times; time += 1) {
            const began = performance.now();
            await becomes(act(time));
            await painted();
            all.push(performance.now() - began);
        }
        done(all);
    };";
/// Conversations that the page has not loaded before, as far as there are rows to be seen.
const OPEN: &str = "measure((time) => open(links[time % links.length]));";
/// Between two that it has.
const SWITCH: &str = "measure((time) => open(links[time % 2]));";
/// By a word that one of the handoffs has, with the pause that the page waits for more letters.
const SEARCH: &str = "measure((time) => {
        const word = `Number${String(Math.floor((time + 0.5) / times * handoffs)).padStart(6, '0')}`;
        const field = document.getElementById('search');
        field.value = word;
        field.dispatchEvent(new Event('input'));
        return () => document.getElementById('queue-list').textContent.includes(word);
    });";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes, and only reports"]
async fn three_months_of_data() {
    let mut relay = Relay::start().await;
    let (_, ended) = relay.hand_off().await;
    relay.alex().ends(&ended).await;
    relay.is_at_rest().await;
    relay.stop().await;
    multiply(&Connection::open(relay.file()).unwrap(), &ended);
    relay.start_again().await;
    hands_off(&relay, WAITING).await;
    // The newest come into the index first.
    let indexed = async {
        let mut looks = tokio::time::interval(LOOK_AGAIN);
        while relay.alex().list("q=Number000001").await.is_empty() {
            looks.tick().await;
        }
    };
    tokio::time::timeout(INDEXED_WITHIN, indexed).await.unwrap();
    let agents = ["Alex", "Sam"].map(|name| relay.agent(name));
    let streams = join_all((0..STREAMS).map(|number| agents[number % 2].stream(None))).await;

    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.sees("#queue-list .row").await;
    for (what, script) in [("opening", OPEN), ("switching", SWITCH), ("searching", SEARCH)] {
        let times = desk.waits_for(&format!("{MEASURE}{script}"), &[json!(TIMES), json!(HANDOFFS)]).await;
        let times: Vec<f64> = serde_json::from_value(times).unwrap();
        println!("{what}, {HANDOFFS} handoffs and {STREAMS} streams: {}", spread(times));
    }
    drop(streams);
    // Nobody goes through conversations as fast as this.
    desk.closes_after(&["status of 429"]).await;
}

/// Copies of a handoff, of its rows and of its context, each with a word of its own.
fn multiply(file: &Connection, handoff: &str) {
    file.execute_batch("PRAGMA synchronous = OFF; BEGIN").unwrap();
    let id = "printf('%s-%d', old.id, n)";
    let doc = format!("json_set(old.doc, '$.id', {id})");
    let of = "printf('%s-%d', old.handoff, n)";
    let named = "json_set(old.doc, '$.context.first_name', printf('Number%06d', n))";
    let copy = |table: &str, whose: &str, other: &[(&str, &str)]| {
        let mut columns = file.prepare("SELECT name FROM pragma_table_info(?1)").unwrap();
        let columns = columns.query_map([table], |row| row.get(0)).unwrap();
        let columns: Vec<String> = columns.collect::<Result<_, _>>().unwrap();
        let values = columns.iter().map(|column| {
            let other = other.iter().find(|(name, _)| name == column);
            other.map_or_else(|| format!("old.{column}"), |(_, value)| (*value).to_owned())
        });
        let sql = format!(
            "INSERT INTO {table} ({}) WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
             SELECT {} FROM numbers, (SELECT * FROM {table} WHERE {whose} = ?2) AS old",
            columns.join(", "),
            values.collect::<Vec<_>>().join(", ")
        );
        file.execute(&sql, params![HANDOFFS - 1, handoff]).unwrap();
    };
    copy("thread_rows", "handoff", &[("id", id), ("handoff", of), ("doc", &doc)]);
    let conversation = "printf('%s-%d', old.conversation, n)";
    copy(
        "handoffs",
        "id",
        &[("position", "NULL"), ("id", id), ("conversation", conversation), ("doc", &doc)],
    );
    copy("contexts", "handoff", &[("handoff", of), ("doc", named)]);
    let behind_all =
        "UPDATE search_state SET filled = ((SELECT max(position) FROM handoffs) + 1) << 24; COMMIT";
    file.execute_batch(behind_all).unwrap();
}
