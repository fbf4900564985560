//! A database that does not answer, does not write, or is not what it should be.

use std::time::Duration;

use handoff_relay::{
    settings::Postgres,
    store::{Arrived, PostgresStore, Store, StoreError},
};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::{
    database::{name_of, open_as},
    instances::tries_to_arrive,
    make::{event, handoff, put_handoffs},
    postgres::{self, execute},
    road::Road,
};

/// More than anything here takes.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_secs(1);

/// Settings under which nothing takes long.
fn impatient(url: &str) -> Postgres {
    let mut settings = postgres::settings(url);
    (settings.statement_timeout, settings.lock_timeout) = (2 * SHORT, SHORT);
    settings
}

fn says<T: std::fmt::Debug>(refused: Result<T, StoreError>, what: &str) {
    let error = refused.unwrap_err().to_string();
    assert!(error.contains(what), "{error}");
}

/// Until it works. It must not hang: each look ends.
async fn works(store: &dyn Store) {
    let mut number = 100;
    let working = async {
        loop {
            number += 1;
            let kept = tries_to_arrive(store, event("a", &format!("s{number}"), number)).await;
            if kept.is_ok() && store.handoff(&"h".into()).await.is_ok() && store.ready().await.is_ok() {
                return;
            }
        }
    };
    timeout(LONG, working).await.unwrap();
}

/// As behind a pooler or a proxy that keeps them open, when the machine behind it is gone and another one has taken over.
#[tokio::test]
async fn connections_that_have_gone_silent_are_given_up() {
    let url = postgres::shared().database().await;
    let road = Road::to(postgres::shared().folder()).await;
    let store = open_as(impatient(&road.url(name_of(&url)))).await;
    put_handoffs(&*store, vec![handoff("h", "a")]).await;
    tries_to_arrive(&*store, event("a", "s1", 1)).await.unwrap();
    road.abandons_its_connections();
    let id = "h".into();
    let asking = async { tokio::join!(tries_to_arrive(&*store, event("a", "s2", 2)), store.handoff(&id)) };
    let (arrived, read) = timeout(LONG, asking).await.unwrap();
    assert!(arrived.is_err() && read.is_err(), "nobody has answered");
    works(&*store).await;
}

/// Many statements of one decision are sent together: the last answer comes late, and the connection was never silent.
#[tokio::test]
async fn who_answers_one_after_another_is_not_silent() {
    let url = postgres::shared().database().await;
    let slow = "CREATE FUNCTION takes_long() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END'; \
                CREATE TRIGGER takes_long BEFORE INSERT ON handoffs FOR EACH ROW EXECUTE FUNCTION takes_long()";
    let store = open_as(impatient(&url)).await;
    execute(&url, slow).await;
    let handoffs = (0..12).map(|number| handoff(&format!("h{number}"), &format!("c{number}")));
    put_handoffs(&*store, handoffs.collect()).await;
}

/// As `VACUUM FULL` does, and many a change of a table.
#[tokio::test]
async fn nobody_waits_for_a_lock_for_longer_than_is_set() {
    let url = postgres::shared().database().await;
    let store = open_as(impatient(&url)).await;
    put_handoffs(&*store, vec![handoff("h", "a")]).await;
    tries_to_arrive(&*store, event("a", "s1", 1)).await.unwrap();
    let other = postgres::connect(&url).await;
    other.batch_execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '60s'; LOCK TABLE journal, handoffs IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let waiting = async {
        says(tries_to_arrive(&*store, event("a", "s2", 2)).await, "lock timeout");
        says(store.handoff(&"h".into()).await, "lock timeout");
        says(store.ready().await, "lock timeout");
    };
    timeout(LONG, waiting).await.unwrap();
    other.batch_execute("ROLLBACK").await.unwrap();
    store.ready().await.unwrap();
    assert_eq!(tries_to_arrive(&*store, event("a", "s2", 2)).await.unwrap(), Arrived::Kept);
}

