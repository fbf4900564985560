//! `handoff-relay demo`: the printed page does what it says.

use std::{collections::BTreeMap, path::Path, process::Stdio};

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::{
    process::{Lines, Process},
    relay::{client, folder},
    soon, until,
};

/// What a developer's `.env` would hold. None of it may reach the demo.
const POISON: &str = "ADA_BASE_URL=https://poisoned.ada.support/api\n\
                      ADA_API_KEY=poisoned-key\n\
                      WEBHOOK_SECRET=whsec_cG9pc29uZWQ=\n\
                      AGENT_TOKENS=Poison=poisoned-token-0123456789\n\
                      HANDOFF_INTEGRATION=poisoned\n\
                      LISTEN=poisoned\n\
                      DATABASE_URL=sqlite://poisoned.db\n";

/// The demo, and what it has printed.
struct Demo {
    process: Process,
    chat: String,
    /// The links into the two agents' consoles.
    consoles: [String; 2],
    /// The page of the stand-in Amazon Connect's agents.
    connect: Option<String>,
    /// What the stand-in's page proposes to try: the lines under each heading.
    commands: BTreeMap<String, Vec<String>>,
}

impl Demo {
    async fn start(folder: &Path, temporary: &Path) -> Self {
        Self::start_with(&["demo"], folder, temporary).await
    }

    async fn start_with(arguments: &[&str], folder: &Path, temporary: &Path) -> Self {
        std::fs::write(folder.join(".env"), POISON).unwrap();
        let env = [
            ("TMPDIR", temporary.to_str().unwrap()),
            ("ADA_API_KEY", "poisoned"),
            ("LISTEN", "poisoned"),
            // Nothing listens there; what is on this machine needs no proxy.
            ("HTTP_PROXY", "http://127.0.0.1:9"),
            ("http_proxy", "http://127.0.0.1:9"),
        ];
        let process = Process::start(folder, arguments, &env);
        let last = |line: &str| line.contains("handoff-relay demo IDLE_TIMEOUT").then_some(());
        process.stdout.find(1, "the page", last).await;
        let page = process.stdout.so_far();
        assert!(page.len() <= 20, "one screen: {page:#?}");
        let link = |title: &str| {
            let link = page.iter().find_map(|line| line.trim().strip_prefix(title)).expect(title);
            link.split_whitespace().next().unwrap().to_owned()
        };
        let consoles = ["Alex's console", "Sam's console"].map(link);
        let connect = arguments.contains(&"--amazon-connect").then(|| link("Amazon Connect"));
        let setup = link("What else to try").replace("/dashboard", "/sandbox/api/setup");
        let setup: Value = client().get(setup).send().await.unwrap().json().await.unwrap();
        let trial = setup["trial"].as_array().unwrap().iter();
        let lines = |text: &Value| text.as_str().unwrap().lines().map(str::to_owned).collect();
        let commands = trial.map(|part| (part[0].as_str().unwrap().to_owned(), lines(&part[1]))).collect();
        Self { chat: link("The customer's chat"), process, consoles, connect, commands }
    }

    /// The commands under a heading that begins with `comment`, as they are shown.
    fn commands(&self, comment: &str) -> &[String] {
        let found = self.commands.iter().find(|(under, _)| under.starts_with(comment));
        found.unwrap_or_else(|| panic!("nothing under {comment:?}: {:#?}", self.commands)).1
    }
}

/// The customer in the browser's place.
struct Customer {
    http: reqwest::Client,
    conversation: String,
}

impl Customer {
    async fn arrives(chat: &str) -> Self {
        let http = client();
        assert_eq!(http.get(chat).send().await.unwrap().status(), 200);
        let conversations = format!("{chat}/api/conversations");
        let opened: Value = http.post(&conversations).send().await.unwrap().json().await.unwrap();
        let conversation = format!("{conversations}/{}", opened["id"].as_str().unwrap());
        Self { http, conversation }
    }

