//! The same with agents in Amazon Connect: the process dies while customers and agents write on, under faults of both
//! sides. No message is lost or doubled on either side, there is one contact for a handoff, and none is left open.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use sandbox::{
    Call, Fault, Role, Sandbox,
    amazon_connect::{ChatState, ConnectOptions, ConnectStandIn, ContactView, Dial},
};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    PUBLIC,
    chance::Dice,
    deaths::{Address, Deaths},
    number,
    world::storm,
};
use crate::{
    ada::Ada,
    moment,
    relay::{Relay, folder},
    soon,
};

const CHATS: usize = 4;
/// Before a message that came after later ones.
const DELAYED: &str = "[Delayed] ";
/// A few seconds' worth, for every run of the tests.
const KILLS: usize = 5;
/// What may happen to a call to Ada.
const FAULTS: [Fault; 4] = [
    Fault::StoredThenDropped,
    Fault::StoredThenStatus(500),
    Fault::Dropped,
    Fault::Status { status: 503, retry_after: None },
];

#[tokio::test]
async fn however_often_it_dies_agents_in_amazon_connect_and_customers_miss_nothing() {
    let (kills, seed) = (number("CRASH_KILLS", KILLS as u64), number("CRASH_SEED", 1));
    println!("CRASH_KILLS={kills} CRASH_SEED={seed}");
    let (ada, folder, connect) = (Ada::start().await, folder(), Connect::start().await);
    ada.sandbox.set_dial(storm(seed));
    connect.standin.set_dial(trouble(seed));
    let mut deaths = Deaths::new(folder.path(), &ada, connect.settings(), Dice::new(seed));
    let (over, address) = (CancellationToken::new(), deaths.address());
    let chats = (0..CHATS).map(|place| {
        let dice = Dice::new(seed.wrapping_mul(1_000).wrapping_add(place as u64 + 1));
        Pair::new(place, &ada.sandbox, &connect.standin, address.clone(), dice).live(&over)
    });
    // The topic follows the relay to each of its addresses.
    let mut moves = address.clone();
    let follow = async {
        loop {
            if let Some(url) = moves.borrow_and_update().clone() {
                connect.follows(&url);
            }
            if moves.changed().await.is_err() {
                return;
            }
        }
    };
    let die = async {
        for _ in 0..kills {
            deaths.die().await;
        }
        // Whose handoff could not begin until now begins at this one.
        let relay = deaths.live_on().await;
        over.cancel();
        relay
    };
    let is_confirmed =
        |standin: &ConnectStandIn| standin.subscriptions().iter().any(|known| known.is_confirmed);
    let talks = async { tokio::join!(join_all(chats), die) };
    let (accounts, relay) = tokio::select! {
        talked = talks => talked,
        () = follow => unreachable!("the address outlives the talks"),
    };
    // On a slow machine, perhaps by the last relay alone.
    soon("the topic's subscription", connect.standin.until(is_confirmed)).await;
    // What got lost on the way is found by the next relay.
    ada.sandbox.set_dial(sandbox::Dial::default());
    connect.standin.set_dial(Dial::default());
    connect.follows(&relay.url);
    let handoffs = settled(&relay, &ada.sandbox, &connect.standin, &accounts, differences).await;
    let messages: usize = accounts.iter().map(|account| account.asked.len() + account.answered.len()).sum();
    println!(
        "crash: seed {seed}, {kills} kills: {messages} messages in {handoffs} handoffs with agents in Amazon Connect"
    );
    for account in &accounts {
        account.end(&connect.standin);
    }
    settled(&relay, &ada.sandbox, &connect.standin, &accounts, |_, connect, _| left_open(connect)).await;
    assert_eq!(connect.standin.violations(), Vec::<String>::new());
    relay.stops_well().await;
}

/// Notifications come twice, late, in any order, or not at all; calls are refused, and answers get lost.
fn trouble(seed: u64) -> Dial {
    Dial {
        seed,
        duplicate: 0.2,
        lose: if may_lose(seed) { 0.1 } else { 0.0 },
        reorder_ms: 50,
        throttle: 0.05,
        server_errors: 0.05,
        drop_answers: 0.1,
        expire_tokens: 0.05,
        ..Dial::default()
    }
}

/// With some seeds notifications get lost. They are found later, and come out of order then.
const fn may_lose(seed: u64) -> bool {
    seed.is_multiple_of(2)
}

struct Connect {
    standin: ConnectStandIn,
    url: String,
    _serves: DropGuard,
}

