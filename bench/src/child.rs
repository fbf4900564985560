//! A server as a child process: its address, what it has used, and its end.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{self, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// What a server says when it listens, with its address in the field `listen`.
pub const UP: &str = "handoff-relay is up";
/// Longer than any server takes to start, to become ready or to stop.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The unit of CPU time in `/proc`: Linux has no other.
const TICK: Duration = Duration::from_millis(10);
/// So many of its last lines are shown when it fails.
const LAST_LINES: usize = 10;

/// A running server. Killed when dropped.
pub struct Child {
    process: process::Child,
    /// Where it listens, on loopback.
    pub address: SocketAddr,
    last_lines: Arc<Mutex<VecDeque<String>>>,
}

/// What a process has used since it began.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// User and system time of all its threads.
    pub cpu: Duration,
    /// Bytes that it has caused to be written to disks.
    pub written: u64,
    /// What it has in memory, in KiB.
    pub resident: u64,
}

impl Child {
    /// Starts a server in `folder`, with these variables and none else, and waits for its address.
    ///
    /// # Errors
    /// It does not start. The error has its last lines.
    pub fn start(mut command: Command, folder: &Path, settings: &[(&str, String)]) -> Result<Self> {
        let mut process = command
            .current_dir(folder)
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} could not be started", command.get_program().display()))?;
        let last_lines = Arc::default();
        let told = follow(&mut process, Arc::clone(&last_lines))?;
        let address = told.recv_timeout(PATIENCE);
        let mut child = Self { process, address: SocketAddr::from(([127, 0, 0, 1], 0)), last_lines };
        child.address = address.with_context(|| child.failure("did not say that it listens"))?;
        Ok(child)
    }

    /// What it has used since it began.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> Result<Usage> {
        let id = self.process.id().to_string();
        usage(&id).with_context(|| self.failure("has ended by itself"))
    }

    /// SIGTERM, and the end.
    ///
    /// # Errors
    /// It does not end, or not well.
    pub fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        let told = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait()? {
                if !status.success() {
                    bail!(self.failure(&format!("ended with {status}")));
                }
                return Ok(());
            }
            if told.elapsed() > PATIENCE {
                bail!(self.failure("did not stop"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What went wrong, with its last lines.
    pub fn failure(&self, what: &str) -> String {
        let lines = self.last_lines.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        format!("the server {what}. Its last lines:\n{}", lines.join("\n"))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads its lines for as long as it runs; the first one with an address is told.
fn follow(
    process: &mut process::Child,
    last_lines: Arc<Mutex<VecDeque<String>>>,
) -> Result<mpsc::Receiver<SocketAddr>> {
    let stderr = process.stderr.take().context("the server has no standard error")?;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some(address) = address(&line) {
                // Nobody waits for a second one.
                let _ = tell.send(address);
            }
            let mut lines = last_lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push_back(line);
            if lines.len() > LAST_LINES {
                lines.pop_front();
            }
        }
    });
    Ok(told)
}

fn address(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["message"] == UP).then(|| line["listen"].as_str()?.parse().ok()).flatten()
}

/// What a process has used; `self` is this one.
pub fn usage(process: &str) -> Result<Usage> {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{process}/{file}"));
    let stat = read("stat")?;
    // The name stands in parentheses and may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks: u32 = ticks.sum::<Result<_, _>>().context("/proc has no CPU time")?;
    let number = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.with_context(|| format!("/proc has no {name}"))
    };
    Ok(Usage {
        cpu: TICK * ticks,
        written: number(&read("io")?, "write_bytes:")?,
        resident: number(&read("status")?, "VmRSS:")?,
    })
}
