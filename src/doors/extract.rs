//! Who makes a request, and what they say.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use super::App;
use crate::{
    accounts::{Account, ServiceAccount, SignedIn},
    agents::view::{HandoffView, MessageView},
    relay::{
        handoff::Handoff,
        id::{HandoffId, PlatformId},
        rule::Rule,
        rules::act::{self, Refusal},
        sight::Sight,
        thread::Row,
    },
    settings::Role,
    web::{
        body::HeldBody,
        extract::{bearer, json, unauthorized},
        origin,
        peer::Peer,
        problem::Problem,
    },
};

/// Who makes a request, and how that is proven: by a bearer token, failing that by the console's cookie.
#[derive(Clone, Debug)]
pub struct Caller {
    pub agent: String,
    /// Their account; none for a service account.
    pub account: Option<Arc<Account>>,
    /// The session, without a token.
    pub session: Option<SignedIn>,
    /// The platform whose service account it is; none for an agent.
    pub platform: Option<PlatformId>,
    /// What an agent may do.
    pub role: Role,
    /// Which handoffs an agent may see. A platform sees those that it got.
    pub sight: Sight,
}

impl Caller {
    /// An agent, perhaps by a session.
    fn agent(account: Arc<Account>, session: Option<SignedIn>) -> Self {
        let (agent, role, sight) = (account.name.clone(), account.role, account.sight.clone());
        Self { agent, account: Some(account), session, platform: None, role, sight }
    }

    /// A service account of a platform.
    pub fn service(account: &ServiceAccount) -> Self {
        Self {
            agent: account.account.name.clone(),
            account: None,
            session: None,
            platform: Some(account.platform.clone()),
            role: Role::Agent,
            sight: Sight::All,
        }
    }

    /// The same caller as they are now: something may have changed while the body came.
    ///
    /// # Errors
    /// 401: they are no longer signed in.
    pub async fn as_of_now(&self, app: &App) -> Result<Self, Problem> {
        // A platform's service accounts are the same until the relay stops.
        let Some(account) = &self.account else { return Ok(self.clone()) };
        let session = self.session.as_ref().map(|session| &session.id);
        let account = app.sign_in.still(account, session).await?;
        let account = account.ok_or_else(|| unauthorized("you are no longer signed in"))?;
        Ok(Self::agent(account, self.session.clone()))
    }

    /// Whether the caller may see this handoff.
    pub fn sees(&self, handoff: &Handoff) -> bool {
        match &self.platform {
            Some(platform) => handoff.platforms.contains_key(platform),
            None => self.sight.has(handoff),
        }
    }

    /// A handoff that the caller may see.
    ///
    /// # Errors
    /// 404: they may not, or there is none.
    pub async fn handoff(&self, app: &App, id: &HandoffId) -> Result<Handoff, Problem> {
        let handoff = app.engine.store().handoff(id).await?.filter(|handoff| self.sees(handoff));
        handoff.ok_or_else(|| Problem::not_found("no such handoff"))
    }

    /// What the caller does in a handoff that they may see: a rule for agents. It may have left their
    /// sight since their request came.
    ///
    /// # Errors
    /// As [`Self::handoff`], or as the rule's.
    pub async fn act<T: Send + 'static>(
        &self,
        app: &App,
        id: &HandoffId,
        rule: Rule<Result<T, Refusal>>,
    ) -> Result<T, Problem> {
        let caller = self.clone();
        let rule = act::if_seen(id.clone(), move |handoff| caller.sees(handoff), rule);
        Ok(app.engine.act(rule).await?)
    }

    /// A row as the caller sees it.
    pub fn message(&self, app: &App, row: &Row) -> MessageView {
        message_for(app, self.platform.as_ref(), row)
    }

    /// A handoff of a list or an event, as the caller sees it.
    pub fn listed(&self, app: &App, handoff: &Handoff) -> HandoffView {
        listed_for(app, self.platform.as_ref(), handoff)
    }

    /// A single handoff, as the caller sees it.
    pub fn whole(&self, app: &App, handoff: &Handoff) -> HandoffView {
        let mut view = HandoffView::whole(handoff, Some(&app.engine.policy_of(&handoff.key)));
        link(app, self.platform.as_ref(), |link| view.link_files(link));
        view
    }
}

