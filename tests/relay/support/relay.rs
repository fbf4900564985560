//! The real server with a stand-in Ada beside it, on loopback ports of their own.

use std::{collections::BTreeMap, future::IntoFuture, path::PathBuf, sync::Arc, time::Duration};

use handoff_relay::{
    Listeners, Server, descriptors,
    doors::Limits,
    engine::tasks::TaskDied,
    settings::{Settings, Terminal},
};
use rusqlite::{Connection, OpenFlags};
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::OnceCell, task::JoinHandle, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{DEADLINE, agent::Agent, eventually, log, postgres, road::Road, settles, soon};

pub const API_KEY: &str = "ada-api-key-of-the-tests";
pub const START_KEY: &str = "start-key-of-the-tests";
pub const SECRET: &str = "whsec_dGhlLXNlY3JldC1vZi10aGUtdGVzdHM=";
pub const OTHER_SECRET: &str = "whsec_dGhlLW5leHQtc2VjcmV0LW9mLXRoZW0=";
pub const INTEGRATION: &str = "custom-handoff";
/// Names and tokens.
const AGENTS: [(&str, &str); 2] = [("Alex", "token-of-alex-0123456789"), ("Sam", "token-of-sam-0123456789")];
/// In settings files only.
const LEAD: (&str, &str) = ("Kim", "token-of-kim-0123456789");

/// An agent's token.
pub fn token_of(name: &str) -> &'static str {
    AGENTS.iter().chain([&LEAD]).find(|(known, _)| *known == name).expect("an agent of the settings").1
}

/// How a relay is to be.
pub struct Setup {
    env: BTreeMap<String, String>,
    limits: Limits,
    road: bool,
    two_doors: bool,
}

