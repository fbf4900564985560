//! The platforms' door: the agent API for service accounts, about the handoffs that their platform got, and signed links
//! to files. It stands beside Ada's doors, so nothing else of the agents' is here.

use axum::{
    extract::{RawPathParams, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{App, agents::files, extract::Caller};
use crate::{
    agents::platforms::LinkClaim,
    relay::id::{HandoffId, PlatformId, RowId},
    web::{
        extract::{In, Params, bearer, unauthorized},
        peer::Peer,
        problem::Problem,
    },
};

/// Lets a service account in, to what its platform got.
pub async fn admit(
    State(app): State<App>,
    peer: Peer,
    path: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let handoff = path.iter().find(|(name, _)| *name == "id").map(|(_, id)| HandoffId(id.to_owned()));
    match caller(&app, request.headers(), peer, handoff.as_ref()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn caller(
    app: &App,
    headers: &HeaderMap,
    peer: Peer,
    handoff: Option<&HandoffId>,
) -> Result<Caller, Problem> {
    let token = bearer(headers).ok_or_else(|| unauthorized("the request has no bearer token"))?;
    let service = app.sign_in.service(token, peer.0).await?;
    let caller = Caller::service(&service);
    if let Some(id) = handoff {
        caller.handoff(app, id).await?;
    }
    Ok(caller)
}

/// What a link says.
#[derive(Deserialize)]
pub struct Signed {
    expires: Option<i64>,
    signature: Option<String>,
}

/// `GET /platform/files/{platform}/{handoff}/{row}`: a file, for whoever has the link.
pub async fn file(
    State(app): State<App>,
    In((platform, handoff, row)): In<(String, String, String)>,
    Params(signed): Params<Signed>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (handoff, row) = (HandoffId(handoff), RowId(row));
    let now = app.engine.environment().now();
    let links = app.engine.platforms().find(&PlatformId(platform)).map(|platform| &platform.links);
    let claim = signed.expires.zip(signed.signature);
    let claim = claim.map(|(expires, signature)| LinkClaim { expires, signature });
    let is_valid = claim.zip(links).is_some_and(|(claim, links)| links.is_valid(&handoff, &row, &claim, now));
    if !is_valid {
        let detail = "the link is not valid, or no longer; the message has a new one";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    files::serve(&app, handoff.as_str(), row.0, false, &headers).await
}