impl Connect {
    async fn start() -> Self {
        let retry_delay = Duration::from_millis(100);
        let standin = ConnectStandIn::new(ConnectOptions {
            retry_delay,
            delivery_tries: 6_000,
            ..ConnectOptions::default()
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn({
            let (standin, stop) = (standin.clone(), stop.clone());
            async move { standin.serve(listener, stop).await }
        });
        soon("the stand-in is served", standin.until(|standin| standin.url() == url)).await;
        Self { standin, url, _serves: stop.drop_guard() }
    }

    /// The topic's notifications go to the relay at `url`.
    fn follows(&self, url: &str) {
        let door = format!("{url}/webhooks/amazon-connect");
        if self.standin.subscriptions().is_empty() {
            self.standin.subscribe(&door);
        }
        self.standin.set_endpoint(&door);
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let options = self.standin.options();
        vec![
            ("PUBLIC_URL", PUBLIC.to_owned()),
            ("AMAZON_CONNECT_AGENT_LEFT_GRACE", "2s".to_owned()),
            ("AMAZON_CONNECT_REGION", options.region.clone()),
            ("AMAZON_CONNECT_INSTANCE_ID", options.instance_id.clone()),
            ("AMAZON_CONNECT_CONTACT_FLOW_ID", options.contact_flow_ids[0].clone()),
            ("AMAZON_CONNECT_TOPIC_ARN", options.topic_arn.clone()),
            ("AMAZON_CONNECT_ACCESS_KEY_ID", options.access_key_id.clone()),
            ("AMAZON_CONNECT_SECRET_ACCESS_KEY", options.secret_access_key.clone()),
            ("AMAZON_CONNECT_ENDPOINT", self.url.clone()),
            ("AMAZON_CONNECT_PARTICIPANT_ENDPOINT", self.url.clone()),
            ("AMAZON_CONNECT_SNS_ENDPOINT", self.url.clone()),
        ]
    }
}

/// What was said in one conversation, which is handed off once.
struct Account {
    chat: String,
    /// By the customer, since the handoff.
    asked: Vec<String>,
    /// By the agent.
    answered: Vec<String>,
    /// Who ends it.
    place: usize,
    /// Notifications about it get lost.
    may_lose: bool,
}

impl Account {
    /// Each in a way of its own.
    fn end(&self, connect: &ConnectStandIn) {
        let view = &of_place(connect, self.place)[0];
        let contact = &view.initial_contact_id;
        match self.place % 3 {
            0 if !view.agents.is_empty() => connect.end_as_agent(contact).unwrap(),
            1 if !view.agents.is_empty() => connect.end_as_agent_with_flow(contact).unwrap(),
            _ => connect.flow_disconnects(contact).unwrap(),
        }
    }
}

/// A customer, and an agent in Amazon Connect.
struct Pair<'a> {
    ada: &'a Sandbox,
    connect: &'a ConnectStandIn,
    address: Address,
    dice: Dice,
    account: Account,
    agent: Option<String>,
}

impl<'a> Pair<'a> {
    fn new(
        place: usize,
        ada: &'a Sandbox,
        connect: &'a ConnectStandIn,
        address: Address,
        dice: Dice,
    ) -> Self {
        let chat = ada.open_conversation();
        let (asked, answered) = (Vec::new(), Vec::new());
        let account = Account { chat, asked, answered, place, may_lose: connect.dial().lose > 0.0 };
        Self { ada, connect, address, dice, account, agent: None }
    }

    async fn live(mut self, over: &CancellationToken) -> Account {
        let place = json!({ "attributes": { "place": self.account.place.to_string() } });
        while self.ada.start_handoff(&self.account.chat, place.clone()).await.unwrap() != 200 {
            self.address.wait_for(Option::is_some).await.unwrap();
        }
        // Without a message, nobody knows whose values those for Ada are, and they wait.
        self.asks().await;
        while !over.is_cancelled() {
            match self.dice.roll(100) {
                0..50 => self.asks().await,
                50..85 => self.answers(),
                85..90 => self.ada.fault_next(Call::SendMessage, self.dice.one_of(&FAULTS)),
                _ => {}
            }
            moment(Instant::now() + self.dice.between(10, 200)).await;
        }
        self.account
    }

    async fn asks(&mut self) {
        let text = format!("question {}-{}", self.account.place, self.account.asked.len());
        self.ada.customer_says(&self.account.chat, &text).await.unwrap();
        self.account.asked.push(text);
    }

