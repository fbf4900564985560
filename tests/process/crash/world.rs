//! What is around a relay that dies: Ada over a bad network, a platform in moods, customers and agents. And what must hold
//! of all of them at the end.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use sandbox::{Dial, Disorder, EchoTiming, IdScheme};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{
    PUBLIC,
    books::{Account, Books},
    chance::Dice,
    crowd::{Pair, TO_AGENTS, TO_CUSTOMERS},
    deaths::Address,
    number,
};
use crate::{
    ada::Ada,
    history::{self, Kind, Recorder, total_queue},
    moment,
    parcel::kept,
    platform::{self, Mood, Platform},
    relay::{Relay, folder},
};

const CUSTOMERS: u64 = 5;
/// Everybody rests so long at most between two things that they do, in milliseconds.
const REST: u64 = 200;
/// What has piled up is worked off within so many seconds: Ada may allow no more calls for a minute.
const SETTLED_WITHIN: u64 = 150;

pub struct World {
    pub ada: Ada,
    pub platform: Platform,
    history: Recorder,
    /// Where the history is; gone at the end, unless `CRASH_HISTORIES` names a folder for it.
    path: PathBuf,
    _folder: TempDir,
    seed: u64,
}

impl World {
    pub async fn stormy(name: &str, seed: u64) -> Self {
        let _folder = folder();
        let kept = std::env::var_os("CRASH_HISTORIES").map(PathBuf::from);
        let path = kept.unwrap_or_else(|| _folder.path().to_owned()).join(format!("{name}-{seed}.jsonl"));
        let history = Recorder::new(&path);
        let ada = Ada::start().await;
        ada.sandbox.set_dial(storm(seed));
        let platform = Platform::start(moods(Dice::new(!seed))).await;
        Self { ada, platform, history, path, _folder, seed }
    }

    /// Of the platform.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        platform::settings(&self.platform.url, PUBLIC)
    }

    /// Customers and agents write until it is over. Gives what each remembers.
    pub async fn talks(&self, address: &Address, over: &CancellationToken) -> Vec<Account> {
        let rest = number("CRASH_REST_MS", REST);
        let pairs = (0..number("CRASH_CUSTOMERS", CUSTOMERS)).map(|place| {
            let dice = Dice::new(self.seed.wrapping_mul(1_000).wrapping_add(place + 1));
            let pair =
                Pair::new(place as usize, &self.ada.sandbox, address.clone(), dice, self.history.clone());
            pair.live(rest, over)
        });
        join_all(pairs).await.into_iter().flatten().collect()
    }

    /// Nothing goes wrong any more.
    pub fn calms_down(&self) {
        self.ada.sandbox.set_dial(Dial::default());
        self.platform.recovers();
    }

    /// The books, once nothing is under way and they agree, whichever relay is asked. What has not settled at the deadline
    /// is told.
    pub async fn settled(&self, relays: &[Relay], accounts: &[Account]) -> Books {
        let deadline = Instant::now() + Duration::from_secs(number("CRASH_SETTLED_S", SETTLED_WITHIN));
        loop {
            let waiting = match self.under_way(relays).await {
                waiting if waiting.is_empty() => match self.compared(relays, accounts).await {
                    Ok(books) => {
                        self.is_judged(&books);
                        return books;
                    }
                    Err(differences) => differences,
                },
                waiting => waiting,
            };
            assert!(Instant::now() < deadline, "the books don't agree: {waiting:#?}");
            moment(Instant::now() + Duration::from_millis(200)).await;
        }
    }

    /// Brings the history to its end, and has it judged by what stands in its file.
    fn is_judged(&self, books: &Books) {
        for (text, is_confirmed) in &books.outcomes {
            let kind = if *is_confirmed { Kind::Ok } else { Kind::Fail };
            self.history.write(text, kind, "enqueue", TO_CUSTOMERS, "");
        }
        for (queue, text) in &books.dequeued {
            self.history.at_once("drain", "dequeue", queue, text);
        }
        let known = history::operations(&history::read(&self.path).unwrap()).unwrap();
        for queue in [TO_AGENTS, TO_CUSTOMERS] {
            let told = total_queue::judge(&known, queue);
            println!("history, {queue}: {told}");
            assert!(told.is_valid(), "{told:#?}");
        }
    }

    async fn under_way(&self, relays: &[Relay]) -> Vec<String> {
        let mut waiting = join_all(relays.iter().map(Relay::waiting)).await.concat();
        if !self.ada.sandbox.is_idle() {
            waiting.push("webhooks are on their way".to_owned());
        }
        waiting
    }

    async fn compared(&self, relays: &[Relay], accounts: &[Account]) -> Result<Books, Vec<String>> {
        let compare = |relay| Books::compare(relay, &self.ada.sandbox, &self.platform, accounts);
        let mut all = join_all(relays.iter().map(compare)).await;
        let differences: Vec<String> = all.iter().flat_map(|books| books.differences.clone()).collect();
        if differences.is_empty() { Ok(all.remove(0)) } else { Err(differences) }
    }
}

/// Webhooks come late, twice and in any order, and have odd fields. None is lost: Ada tries until it is acknowledged.
pub fn storm(seed: u64) -> Dial {
    let delay = Duration::ZERO..=Duration::from_millis(400);
    Dial {
        disorder: Disorder { delay, duplicate_every: Some(3), seed, ..Disorder::default() },
        echoes: [EchoTiming::Normal, EchoTiming::Early, EchoTiming::Late(Duration::from_millis(1_500))]
            [seed as usize % 3],
        oddities: true,
        ids: [IdScheme::Different, IdScheme::Same][seed as usize % 2],
        ..Dial::default()
    }
}

/// Half of the agents work in a platform that fails, hangs and is late.
fn moods(mut dice: Dice) -> impl FnMut() -> Mood {
    move || match dice.roll(100) {
        0..8 => Mood::Fails,
        8..10 => Mood::Hangs,
        10..20 => Mood::Slow(dice.between(50, 800)),
        _ => Mood::Takes,
    }
}

/// What lies in the folder beside the files of threads has the name of a whole file, and is `noted` to be looked at. Says
/// how much that is.
pub fn aside(folder: &Path, books: &Books, noted: &BTreeSet<String>) -> usize {
    let kept: BTreeSet<String> = kept(folder).into_iter().collect();
    let missing: Vec<_> = books.files.difference(&kept).collect();
    assert!(missing.is_empty(), "in threads and not in the folder: {missing:?}");
    let aside: BTreeSet<String> = kept.difference(&books.files).cloned().collect();
    assert!(aside.is_subset(noted), "in the folder for ever: {:?}", aside.difference(noted));
    aside.len()
}