/// As where the disk is full.
#[tokio::test]
async fn who_can_keep_nothing_is_not_ready() {
    let url = postgres::shared().database().await;
    let store = open_as(postgres::settings(&url)).await;
    store.ready().await.unwrap();
    let full = "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS \
                'BEGIN RAISE EXCEPTION ''could not extend file'' USING ERRCODE = ''disk_full''; END'; \
                CREATE TRIGGER no_room BEFORE INSERT ON journal FOR EACH ROW \
                EXECUTE FUNCTION no_room()";
    execute(&url, full).await;
    says(tries_to_arrive(&*store, event("a", "s1", 1)).await, "could not extend file");
    says(store.ready().await, "could not extend file");
    says(store.ready().await, "could not extend file");
    execute(&url, "DROP TRIGGER no_room ON journal").await;
    store.ready().await.unwrap();
    assert_eq!(tries_to_arrive(&*store, event("a", "s1", 1)).await.unwrap(), Arrived::Kept);
    let left = postgres::connect(&url).await.query("SELECT svix_id FROM journal", &[]).await.unwrap();
    assert_eq!(left.len(), 1, "a trial leaves nothing");
}

/// A relay whose user owns the tables, and what somebody else has taken from it.
#[tokio::test]
async fn who_may_not_write_a_table_is_told_which() {
    let url = postgres::shared().database().await;
    let user = format!("app_{}", name_of(&url));
    execute(&url, &format!("CREATE ROLE {user} LOGIN; GRANT CREATE ON SCHEMA public TO {user}")).await;
    let settings = postgres::settings(&url.replacen("relay@", &format!("{user}@"), 1));
    let store = open_as(settings.clone()).await;
    store.ready().await.unwrap();
    // Without the right to make tables a relay starts where all are there.
    execute(&url, &format!("REVOKE CREATE ON SCHEMA public FROM {user}, public")).await;
    PostgresStore::inspect(&settings).await.unwrap();
    drop(PostgresStore::open(&settings).await.map_err(|error| error.to_string()).unwrap());
    let revoke = format!("REVOKE INSERT ON journal FROM {user}; REVOKE UPDATE ON handoffs FROM {user}");
    execute(&url, &revoke).await;
    let which = "may not read and write these tables: handoffs, journal";
    says(store.ready().await, which);
    says(PostgresStore::inspect(&settings).await, which);
    says(PostgresStore::open(&settings).await.map(drop), which);
}

#[tokio::test]
async fn what_can_not_be_used_is_refused_by_a_look_and_by_a_start_alike() {
    let server = postgres::shared();
    server
        .run(
            "postgres",
            "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
        )
        .await;
    let foreign = server.database().await;
    execute(&foreign, "CREATE TABLE handoffs (id text)").await;
    let closed = server.database().await;
    execute(&closed, "CREATE ROLE guest LOGIN; REVOKE CREATE ON SCHEMA public FROM public").await;
    let standing = server.database().await;
    let name = name_of(&standing);
    execute(&standing, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    for (url, why) in [
        (server.url("latin"), "must have the encoding UTF8"),
        (foreign, "has tables of something else: handoffs"),
        (closed.replacen("relay@", "guest@", 1), "may not create tables there"),
        (standing, "can be read, and not be written"),
    ] {
        let settings = postgres::settings(&url);
        says(PostgresStore::inspect(&settings).await, why);
        says(PostgresStore::open(&settings).await.map(drop), why);
    }
}

/// A port that takes no connection, and refuses none either: its queue is full.
struct Deaf {
    port: u16,
    _listener: tokio::net::TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Deaf {
    async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(connected) = timeout(SHORT, TcpStream::connect(address)).await {
            waiting.push(connected.unwrap());
        }
        Self { port: address.port(), _listener: listener, _waiting: waiting }
    }
}

#[tokio::test]
async fn the_next_host_is_asked_where_the_first_does_not_answer() {
    let url = postgres::shared().database().await;
    let (deaf, road) = (Deaf::new().await, Road::to(postgres::shared().folder()).await);
    let both = road.url(name_of(&url)).replacen("@", &format!("@127.0.0.1:{},", deaf.port), 1);
    PostgresStore::inspect(&postgres::settings(&both)).await.unwrap();
    let alone = format!("postgres://relay@127.0.0.1:{}/x?connect_timeout=1", deaf.port);
    says(
        PostgresStore::inspect(&postgres::settings(&alone)).await,
        &format!("PostgreSQL at 127.0.0.1:{}", deaf.port),
    );
}
