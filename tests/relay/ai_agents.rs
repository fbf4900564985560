//! Several AI Agents of a settings file: what is one's stays its own, and none waits for another.

use std::time::Duration;

use futures_util::StreamExt;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use sandbox::{Call, Options, Sandbox, ScriptedAnswer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{
    answer::Answer,
    events::{Webhook, customer_says},
    log,
    relay::{INTEGRATION, Relay, SECRET, START_KEY, Setup},
    road::Road,
    settles,
};

const B_KEY: &str = "ada-api-key-of-b";
const B_SECRET: &str = "whsec_dGhlLXNlY3JldC1vZi10aGUtb3RoZXItb25l";
const B_START_KEY: &str = "start-key-of-the-other-one";
const A: &str = "acme.ada.support";
const B: &str = "other.ada.support";
/// Hung calls are over soon.
const SOON_MS: &str = "500";

/// A relay with two AI Agents, `a` and `b`.
struct Two {
    relay: Relay,
    b: Sandbox,
    b_road: Road,
    _b_serves: DropGuard,
}

fn of_a(start_key: &str) -> String {
    format!(
        r#"
[[ai_agents]]
id = "a"
domains = ["{A}"]
base_url = "{{ada}}"
key_env = "ADA_API_KEY"
webhook_secret_env = "WEBHOOK_SECRET"
start_key_env = "{start_key}"
rate_per_second = 10000
rate_per_minute = 10000
"#
    )
}

fn of_b(base: &str, start_key: &str) -> String {
    format!(
        r#"
[[ai_agents]]
id = "b"
domains = ["{B}"]
base_url = "{base}/api"
key_env = "B_KEY"
webhook_secret_env = "B_SECRET"
start_key_env = "{start_key}"
rate_per_second = 10000
rate_per_minute = 10000
"#
    )
}

impl Two {
    async fn start() -> Self {
        Self::with_start_keys("HANDOFF_AUTH_KEY", "B_START_KEY").await
    }

    /// Start keys are in these variables.
    async fn with_start_keys(key_of_a: &str, key_of_b: &str) -> Self {
        let setup = Setup::new().with_a_road().set("ADA_TIMEOUT_MS", SOON_MS);
        let mut relay = setup.set("WEBHOOK_SECRET", SECRET).start().await;
        relay.stop().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let b = Sandbox::new(Options {
            api_key: B_KEY.to_owned(),
            webhook_secret: B_SECRET.to_owned(),
            webhook_url: String::new(),
            start_url: String::new(),
            handoff_auth_key: Some(B_START_KEY.to_owned()),
            integration: INTEGRATION.to_owned(),
            ai_agent_domain: B.to_owned(),
            retry_delays: vec![Duration::from_millis(50); 8],
        });
        let stop = CancellationToken::new();
        tokio::spawn({
            let (b, stop) = (b.clone(), stop.clone());
            async move { b.serve(listener, stop).await }
        });
        let b_road = Road::to(&base, stop.clone()).await;
        relay.lists(&format!("{}{}", of_a(key_of_a), of_b(&b_road.url, key_of_b)));
        for (name, value) in [("B_KEY", B_KEY), ("B_SECRET", B_SECRET), ("B_START_KEY", B_START_KEY)] {
            relay.set(name, value);
        }
        relay.start_again().await;
        let two = Self { relay, b, b_road, _b_serves: stop.drop_guard() };
        two.meet();
        two
    }

    /// Tells `b` where the relay is.
    fn meet(&self) {
        let [webhooks, starts] =
            ["/webhooks/message", "/handoffs/start"].map(|path| format!("{}{path}", self.relay.url));
        self.b.set_targets(webhooks, starts);
    }

    /// The same conversation is handed off by both. Gives a's and b's handoff.
    async fn hand_off(&self, conversation: &str) -> [String; 2] {
        for ada in [&self.relay.ada, &self.b] {
            ada.open_conversation_as(conversation);
            assert_eq!(ada.start_handoff(conversation, json!({})).await.unwrap(), 200);
        }
        [self.handoff(conversation, A).await, self.handoff(conversation, B).await]
    }

    /// The only handoff of a domain's conversation.
    async fn handoff(&self, conversation: &str, domain: &str) -> String {
        let all = self.relay.alex().handoffs_of(conversation).await;
        let its: Vec<&Value> = all.iter().filter(|handoff| handoff["ai_agent_domain"] == domain).collect();
        assert_eq!(its.len(), 1, "{all:#?}");
        its[0]["id"].as_str().unwrap().to_owned()
    }

    async fn starts(&self, key: Option<&str>, body: Value) -> Answer {
        let request = self.relay.http.post(format!("{}/handoffs/start", self.relay.url)).json(&body);
        Answer::to(match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        })
        .await
    }

    async fn ready(&self) -> Value {
        self.relay.get("/health/ready").await.good(200)["ai_agents"].clone()
    }

    /// Both have been called, and always with their own key.
    fn no_key_went_astray(&self) {
        for ada in [&self.relay.ada, &self.b] {
            let calls = ada.calls();
            assert!(!calls.is_empty());
            let astray: Vec<_> = calls.iter().filter(|call| !call.authorized).collect();
            assert!(astray.is_empty(), "{astray:#?}");
        }
    }
}