impl Setup {
    pub fn new() -> Self {
        let tokens = AGENTS.map(|(name, token)| format!("{name}={token}")).join(",");
        let env = [
            ("ADA_API_KEY", API_KEY),
            ("WEBHOOK_SECRET", &format!("{SECRET} {OTHER_SECRET}")),
            ("HANDOFF_AUTH_KEY", START_KEY),
            ("AGENT_TOKENS", &tokens),
            ("FILES_ALLOW_PRIVATE", "on"),
            ("DEBOUNCE_MS", "100"),
            ("DEBOUNCE_MAX_MS", "500"),
            ("ADA_RATE_PER_SECOND", "10000"),
            ("ADA_RATE_PER_MINUTE", "10000"),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { env, limits: Limits::default(), road: false, two_doors: false }
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// What clients may take of the doors.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Agents get an address of their own.
    pub fn two_doors(mut self) -> Self {
        self.two_doors = true;
        self
    }

    /// A [`Road`] lies between the relay and Ada.
    pub fn with_a_road(mut self) -> Self {
        self.road = true;
        self
    }

    pub async fn start(self) -> Relay {
        Relay::start_with(self).await
    }
}

/// A relay, its Ada, and the file that outlives it.
pub struct Relay {
    pub ada: Sandbox,
    pub road: Option<Road>,
    pub url: String,
    pub agents_url: String,
    pub http: reqwest::Client,
    /// Signs Alex in to the console, once.
    pub sign_in_link: String,
    env: BTreeMap<String, String>,
    limits: Limits,
    two_doors: bool,
    folder: Arc<TempDir>,
    /// A connection to its database, where that is PostgreSQL.
    database: OnceCell<tokio_postgres::Client>,
    serving: Option<Serving>,
    _ada_serves: DropGuard,
}

/// `RELAY_STORE=postgres` runs the stories on PostgreSQL, all but those that look into a file.
fn on_postgres() -> bool {
    std::env::var("RELAY_STORE").is_ok_and(|store| store == "postgres")
}

struct Serving {
    stop: CancellationToken,
    task: JoinHandle<Result<(), TaskDied>>,
}

async fn listener() -> (TcpListener, String) {
    listener_at("127.0.0.1:0").await
}

async fn listener_at(address: &str) -> (TcpListener, String) {
    // Who has taken it meanwhile gives it back when its test is over.
    let listener = eventually("a free port", || async { TcpListener::bind(address).await.ok() }).await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

impl Relay {
    pub async fn start() -> Self {
        Setup::new().start().await
    }

    async fn start_with(setup: Setup) -> Self {
        log::begin();
        // Both ends of all connections are in this process.
        descriptors::raise();
        let (ada_listener, ada_url) = listener().await;
        let ada = Sandbox::new(Options {
            api_key: API_KEY.to_owned(),
            webhook_secret: SECRET.to_owned(),
            webhook_url: String::new(),
            start_url: String::new(),
            handoff_auth_key: setup.env.get("HANDOFF_AUTH_KEY").cloned(),
            integration: INTEGRATION.to_owned(),
            ai_agent_domain: "acme.ada.support".to_owned(),
            retry_delays: [0, 50, 100, 200, 400, 800, 1_600, 3_200].map(Duration::from_millis).to_vec(),
        });
        let stop = CancellationToken::new();
        tokio::spawn({
            let (ada, stop) = (ada.clone(), stop.clone());
            async move { ada.serve(ada_listener, stop).await }
        });
        let road = if setup.road { Some(Road::to(&ada_url, stop.clone()).await) } else { None };
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut env = setup.env;
        let base = road.as_ref().map_or(ada_url, |road| road.url.clone());
        env.entry("ADA_BASE_URL".to_owned()).or_insert_with(|| format!("{base}/api"));
        if !env.contains_key("DATABASE_URL") {
            let file = || format!("sqlite://{}", folder.path().join("relay.db").display());
            let url = if on_postgres() { postgres::shared().database().await } else { file() };
            env.insert("DATABASE_URL".to_owned(), url);
            env.insert("DATABASE_MAX_CONNECTIONS".to_owned(), "4".to_owned());
        }
        env.entry("FILES_URL".to_owned())
            .or_insert_with(|| format!("file://{}", folder.path().join("files").display()));
        // The relay closes a connection that is idle for longer; what is sent at that moment gets no answer.
        let idle = Duration::from_secs(1);
        let http = reqwest::Client::builder().no_proxy().pool_idle_timeout(idle).build().unwrap();
        let (serving, _ada_serves) = (None, stop.drop_guard());
        let Setup { limits, two_doors, .. } = setup;
        let mut relay = Self {
            ada,
            road,
            url: String::new(),
            agents_url: String::new(),
            http,
            sign_in_link: String::new(),
            env,
            limits,
            two_doors,
            folder,
            database: OnceCell::new(),
            serving,
            _ada_serves,
        };
        relay.serve().await;
        relay
    }

    fn settings(&self) -> Settings {
        Settings::load(self.env.clone(), None, Terminal::Detached).expect("good settings").0
    }

    async fn serve(&mut self) {
        self.serve_at("127.0.0.1:0").await;
    }

    /// Serves at an address of one's choice.
    pub async fn serve_at(&mut self, address: &str) {
        let (public, url) = listener_at(address).await;
        let (agents, agents_url) = match self.two_doors {
            true => {
                let (listener, url) = listener().await;
                (Some(listener), url)
            }
            false => (None, url.clone()),
        };
        let server = Server::with_limits(self.settings(), self.limits).await.expect("a server");
        let stop = server.stop();
        self.sign_in_link = server.sign_in_links(&agents_url).await.remove(0).1;
        self.ada.set_targets(format!("{url}/webhooks/message"), format!("{url}/handoffs/start"));
        let task = tokio::spawn(server.serve(Listeners { public, agents }));
        (self.url, self.agents_url) = (url, agents_url);
        self.serving = Some(Serving { stop, task });
    }

    /// Tells the relay to stop, waits until it has, and says how long that took.
    pub async fn stop(&mut self) -> Duration {
        let Serving { stop, task } = self.serving.take().expect("a running relay");
        let told = Instant::now();
        stop.cancel();
        soon("the relay is stopping", task).await.unwrap().expect("no task died");
        told.elapsed()
    }

    /// The same relay again, as after a deployment: same file, other port.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.serve().await;
    }

    /// Another value of a setting, from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    /// AI Agents from a settings file with this text, from the next start on. Its Ada's secrets are in the variables of
    /// the one AI Agent of the environment. `{ada}` in the text stands for where its API is.
    pub fn lists(&mut self, text: &str) {
        for name in ["ADA_RATE_PER_SECOND", "ADA_RATE_PER_MINUTE"] {
            self.env.remove(name);
        }
        let base = self.env.remove("ADA_BASE_URL");
        let base = base.or_else(|| self.env.get("BASE_OF_ADA").cloned()).expect("its Ada");
        self.describe(&text.replace("{ada}", &base));
        self.set("BASE_OF_ADA", &base);
    }

    /// Where its Ada's API is, once a settings file has said it.
    pub fn base_of_ada(&self) -> String {
        self.env.get("BASE_OF_ADA").cloned().expect("a settings file")
    }

    /// Agents, teams and routes from a settings file with this text, from the next start on.
    pub fn lists_agents(&mut self, text: &str) {
        self.env.remove("AGENT_TOKENS");
        self.describe(text);
    }

    /// Teams from a settings file with this text, from the next start on, beside the agents of the environment.
    pub fn lists_teams(&mut self, text: &str) {
        self.describe(text);
    }

    fn describe(&mut self, text: &str) {
        self.rewrites(text);
        let file = self.settings_file();
        self.set("RELAY_CONFIG", file.to_str().unwrap());
    }

    /// Another text of the settings file, which a running relay does not read by itself.
    pub fn rewrites(&self, text: &str) {
        std::fs::write(self.settings_file(), text).unwrap();
    }

    fn settings_file(&self) -> PathBuf {
        self.beside_the_settings_file("relay.toml")
    }

    /// Where a file is that the settings file names.
    pub fn beside_the_settings_file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a relay that was stopped.
    pub async fn start_again(&mut self) {
        assert!(self.serving.is_none(), "it runs");
        self.serve().await;
    }

    /// Waits until nothing is left to do, no delivery and no event, and stops.
    pub async fn finish(mut self) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            settles(&(0, 0), || self.left_over()).await;
            self.stop().await;
            if self.left_over().await == (0, 0) {
                return;
            }
            assert!(Instant::now() < deadline, "something is always left");
            // An event came in at the last moment and gets its turn.
            self.serve().await;
        }
    }