    async fn says(&self, text: &str) {
        let request =
            self.http.post(format!("{}/messages", self.conversation)).json(&json!({ "text": text }));
        assert_eq!(request.send().await.unwrap().status(), 201);
    }

    /// Waits until the page shows what passes `check`.
    async fn sees(&self, what: &str, check: impl Fn(&Value) -> bool) {
        let check = &check;
        until(what, || async move { check(&self.page().await).then_some(()) }).await;
    }

    /// What the page is told first.
    async fn page(&self) -> Value {
        let mut stream = self.http.get(format!("{}/events", self.conversation)).send().await.unwrap();
        let mut text = String::new();
        while !text.contains("\n\n") {
            let chunk = soon("the page's state", stream.chunk()).await.unwrap().unwrap();
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        serde_json::from_str(text.trim().strip_prefix("data: ").unwrap()).unwrap()
    }
}

#[tokio::test]
async fn the_proposed_commands_play_the_agents_part() {
    let (here, temporary) = (folder(), folder());
    let demo = Demo::start(here.path(), temporary.path()).await;
    let customer = Customer::arrives(&demo.chat).await;
    let (_follower, events) = follow(&demo.commands("Follow")[0]);
    events.find(1, "an open stream", |line| line.starts_with(':').then_some(())).await;

    customer.says("Where is my parcel?").await;
    customer.sees("the AI Agent's answer", |page| said(page, "ai_agent").len() == 2).await;
    customer.says("I'd like to talk to a person, please.").await;
    customer.sees("the wait", |page| page["phase"]["with"] == "waiting").await;
    let waiting = bash(&demo.commands("Who is waiting").join("\n")).await;
    let waiting: Value = serde_json::from_str(&waiting).unwrap();
    assert_eq!(waiting["data"][0]["status"], "waiting", "{waiting}");
    assert_eq!(waiting["data"][0]["end_user"]["name"], "Maria Silva");
    customer.says("I am in a hurry.").await;
    events.find(1, "the customer's words", |line| line.contains("I am in a hurry.").then_some(())).await;

    let take = demo.commands("Take the newest").join("\n");
    bash(&take).await;
    let [read, write, end] = demo.commands("Read it") else { panic!("three commands") };
    let id = &demo.commands("Take the newest")[0];
    // The history comes from Ada in its own time.
    until("the transcript", || async {
        let transcript = bash(&format!("{id}\n{read}")).await;
        let lines =
            ["Maria Silva: Where is my parcel?", "[accepted by Alex]", "Maria Silva: I am in a hurry."];
        lines.iter().all(|line| transcript.contains(line)).then_some(())
    })
    .await;
    bash(&format!("{id}\n{write}")).await;
    customer.sees("the agent's reply", |page| said(page, "human_agent").len() == 1).await;
    customer.sees("the agent", |page| page["phase"] == json!({"with": "person", "name": "Alex"})).await;
    bash(&format!("{id}\n{end}")).await;
    customer.sees("the end", |page| page["notices"][1]["kind"] == "handoff_ended").await;
    customer.sees("the AI Agent", |page| page["phase"]["with"] == "ai_agent").await;
    customer.says("Thanks!").await;
    customer.sees("its answer", |page| said(page, "ai_agent").last() == Some(&"You're welcome!")).await;

    let (ended, _) = demo.process.stopped().await;
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    assert_eq!(ended.stderr, [""; 0], "a demo that goes well says nothing else");
    ended.never_says(&["poison"]);
    let left =
        |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let (here, temporary): (Vec<_>, Vec<_>) = (left(here.path()), left(temporary.path()));
    assert_eq!((here, temporary), (vec![".env".into()], vec![]), "it leaves nothing behind");
}

#[tokio::test]
async fn the_printed_links_sign_the_agents_in() {
    let (here, temporary) = (folder(), folder());
    let demo = Demo::start(here.path(), temporary.path()).await;
    for (console, agent) in demo.consoles.iter().zip(["Alex", "Sam"]) {
        let (page, code) = console.split_once("/#code=").expect("a link with a code");
        let shell = client().get(page).send().await.unwrap();
        assert_eq!(shell.status(), 200);
        assert!(shell.text().await.unwrap().contains("<title>"));
        let request = client().post(format!("{page}/api/session")).json(&json!({ "code": code }));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let me = client().get(format!("{page}/api/session")).header("cookie", cookie).send().await.unwrap();
        assert_eq!(me.json::<Value>().await.unwrap()["agent"]["name"], agent);
    }
}

/// The whole path without an AWS account: the customer's chat, and an agent in Amazon Connect.
#[tokio::test]
async fn with_amazon_connect_an_agent_there_answers() {
    let (here, temporary) = (folder(), folder());
    let demo = Demo::start_with(&["demo", "--amazon-connect"], here.path(), temporary.path()).await;
    let page = demo.connect.clone().unwrap();
    let shown = client().get(&page).send().await.unwrap();
    assert_eq!((shown.status().as_u16(), shown.text().await.unwrap().contains("<html")), (200, true));
    let customer = Customer::arrives(&demo.chat).await;
    customer.says("I'd like to talk to a person, please.").await;
    let contact = until("a chat", || async {
        let contacts: Value =
            client().get(format!("{page}/contacts")).send().await.ok()?.json().await.ok()?;
        let all = contacts.as_array().or(contacts["contacts"].as_array())?.clone();
        let found = all.iter().find(|contact| contact["state"] == "connected")?;
        found["contact_id"].as_str().map(str::to_owned)
    })
    .await;
    let does = async |action: &str, body: Value| {
        let asked =
            client().post(format!("{page}/contacts/{contact}/{action}")).json(&body).send().await.unwrap();
        assert!(asked.status().is_success(), "{action}: {}", asked.text().await.unwrap());
    };
    does("join", json!({ "name": "Ann" })).await;
    does("say", json!({ "text": "Hello, I am Ann.", "content_type": "text/markdown" })).await;
    customer.sees("Ann's words", |page| said(page, "human_agent") == ["Hello, I am Ann."]).await;
    does("end", json!({})).await;
    customer.sees("the AI Agent again", |page| page["phase"]["with"] == "ai_agent").await;
    demo.process.stopped().await;
}

#[tokio::test]
async fn a_second_demo_takes_other_ports() {
    let (here, there, temporary) = (folder(), folder(), folder());
    let first = Demo::start(here.path(), temporary.path()).await;
    let second = Demo::start(there.path(), temporary.path()).await;
    let links = |demo: &Demo| [demo.chat.clone(), demo.consoles[0].split("/#").next().unwrap().to_owned()];
    for (one, other) in links(&first).iter().zip(links(&second)) {
        assert_ne!(*one, other);
        for page in [one, &other] {
            assert_eq!(client().get(page).send().await.unwrap().status(), 200, "{page}");
        }
    }
}

fn said<'a>(page: &'a Value, role: &str) -> Vec<&'a str> {
    let messages = page["messages"].as_array().unwrap().iter();
    messages.filter(|one| one["role"] == role).filter_map(|one| one["content"]["body"].as_str()).collect()
}

fn shell(script: &str) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", script]).stdin(Stdio::null()).kill_on_drop(true);
    shell
}

/// Runs lines as somebody would who pastes them into a terminal.
async fn bash(script: &str) -> String {
    let output = soon(script, shell(script).output()).await.unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs one line that does not end by itself; it ends with what this gives.
fn follow(command: &str) -> (Child, Lines) {
    let mut child = shell(&format!("exec {command}")).stdout(Stdio::piped()).spawn().unwrap();
    let lines = Lines::of(child.stdout.take().unwrap());
    (child, lines)
}
