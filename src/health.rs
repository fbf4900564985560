//! `handoff-relay health`: asks the relay of this machine how it is. For a container's `HEALTHCHECK`, whose
//! image has no other HTTP client.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use handoff_relay::settings::Settings;

use crate::{WRONG_SETTINGS, complain, print};

const PATIENCE: Duration = Duration::from_secs(5);

pub async fn run(ready: bool) -> ExitCode {
    let settings = match Settings::from_process() {
        Ok((settings, _)) => settings,
        Err(error) => return complain(&error.to_string(), WRONG_SETTINGS),
    };
    let path = if ready { "ready" } else { "live" };
    match ask(settings.listen, path).await {
        Ok(()) => {
            print(path);
            ExitCode::SUCCESS
        }
        Err(error) => complain(&format!("not {path}: {error:#}"), 1),
    }
}

/// Whether a relay listens there that is alive.
pub async fn is_live(listen: SocketAddr) -> bool {
    ask(listen, "live").await.is_ok()
}

async fn ask(listen: SocketAddr, path: &str) -> anyhow::Result<()> {
    let url = format!("http://{}/health/{path}", reachable(listen));
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let answer = client.get(url).send().await.map_err(reqwest::Error::without_url)?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    anyhow::bail!("{status}: {}", answer.text().await.unwrap_or_default())
}

/// Where a relay that listens everywhere can be asked.
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
