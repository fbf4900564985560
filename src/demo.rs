//! `handoff-relay demo`: the relay and a stand-in Ada in one process, on loopback ports.
//!
//! Reads neither `.env` nor the environment's settings, so that a real key never meets the stand-in; its own
//! command line may set what has nothing to do with keys and addresses.

mod amazon_connect;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::ExitCode,
};

use handoff_relay::{
    Listeners, Server,
    settings::{LogFormat, Settings, SettingsError, Terminal},
    telemetry,
};
use sandbox::{Options, Sandbox};
use tokio::net::TcpListener;

use amazon_connect::Connect;

use crate::{WRONG_SETTINGS, bind, catch_signals, complain, health::reachable, print};

/// Taken when free, so that the demo's links are the same each time: for Ada, for agents, and the stand-ins'.
const PORTS: [u16; 4] = [8090, 8091, 8092, 8094];
const INTEGRATION: &str = "custom-handoff";
/// Quick enough for one person who plays both sides.
const DEBOUNCE_MS: &str = "300";

/// What the demo sets up by itself, or prints in its own way.
const NOT_FOR_TRIAL: [&str; 12] = [
    "ADA_BASE_URL",
    "ADA_API_KEY",
    "WEBHOOK_SECRET",
    "HANDOFF_AUTH_KEY",
    "HANDOFF_INTEGRATION",
    "RELAY_CONFIG",
    "AGENT_TOKENS",
    "DATABASE_URL",
    "FILES_URL",
    "FILES_ALLOW_PRIVATE",
    "LOG_FORMAT",
    "RUST_LOG",
];

/// Settings by name, as the command line has them.
type Trial = BTreeMap<String, String>;

/// Runs the demo until it is told to stop; each of `settings` is a `NAME=VALUE` to try with it. `with_connect` adds a
/// stand-in Amazon Connect.
pub async fn run(settings: &[String], with_connect: bool) -> ExitCode {
    let trial: Result<Trial, String> = settings.iter().map(|text| assignment(text)).collect();
    let trial = match trial {
        Ok(trial) => trial,
        Err(error) => return complain(&error, WRONG_SETTINGS),
    };
    if let Err(error) = telemetry::init(LogFormat::Pretty, "warn") {
        return complain(&error, 1);
    }
    match demo(trial, with_connect).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<SettingsError>() => complain(&error.to_string(), WRONG_SETTINGS),
        Err(error) => complain(&format!("the demo can't run: {error:#}"), 1),
    }
}

/// A setting that may be tried. What is wrong is told without the value.
fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        None => Err("demo takes settings as NAME=VALUE, such as IDLE_TIMEOUT=1m".to_owned()),
        Some((name, _)) if NOT_FOR_TRIAL.contains(&name) => Err(format!("the demo sets {name} itself")),
        Some((name, _)) if !Settings::knows(name) => Err(format!("{name} is not a setting")),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
    }
}

struct Secrets {
    api_key: String,
    webhook_secret: String,
    start_key: String,
    agent_tokens: [String; 2],
}

async fn demo(mut trial: Trial, with_connect: bool) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let secrets = Secrets {
        api_key: random()?,
        webhook_secret: format!("whsec_{}", random()?),
        start_key: random()?,
        agent_tokens: [random()?, random()?],
    };
    let told = ["LISTEN", "AGENT_LISTEN"].map(|name| trial.get(name).cloned());
    // A port that is asked for is nobody else's.
    let ports = PORTS.map(|port| if asks_for(&told, port) { 0 } else { port });
    let ada = free(ports[2]).await?;
    let ada_url = format!("http://{}", ada.local_addr()?);
    let [listen, agent_listen] = told;
    let free_public = if listen.is_none() { Some(free(ports[0]).await?) } else { None };
    let connect = if with_connect { Some(Connect::new(free(ports[3]).await?)?) } else { None };
    if let Some(connect) = &connect {
        let address = match &free_public {
            Some(listener) => reachable(listener.local_addr()?).to_string(),
            None => listen.unwrap_or_default(),
        };
        let settings = connect.settings(&format!("http://{address}")).into_iter();
        trial.extend(settings.map(|(name, value)| (name.to_owned(), value)));
    }
    let settings = settings(&secrets, &ada_url, folder.path(), &ports, trial)?;
    let public = match free_public {
        Some(listener) => listener,
        None => bind("LISTEN", settings.listen).await?,
    };
    let agents = match (settings.agent_listen, agent_listen) {
        (None, _) => None,
        (Some(address), Some(_)) => Some(bind("AGENT_LISTEN", address).await?),
        (Some(_), None) => Some(free(ports[1]).await?),
    };
    let url = |listener: &TcpListener| anyhow::Ok(format!("http://{}", reachable(listener.local_addr()?)));
    let relay_url = url(&public)?;
    let agents_url = agents.as_ref().map_or_else(|| Ok(relay_url.clone()), url)?;

    let server = Server::new(settings).await?;
    let stop = server.stop();
    catch_signals(stop.clone())?;
    let sandbox = Sandbox::new(options(&secrets, &relay_url));
    let links = server.sign_in_links(&agents_url).await;
    sandbox.propose(trial_of(&agents_url, &secrets.agent_tokens[0]));
    let connect_page = connect.as_ref().map(Connect::page);
    print(&page(&ada_url, &agents_url, &links, &secrets.agent_tokens, connect_page.as_deref()));
    // Neither is of use without the other.
    let play = async {
        let played = sandbox.serve(ada, stop.clone()).await;
        stop.cancel();
        played
    };
    let connects = async {
        match connect {
            Some(connect) => connect.serve(&relay_url, stop.clone()).await,
            None => Ok(()),
        }
    };
    let (served, played, connected) =
        tokio::join!(server.serve(Listeners { public, agents }), play, connects);
    served?;
    played?;
    connected
}

