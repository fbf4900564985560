//! What Ada's flow sends: the body of a start call.

use std::collections::HashSet;

use handoff_relay::ada::start_call;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{
    door::{Ada, Door},
    run::Target,
};

/// Start calls until the relay is another one.
const STARTS: usize = 1_000;

#[test]
fn start() {
    let runtime = Runtime::new().unwrap();
    let mut world = None;
    let words = &["conversation_id", "ada_conversation_id", "first_name", "last_name", "name", "email"];
    let target = Target { name: "start", count: 800, words };
    target.fuzz(|body| {
        runtime.block_on(async {
            if world.as_ref().is_none_or(|world: &World| world.calls >= STARTS) {
                end(world.take()).await;
                world = Some(World::new().await);
            }
            world.as_mut().unwrap().take(body).await
        })
    });
    runtime.block_on(end(world));
}

async fn end(world: Option<World>) {
    if let Some(world) = world {
        world.ada.is_asked_about(&world.started).await;
    }
}

struct World {
    ada: Ada,
    door: Door,
    /// All conversations that were named.
    known: HashSet<String>,
    /// Those that Ada can be asked about.
    started: HashSet<String>,
    calls: usize,
}

impl World {
    async fn new() -> Self {
        let ada = Ada::start().await;
        let door = Door::open("memory:", &ada.url).await;
        Self { ada, door, known: HashSet::new(), started: HashSet::new(), calls: 0 }
    }

    async fn take(&mut self, body: &[u8]) -> String {
        self.calls += 1;
        // Whatever is sent now may be asked about at once.
        self.known.extend(id(body));
        let answer = self.door.start(body).await;
        if answer.status == 200 {
            self.is_found(&answer.json(), body).await;
        }
        self.ada.was_asked_only_about(&self.known);
        answer.kind()
    }

    /// The handoff is there under the very id that was sent.
    async fn is_found(&mut self, answer: &Value, body: &[u8]) {
        assert_eq!(answer["status"], "ok");
        let id = &id(body).expect("an id");
        self.started.insert(id.clone());
        let path = format!("/api/handoffs?conversation_id={}", utf8_percent_encode(id, NON_ALPHANUMERIC));
        let list = self.door.get(&path).await;
        let found = list["data"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{id:?}: {list}");
        assert_eq!(
            (&found[0]["id"], found[0]["conversation_id"].as_str()),
            (&answer["handoff_id"], Some(&**id))
        );
    }
}

/// The conversation that a body names.
fn id(body: &[u8]) -> Option<String> {
    let read = start_call::read(body).ok()?.conversation;
    // Where it is JSON by the book, the id stands in it as it is.
    if let Ok(fields) = serde_json::from_slice::<Value>(body) {
        let names = ["conversation_id", "ada_conversation_id"];
        assert!(names.into_iter().filter_map(|name| fields.get(name)?.as_str()).any(|id| id.contains(&read)));
    }
    Some(read)
}
