//! Debian's Chromium without a window, driven over WebDriver.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use tempfile::TempDir;
use thirtyfour::{
    BrowserLogEntry, ChromeCapabilities, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel,
    WebDriver,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::{Semaphore, SemaphorePermit},
};

use crate::soon;

/// Whatever the machine's own language is.
const ENGLISH: &str = "en-GB,en";

/// More browsers at once would only wait for each other.
static PLACES: Semaphore = Semaphore::const_new(4);

/// A browser with a profile of its own, and the driver that it obeys. Both end with this.
pub struct Chromium {
    pub driver: WebDriver,
    _chromedriver: Group,
    _profile: TempDir,
    _place: SemaphorePermit<'static>,
}

impl Chromium {
    pub async fn open() -> Self {
        Self::speaking(ENGLISH).await
    }

    /// One whose user prefers these languages, such as `de-AT,de`.
    pub async fn speaking(languages: &str) -> Self {
        Self::open_in(PLACES.acquire().await.unwrap(), languages).await
    }

    /// Two at once: one after the other could wait for ever, if two tests want two.
    pub async fn open_two() -> (Self, Self) {
        let mut places = PLACES.acquire_many(2).await.unwrap();
        let other = places.split(1).unwrap();
        tokio::join!(Self::open_in(places, ENGLISH), Self::open_in(other, ENGLISH))
    }

    async fn open_in(place: SemaphorePermit<'static>, languages: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let (chromedriver, port) = start_driver(&profile).await;
        let url = format!("http://127.0.0.1:{port}");
        let driver = soon("a browser", WebDriver::new(url, wanted(&profile, languages))).await.unwrap();
        Self { driver, _chromedriver: chromedriver, _profile: profile, _place: place }
    }

    /// What one of its logs has had since it was last read.
    pub async fn log(&self, name: &str) -> Vec<BrowserLogEntry> {
        self.driver.get_log(name).await.unwrap()
    }

    pub async fn close(self) {
        soon("the browser's end", self.driver.clone().quit()).await.unwrap();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Else it would ask the browser to quit, and wait, and with it the relay on the same thread.
        let _ = self.driver.clone().leak();
    }
}

fn wanted(profile: &TempDir, languages: &str) -> ChromeCapabilities {
    let mut wanted = DesiredCapabilities::chrome();
    wanted.set_binary(&browser(profile.path()).display().to_string()).unwrap();
    let profile = format!("--user-data-dir={}", profile.path().join("profile").display());
    for flag in [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=en-GB",
        &format!("--accept-lang={languages}"),
        "--window-size=1280,800",
        &profile,
    ] {
        wanted.add_arg(flag).unwrap();
    }
    for log in ["browser", "performance"] {
        wanted.set_logging_prefs(log, LoggingPrefsLogLevel::All).unwrap();
    }
    wanted
}

/// What starts the browser. Its headless shell, which costs a quarter of the CPU until it is there, opens no page by itself,
/// and chromedriver waits for one.
fn browser(folder: &Path) -> PathBuf {
    let path = folder.join("browser");
    fs::write(&path, "#!/bin/sh\nexec chromium-headless-shell \"$@\" about:blank\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// Starts chromedriver on a free port, and gives the port.
async fn start_driver(folder: &TempDir) -> (Group, String) {
    soon("a chromedriver", async {
        loop {
            if let Some(started) = try_driver(folder).await {
                return started;
            }
        }
    })
    .await
}

/// `None` if it gives up: another process may have taken the port that it has chosen, on one of its two addresses.
async fn try_driver(folder: &TempDir) -> Option<(Group, String)> {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").process_group(0).env("TMPDIR", folder.path()).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child = command.spawn();
    let mut child = child.unwrap_or_else(|error| panic!("chromedriver: {error}; scripts/test installs it"));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let group = Group(child);
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("was started successfully on port ") {
            // What it says from now on is read and dropped, lest it waits for a reader.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some((group, port.trim_end_matches('.').to_owned()));
        }
    }
    None
}

/// A process that leads a group, which ends with this: Chromium's processes, too, whatever happens.
pub struct Group(pub Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0.id() {
            let _ = std::process::Command::new("kill").args(["-KILL", "--", &format!("-{id}")]).status();
        }
    }
}