/// What a customer sees of human agents.
fn sees(ada: &Sandbox, conversation: &str) -> Vec<String> {
    let of_agents = ada.messages(conversation).into_iter();
    let of_agents = of_agents.filter(|said| said.role == sandbox::Role::HumanAgent);
    of_agents.filter_map(|said| said.text().map(str::to_owned)).collect()
}

async fn comes_to_see(ada: &Sandbox, conversation: &str, texts: &[&str]) {
    let wanted: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    settles(&wanted, || async { sees(ada, conversation) }).await;
}

#[tokio::test]
async fn two_with_the_same_conversation_share_nothing() {
    let two = Two::start().await;
    let alex = two.relay.alex();
    let [a, b] = two.hand_off("twin").await;
    for (handoff, text) in [(&a, "To a's customer"), (&b, "To b's customer")] {
        alex.accepts(handoff).await;
        alex.writes(handoff, text).await;
        alex.sees(handoff, text, &["confirmed"]).await;
    }
    two.relay.ada.customer_says("twin", "Of a").await.unwrap();
    two.b.customer_says("twin", "Of b").await.unwrap();
    for (handoff, own, others) in
        [(&a, ["To a's customer", "Of a"], "Of b"), (&b, ["To b's customer", "Of b"], "Of a")]
    {
        let reads = || async {
            let texts = alex.reads(handoff).await;
            assert!(!texts.iter().any(|text| text == others), "{texts:?}");
            own.iter().all(|own| texts.iter().any(|text| text == own))
        };
        settles(&true, reads).await;
    }
    comes_to_see(&two.relay.ada, "twin", &["To a's customer"]).await;
    comes_to_see(&two.b, "twin", &["To b's customer"]).await;
    alex.ends(&a).await;
    settles(&false, || async { two.relay.ada.in_handoff("twin") }).await;
    assert_eq!(alex.handoff(&b).await["status"], "active");
    assert!(two.b.in_handoff("twin"));
    two.no_key_went_astray();
    assert_eq!(two.ready().await, json!({"a": "ok", "b": "ok"}));
}

#[tokio::test]
async fn a_new_key_is_used_from_the_reload_on_and_nobody_with_handoffs_is_dropped() {
    let mut two = Two::start().await;
    let with_file = |two: &Two| {
        let b = of_b(&two.b_road.url, "B_START_KEY").replace("key_env = \"B_KEY\"", "key_file = \"b.key\"");
        format!("{}{b}", of_a("HANDOFF_AUTH_KEY"))
    };
    let key_file = two.relay.beside_the_settings_file("b.key");
    two.relay.stop().await;
    std::fs::write(&key_file, "a-former-key").unwrap();
    two.relay.lists(&with_file(&two));
    two.relay.set("OPERATOR_TOKENS", "Olga=token-of-olga-0123456789");
    two.relay.start_again().await;
    let reload = async || {
        let url = format!("{}/api/settings/reload", two.relay.agents_url);
        Answer::to(two.relay.http.post(url).bearer_auth("token-of-olga-0123456789")).await
    };
    two.meet();
    let alex = two.relay.alex();
    let [a, b] = two.hand_off("twin").await;
    let refused = || async { two.ready().await["b"].as_str().unwrap().starts_with("its key is refused") };
    settles(&true, refused).await;
    assert_eq!(two.ready().await["a"], "ok");

    // One that is not changed is the same as before: it need not be refused again to know that its key is wrong.
    two.b_road.bar_all();
    let base = two.relay.base_of_ada();
    two.relay.rewrites(&format!("{}[[teams]]\nname = \"New\"\n", with_file(&two).replace("{ada}", &base)));
    reload().await.good(200);
    assert!(refused().await);
    two.b_road.allow_all();

    std::fs::write(&key_file, B_KEY).unwrap();
    reload().await.good(200);
    for handoff in [&a, &b] {
        alex.accepts(handoff).await;
        alex.writes(handoff, "Hello").await;
        alex.sees(handoff, "Hello", &["confirmed"]).await;
    }
    assert_eq!(two.ready().await, json!({"a": "ok", "b": "ok"}));
    assert!(two.relay.ada.calls().iter().all(|call| call.authorized), "a never got b's keys");

    two.relay.rewrites(&of_a("HANDOFF_AUTH_KEY").replace("{ada}", &base));
    let told = reload().await.problem(422);
    assert!(told.starts_with("RELAY_CONFIG: there are open handoffs or unsent messages of b,"), "{told}");
    alex.ends(&b).await;
    settles(&false, || async { two.b.in_handoff("twin") }).await;
    let dropped = || async { reload().await.status };
    settles(&200, dropped).await;
    assert_eq!(two.ready().await, json!({"a": "ok"}));
}

