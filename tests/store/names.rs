//! Statements with names, which PostgreSQL parses and plans once.

use std::sync::Arc;

use handoff_relay::store::{HandoffQuery, Store};

use super::{
    database::{name_of, open_as},
    pgbouncer::Bouncer,
    postgres::{self, Server},
};

/// How often the server was asked something by name.
fn by_name(server: &Server, what: &str) -> usize {
    let log = server.log();
    log.lines().filter(|line| line.contains("execute s") && line.contains(what)).count()
}

/// How often the server was asked the same by name. That is not so the first times, on whatever connection.
pub async fn asked_by_name(server: &Server, store: &dyn Store) -> usize {
    const WHAT: &str = "has_table_privilege";
    let before = by_name(server, WHAT);
    for _ in 0..20 {
        store.ready().await.unwrap();
    }
    by_name(server, WHAT) - before
}

#[tokio::test]
async fn what_runs_again_has_a_name_unless_a_pooler_stands_between() {
    let server = Server::start(&["fsync=off", "log_statement=all"]);
    let direct = server.database().await;
    let bouncer = Bouncer::start(&server);
    let store: Arc<dyn Store> = open_as(postgres::settings(&direct)).await;
    assert!(asked_by_name(&server, &*store).await > 0);
    let store = open_as(postgres::settings(&bouncer.url(name_of(&direct)))).await;
    assert_eq!(asked_by_name(&server, &*store).await, 0);
}

/// What is best for them depends on how often there is what is wanted.
#[tokio::test]
async fn lists_and_searches_are_planned_for_what_they_look_for() {
    let server = Server::start(&["fsync=off", "log_statement=all"]);
    let store = open_as(postgres::settings(&server.database().await)).await;
    for text in [None, Some("order".to_owned())] {
        let query = HandoffQuery { limit: 1, text, ..HandoffQuery::default() };
        for _ in 0..20 {
            store.handoffs(&query).await.unwrap();
        }
    }
    for what in ["text LIKE", "ORDER BY position DESC LIMIT $1"] {
        assert!(server.log().contains(what), "{what}");
        assert_eq!(by_name(&server, what), 0, "{what}");
    }
}
