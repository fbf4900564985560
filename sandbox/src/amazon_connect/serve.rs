//! The server: its routes, and how it begins and ends.

use std::future::IntoFuture;
use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{ConnectStandIn, control, door, storage};
use crate::connection::{Connection, SeverableListener};

/// How long requests under way may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// How often chats are looked at that nobody asks for.
const TICK: Duration = Duration::from_secs(1);

impl ConnectStandIn {
    /// Answers on `listener` until `stop`: every API by its path, and the agents' page at `/agent`. The
    /// subscriber that the options name is subscribed at the first start. Chats stay, so that serving again is
    /// Amazon Connect after an outage.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) -> Result<()> {
        let run = self.begin_run(&listener)?;
        // A caller that drops this future stops the run as well.
        let _guard = run.clone().drop_guard();
        let cut_all = CancellationToken::new();
        let _cut_all = cut_all.clone().drop_guard();
        let shutdown = {
            let run = run.clone();
            async move {
                tokio::select! {
                    () = stop.cancelled() => run.cancel(),
                    () = run.cancelled() => {}
                }
            }
        };
        let listener = SeverableListener::new(listener, cut_all);
        let routes = router(self).into_make_service_with_connect_info::<Connection>();
        let server = axum::serve(listener, routes).with_graceful_shutdown(shutdown);
        let mut server = std::pin::pin!(server.into_future());
        if let Some(subscriber) =
            self.0.options.subscriber.clone().filter(|_| self.subscriptions().is_empty())
        {
            self.subscribe(subscriber);
        }
        let result = tokio::select! {
            result = &mut server => result,
            () = self.ticks() => Ok(()),
            () = run.cancelled() => tokio::time::timeout(GRACE, &mut server).await.unwrap_or(Ok(())),
        };
        run.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        Ok(result?)
    }

    async fn ticks(&self) {
        loop {
            tokio::time::sleep(TICK).await;
            self.tick();
        }
    }

    fn begin_run(&self, listener: &TcpListener) -> Result<CancellationToken> {
        let mut address = listener.local_addr()?;
        if address.ip().is_unspecified() {
            // Whoever gets a URL is most likely on this machine.
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        self.0.tasks.reopen();
        let mut state = self.0.lock();
        state.base_url = self.0.options.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        if state.run.is_cancelled() {
            state.run = CancellationToken::new();
        }
        let run = state.run.clone();
        drop(state);
        // Whoever waits for where it is served looks again.
        self.0.changed();
        Ok(run)
    }
}

fn router(stand_in: &ConnectStandIn) -> Router {
    Router::new()
        .route("/storage/{file}", put(storage::put).get(storage::get))
        .route(&stand_in.0.signer.path, get(certificate))
        .merge(control::router())
        .fallback(door::answer)
        .layer(DefaultBodyLimit::disable())
        .with_state(stand_in.clone())
}

async fn certificate(State(stand_in): State<ConnectStandIn>) -> Response {
    stand_in.0.certificate_fetches.fetch_add(1, Ordering::Relaxed);
    ([(header::CONTENT_TYPE, "application/x-pem-file")], stand_in.certificate()).into_response()
}