    /// Waits until nothing is on its way from Ada, and nothing waits in the relay.
    pub async fn is_at_rest(&self) {
        super::settles(&true, || async { self.ada.is_idle() && self.left_over().await == (0, 0) }).await;
    }

    /// How many deliveries wait in the outbox, those that read included: while one does, its handoff is kept.
    pub async fn deliveries(&self) -> i64 {
        self.count("SELECT COUNT(*) FROM outbox").await
    }

    /// How many events wait for platforms.
    pub async fn notices(&self) -> i64 {
        self.count("SELECT COUNT(*) FROM outbox WHERE CAST(is_notice AS INTEGER) = 1").await
    }

    /// How many deliveries wait in the outbox, and how many events in the inbox. Reads the file itself: the
    /// agent API rightly doesn't tell.
    pub async fn left_over(&self) -> (i64, i64) {
        let outbox = self.count("SELECT COUNT(*) FROM outbox WHERE lane LIKE 'ada %'").await;
        (outbox, self.count("SELECT COUNT(*) FROM journal WHERE doc <> ''").await)
    }

    /// How many sessions are kept.
    pub async fn sessions(&self) -> i64 {
        self.count("SELECT COUNT(*) FROM sessions").await
    }

    /// How many files are written down to be looked at, whether they have a message.
    pub async fn file_checks(&self) -> i64 {
        self.count("SELECT COUNT(*) FROM file_checks").await
    }

    /// A number that every store's tables have.
    async fn count(&self, sql: &str) -> i64 {
        let url = &self.env["DATABASE_URL"];
        if url.starts_with("postgres:") {
            let database = self.database.get_or_init(|| postgres::connect(url)).await;
            database.query_one(sql, &[]).await.expect("a number").get(0)
        } else {
            self.ask(sql, |row| row.get(0))
        }
    }

    pub fn ask<T>(&self, sql: &str, read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> T {
        let reading = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let file = Connection::open_with_flags(self.file(), reading).expect("the file");
        file.query_one(sql, (), read).expect("a row")
    }

    /// The rows whose files' bytes lie in a handoff's folder, in order.
    pub fn kept_files(&self, handoff: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("files").join(handoff));
        let entries = entries.into_iter().flatten();
        let mut rows: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        rows.sort_unstable();
        rows
    }

    /// Changes what a stopped relay has kept.
    pub async fn change_file(&self, sql: &str, value: &str) {
        assert!(self.serving.is_none(), "it runs");
        let file = Connection::open(self.file()).expect("the file");
        file.execute(sql, [value]).expect("a change");
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("relay.db")
    }

    /// Where Ada's API begins, as the relay knows it.
    pub fn ada_url(&self) -> &str {
        &self.env["ADA_BASE_URL"]
    }

    pub fn agent(&self, name: &str) -> Agent {
        Agent::new(self.http.clone(), &self.agents_url, token_of(name))
    }

    pub fn alex(&self) -> Agent {
        self.agent("Alex")
    }

    pub fn road(&self) -> &Road {
        self.road.as_ref().expect("a setup with a road")
    }

    /// A customer of Ada's is handed off. Gives the conversation's and the handoff's id.
    pub async fn hand_off(&self) -> (String, String) {
        let conversation = self.ada.open_conversation();
        let context = json!({ "first_name": "Maria", "last_name": "Silva" });
        assert_eq!(self.ada.start_handoff(&conversation, context).await.unwrap(), 200);
        let handoff = self.alex().handoff_of(&conversation).await;
        (conversation, handoff["id"].as_str().unwrap().to_owned())
    }

    /// A customer is handed off, and Ada's start call goes to another who says yes: we never hear of it. Gives
    /// the conversation's id.
    pub async fn hand_off_unheard(&self) -> String {
        let (listener, url) = listener().await;
        let yes = axum::Router::new().fallback(async || "yes");
        let other = tokio::spawn(axum::serve(listener, yes).into_future());
        let chat = self.ada.open_conversation();
        let webhooks = format!("{}/webhooks/message", self.url);
        self.ada.set_targets(webhooks.clone(), url);
        assert_eq!(self.ada.start_handoff(&chat, json!({})).await.unwrap(), 200);
        self.ada.set_targets(webhooks, format!("{}/handoffs/start", self.url));
        other.abort();
        chat
    }

    /// A start call of our own making. Gives the handoff's id.
    pub async fn start_call(&self, conversation: &str) -> String {
        let answer = self.post_start(&json!({ "conversation_id": conversation })).await;
        answer.good(200)["handoff_id"].as_str().unwrap().to_owned()
    }

    pub async fn post_start(&self, body: &Value) -> super::answer::Answer {
        let request = self.http.post(format!("{}/handoffs/start", self.url));
        super::answer::Answer::to(request.bearer_auth(START_KEY).json(body)).await
    }

    pub async fn get(&self, path: &str) -> super::answer::Answer {
        super::answer::Answer::to(self.http.get(format!("{}{path}", self.url))).await
    }
}
