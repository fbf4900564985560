//! A disk whose every flush takes 10 ms: what comes meanwhile shares the next one.

use std::{path::Path, process::Command, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::{
    ada::Ada,
    relay::{Relay, folder, said},
    webhooks::Webhook,
};

/// Put before the system's library, this makes each flush slow, and counts it by a byte in a file.
const SHIM: &str = "
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <fcntl.h>
    #include <stdlib.h>
    #include <time.h>
    #include <unistd.h>
    static int slowly(const char *name, int fd) {
        struct timespec wait = {0, 10000000};
        nanosleep(&wait, 0);
        int count = open(getenv(\"FLUSHES\"), O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (write(count, \"1\", 1) < 1) abort();
        close(count);
        int (*flush)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
        return flush(fd);
    }
    int fsync(int fd) { return slowly(\"fsync\", fd); }
    int fdatasync(int fd) { return slowly(\"fdatasync\", fd); }
";
const WEBHOOKS: usize = 200;

/// Compiles the shim; the compiler is there, as SQLite needs it.
fn shim(folder: &Path) -> String {
    let (source, library) = (folder.join("slow.c"), folder.join("slow.so"));
    std::fs::write(&source, SHIM).unwrap();
    let mut cc = Command::new("cc");
    let built = cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl").status().unwrap();
    assert!(built.success(), "the shim can't be compiled");
    library.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn on_a_slow_disk_webhooks_share_a_flush_and_none_is_lost() {
    let (ada, tools, folder) = (Ada::start().await, folder(), folder());
    let shim = shim(tools.path());
    let flushes = tools.path().join("flushes");
    let counted = || std::fs::metadata(&flushes).unwrap().len();
    let env = [
        ("LD_PRELOAD", &*shim),
        ("FLUSHES", flushes.to_str().unwrap()),
        ("DEBOUNCE_MS", "50"),
        ("DEBOUNCE_MAX_MS", "200"),
    ];
    let relay = Relay::start(folder.path(), &ada.url, &env).await;
    ada.meets(&relay.url);
    let conversation = ada.hands_off().await;
    let handoff = relay.handoff().await;
    let begun = Timestamp::now();
    let texts: Vec<String> = (0..WEBHOOKS).map(|number| format!("{number:03}")).collect();
    let at = |number: usize| begun + Duration::from_millis(number as u64);
    let webhooks: Vec<Webhook> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| Webhook::says_at(&conversation, text, at(number)))
        .collect();
    let http = crate::relay::client();
    // The last one first: they arrive in any order.
    let posts = webhooks.iter().rev().map(|webhook| webhook.post(&http, &relay.url));
    let before = counted();
    let answers = join_all(posts).await;
    let flushed = counted() - before;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert!(flushed < WEBHOOKS as u64, "{flushed} flushes: as if each had one of its own");
    let all = |rows: &[serde_json::Value]| said(rows, "end_user").len() == WEBHOOKS;
    let rows = relay.thread_with(&handoff, "all of them", all).await;
    let mut said = said(&rows, "end_user");
    said.sort();
    assert_eq!(said, texts, "each once");
    relay.process.kill().await;
    let relay = Relay::start(folder.path(), &ada.url, &env).await;
    relay.thread_with(&handoff, "the same after a sudden end", all).await;
}
