//! Several relays on one database, behind a balancer, play what one relay plays in [`crash`](crate::crash): they are killed,
//! stopped and cut off one by one, and so is the database, while customers and agents write on. The same accounts are
//! compared at the end.
//!
//! `CRASH_KILLS`, `CRASH_OUTAGES`, `CRASH_FREEZES` and `CRASH_SEED` set how often an instance and the database die, how often
//! an instance stands still (for `CRASH_FREEZE_S`), and by which numbers. `CRASH_HISTORIES` names a folder for the histories.
//! `CRASH_CUSTOMERS`, `CRASH_REST_MS`, `CRASH_PER_SECOND`, `CRASH_PER_MINUTE` and `CRASH_SETTLED_S` make it larger.

mod balancer;
mod cut_off;
mod failover;
mod instance;
mod owners;
mod screen;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::{
    balancer::Balancer,
    instance::{Handle, Instance, Order},
    screen::Screen,
};
use crate::{
    ada::Ada,
    crash::{
        chance::Dice,
        deaths::SETTINGS,
        number,
        world::{self, World},
    },
    moment,
    pgbouncer::Bouncer,
    postgres::{self, Server},
    relay::folder,
};

const INSTANCES: usize = 3;
/// A few seconds' worth, for every run of the tests.
const KILLS: u64 = 4;
const OUTAGES: u64 = 1;
/// What Ada allows all instances together.
const PER_SECOND: u64 = 20;
const PER_MINUTE: u64 = 240;

/// Longer than any lease.
fn stands_still() -> Duration {
    Duration::from_secs(number("CRASH_FREEZE_S", 12))
}

fn rates() -> [u64; 2] {
    [number("CRASH_PER_SECOND", PER_SECOND), number("CRASH_PER_MINUTE", PER_MINUTE)]
}

/// Something that happens to the cluster.
#[derive(Clone, Copy)]
enum Blow {
    /// One instance dies.
    Death,
    /// The database dies, and is there again a while later.
    Outage,
    /// One instance stands still for so long.
    Freeze(Duration),
    /// The next instance is stopped, and started as what it is to be from now on.
    Replace,
}

/// What happens, in an order that the seed gives.
fn blows(deaths: u64, outages: u64, freezes: u64, dice: &mut Dice) -> Vec<Blow> {
    let all = [(Blow::Death, deaths), (Blow::Outage, outages), (Blow::Freeze(stands_still()), freezes)];
    let mut blows: Vec<Blow> =
        all.iter().flat_map(|(blow, times)| std::iter::repeat_n(*blow, *times as usize)).collect();
    for place in (1..blows.len()).rev() {
        blows.swap(place, dice.roll(place as u64 + 1) as usize);
    }
    blows
}

/// A database, and how relays reach it.
struct Database {
    server: Server,
    _bouncer: Option<Bouncer>,
    /// For relays.
    url: String,
    /// Without anything between.
    direct: String,
}

impl Database {
    async fn start() -> Self {
        // What it has said is kept is on the disk, as in earnest.
        let server = Server::start(&[]);
        let direct = server.database().await;
        Self { url: direct.clone(), _bouncer: None, server, direct }
    }

    async fn start_behind_a_pooler() -> Self {
        let database = Self::start().await;
        let bouncer = Bouncer::start(&database.server);
        let url = bouncer.url(database.direct.rsplit_once('/').unwrap().1.split('?').next().unwrap());
        Self { url, _bouncer: Some(bouncer), ..database }
    }

    async fn dies(&self, signal: &str, long: Duration) {
        self.server.kill(signal);
        moment(Instant::now() + long).await;
        self.server.start_again();
    }