/// Either a start call comes too late, or the file that leaves its AI Agent out is refused.
#[tokio::test]
async fn no_handoff_begins_while_its_ai_agent_leaves_the_settings() {
    let mut two = Two::start().await;
    two.relay.stop().await;
    two.relay.set("OPERATOR_TOKENS", "Olga=token-of-olga-0123456789");
    two.relay.start_again().await;
    two.meet();
    let reload = async || {
        let url = format!("{}/api/settings/reload", two.relay.agents_url);
        Answer::to(two.relay.http.post(url).bearer_auth("token-of-olga-0123456789")).await
    };
    let base = two.relay.base_of_ada();
    let of_a = of_a("HANDOFF_AUTH_KEY").replace("{ada}", &base);
    let both = format!("{of_a}{}", of_b(&two.b_road.url, "B_START_KEY"));
    let alex = two.relay.alex();
    let mut refused = 0;
    for round in 0..12 {
        two.relay.rewrites(&of_a);
        let starts = async {
            let calls = (0..10).map(|call| {
                let (b, conversation) = (&two.b, format!("c-{round}-{call}"));
                b.open_conversation_as(&conversation);
                async move { b.start_handoff(&conversation, json!({})).await.unwrap() }
            });
            // The reload begins somewhere among them.
            futures_util::stream::iter(calls).buffered(2).collect::<Vec<_>>().await
        };
        let later = async {
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            reload().await
        };
        let (started, reloaded) = tokio::join!(starts, later);
        let begun = started.iter().filter(|status| **status == 200).count();
        assert!(reloaded.status == 422 || begun == 0, "{begun} began, and the file counts");
        refused += usize::from(reloaded.status == 422);
        two.relay.rewrites(&both);
        reload().await.good(200);
        for handoff in alex.list("?status=waiting").await {
            // It may be over at Ada by now.
            alex.act(handoff["id"].as_str().unwrap(), "end").await;
        }
        settles(&(0, 0), || two.relay.left_over()).await;
    }
    assert!(refused > 0, "no start call came before a reload");
}

#[tokio::test]
async fn each_has_its_own_timeouts_and_language() {
    let mut two = Two::start().await;
    two.relay.stop().await;
    let route = "[[teams]]\nname = \"Berlin\"\n[[routes]]\nname = \"German\"\nlanguages = [\"de\"]\nteam = \"Berlin\"\n";
    let own = "waiting_timeout = \"1s\"\nwaiting_timeout_text = \"A is not there.\"\nlanguage = \"de\"\n";
    let b = of_b(&two.b_road.url, "B_START_KEY");
    two.relay.lists(&format!("{}{own}{b}{route}", of_a("HANDOFF_AUTH_KEY")));
    two.relay.start_again().await;
    two.meet();
    let alex = two.relay.alex();
    let [a, b] = two.hand_off("twin").await;
    let [of_a, of_b] = [alex.handoff(&a).await, alex.handoff(&b).await];
    assert_eq!((&of_a["team"], &of_b["team"]), (&json!("Berlin"), &Value::Null));
    assert!(of_a["deadline"].as_str() < of_b["deadline"].as_str(), "{of_a} {of_b}");
    alex.sees_the_end(&a).await;
    comes_to_see(&two.relay.ada, "twin", &["A is not there."]).await;
    assert_eq!(alex.handoff(&b).await["status"], "waiting");
}

