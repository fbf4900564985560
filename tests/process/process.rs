//! A child process, its output, and its end.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
};

use crate::soon;

const BINARY: &str = env!("CARGO_BIN_EXE_handoff-relay");

/// Variables for a child, and nothing else.
pub type Env<'a> = &'a [(&'a str, &'a str)];

/// A running `handoff-relay`, killed when dropped.
pub struct Process {
    child: Child,
    pub stdout: Lines,
    pub stderr: Lines,
}

/// Resident memory, in KiB.
#[cfg(target_os = "linux")]
pub struct Memory {
    pub now: u64,
    /// The most so far.
    pub peak: u64,
}

/// How a process ended.
pub struct Ended {
    /// `None` after a signal.
    pub code: Option<i32>,
    pub stdout: Vec<String>,
    pub stderr: Vec<String>,
}

impl Process {
    pub fn start(folder: &Path, args: &[&str], env: Env<'_>) -> Self {
        let mut command = Command::new(BINARY);
        command.args(args);
        Self::of(command, folder, env)
    }

    /// Another binary.
    pub fn start_other(binary: &Path, folder: &Path, env: Env<'_>) -> Self {
        Self::of(Command::new(binary), folder, env)
    }

    /// On a disk that a test can fill: the files of this process may grow to `kib` and, if that is not set, to
    /// what [`Process::limit_files`] says later. A write beyond it fails, as it does where no room is left.
    #[cfg(target_os = "linux")]
    pub fn start_on_a_small_disk(folder: &Path, kib: Option<u64>, env: Env<'_>) -> Self {
        let limit = kib.map_or_else(String::new, |kib| format!("ulimit -f {kib}; "));
        // Without the signal, which would end the process.
        Self::start_after(&format!("trap '' XFSZ; {limit}"), folder, env)
    }

    /// The shell's `ulimit` with these options comes first.
    #[cfg(target_os = "linux")]
    pub fn start_with_limit(options: &str, folder: &Path, env: Env<'_>) -> Self {
        Self::start_after(&format!("ulimit {options}; "), folder, env)
    }

    /// Whose log lines can't be written, as where the disk is full.
    #[cfg(target_os = "linux")]
    pub fn start_without_log(folder: &Path, env: Env<'_>) -> Self {
        Self::start_after("exec 2>/dev/full; ", folder, env)
    }

    #[cfg(target_os = "linux")]
    fn start_after(shell: &str, folder: &Path, env: Env<'_>) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{shell}exec \"$0\""), BINARY]);
        Self::of(command, folder, env)
    }

    /// From now on no write to a file reaches beyond so many bytes; `None` lifts that.
    #[cfg(target_os = "linux")]
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let (pid, limit) = (self.id().to_string(), format!("--fsize={limit}:unlimited"));
        let set = std::process::Command::new("prlimit").args(["--pid", &pid, &limit]).status();
        assert!(set.unwrap().success(), "{limit} was not set");
    }

    /// What it has of the machine's memory.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        Memory { now: kib("VmRSS:"), peak: kib("VmHWM:") }
    }

    /// The peak begins anew.
    #[cfg(target_os = "linux")]
    pub fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.id()), "5").unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("the process has ended already")
    }

    fn of(mut command: Command, folder: &Path, env: Env<'_>) -> Self {
        let mut child = command
            .current_dir(folder)
            .env_clear()
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Sends a signal by its name: `TERM`, `INT`.
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = std::process::Command::new("kill").args([format!("-{name}"), id]).status();
        assert!(sent.unwrap().success(), "SIG{name} was not sent");
    }

    /// SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for the end.
    pub async fn ended(mut self) -> Ended {
        let status = soon("the end of the process", self.child.wait()).await.unwrap();
        let (stdout, stderr) = (self.stdout.rest().await, self.stderr.rest().await);
        Ended { code: status.code(), stdout, stderr }
    }

    /// SIGTERM and the end, and how long that took.
    pub async fn stopped(self) -> (Ended, Duration) {
        let told = Instant::now();
        self.signal("TERM");
        (self.ended().await, told.elapsed())
    }
}

/// Runs to the end.
pub async fn run(folder: &Path, args: &[&str], env: Env<'_>) -> Ended {
    Process::start(folder, args, env).ended().await
}

impl Ended {
    /// No line holds one of these words, and nothing panicked.
    pub fn never_says(&self, secrets: &[&str]) {
        for line in self.stdout.iter().chain(&self.stderr) {
            for word in secrets.iter().copied().chain(["panicked", "RUST_BACKTRACE"]) {
                assert!(!line.contains(word), "{word:?} in {line:?}");
            }
        }
    }
}

/// The lines a process has written so far.
#[derive(Clone)]
pub struct Lines(watch::Receiver<Vec<String>>);

impl Lines {
    pub fn of(stream: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let (tell, told) = watch::channel(Vec::new());
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                tell.send_modify(|known: &mut Vec<String>| known.push(line));
            }
        });
        Self(told)
    }

    pub fn so_far(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// All lines, once there will be no more.
    async fn rest(&mut self) -> Vec<String> {
        soon("the end of the output", async { while self.0.changed().await.is_ok() {} }).await;
        self.so_far()
    }

    /// The first lines that `pick` makes something of, `count` of them.
    pub async fn find<T>(&self, count: usize, what: &str, pick: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let mut told = self.0.clone();
        let found =
            soon(what, told.wait_for(|lines| lines.iter().filter_map(|line| pick(line)).count() >= count));
        match found.await {
            Ok(lines) => lines.iter().filter_map(|line| pick(line)).take(count).collect(),
            Err(_) => panic!("ended before {what}: {:#?}", self.so_far()),
        }
    }

    /// The first line that `pick` makes something of; `None` if the process ends before.
    pub async fn first<T>(&self, what: &str, pick: impl Fn(&str) -> Option<T>) -> Option<T> {
        let mut told = self.0.clone();
        let found = soon(what, told.wait_for(|lines| lines.iter().any(|line| pick(line).is_some()))).await;
        found.ok()?.iter().find_map(|line| pick(line))
    }

    /// Returns when there will be no more.
    pub async fn end(&self) {
        let mut told = self.0.clone();
        while told.changed().await.is_ok() {}
    }

    /// The first `count` log lines with this message.
    pub async fn logged(&self, count: usize, message: &str) -> Vec<Value> {
        self.find(count, message, |line| log_line(line).filter(|line| line["message"] == message)).await
    }
}

/// A log line in JSON.
pub fn log_line(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok()
}
