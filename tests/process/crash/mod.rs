//! The process dies again and again, at random moments, while customers and agents write on over a bad network and
//! send files. At the end the accounts are compared: nothing that was acknowledged is lost, nothing stands twice,
//! and all of it is in order.
//!
//! `CRASH_KILLS` and `CRASH_SEED` set how often it dies and by which numbers. The seed fixes what everyone
//! plans to do, not how it meets.

mod books;
mod chance;
mod connect;
mod crowd;
mod deaths;

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rusqlite::Connection;
use sandbox::{Dial, Disorder, EchoTiming, IdScheme};
use tokio_util::sync::CancellationToken;

use self::{
    books::{Account, Books},
    chance::Dice,
    crowd::Pair,
    deaths::Deaths,
};
use crate::{
    ada::Ada,
    moment,
    parcel::kept,
    platform::{self, Mood, Platform},
    relay::{Relay, folder},
};

const CUSTOMERS: usize = 5;
/// Where the relay says that it is.
const PUBLIC: &str = "https://relay.example";
/// A few seconds' worth, for every run of the tests.
const KILLS: usize = 8;

#[tokio::test]
async fn however_often_it_dies_nothing_is_lost_or_doubled() {
    let (kills, seed) = (number("CRASH_KILLS", KILLS as u64), number("CRASH_SEED", 1));
    // Shown when the test fails.
    println!("CRASH_KILLS={kills} CRASH_SEED={seed}");
    let began = Instant::now();
    let (ada, folder) = (Ada::start().await, folder());
    ada.sandbox.set_dial(storm(seed));
    let platform = Platform::start(moods(Dice::new(!seed))).await;
    let settings = platform::settings(&platform.url, PUBLIC);
    let mut deaths = Deaths::new(folder.path(), &ada, settings, Dice::new(seed));
    let (over, address) = (CancellationToken::new(), deaths.address());
    let pairs = (0..CUSTOMERS).map(|place| {
        let dice = Dice::new(seed.wrapping_mul(1_000).wrapping_add(place as u64 + 1));
        Pair::new(place, &ada.sandbox, address.clone(), dice).live(&over)
    });
    let die = async {
        for _ in 0..kills {
            deaths.die().await;
        }
        let relay = deaths.live_on().await;
        over.cancel();
        relay
    };
    let (accounts, relay) = tokio::join!(join_all(pairs), die);

    ada.sandbox.set_dial(Dial::default());
    platform.recovers();
    let accounts: Vec<Account> = accounts.into_iter().flatten().collect();
    let calm = Instant::now();
    let books = settled(&relay, &ada, &platform, &accounts).await;
    println!(
        "crash: seed {seed}, {kills} kills ({} before it was up) in {:.0?}, settled {:.1?} later; {books}",
        deaths.before_up,
        calm.duration_since(began),
        calm.elapsed(),
    );
    let (ended, _) = relay.process.stopped().await;
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    ended.never_says(&[]);
    let aside = leftovers(folder.path(), &books);
    println!("crash: {aside} files whose messages never came wait to be removed");
}

/// What lies in the folder beside the files of threads has the name of a whole file, and is written down to be
/// looked at. Says how much that is.
fn leftovers(folder: &Path, books: &Books) -> usize {
    let kept: BTreeSet<String> = kept(folder).into_iter().collect();
    let missing: Vec<_> = books.files.difference(&kept).collect();
    assert!(missing.is_empty(), "in threads and not in the folder: {missing:?}");
    let file = Connection::open(folder.join("handoffs.db")).unwrap();
    let mut checks = file.prepare("SELECT handoff || '/' || row_id FROM file_checks").unwrap();
    let noted: BTreeSet<String> =
        checks.query_map((), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let aside: BTreeSet<String> = kept.difference(&books.files).cloned().collect();
    assert!(aside.is_subset(&noted), "in the folder for ever: {:?}", aside.difference(&noted));
    aside.len()
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect(name))
}

/// Webhooks come late, twice and in any order, and have odd fields. None is lost: Ada tries until it is acknowledged.
fn storm(seed: u64) -> Dial {
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

/// The books, once nothing is under way and they agree. What has not settled at the deadline is told.
async fn settled(relay: &Relay, ada: &Ada, platform: &Platform, accounts: &[Account]) -> Books {
    let deadline = Instant::now() + crate::DEADLINE;
    loop {
        let mut waiting = relay.waiting().await;
        if !ada.sandbox.is_idle() {
            waiting.push("webhooks are on their way".to_owned());
        }
        if waiting.is_empty() {
            let books = Books::compare(relay, &ada.sandbox, platform, accounts).await;
            if books.differences.is_empty() {
                return books;
            }
            waiting = books.differences;
        }
        assert!(Instant::now() < deadline, "the books don't agree: {waiting:#?}");
        moment(Instant::now() + Duration::from_millis(200)).await;
    }
}