#[tokio::test]
async fn each_tells_its_own_customers_something_of_its_own() {
    let mut two = Two::start().await;
    two.relay.stop().await;
    let of_a = format!(
        "{}accept_text = \"{{agent}} of Acme.\"\nqueue_banner = \"position\"\n",
        of_a("HANDOFF_AUTH_KEY")
    );
    let texts = "accept_text = \"{agent} of the other one.\"\nwaiting_texts = [{ after = \"0s\", text = \"Please wait.\" }, { after = \"1s\", text = \"Still.\" }]\n";
    let of_b = format!("{}{texts}", of_b(&two.b_road.url, "B_START_KEY"));
    let night =
        "[[teams]]\nname = \"Night\"\nwaiting_texts = []\nqueue_banner = \"off\"\naccept_text = \"off\"\n";
    two.relay.lists(&format!("{of_a}{of_b}{night}"));
    two.relay.start_again().await;
    two.meet();
    let alex = two.relay.alex();
    let [a, b] = two.hand_off("twin").await;
    two.b.open_conversation_as("night");
    assert_eq!(two.b.start_handoff("night", json!({ "team": "Night" })).await.unwrap(), 200);
    comes_to_see(&two.b, "twin", &["Please wait.", "Still."]).await;
    let banners =
        |ada: &Sandbox| ada.calls().iter().filter(|call| call.call == Some(Call::HandoffQueue)).count();
    settles(&1, || async { banners(&two.relay.ada) }).await;
    let night = two.handoff("night", B).await;
    for handoff in [&a, &b, &night] {
        alex.accepts(handoff).await;
        alex.writes(handoff, "Hello").await;
    }
    comes_to_see(&two.relay.ada, "twin", &["Alex of Acme.", "Hello"]).await;
    let of_b = ["Please wait.", "Still.", "Alex of the other one.", "Hello"];
    comes_to_see(&two.b, "twin", &of_b).await;
    comes_to_see(&two.b, "night", &["Hello"]).await;
    assert_eq!(banners(&two.b), 0);
    two.no_key_went_astray();
}

#[tokio::test]
async fn one_that_hangs_keeps_no_other_waiting() {
    let two = Two::start().await;
    let alex = two.relay.alex();
    let [a, b] = two.hand_off("twin").await;
    for handoff in [&a, &b] {
        alex.accepts(handoff).await;
    }
    two.relay.is_at_rest().await;
    two.relay.road().bar_all();
    alex.writes(&a, "Into the void").await;
    two.relay.road().holds(1).await;
    alex.writes(&b, "Beside").await;
    comes_to_see(&two.b, "twin", &["Beside"]).await;
    alex.sees(&a, "Into the void", &["queued"]).await;
    let is_silent =
        || async { two.ready().await["a"].as_str().unwrap().starts_with("its API has not answered since") };
    settles(&true, is_silent).await;
    assert_eq!(two.ready().await["b"], "ok");
    two.no_key_went_astray();
}