    /// Files that are written down to be looked at.
    async fn noted(&self) -> BTreeSet<String> {
        let client = postgres::connect(&self.direct).await;
        let rows = client.query("SELECT handoff || '/' || row_id FROM file_checks", &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

struct Cluster {
    handles: Vec<Handle>,
    dice: Dice,
}

impl Cluster {
    /// Instances that wait to be run.
    fn new(
        folder: &TempDir,
        ada: &Ada,
        more: &[(&'static str, String)],
        database: &Database,
        dice: Dice,
    ) -> (Self, Vec<Instance>) {
        let (instances, handles) = (0..INSTANCES)
            .map(|_| {
                let mut settings: Vec<(&str, String)> =
                    SETTINGS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
                settings.extend(more.iter().cloned());
                settings.push(("DATABASE_URL", database.url.clone()));
                let [per_second, per_minute] = rates();
                settings.push(("ADA_RATE_PER_SECOND", per_second.to_string()));
                settings.push(("ADA_RATE_PER_MINUTE", per_minute.to_string()));
                Instance::new(folder.path().to_owned(), &ada.url, settings)
            })
            .unzip();
        (Self { handles, dice }, instances)
    }

    async fn are_up(&self) {
        for handle in &self.handles {
            crate::soon("an instance is up", handle.address().wait_for(Option::is_some)).await.unwrap();
        }
    }

    async fn suffers(&mut self, blows: Vec<Blow>, database: &Database) {
        let mut replaced = 0;
        for blow in blows {
            moment(Instant::now() + self.dice.between(300, 3_000)).await;
            let one = self.dice.roll(self.handles.len() as u64) as usize;
            match blow {
                Blow::Death => self.handles[one].order(Order::Die),
                // One at a time.
                Blow::Freeze(long) => {
                    self.handles[one].order(Order::Freeze(long));
                    moment(Instant::now() + long).await;
                }
                Blow::Replace => {
                    self.handles[replaced].order(Order::Replace);
                    replaced += 1;
                }
                Blow::Outage => {
                    let signal = self.dice.one_of(&["KILL", "QUIT"]);
                    database.dies(signal, self.dice.between(100, 3_000)).await;
                }
            }
        }
    }
}

/// All of it, under one seed.
async fn play(name: &str, database: Database, blows: Vec<Blow>, seed: u64) {
    let began = Instant::now();
    let (world, folder) = (World::stormy(name, seed).await, folder());
    let (mut cluster, instances) =
        Cluster::new(&folder, &world.ada, &world.settings(), &database, Dice::new(seed));
    let balancer = Balancer::start(cluster.handles.iter().map(Handle::address).collect()).await;
    world.ada.meets(&balancer.url);
    // It stays where it is.
    let at = watch::Sender::new(Some(balancer.url.clone()));
    let (over, address) = (CancellationToken::new(), at.subscribe());
    let count = blows.len();
    let story = async {
        cluster.are_up().await;
        let screens = join_all((0..INSTANCES).map(|_| Screen::open(&balancer.url))).await;
        let suffering = async {
            cluster.suffers(blows, &database).await;
            cluster.are_up().await;
            over.cancel();
        };
        let (accounts, ()) = tokio::join!(world.talks(&address, &over), suffering);
        drop(cluster);
        (accounts, screens)
    };
    let ((accounts, screens), relays) =
        tokio::join!(story, join_all(instances.into_iter().map(Instance::run)));

    world.calms_down();
    let calm = Instant::now();
    let books = world.settled(&relays, &accounts).await;
    for screen in screens {
        let (messages, breaks) = screen.agrees(&relays[0]).await;
        println!("{name}: a stream that broke off {breaks} times has shown {messages} messages as they are");
    }
    let sandbox = &world.ada.sandbox;
    let [second, minute] = [1, 60].map(|seconds| sandbox.busiest(Duration::from_secs(seconds)));
    println!(
        "{name}: seed {seed}, {count} blows in {:.0?}, settled {:.1?} later; {books}; {} calls to Ada, {second} in the \
         busiest second, {minute} in the busiest minute",
        calm.duration_since(began),
        calm.elapsed(),
        sandbox.calls().len(),
    );
    let [per_second, per_minute] = rates().map(|rate| rate as usize);
    assert!(second <= per_second && minute <= per_minute, "{second} calls in a second, {minute} in a minute");
    join_all(relays.into_iter().map(|relay| relay.stops_well())).await;
    let aside = world::aside(folder.path(), &books, &database.noted().await);
    println!("{name}: {aside} files whose messages never came wait to be removed");
}

#[tokio::test]
async fn whichever_instance_dies_nothing_is_lost_or_doubled() {
    let seed = number("CRASH_SEED", 1);
    let (kills, outages) = (number("CRASH_KILLS", KILLS), number("CRASH_OUTAGES", OUTAGES));
    let blows = blows(kills, outages, 0, &mut Dice::new(!seed));
    play("cluster", Database::start().await, blows, seed).await;
}

#[tokio::test]
async fn behind_a_pooler_nothing_is_lost_or_doubled() {
    let seed = number("CRASH_SEED", 1);
    let kills = number("CRASH_KILLS", KILLS).div_ceil(2);
    let blows = blows(kills, 0, 0, &mut Dice::new(!seed));
    play("cluster behind PgBouncer", Database::start_behind_a_pooler().await, blows, seed).await;
}

#[tokio::test]
async fn what_an_instance_that_stood_still_does_late_does_not_count() {
    let seed = number("CRASH_SEED", 1);
    let freezes = number("CRASH_FREEZES", 1);
    let blows = blows(0, 0, freezes, &mut Dice::new(!seed));
    play("cluster with stops", Database::start().await, blows, seed).await;
}

/// With `CLUSTER_BEFORE`, from that binary to this one.
#[tokio::test]
async fn replaced_one_by_one_nothing_is_lost_or_doubled() {
    play(
        "cluster replaced",
        Database::start().await,
        vec![Blow::Replace; INSTANCES],
        number("CRASH_SEED", 1),
    )
    .await;
}