/// A row as agents see it, or a platform's service accounts.
pub fn message_for(app: &App, platform: Option<&PlatformId>, row: &Row) -> MessageView {
    let mut view = MessageView::from(row);
    link(app, platform, |link| view.link_files(link));
    view
}

/// A handoff of a list or an event, as well.
pub fn listed_for(app: &App, platform: Option<&PlatformId>, handoff: &Handoff) -> HandoffView {
    let mut view = HandoffView::listed(handoff, Some(&app.engine.policy_of(&handoff.key)));
    link(app, platform, |link| view.link_files(link));
    view
}

/// A platform gets signed links to files.
fn link(app: &App, platform: Option<&PlatformId>, with: impl FnOnce(&dyn Fn(&str, &str) -> String)) {
    let Some(platform) = platform.and_then(|id| app.engine.platforms().find(id)) else { return };
    let now = app.engine.environment().now();
    with(&|handoff, row| platform.links.url(handoff, row, now));
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        // The door has found out already who calls.
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let peer = Peer::from_request_parts(parts, app).await;
        if let Some(token) = bearer(&parts.headers) {
            let account = app.sign_in.bearer(token, peer?.0).await?;
            app.engine.saw(&account.name).await;
            return Ok(Self::agent(account, None));
        }
        let secret = app.cookie.of(&parts.headers);
        let secret =
            secret.ok_or_else(|| unauthorized("the request has neither a bearer token nor a session"))?;
        if !parts.method.is_safe() {
            origin::require_our_page(&parts.headers)?;
        }
        let session = app.sign_in.visit(secret).await?;
        let session = session.ok_or_else(|| unauthorized("the session has ended; sign in again"))?;
        app.engine.saw(&session.account.name).await;
        Ok(Self::agent(Arc::clone(&session.account), Some(session)))
    }
}

/// The name of the agent who makes a request.
#[derive(Clone, Debug)]
pub struct Agent(pub String);

impl FromRequestParts<App> for Agent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Caller::from_request_parts(parts, app).await.map(|caller| Self(caller.agent))
    }
}

/// An agent, or an operator, who has a token but no session.
#[derive(Clone, Debug)]
pub enum Staff {
    Agent {
        /// Whether they see all handoffs.
        sees_all: bool,
    },
    Operator,
}

impl FromRequestParts<App> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if bearer(&parts.headers).and_then(|token| app.sign_in.operator(token)).is_some() {
            return Ok(Self::Operator);
        }
        let caller = Caller::from_request_parts(parts, app).await?;
        Ok(Self::Agent { sees_all: caller.sight == Sight::All })
    }
}

impl Staff {
    /// # Errors
    /// 403: it is an agent.
    pub fn require_operator(&self) -> Result<(), Problem> {
        match self {
            Self::Operator => Ok(()),
            Self::Agent { .. } => {
                Err(Problem::new(StatusCode::FORBIDDEN, "this needs an operator's token (OPERATOR_TOKENS)"))
            }
        }
    }

    /// # Errors
    /// 403: it is an agent who does not see all handoffs.
    pub fn require_full_sight(&self) -> Result<(), Problem> {
        match self {
            Self::Operator | Self::Agent { sees_all: true } => Ok(()),
            Self::Agent { sees_all: false } => {
                let detail = "a dead letter may be of any team: this is for those who see all handoffs";
                Err(Problem::new(StatusCode::FORBIDDEN, detail))
            }
        }
    }
}

/// A JSON body of an agent, and its bytes for digests.
pub struct Body<T> {
    /// Whose it is, as they were when all of it was there.
    pub caller: Caller,
    /// What it says.
    pub value: T,
    /// As it came.
    pub held: HeldBody,
}

impl<T: DeserializeOwned + Send> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        let (value, held) = json(&app.bodies.agents, Request::from_parts(parts, body)).await?;
        Ok(Self { caller: caller.as_of_now(app).await?, value, held })
    }
}

/// A JSON body of somebody who isn't signed in yet.
pub struct StrangersBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for StrangersBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        json(&app.bodies.sign_in, request).await.map(|(value, _)| Self(value))
    }
}