#[tokio::test]
async fn one_whose_key_is_refused_keeps_no_other_waiting() {
    let two = Two::start().await;
    let alex = two.relay.alex();
    let [a, b] = two.hand_off("twin").await;
    for handoff in [&a, &b] {
        alex.accepts(handoff).await;
    }
    two.relay.is_at_rest().await;
    two.relay.road().forbid("/api/");
    alex.writes(&a, "Refused").await;
    let is_refused =
        || async { two.ready().await["a"].as_str().unwrap().starts_with("its key is refused: ") };
    settles(&true, is_refused).await;
    let log = log::lines();
    let mut told = log.lines().filter(|line| line.contains("Ada refuses the API key of this AI Agent"));
    assert!(told.any(|line| line.contains(r#"ai_agent.id="a""#)), "{log}");
    alex.writes(&b, "Beside").await;
    comes_to_see(&two.b, "twin", &["Beside"]).await;
    assert_eq!(two.ready().await["b"], "ok");
    two.b_road.forbid("/api/");
    alex.writes(&b, "Refused, too").await;
    let status = || async { two.relay.get("/health/ready").await.status };
    settles(&503, status).await;
}

#[tokio::test]
async fn an_event_that_names_another_domain_than_its_secret_is_set_aside() {
    let two = Two::start().await;
    let alex = two.relay.alex();
    for (number, (secret, domain)) in
        [(SECRET, B), (B_SECRET, A), (SECRET, "new.ada.support")].iter().enumerate()
    {
        let mut event = customer_says("strange", "hello");
        event["data"]["ai_agent_domain"] = json!(domain);
        let webhook = Webhook { secret, ..Webhook::new(&format!("msg_{number}"), event.to_string()) };
        webhook.post(&two.relay).await.good(200);
    }
    let letters = alex.dead_letters().await;
    let reasons: Vec<&str> = letters.iter().map(|letter| letter["reason"].as_str().unwrap()).collect();
    let because = |domain, id| {
        format!("`ai_agent_domain` is {domain}, which is no domain of {id}, whose secret signed it")
    };
    let mut wanted = [because(B, "a"), because(A, "b"), because("new.ada.support", "a")];
    wanted.sort_unstable();
    let mut found = reasons.clone();
    found.sort_unstable();
    assert_eq!(found, wanted);
    let metrics = two.relay.get("/metrics").await;
    assert!(metrics.text().contains("handoff_relay_foreign_domain_events_total 3"), "{}", metrics.text());
    for letter in &letters {
        let path = format!("/dead-letters/{}/replay", letter["id"].as_str().unwrap());
        assert_eq!(Answer::to(alex.request("POST", &path)).await.status, 409, "it stays what it is");
    }
    assert_eq!(alex.handoffs_of("strange").await.len(), 0, "never adopted");
    // In capitals it is the same domain.
    let mut event = customer_says("known", "hello");
    event["data"]["ai_agent_domain"] = json!(B.to_uppercase());
    Webhook { secret: B_SECRET, ..Webhook::new("msg_9", event.to_string()) }.post(&two.relay).await.good(200);
    assert_eq!(alex.dead_letters().await.len(), letters.len());
}

#[tokio::test]
async fn start_calls_belong_to_the_ai_agent_of_their_key() {
    let two = Two::start().await;
    let body = |conversation: &str, named: &str| json!({"conversation_id": conversation, "ai_agent": named});
    for (key, named, told) in [
        (Some("another-key-0123456789"), "", "the bearer key is the start key of no AI Agent"),
        (None, "a", "the Authorization header with the bearer key is missing"),
        (Some(START_KEY), "b", "ai_agent is none to which the bearer key belongs"),
        (Some(B_START_KEY), A, "ai_agent is none to which the bearer key belongs"),
        (Some(START_KEY), "nobody", "ai_agent is none to which the bearer key belongs"),
    ] {
        assert_eq!(two.starts(key, body("c", named)).await.problem(401), told, "{named}");
    }
    assert_eq!(two.relay.alex().handoffs_of("c").await.len(), 0);
    for (key, named, domain) in [
        (START_KEY, "", A),
        (START_KEY, "a", A),
        (B_START_KEY, "", B),
        (B_START_KEY, B, B),
        (B_START_KEY, "b", B),
    ] {
        let answer = two.starts(Some(key), body("c", named)).await.good(200);
        assert_eq!(answer["handoff_id"], two.handoff("c", domain).await, "{named}");
    }
}

#[tokio::test]
async fn a_start_key_that_both_have_needs_a_name() {
    let two = Two::with_start_keys("HANDOFF_AUTH_KEY", "HANDOFF_AUTH_KEY").await;
    let starts = async |named: Value| {
        two.starts(Some(START_KEY), json!({"conversation_id": "c", "ai_agent": named, "plan": "pro"})).await
    };
    let told = "several AI Agents have this start key: name one of them in ai_agent";
    for nobody in [Value::Null, json!(" ")] {
        assert_eq!(starts(nobody).await.problem(400), told);
    }
    for (named, domain) in [("a", A), (B, B)] {
        let answer = starts(json!(named)).await.good(200);
        let handoff = two.relay.alex().handoff(answer["handoff_id"].as_str().unwrap()).await;
        assert_eq!(
            (&handoff["ai_agent_domain"], &handoff["context"]),
            (&json!(domain), &json!({"plan": "pro"}))
        );
    }
}

#[tokio::test]
async fn all_doors_of_a_flow_read_the_field_ai_agent_alike() {
    let mut two = Two::with_start_keys("HANDOFF_AUTH_KEY", "HANDOFF_AUTH_KEY").await;
    two.relay.ada.open_conversation_as("c");
    let start = json!({"conversation_id": "c", "ai_agent": "a"});
    let id = two.starts(Some(START_KEY), start).await.good(200)["handoff_id"].clone();
    two.relay.alex().ends(id.as_str().unwrap()).await;
    let asks = async |named: &Value| {
        let (http, url) = (&two.relay.http, &two.relay.url);
        let body = json!({"conversation_id": "c", "rating": 5, "ai_agent": named});
        let feedback = http.post(format!("{url}/handoffs/feedback")).json(&body).bearer_auth(START_KEY);
        let name = percent_encode(named.as_str().unwrap_or_default().as_bytes(), NON_ALPHANUMERIC);
        let availability = http.get(format!("{url}/handoffs/availability?ai_agent={name}"));
        let availability = Answer::to(availability.bearer_auth(START_KEY)).await;
        [two.starts(Some(START_KEY), body).await, Answer::to(feedback).await, availability]
    };
    let unnamed = "several AI Agents have this start key: name one of them in ai_agent";
    for (named, told) in
        [(json!("{ai_agent}"), unnamed), (json!(" "), unnamed), (json!(7), "ai_agent is not a string")]
    {
        let [start, feedback, availability] = asks(&named).await;
        for answer in [start, feedback] {
            assert_eq!(answer.problem(400), told, "{named}");
        }
        assert_eq!(availability.problem(400), unnamed, "a query has texts only");
    }
    for answer in asks(&json!("nobody")).await {
        assert_eq!(answer.problem(401), "ai_agent is none to which the bearer key belongs");
    }
    for answer in asks(&json!("a")).await {
        answer.good(200);
    }
    two.relay.set("HANDOFF_AUTH_KEY", "off");
    two.relay.restart().await;
    let url = format!("{}/handoffs/availability", two.relay.url);
    let told = Answer::to(two.relay.http.get(url)).await.problem(404);
    assert_eq!(told, "this path needs a start key, and none is set");
}

/// A relay that had one AI Agent in its environment gets a settings file.
#[tokio::test]
async fn what_began_under_a_former_id_goes_on() {
    let mut relay = Relay::start().await;
    let (chat, handoff) = relay.hand_off().await;
    relay.alex().accepts(&handoff).await;
    relay.is_at_rest().await;
    relay.stop().await;
    // The id was the host of its Ada.
    relay.lists(&of_a("HANDOFF_AUTH_KEY").replace("domains", "formerly = [\"127.0.0.1\"]\ndomains"));
    relay.start_again().await;
    relay.ada.customer_says(&chat, "Still there?").await.unwrap();
    relay.alex().writes(&handoff, "Of course").await;
    relay.alex().sees(&handoff, "Of course", &["confirmed"]).await;
    let reads = || async { relay.alex().reads(&handoff).await.iter().any(|text| text == "Still there?") };
    settles(&true, reads).await;
    assert_eq!(relay.alex().handoffs_of(&chat).await.len(), 1, "it did not begin anew");
    relay.alex().ends(&handoff).await;
    settles(&false, || async { relay.ada.in_handoff(&chat) }).await;
}

/// More of `a`'s lists wait for the end of a pause than are read at once: `b`'s are read all the same.
#[tokio::test]
async fn lists_that_wait_keep_no_other_from_being_read() {
    let two = Two::start().await;
    let (alex, a) = (two.relay.alex(), &two.relay.ada);
    let chats: Vec<String> = (0..10).map(|number| format!("paused-{number}")).collect();
    for chat in &chats {
        a.open_conversation_as(chat);
        assert_eq!(a.start_handoff(chat, json!({})).await.unwrap(), 200);
    }
    two.b.open_conversation_as("heard");
    assert_eq!(two.b.start_handoff("heard", json!({})).await.unwrap(), 200);
    let heard = two.handoff("heard", B).await;
    // Each list was read when its handoff began.
    settles(&0, || two.relay.deliveries()).await;
    let lists = || two.b.calls().iter().filter(|call| call.call == Some(Call::ListMessages)).count();
    let before = lists();
    for _ in 0..100 {
        let headers = vec![("retry-after".to_owned(), "100".to_owned())];
        a.answer_next(Call::ListMessages, ScriptedAnswer { status: 429, body: Value::Null, headers });
    }
    // An agent who opens a handoff has its list read.
    for chat in &chats {
        alex.rows(&two.handoff(chat, A).await).await;
    }
    settles(&true, || async { two.relay.deliveries().await > 4 }).await;
    alex.rows(&heard).await;
    settles(&true, || async { lists() > before }).await;
}
