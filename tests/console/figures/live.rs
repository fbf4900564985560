//! From a webhook to the screen, and what it costs that agents see each other.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::join_all;
use handoff_relay::store::sessions::Digest;
use serde_json::json;

use super::{hands_off, spread, write_steadily};
use crate::{
    desk::Desk,
    support::{
        agent::Agent,
        answer::Answer,
        relay::{Relay, Setup},
    },
};

const LASTS: Duration = Duration::from_secs(30);
const CONVERSATIONS: i64 = 50;
const AGENTS: usize = 50;
/// Ticks of the processes' clock.
const A_SECOND: f64 = 100.0;

/// Notes when each message of the open conversation was first painted, by the system's clock in milliseconds.
const WATCH: &str = "window.painted = {};
    const note = () => {
        const fresh = [];
        for (const bubble of document.querySelectorAll('#messages .bubble')) {
            const number = /^Message (\\d+) of many/.exec(bubble.textContent)?.[1];
            if (number && !(number in window.painted)) fresh.push((window.painted[number] = 0, number));
        }
        if (fresh.length > 0) requestAnimationFrame(() => {
            const {port1, port2} = new MessageChannel();
            port1.onmessage = () => {
                for (const number of fresh) window.painted[number] = performance.timeOrigin + performance.now();
                port1.close();
            };
            port2.postMessage(0);
        });
    };
    new MutationObserver(note).observe(document.getElementById('messages'), {childList: true, subtree: true});";

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1_000.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes, and only reports"]
async fn from_a_webhook_to_the_screen() {
    for a_second in [1, 200] {
        let relay = Relay::start().await;
        let conversations = hands_off(&relay, CONVERSATIONS).await;
        let open = conversations[0].clone();
        let handoff = relay.alex().handoff_of(&open).await["id"].as_str().unwrap().to_owned();
        let desk = Desk::of_agent(&relay, "Alex").await;
        desk.accepts(&handoff).await;
        desk.js::<()>(WATCH, &[]).await;
        let writers = if a_second == 1 { &conversations[..1] } else { &conversations[..] };
        let (began, sent) = (now(), Mutex::new(BTreeMap::new()));
        write_steadily(&relay, writers, a_second, LASTS, |number, conversation| {
            if conversation == open {
                let due = began + f64::from(number) * 1_000.0 / f64::from(a_second);
                sent.lock().unwrap().insert(number, due);
            }
        })
        .await;
        let sent = sent.into_inner().unwrap();
        let (last, _) = sent.last_key_value().unwrap();
        let script = format!("return Boolean(window.painted[{last}])");
        desk.comes_to(&script, json!(true)).await;
        let painted: BTreeMap<u32, f64> = desk.js("return window.painted", &[]).await;
        let times = sent.iter().map(|(number, due)| painted[number] - due);
        println!("from a webhook to the screen, {a_second} a second: {}", spread(times.collect()));
        desk.closes().await;
    }
}

/// User and system time of this process so far, in seconds: the relay's, and that of its clients here.
fn used() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum::<f64>() / A_SECOND
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute, and only reports"]
async fn fifty_agents_who_write_see_each_other() {
    let token = |number: usize| format!("token-of-agent-{number:02}-0123456789");
    let mut relay = Setup::new().start().await;
    let conversations = hands_off(&relay, CONVERSATIONS).await;
    let mut handoffs = Vec::new();
    for conversation in &conversations {
        handoffs.push(relay.alex().handoff_of(conversation).await["id"].as_str().unwrap().to_owned());
    }
    relay.stop().await;
    let listed = (0..AGENTS).map(|number| {
        let digest = Digest::of(&token(number));
        format!("[[agents]]\nname = \"Agent {number}\"\ntoken_sha256 = \"{}\"\n", digest.as_str())
    });
    relay.lists_agents(&listed.collect::<String>());
    relay.start_again().await;
    let agents: Vec<Agent> =
        (0..AGENTS).map(|number| Agent::new(relay.http.clone(), &relay.agents_url, &token(number))).collect();
    let mut streams = join_all(agents.iter().map(|agent| agent.stream(None))).await;
    let ended = tokio::time::Instant::now() + LASTS;
    let listening = streams.iter_mut().map(async |stream| {
        let mut heard = 0;
        while let Ok(Some(event)) = tokio::time::timeout_at(ended, stream.next()).await {
            heard += u32::from(event.kind == "presence");
        }
        heard
    });
    // As the console says it: every two seconds while somebody writes.
    let writing = agents.iter().enumerate().map(async |(number, agent)| {
        let (mut said, path) = (0, format!("/handoffs/{}/presence", handoffs[number / 2]));
        let mut ticks = tokio::time::interval(Duration::from_secs(2));
        while tokio::time::timeout_at(ended, ticks.tick()).await.is_ok() {
            let state = if said % 2 == 0 { "writing" } else { "looking" };
            Answer::to(agent.request("PUT", &path).json(&json!({ "state": state }))).await.good(200);
            said += 1;
        }
        said
    });
    let before = used();
    let (heard, said) = tokio::join!(join_all(listening), join_all(writing));
    println!(
        "presence of {AGENTS} agents: {} calls, {} events over {AGENTS} streams in {LASTS:?}: {:.1} % of a core, the \
         clients included",
        said.iter().sum::<u32>(),
        heard.iter().sum::<u32>(),
        (used() - before) / LASTS.as_secs_f64() * 100.0
    );
}
