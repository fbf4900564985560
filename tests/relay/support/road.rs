//! The road from the relay to Ada: it can be closed, for everyone or for one conversation, and knows who passed.

use std::{
    collections::HashSet,
    future::IntoFuture,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
pub struct Road {
    pub url: String,
    ada: String,
    http: reqwest::Client,
    state: Arc<Mutex<Signs>>,
    /// How many requests hang at the barrier.
    hanging: watch::Sender<usize>,
}

#[derive(Default)]
struct Signs {
    closed: bool,
    barred: HashSet<String>,
    /// Parts of paths, with methods before them.
    forbidden: HashSet<String>,
    broken: HashSet<String>,
    /// Methods and paths of all requests, as they came.
    passed: Vec<String>,
}

impl Road {
    pub async fn to(ada: &str, stop: CancellationToken) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let road = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            ada: ada.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            state: Arc::default(),
            hanging: watch::Sender::new(0),
        };
        let router = Router::new().fallback(pass).with_state(road.clone());
        let server = axum::serve(listener, router).into_future();
        tokio::spawn(async move { stop.run_until_cancelled(server).await });
        road
    }

    /// Whoever comes hears 503.
    pub fn close(&self) {
        self.state.lock().unwrap().closed = true;
    }

    pub fn reopen(&self) {
        self.state.lock().unwrap().closed = false;
    }

    /// Methods and paths of all requests so far, as they came.
    pub fn passed(&self) -> Vec<String> {
        self.state.lock().unwrap().passed.clone()
    }

    /// Requests about this conversation get no answer at all.
    pub fn bar(&self, conversation: &str) {
        self.state.lock().unwrap().barred.insert(conversation.to_owned());
    }

    /// A filter in front of Ada answers requests whose method and path contain this with 403 and a page.
    pub fn forbid(&self, what: &str) {
        self.state.lock().unwrap().forbidden.insert(what.to_owned());
    }

    /// Requests whose method and path contain this are answered with 502.
    pub fn breaks(&self, what: &str) {
        self.state.lock().unwrap().broken.insert(what.to_owned());
    }

    /// No filter any more, nothing broken, and nothing new hangs.
    pub fn allow_all(&self) {
        let mut signs = self.state.lock().unwrap();
        signs.forbidden.clear();
        signs.broken.clear();
        signs.barred.clear();
    }

    /// No request gets an answer.
    pub fn bar_all(&self) {
        self.bar("/");
    }

    /// Waits until so many requests hang.
    pub async fn holds(&self, count: usize) {
        let mut hanging = self.hanging.subscribe();
        super::soon("a hanging request", hanging.wait_for(|now| *now >= count)).await.unwrap();
    }
}

async fn pass(State(road): State<Road>, request: Request) -> Response {
    let (closed, barred, forbidden, broken) = {
        let mut signs = road.state.lock().unwrap();
        let call = format!("{} {}", request.method(), request.uri());
        let is_in = |parts: &HashSet<String>| parts.iter().any(|part| call.contains(part));
        let (forbidden, broken) = (is_in(&signs.forbidden), is_in(&signs.broken));
        let barred = signs.barred.iter().any(|conversation| request.uri().path().contains(conversation));
        signs.passed.push(call);
        (signs.closed, barred, forbidden, broken)
    };
    if closed {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if broken {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    if forbidden {
        let page = "<html><body>Request blocked</body></html>";
        return (StatusCode::FORBIDDEN, [("content-type", "text/html")], page).into_response();
    }
    if barred {
        road.hanging.send_modify(|count| *count += 1);
        return std::future::pending().await;
    }
    forward(&road, request).await.unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response())
}

async fn forward(road: &Road, request: Request) -> reqwest::Result<Response> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let url = format!("{}{path}", road.ada);
    // The Host stays: Ada's page links lead over this road, too.
    let answer = road.http.request(parts.method, url).headers(parts.headers).body(body).send().await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = Response::new(Body::from(answer.bytes().await?));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().remove("transfer-encoding");
    Ok(response)
}
