//! The bench: the real relay beside ceilings, which are servers that do only what must be done.
//!
//! Relay and ceilings run as child processes, one at a time, and take turns. So a ratio is between two servers that have
//! met the same machine within the same half minute. `docs/performance.md` says what each figure means.
//!
//! `scenarios/` has a file for each thing that is measured, `generator/` is what sends, `ceilings/` are the other servers,
//! `report/` is what comes out. The bench knows the relay by its doors alone, but for [`prepared`], which writes into
//! its database.

#[cfg(target_os = "linux")]
mod audience;
#[cfg(target_os = "linux")]
mod ceilings;
#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod database;
#[cfg(target_os = "linux")]
mod figures;
#[cfg(target_os = "linux")]
mod generator;
#[cfg(target_os = "linux")]
mod http;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod null_ada;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod prepared;
#[cfg(target_os = "linux")]
mod relay;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod scenarios;
#[cfg(target_os = "linux")]
mod stream;
#[cfg(target_os = "linux")]
mod webhooks;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    use clap::Parser;

    let options = options::Options::parse();
    match &options.command {
        Some(options::Command::Ceiling { which, folder }) => ceilings::serve(*which, folder),
        None => scenarios::run_all(&options),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> anyhow::Result<()> {
    anyhow::bail!("the bench reads /proc and waits with epoll: it needs Linux")
}
