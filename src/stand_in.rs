//! `handoff-relay sandbox`: the stand-in Ada alone, to set a relay up against.

use std::{net::Ipv4Addr, process::ExitCode};

use anyhow::Context;
use clap::Args;
use handoff_relay::{
    settings::{LogFormat, Secret},
    telemetry,
};
use sandbox::{Options, Sandbox};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{catch_signals, complain, print};

/// Where the stand-in listens unless told otherwise.
const PORT: u16 = 8092;

/// How the stand-in is run.
#[derive(Args)]
pub struct Given {
    /// The port on this machine's loopback
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// The API key that it takes [default: a random one]
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
}

pub async fn run(given: Given) -> ExitCode {
    if let Err(error) = telemetry::init(LogFormat::Pretty, "warn") {
        return complain(&error, 1);
    }
    match serve(given).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("the stand-in can't run: {error:#}"), 1),
    }
}

async fn serve(given: Given) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, given.port)).await;
    let listener = listener.with_context(|| format!("port {} (--port chooses another one)", given.port))?;
    let url = format!("http://{}", listener.local_addr()?);
    let key = match given.api_key {
        Some(key) => key,
        None => {
            Secret::random().map_err(|_| anyhow::anyhow!("the system has no randomness"))?.expose().to_owned()
        }
    };
    let sandbox = Sandbox::new(Options {
        api_key: key.clone(),
        webhook_secret: String::new(),
        webhook_url: String::new(),
        start_url: String::new(),
        handoff_auth_key: None,
        integration: "custom-handoff".to_owned(),
        ai_agent_domain: "sandbox.ada.support".to_owned(),
        retry_delays: Options::default_retry_delays(),
    });
    let stop = CancellationToken::new();
    catch_signals(stop.clone())?;
    print(&format!(
        "A stand-in Ada runs on this machine; Ctrl-C ends it.\n\n  Its dashboard        {url}/dashboard\n  \
         The customer's chat  {url}/chat\n\nIn a folder of its own, set a relay up against it:\n\n  \
         handoff-relay init --ada-base-url {url}/api --ada-api-key {key}\n  \
         handoff-relay setup --public-url http://127.0.0.1:8090\n\n\
         Of what setup then prints, only the URL and the Authorization header of the HTTP Request block matter here: save\n\
         them on the dashboard. If port 8090 or 8091 is taken, first add LISTEN=127.0.0.1:<port> and\n\
         AGENT_LISTEN=127.0.0.1:<port> to .env, and give setup that port."
    ));
    sandbox.serve(listener, stop).await
}
