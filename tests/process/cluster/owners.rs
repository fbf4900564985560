//! Several agents want the same handoffs at once, at whichever instance, while instances die. A handoff is one agent's at a
//! time.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Cluster, Database, balancer::Balancer, blows, instance::Handle};
use crate::{
    ada::Ada,
    crash::{chance::Dice, number},
    history::{self, Kind, Recorder, ownership},
    moment,
    relay::{client, folder},
};

const AGENTS: [&str; 5] = ["Alex", "Kim", "Lou", "Noa", "Sam"];
const HANDOFFS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(5);

fn token(agent: &str) -> String {
    format!("token-of-{}-0123456789", agent.to_lowercase())
}

/// An agent who has handoffs at a balancer.
struct Agent<'a> {
    name: &'static str,
    url: &'a str,
    http: reqwest::Client,
    handoffs: &'a [String],
    history: Recorder,
    dice: Dice,
}

impl Agent<'_> {
    async fn works(mut self, over: &CancellationToken) {
        while !over.is_cancelled() {
            let handoff = &self.handoffs[self.dice.roll(self.handoffs.len() as u64) as usize];
            let call =
                self.dice.one_of(&["accept", "accept", "take over", "release", "release", "read", "read"]);
            self.calls(call, handoff).await;
            moment(Instant::now() + self.dice.between(0, 40)).await;
        }
    }

    async fn calls(&self, call: &str, handoff: &str) {
        let (method, end, body) = match call {
            "accept" => (Method::POST, "/accept", json!({})),
            "take over" => (Method::POST, "/accept", json!({ "take_over": true })),
            "release" => (Method::POST, "/release", json!({})),
            _ => (Method::GET, "", Value::Null),
        };
        let url = format!("{}/api/handoffs/{handoff}{end}", self.url);
        let request = self.http.request(method, url).bearer_auth(token(self.name)).timeout(PATIENCE);
        let request = if body.is_null() { request } else { request.json(&body) };
        self.history.write(self.name, Kind::Invoke, call, handoff, self.name);
        let (kind, value) = match request.send().await {
            Err(_) => (Kind::Info, String::new()),
            Ok(answer) => match (answer.status(), answer.json::<Value>().await) {
                (StatusCode::OK, Ok(known)) => {
                    (Kind::Ok, known["agent"]["name"].as_str().unwrap_or_default().to_owned())
                }
                (StatusCode::CONFLICT, Ok(_)) => (Kind::Fail, String::new()),
                (StatusCode::SERVICE_UNAVAILABLE, Ok(_)) => (Kind::Fail, ownership::UNAVAILABLE.to_owned()),
                (_, Err(_)) => (Kind::Info, String::new()),
                (status, Ok(told)) => panic!("{call}: {status}: {told}"),
            },
        };
        self.history.write(self.name, kind, call, handoff, &value);
    }
}

#[tokio::test]
async fn a_handoff_is_one_agents_at_a_time() {
    let seed = number("CRASH_SEED", 1);
    let (ada, database, folder) = (Ada::start().await, Database::start().await, folder());
    let path = folder.path().join("history.jsonl");
    let history = Recorder::new(&path);
    let tokens = AGENTS.map(|agent| format!("{agent}={}", token(agent))).join(",");
    let settings = [("AGENT_TOKENS", tokens)];
    let (mut cluster, instances) = Cluster::new(&folder, &ada, &settings, &database, Dice::new(seed));
    let balancer = Balancer::start(cluster.handles.iter().map(Handle::address).collect()).await;
    ada.meets(&balancer.url);
    let blows = blows(number("CRASH_KILLS", 4), number("CRASH_OUTAGES", 1), 0, &mut Dice::new(!seed));
    let (over, began) = (CancellationToken::new(), Instant::now());
    let story = async {
        cluster.are_up().await;
        join_all((0..HANDOFFS).map(|_| ada.hands_off())).await;
        let handoffs = ids(&balancer.url).await;
        assert_eq!(handoffs.len(), HANDOFFS);
        let agents = AGENTS.iter().enumerate().map(|(place, name)| Agent {
            name,
            url: &balancer.url,
            // Each call comes to another instance.
            http: reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap(),
            handoffs: &handoffs,
            history: history.clone(),
            dice: Dice::new(seed.wrapping_mul(1_000).wrapping_add(place as u64)),
        });
        let working = join_all(agents.map(|agent| agent.works(&over)));
        let suffering = async {
            cluster.suffers(blows, &database).await;
            cluster.are_up().await;
            over.cancel();
        };
        tokio::join!(working, suffering);
        drop(cluster);
    };
    let ((), relays) = tokio::join!(story, join_all(instances.into_iter().map(super::Instance::run)));
    let known = history::operations(&history::read(&path).unwrap()).unwrap();
    let unsure = known.iter().filter(|call| call.kind == Kind::Info).count();
    let (calls, handoffs) = ownership::judge(&known).unwrap();
    println!(
        "cluster: seed {seed}, {calls} calls of {} agents for {handoffs} handoffs in {:.0?}, {unsure} without an answer: linearizable",
        AGENTS.len(),
        began.elapsed()
    );
    join_all(relays.into_iter().map(|relay| relay.stops_well())).await;
}

/// The ids of all, at a balancer.
async fn ids(url: &str) -> Vec<String> {
    let request = client().get(format!("{url}/api/handoffs")).bearer_auth(token("Alex"));
    let list: Value = request.send().await.unwrap().json().await.unwrap();
    list["data"].as_array().unwrap().iter().map(|known| known["id"].as_str().unwrap().to_owned()).collect()
}
