//! The server: its routes, and how it begins and ends.

use std::future::IntoFuture;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::connection::{Connection, SeverableListener};
use crate::{Sandbox, api, chat, dashboard, developer, files};

/// How long requests under way may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(2);

impl Sandbox {
    /// Answers on `listener` until `stop`: the API below `/api`, the customer's page at `/chat`, the dashboard's at `/dashboard`, the dial below
    /// `/sandbox/api`, files at their presigned URLs. On return no
    /// task is left: event streams, webhooks on their way and their retries have ended. Conversations stay,
    /// so that serving again is Ada after an outage.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) -> Result<()> {
        let run = self.begin_run(&listener)?;
        // A caller that drops this future stops the run as well.
        let _guard = run.clone().drop_guard();
        // Ends what is left when the grace is over.
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
        let routes = router(self.clone()).into_make_service_with_connect_info::<Connection>();
        let server = axum::serve(listener, routes).with_graceful_shutdown(shutdown);
        let mut server = std::pin::pin!(server.into_future());
        let result = tokio::select! {
            result = &mut server => result,
            () = run.cancelled() => tokio::time::timeout(GRACE, &mut server).await.unwrap_or(Ok(())),
        };
        run.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        Ok(result?)
    }

    fn begin_run(&self, listener: &TcpListener) -> Result<CancellationToken> {
        let mut address = listener.local_addr()?;
        if address.ip().is_unspecified() {
            // Whoever gets a URL is most likely on this machine.
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        self.0.tasks.reopen();
        let mut state = self.0.lock();
        state.base_url = format!("http://{address}");
        if state.run.is_cancelled() {
            state.run = CancellationToken::new();
        }
        Ok(state.run.clone())
    }
}

fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/chat") }))
        .route("/files/{token}", get(files::serve).head(files::refuse_head))
        .nest("/api", api::router(sandbox.clone()))
        .merge(chat::router())
        .merge(dashboard::router())
        .nest("/sandbox/api", developer::router())
        .with_state(sandbox)
}