/// Whether one of these addresses has that port.
fn asks_for(told: &[Option<String>], port: u16) -> bool {
    let addresses = told.iter().flatten().filter_map(|address| address.parse::<SocketAddr>().ok());
    addresses.into_iter().any(|address| address.port() == port)
}

/// A listener on this machine's loopback, at this port if it is free.
async fn free(port: u16) -> anyhow::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?),
    }
}

fn random() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn settings(
    secrets: &Secrets,
    ada_url: &str,
    folder: &Path,
    [public, agents, ..]: &[u16; 4],
    trial: Trial,
) -> anyhow::Result<Settings> {
    let env = [
        ("LISTEN", format!("127.0.0.1:{public}")),
        ("AGENT_LISTEN", format!("127.0.0.1:{agents}")),
        ("ADA_BASE_URL", format!("{ada_url}/api")),
        ("ADA_API_KEY", secrets.api_key.clone()),
        ("WEBHOOK_SECRET", secrets.webhook_secret.clone()),
        ("HANDOFF_AUTH_KEY", secrets.start_key.clone()),
        ("HANDOFF_INTEGRATION", INTEGRATION.to_owned()),
        ("AGENT_TOKENS", format!("Alex={},Sam={}", secrets.agent_tokens[0], secrets.agent_tokens[1])),
        ("DATABASE_URL", format!("sqlite://{}", folder.join("demo.db").display())),
        ("FILES_URL", format!("file://{}", folder.join("files").display())),
        ("FILES_ALLOW_PRIVATE", "on".to_owned()),
        ("DEBOUNCE_MS", DEBOUNCE_MS.to_owned()),
    ];
    let own = env.into_iter().map(|(name, value)| (name.to_owned(), value));
    let env: BTreeMap<String, String> = own.chain(trial).collect();
    Ok(Settings::load(env, None, Terminal::Detached)?.0)
}

fn options(secrets: &Secrets, relay_url: &str) -> Options {
    Options {
        api_key: secrets.api_key.clone(),
        webhook_secret: secrets.webhook_secret.clone(),
        webhook_url: format!("{relay_url}/webhooks/message"),
        start_url: format!("{relay_url}/handoffs/start"),
        handoff_auth_key: Some(secrets.start_key.clone()),
        integration: INTEGRATION.to_owned(),
        ai_agent_domain: "demo.ada.support".to_owned(),
        retry_delays: Options::default_retry_delays(),
    }
}

/// The links, on one screen; the rest is on the stand-in's page.
fn page(
    ada: &str,
    agents: &str,
    links: &[(String, String)],
    tokens: &[String; 2],
    connect: Option<&str>,
) -> String {
    let link = |name: &str| links.iter().find(|(agent, _)| agent == name).map_or(agents, |(_, link)| link);
    let [alex, sam] = tokens;
    let connect = connect.map_or_else(String::new, |page| format!("\n  Amazon Connect        {page}"));
    format!(
        r#"
handoff-relay demo: the relay and a stand-in Ada, on this machine only. Ctrl-C ends it.

  The customer's chat   {ada}/chat
  Alex's console        {}
  Sam's console         {}   (in another browser){connect}
  What else to try      {ada}/dashboard
  The API document      {agents}/api/docs

Open the chat, write something, and ask for a person. Then answer as Alex or Sam in the console. Each of their links
signs in once, within 10 minutes. Later their tokens do:

  Alex {alex}
  Sam  {sam}

Settings can be tried on the command line: handoff-relay demo IDLE_TIMEOUT=1m"#,
        link("Alex"),
        link("Sam")
    )
}

/// What the stand-in's page proposes: the agent's part by hand.
fn trial_of(relay: &str, token: &str) -> Vec<(String, String)> {
    let auth = format!("-H \"Authorization: Bearer {token}\"");
    let id = format!(
        "ID=$(curl -s {relay}/api/handoffs?limit=1 {auth} | grep -o '\"id\":\"[^\"]*\"' | head -1 | cut -d'\"' -f4)"
    );
    let json = "-H \"Content-Type: application/json\"";
    [
        ("Trouble: the chat's page has a fault panel. Delay, double or lose webhooks, and see the thread stay in order.", String::new()),
        ("Who is waiting?", format!("curl -s {relay}/api/handoffs?status=waiting {auth}")),
        ("Take the newest handoff.", format!("{id}\ncurl -s -X POST {relay}/api/handoffs/$ID/accept {auth}")),
        (
            "Read it, answer, and end it.",
            format!(
                "curl -s {relay}/api/handoffs/$ID/transcript {auth}\n\
                 curl -s {relay}/api/handoffs/$ID/messages {auth} {json} -d '{{\"text\":\"Hello, this is Alex. How can I help?\"}}'\n\
                 curl -s -X POST {relay}/api/handoffs/$ID/end {auth}"
            ),
        ),
        ("Follow everything live.", format!("curl -sN {relay}/api/events {auth}")),
    ]
    .map(|(title, text)| (title.to_owned(), text))
    .into()
}