    fn answers(&mut self) {
        let Some(contact) = self.contact() else { return };
        let agent = match &self.agent {
            Some(agent) => agent.clone(),
            None => self.connect.join(&contact.contact_id, "Ann").unwrap(),
        };
        self.agent = Some(agent.clone());
        let text = format!("answer {}-{}", self.account.place, self.account.answered.len());
        self.connect.say(&contact.contact_id, &agent, &text, "text/markdown").unwrap();
        self.account.answered.push(text);
    }

    /// Its contact, once the customer is connected.
    fn contact(&self) -> Option<ContactView> {
        of_place(self.connect, self.account.place)
            .into_iter()
            .find(|found| found.state == ChatState::Connected)
    }
}

fn of_place(connect: &ConnectStandIn, place: usize) -> Vec<ContactView> {
    let mut all = connect.contacts();
    all.retain(|contact| contact.attributes.get("place") == Some(&place.to_string()));
    all
}

/// What does not agree.
type Check = fn(&Sandbox, &ConnectStandIn, &[Account]) -> Vec<String>;

/// Waits until nothing is under way and the books agree. Gives the number of handoffs.
async fn settled(
    relay: &Relay,
    ada: &Sandbox,
    connect: &ConnectStandIn,
    accounts: &[Account],
    check: Check,
) -> usize {
    let deadline = Instant::now() + crate::DEADLINE;
    loop {
        let mut waiting = relay.waiting().await;
        if !ada.is_idle() {
            waiting.push("webhooks are on their way".to_owned());
        }
        if !connect.is_idle() {
            let tried = connect.deliveries();
            waiting.push(format!("notifications are on their way: {:?}", tried.last()));
        }
        waiting.extend(check(ada, connect, accounts));
        let handoffs = relay.get("/api/handoffs?limit=200").await["data"].as_array().unwrap().clone();
        if handoffs.len() != connect.contacts().len() {
            waiting.push(format!("{} handoffs, and {} contacts", handoffs.len(), connect.contacts().len()));
        }
        if waiting.is_empty() {
            return handoffs.len();
        }
        assert!(Instant::now() < deadline, "the books don't agree: {waiting:#?}\n{}", shown(&handoffs));
        moment(Instant::now() + Duration::from_millis(200)).await;
    }
}

fn shown(handoffs: &[Value]) -> String {
    handoffs.iter().map(|handoff| format!("{} {}\n", handoff["id"], handoff["status"])).collect()
}

/// Each side has read what the other has said, once and in order.
fn differences(ada: &Sandbox, connect: &ConnectStandIn, accounts: &[Account]) -> Vec<String> {
    let mut differences = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            differences.push(what);
        }
    };
    for account in accounts {
        let contacts = of_place(connect, account.place);
        check(contacts.len() <= 1, format!("{} contacts of {}", contacts.len(), account.place));
        let mut seen: Vec<String> = ada
            .messages(&account.chat)
            .into_iter()
            .filter(|message| message.role == Role::HumanAgent)
            .filter_map(|message| message.content["body"].as_str().map(str::to_owned))
            .collect();
        if account.may_lose {
            seen.sort_by_key(|text| account.answered.iter().position(|answered| answered == text));
        }
        check(
            seen == account.answered,
            format!("the customer reads {seen:?}, and was told {:?}", account.answered),
        );
        let Some(contact) = contacts.first() else { continue };
        let read = read_by_agent(connect, contact);
        let mut all: Vec<&str> = read.iter().map(|text| plain(text)).collect();
        let places = read.iter().filter_map(|text| account.asked.iter().position(|asked| asked == text));
        check(places.is_sorted(), format!("out of order and not marked: {read:?}"));
        all.sort_by_key(|text| account.asked.iter().position(|asked| asked == text));
        check(all == account.asked, format!("the agent reads {read:?}, and was asked {:?}", account.asked));
    }
    differences
}

/// The customer's words of this handoff, from the opening and since.
fn read_by_agent(connect: &ConnectStandIn, contact: &ContactView) -> Vec<String> {
    let opening = contact.initial_message.clone().unwrap_or_default();
    let opening = opening.lines().filter_map(|line| line.strip_prefix("Customer: ")).map(str::to_owned);
    let since = connect.customer_texts(&contact.initial_contact_id);
    opening.chain(since).filter(|text| plain(text).starts_with("question ")).collect()
}

/// Without what stands before it.
fn plain(text: &str) -> &str {
    text.trim_start_matches(DELAYED).trim_start_matches("[Earlier] ")
}

fn left_open(connect: &ConnectStandIn) -> Vec<String> {
    let open: BTreeMap<String, ChatState> =
        connect.open_contacts().into_iter().map(|contact| (contact.contact_id, contact.state)).collect();
    if open.is_empty() { Vec::new() } else { vec![format!("left open: {open:?}")] }
}
