//! The process dies again and again, at random moments, while customers and agents write on over a bad network and
//! send files. At the end the accounts are compared: nothing that was acknowledged is lost, nothing stands twice,
//! and all of it is in order.
//!
//! `CRASH_KILLS` and `CRASH_SEED` set how often it dies and by which numbers. The seed fixes what everyone
//! plans to do, not how it meets.

pub mod books;
pub mod chance;
mod connect;
pub mod crowd;
pub mod deaths;
pub mod world;

use std::{collections::BTreeSet, path::Path, time::Instant};

use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use self::{chance::Dice, deaths::Deaths, world::World};
use crate::relay::folder;

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
    let (world, folder) = (World::stormy("crash", seed).await, folder());
    let mut deaths = Deaths::new(folder.path(), &world.ada, world.settings(), Dice::new(seed));
    let (over, address) = (CancellationToken::new(), deaths.address());
    let die = async {
        for _ in 0..kills {
            deaths.die().await;
        }
        let relay = deaths.live_on().await;
        over.cancel();
        relay
    };
    let (accounts, relay) = tokio::join!(world.talks(&address, &over), die);

    world.calms_down();
    let calm = Instant::now();
    let relays = [relay];
    let books = world.settled(&relays, &accounts).await;
    println!(
        "crash: seed {seed}, {kills} kills ({} before it was up) in {:.0?}, settled {:.1?} later; {books}",
        deaths.before_up,
        calm.duration_since(began),
        calm.elapsed(),
    );
    let [relay] = relays;
    relay.stops_well().await;
    let aside = world::aside(folder.path(), &books, &noted(folder.path()));
    println!("crash: {aside} files whose messages never came wait to be removed");
}

/// Files that are written down to be looked at.
fn noted(folder: &Path) -> BTreeSet<String> {
    let file = Connection::open(folder.join("handoffs.db")).unwrap();
    let mut checks = file.prepare("SELECT handoff || '/' || row_id FROM file_checks").unwrap();
    checks.query_map((), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect(name))
}
