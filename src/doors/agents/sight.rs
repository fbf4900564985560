//! Agents see the handoffs of their teams: each request for another one is answered as if there were none.

use axum::{
    extract::{FromRequestParts, RawPathParams, Request, State, rejection::RawPathParamsRejection},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    doors::{App, extract::Caller},
    relay::{id::HandoffId, sight::Sight},
    web::problem::Problem,
};

/// Lets an agent in, to what they may see.
pub async fn admit(
    State(app): State<App>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    // What is wrong with a path the call itself says.
    let handoff = path.ok().and_then(|path| {
        let mut path = path.iter();
        path.find(|(name, _)| *name == "id").map(|(_, id)| HandoffId(id.to_owned()))
    });
    let (mut parts, body) = request.into_parts();
    let caller = async {
        let caller = Caller::from_request_parts(&mut parts, &app).await?;
        if let Some(id) = handoff {
            require_sight(&app, &caller, &id).await?;
        }
        Ok::<_, Problem>(caller)
    };
    match caller.await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// # Errors
/// 404: the caller may not see this handoff, or there is none. Whoever sees all finds out later.
async fn require_sight(app: &App, caller: &Caller, id: &HandoffId) -> Result<(), Problem> {
    match caller.sight {
        Sight::All => Ok(()),
        Sight::Of { .. } => caller.handoff(app, id).await.map(|_| ()),
    }
}
