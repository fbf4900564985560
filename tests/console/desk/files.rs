//! Files in the hands of an agent: attaching, dropping and pasting them, and what the page shows of them.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::By;

use super::Desk;

/// A file that an agent has at hand.
pub struct OnDisk {
    folder: TempDir,
    name: &'static str,
}

impl OnDisk {
    pub fn new(name: &'static str, bytes: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), bytes).unwrap();
        Self { folder, name }
    }

    pub fn path(&self) -> String {
        self.folder.path().join(self.name).display().to_string()
    }
}

impl Desk {
    /// Chooses files by the button.
    pub async fn attaches(&self, files: &[&OnDisk]) {
        let paths: Vec<String> = files.iter().map(|file| file.path()).collect();
        let input = self.driver().find(By::Css("#attach-input")).await.unwrap();
        input.send_keys(paths.join("\n")).await.unwrap();
    }

    /// Attaches files that exist on the page alone: `[[name, type, text]]`. They may be called anything.
    pub async fn attaches_made(&self, files: Value) {
        let script = "const transfer = new DataTransfer();
            for (const [name, type, text] of arguments[0]) transfer.items.add(new File([text], name, {type}));
            const input = document.getElementById('attach-input');
            input.files = transfer.files;
            input.dispatchEvent(new Event('change'))";
        self.js::<()>(script, &[files]).await;
    }

    /// Drags files to the middle of something; `action` is what happens there: `dragOver`, `drop`.
    pub async fn drags(&self, files: &[&OnDisk], css: &str, action: &str) {
        let script =
            "const {x, y, width, height} = document.querySelector(arguments[0]).getBoundingClientRect();
            return [x + width / 2, y + height / 2]";
        let place: [f64; 2] = self.js(script, &[json!(css)]).await;
        let paths: Vec<String> = files.iter().map(|file| file.path()).collect();
        let event = json!({"type": action, "x": place[0], "y": place[1],
            "data": {"items": [], "files": paths, "dragOperationsMask": 1}});
        self.devtools("Input.dispatchDragEvent", event).await;
    }

    /// The names of what is attached.
    pub async fn attached(&self) -> Vec<String> {
        self.texts("#attachments .file-name").await
    }

    /// Sends what is attached.
    pub async fn sends(&self) {
        self.clicks("#composer-send").await;
    }

    /// Has what the page sends leave at so many bytes a second at most.
    pub async fn uploads_at(&self, bytes_a_second: i64) {
        let line = json!({"offline": false, "latency": 0, "downloadThroughput": -1,
            "uploadThroughput": bytes_a_second});
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.emulateNetworkConditions", line).await;
    }

    /// Waits until a file is in this state of delivery.
    pub async fn has_file(&self, name: &str, state: &str) {
        let script = "return [...document.querySelectorAll('#messages .entry, #pending .entry')].some((entry) =>
            entry.dataset.state === arguments[1] &&
            (entry.querySelector('.file-name') ?? entry.querySelector('.picture img'))?.title === arguments[0])";
        let arguments = [json!(name), json!(state)];
        let what = format!("{name:?} is {state}");
        self.until(&what, async || self.js::<bool>(script, &arguments).await.then_some(())).await;
    }

    /// Clicks a link to a file, and gives what the browser has then saved.
    pub async fn downloads(&self, css: &str) -> (String, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let place = json!({"behavior": "allow", "downloadPath": folder.path()});
        self.devtools("Browser.setDownloadBehavior", place).await;
        self.clicks(css).await;
        self.until("a download", async || saved(folder.path())).await
    }

    /// Waits until a picture has been drawn, and gives its own width.
    pub async fn sees_picture(&self, css: &str) -> u64 {
        let script = "const image = document.querySelector(arguments[0]);
            image?.scrollIntoView({block: 'center'});
            return image?.complete ? image.naturalWidth : 0";
        self.until(css, async || {
            let width = self.js::<u64>(script, &[json!(css)]).await;
            (width > 0).then_some(width)
        })
        .await
    }

    /// Commands to the page that take longer.
    pub async fn waits_at_most(&self, time: Duration) {
        let times = thirtyfour::TimeoutConfiguration::new(Some(time), None, None);
        self.driver().update_timeouts(times).await.unwrap();
    }
}

/// The one file in a folder, once it is whole.
fn saved(folder: &Path) -> Option<(String, Vec<u8>)> {
    let mut files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let file = files.next()?;
    let name = file.file_name().into_string().unwrap();
    let whole =
        files.next().is_none() && !name.ends_with(".crdownload") && !name.starts_with(".org.chromium");
    whole.then(|| (name, std::fs::read(file.path()).unwrap()))
}
