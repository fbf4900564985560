//! The command line: parses, builds, runs. Signals are caught here alone.

mod backup;
mod check;
mod conformance;
mod dead_letters;
#[cfg(feature = "demo")]
mod demo;
mod health;
mod init;
mod migrate;
mod route;
mod setup;
#[cfg(feature = "demo")]
mod stand_in;
mod token;

use std::{
    collections::BTreeSet,
    io::{self, ErrorKind, IsTerminal, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use clap::{Parser, Subcommand};
use handoff_relay::{
    Listeners, Observer, Server,
    reload::{ReloadError, Reloader},
    settings::{AiAgentsSettings, Database, LogFormat, Settings, Terminal},
    store::Copies,
    telemetry,
};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

/// What is allocated in one thread is often freed in another. glibc's allocator keeps much of that for itself.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Wrong settings, by convention of the contract.
const WRONG_SETTINGS: u8 = 2;

/// The endpoint of an Ada custom handoff: verifies, orders and stores its events, shows them to human agents,
/// and sends their answers back.
#[derive(Parser)]
#[command(
    version,
    after_help = "Settings come from the environment and from ./.env; \
    .env.example in the source explains each."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the relay (the default)
    Serve {
        /// Do not copy the database before a change of its schema
        #[arg(long)]
        no_copy: bool,
    },
    /// Copy the database to a new file, also while the relay runs
    Backup {
        /// The new file
        file: PathBuf,
    },
    /// Check a backup and copy it to DATABASE_URL, where no database may exist yet
    Restore {
        /// The backup
        file: PathBuf,
    },
    /// Check the database and its files for damage, also while the relay runs
    Verify {
        /// Another database, such as a backup
        file: Option<PathBuf>,
    },
    /// Move what a stopped relay has kept in SQLite into an empty database of PostgreSQL
    Migrate(migrate::Given),
    /// Write a first .env with random secrets; asks for missing values
    Init(init::Given),
    /// Register the webhook endpoint at Ada, put its secret into .env, say what is left to do, and show what arrives
    Setup(setup::Wanted),
    /// Check every setting, the store, the files, the addresses and Ada's key, and say what to fix; changes nothing
    Check {
        /// Also show the checks that passed
        #[arg(long)]
        all: bool,
    },
    /// Check whether the relay on this machine is running (for containers)
    Health {
        /// Check whether it is ready to work
        #[arg(long)]
        ready: bool,
    },
    /// Play a handoff against a receiver of signed webhooks, and say what it does wrong
    Conformance(conformance::Given),
    /// List, show, replay or drop the dead letters of the relay that runs on this machine
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Say which route of the settings file a start call takes, and why
    Route(route::Given),
    /// Make the token of an agent for the settings file
    #[command(subcommand)]
    Token(token::Command),
    /// Run a stand-in Ada alone, to set a relay up against it
    #[cfg(feature = "demo")]
    Sandbox(stand_in::Given),
    /// Run the relay together with a stand-in Ada; nothing to configure
    #[cfg(feature = "demo")]
    Demo {
        /// Settings to try with it, such as IDLE_TIMEOUT=1m
        #[arg(value_name = "NAME=VALUE")]
        settings: Vec<String>,
        /// With a stand-in Amazon Connect and a page of its agents
        #[arg(long)]
        amazon_connect: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().command.unwrap_or(Command::Serve { no_copy: false }) {
        Command::Serve { no_copy } => serve(if no_copy { Copies::Skip } else { Copies::Make }).await,
        Command::Backup { file } => backup::backup(&file).await,
        Command::Restore { file } => backup::restore(&file).await,
        Command::Verify { file } => backup::verify(file).await,
        Command::Migrate(given) => migrate::run(given).await,
        Command::Init(given) => init::run(given),
        Command::Setup(wanted) => setup::run(wanted).await,
        Command::Check { all } => check::run(all).await,
        Command::Health { ready } => health::run(ready).await,
        Command::Conformance(given) => conformance::run(given).await,
        Command::DeadLetters(command) => dead_letters::run(command).await,
        Command::Route(given) => route::run(&given),
        Command::Token(command) => token::run(command),
        #[cfg(feature = "demo")]
        Command::Sandbox(given) => stand_in::run(given).await,
        #[cfg(feature = "demo")]
        Command::Demo { settings, amazon_connect } => demo::run(&settings, amazon_connect).await,
    }
}

async fn serve(copies: Copies) -> ExitCode {
    // From here on, SIGHUP does not kill a relay that has a file to read again.
    let hangup = signal(SignalKind::hangup());
    let (mut settings, warnings) = match Settings::from_process() {
        Ok(loaded) => loaded,
        Err(error) => return complain(&error.to_string(), WRONG_SETTINGS),
    };
    settings.copies = copies;
    if let Err(error) = telemetry::init(settings.log_format, &settings.log_filter) {
        return complain(&error, WRONG_SETTINGS);
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    match run(settings, hangup).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings, hangup: io::Result<Signal>) -> anyhow::Result<()> {
    run_watched(settings, hangup?, |_, _| std::future::pending()).await
}

/// Runs the relay, and `watch` beside it.
async fn run_watched<W: Future<Output = ()>>(
    settings: Settings,
    hangup: Signal,
    watch: impl FnOnce(Observer, Addresses) -> W,
) -> anyhow::Result<()> {
    let public = bind("LISTEN", settings.listen).await?;
    let agents = match settings.agent_listen {
        Some(address) => Some(bind("AGENT_LISTEN", address).await?),
        None => None,
    };
    let server = Server::new(settings.clone()).await?;
    // Whoever reads that it is up may tell it to stop.
    catch_signals(server.stop())?;
    // Whose terminal is closed ends, unless it has a file to read.
    let reads = settings.file.is_some() || Terminal::detect() == Terminal::Detached;
    heed_hangups(hangup, reads.then(|| server.reloader()), server.stop());
    let addresses = Addresses::of(&public, agents.as_ref())?;
    announce(&settings, addresses);
    show_the_way_in(&settings, &server, agents.as_ref().unwrap_or(&public)).await?;
    let (stop, watching) = (server.stop(), watch(server.observer(), addresses));
    let watching = async move {
        stop.run_until_cancelled(watching).await;
    };
    let (served, ()) = tokio::join!(server.serve(Listeners { public, agents }), watching);
    served?;
    tracing::info!("stopped");
    Ok(())
}

async fn bind(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| anyhow::anyhow!("{setting}: can't listen on {address}: {error}"))
}

/// Where a relay listens.
#[derive(Clone, Copy)]
struct Addresses {
    public: SocketAddr,
    agents: SocketAddr,
}

impl Addresses {
    fn of(public: &TcpListener, agents: Option<&TcpListener>) -> anyhow::Result<Self> {
        let public = public.local_addr()?;
        Ok(Self { public, agents: agents.map_or(Ok(public), TcpListener::local_addr)? })
    }
}

/// The line that says what runs.
fn announce(settings: &Settings, addresses: Addresses) {
    let store = match &settings.database {
        Database::Memory => "memory".to_owned(),
        Database::Sqlite(path) => path.display().to_string(),
        Database::Postgres(postgres) => postgres.name(),
    };
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = %addresses.public,
        agents.listen = %addresses.agents,
        store,
        integration = integrations(&settings.ai_agents),
        ai_agents = names(&settings.ai_agents),
        "handoff-relay is up"
    );
    if let (true, Some(agent)) = (settings.made_token, settings.agent_tokens.first()) {
        // For the eyes at this terminal, not for a log.
        print(&format!(
            "AGENT_TOKENS is not set. Until the next start, agents use this token:\n  {}",
            agent.token.expose()
        ));
    }
}

/// What all AI Agents' events may carry, each once.
fn integrations(ai_agents: &AiAgentsSettings) -> String {
    let all: BTreeSet<&str> =
        ai_agents.iter().flat_map(|ai_agent| &ai_agent.integrations).map(String::as_str).collect();
    all.into_iter().collect::<Vec<_>>().join(", ")
}

/// The AI Agents of the settings file; none if there is no file.
fn names(ai_agents: &AiAgentsSettings) -> Option<String> {
    let names = || ai_agents.iter().map(|ai_agent| ai_agent.id.as_str()).collect::<Vec<_>>();
    ai_agents.are_listed.then(|| names().join(", "))
}

/// A link into the console, for the eyes at this terminal: a log may be read by others.
async fn show_the_way_in(settings: &Settings, server: &Server, console: &TcpListener) -> anyhow::Result<()> {
    if settings.log_format != LogFormat::Pretty || !std::io::stderr().is_terminal() {
        return Ok(());
    }
    let origin = format!("http://{}", health::reachable(console.local_addr()?));
    if let Some((agent, link)) = server.sign_in_links(&origin).await.into_iter().next() {
        tell(&format!(
            "A link that signs you in to the console as {agent} (works once, within 10 minutes):\n  {link}"
        ));
    }
    Ok(())
}

/// The first SIGTERM or Ctrl-C stops in order, the second at once.
fn catch_signals(stop: CancellationToken) -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let watch = async move {
        either(&mut interrupt, &mut terminate).await;
        tracing::info!("stopping; send the signal again to stop at once");
        stop.cancel();
        either(&mut interrupt, &mut terminate).await;
        std::process::exit(130);
    };
    #[expect(clippy::disallowed_methods, reason = "it ends with the process")]
    tokio::spawn(watch);
    Ok(())
}

/// SIGHUP reads the settings file again, or stops in order where nothing reads it.
fn heed_hangups(mut hangup: Signal, reloader: Option<Arc<Reloader>>, stop: CancellationToken) {
    // The store stays open as long as somebody could read the file for it.
    let watch = async move {
        while let Some(Some(())) = stop.run_until_cancelled(hangup.recv()).await {
            let Some(reloader) = &reloader else { return stop.cancel() };
            // The log and health tell what else came of it.
            match reloader.reload().await {
                Ok(_) | Err(ReloadError::Wrong(_) | ReloadError::Unusable(_)) => {}
                Err(error) => tracing::warn!("SIGHUP changes nothing: {error}"),
            }
        }
    };
    #[expect(clippy::disallowed_methods, reason = "it ends with the stop")]
    tokio::spawn(watch);
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

fn complain(text: &str, code: u8) -> ExitCode {
    tell(text);
    ExitCode::from(code)
}

/// Prints a line for a person, where there is no log.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints a line. Whoever reads may have gone, as `head` does: the command goes on, and ends as it would have.
fn print(text: &str) {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            tell(&format!("standard output can't be written: {error}"));
            std::process::exit(1);
        }
        Ok(()) | Err(_) => {}
    }
}
