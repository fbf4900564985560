//! Statements with names, which PostgreSQL parses and plans once.

use std::sync::Arc;

use handoff_relay::store::Store;

use super::{
    database::open_as,
    pgbouncer::Bouncer,
    postgres::{self, Server},
};

/// How often the server was asked the same with a name. That is not so the first times, on whatever connection.
pub async fn asked_by_name(server: &Server, store: &dyn Store) -> usize {
    let count = || {
        let log = server.log();
        log.lines()
            .filter(|line| line.contains("execute s") && line.contains("UPDATE feed SET last = last"))
            .count()
    };
    let before = count();
    for _ in 0..20 {
        store.ready().await.unwrap();
    }
    count() - before
}

#[tokio::test]
async fn what_runs_again_has_a_name_unless_a_pooler_stands_between() {
    let server = Server::start(&["fsync=off", "log_statement=all"]);
    let direct = server.database().await;
    let pooled = {
        let name = direct.rsplit_once('/').unwrap().1.split('?').next().unwrap();
        let bouncer = Bouncer::start(&server);
        (bouncer.url(name), bouncer)
    };
    let store: Arc<dyn Store> = open_as(postgres::settings(&direct)).await;
    assert!(asked_by_name(&server, &*store).await > 0);
    let store = open_as(postgres::settings(&pooled.0)).await;
    assert_eq!(asked_by_name(&server, &*store).await, 0);
}
