//! Identifies agents: by a token with each request, or by a token or a code at sign-in and a session from then on.
//!
//! Only digests of secrets are stored. This module does not know HTTP (cookies, headers, statuses).

mod codes;
mod failures;
mod former;

use std::{net::IpAddr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::{
    environment::Environment,
    metrics::Metrics,
    relay::{id::PlatformId, sight::Sight, time::Time},
    settings::{AgentToken, NoRandomness, Role, Secret},
    store::{
        Store, StoreError,
        sessions::{Digest, Session, SessionChange, SignInCode},
    },
    warnings::Warnings,
};
use codes::Codes;
use failures::Failures;
pub use former::FormerTokens;

/// A use is stored only if the last stored use is older than this, so that not every request costs a flush.
const NOTE_USE_AFTER: Duration = Duration::from_secs(60);
/// Who waits for the end of a session looks again after this, should our clock have been set.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

const UNKNOWN_TOKEN: &str = "this token is not known";
const UNKNOWN_CODE: &str = "this code is not known, has been used, or is too old";
const UNKNOWN_BEARER: &str = "the bearer token is not known";

/// The sessions of the console, and the ways into one.
pub struct SignIn {
    store: Arc<dyn Store>,
    environment: Arc<dyn Environment>,
    accounts: ArcSwap<Accounts>,
    /// Tells that there are other accounts.
    replaced: watch::Sender<()>,
    codes: Codes,
    failures: Failures,
    metrics: Arc<Metrics>,
    warnings: Arc<Warnings>,
}

/// Those of the settings.
struct Accounts {
    agents: Vec<Arc<Account>>,
    services: Vec<Arc<ServiceAccount>>,
    operators: Vec<Account>,
}

impl From<Tokens> for Accounts {
    fn from(Tokens { agents, services, operators }: Tokens) -> Self {
        let agents = agents.into_iter().map(Arc::new).collect();
        Self { agents, services: services.into_iter().map(Arc::new).collect(), operators }
    }
}

/// Somebody who is known by a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Their name.
    pub name: String,
    /// The digest of their token.
    pub token: Digest,
    /// What they may do.
    pub role: Role,
    /// Which handoffs they see.
    pub sight: Sight,
}

impl Account {
    /// Of the environment: an agent who sees all, or an operator.
    pub fn of_token(account: &AgentToken, role: Role) -> Self {
        let (name, token) = (account.name.clone(), Digest::of(account.token.expose()));
        Self { name, token, role, sight: Sight::All }
    }
}

/// An account with which a platform acts.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// Its name and token.
    pub account: AgentToken,
    /// Whose it is.
    pub platform: PlatformId,
}

/// Who is known by a token, beside signed-in agents.
#[derive(Default)]
pub struct Tokens {
    /// Agents.
    pub agents: Vec<Account>,
    /// Platforms.
    pub services: Vec<ServiceAccount>,
    /// Operators.
    pub operators: Vec<Account>,
}

/// The credentials for signing in.
pub enum Credential {
    /// One of the settings' tokens.
    Token(Secret),
    /// A code that a relay made.
    Code(Secret),
}

/// The kind of a wrong credential.
#[derive(Clone, Copy)]
enum Guess {
    /// A token, to sign in with.
    Token,
    /// A code.
    Code,
    /// A token, with a request.
    Bearer,
}

impl Guess {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Code => "code",
            Self::Bearer => "bearer",
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Token => UNKNOWN_TOKEN,
            Self::Code => UNKNOWN_CODE,
            Self::Bearer => UNKNOWN_BEARER,
        }
    }

    const fn unknown(self) -> NotSignedIn {
        match self {
            Self::Token => NotSignedIn::UnknownToken,
            Self::Code => NotSignedIn::UnknownCode,
            Self::Bearer => NotSignedIn::UnknownBearer,
        }
    }
}

/// A signed-in agent.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub account: Arc<Account>,
    /// Of their session.
    pub id: Digest,
    /// When it will be over unless it is used again.
    pub ends_at: Time,
}

/// Somebody who is known by a token, and is no agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherRole {
    /// An operator.
    Operator,
    /// A service account of a platform.
    Service,
}

impl OtherRole {
    const fn refusal(self) -> &'static str {
        match self {
            Self::Operator => "this is for agents, and the token is an operator's",
            Self::Service => {
                "this is for agents, and the token is a service account's, whose calls begin with /platform"
            }
        }
    }
}

/// Why a request is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum NotSignedIn {
    /// The token belongs to no agent.
    #[error("{}", UNKNOWN_TOKEN)]
    UnknownToken,
    /// The code is unknown, used or expired.
    #[error("{}", UNKNOWN_CODE)]
    UnknownCode,
    /// The token of a request belongs to no agent.
    #[error("{}", UNKNOWN_BEARER)]
    UnknownBearer,
    /// The token is right, and whoever has it answers no handoffs there.
    #[error("{}", .0.refusal())]
    OtherRole(OtherRole),
    /// There were too many wrong attempts. The client must wait this long.
    #[error("too many wrong tokens or codes; try again later")]
    TooManyFailures(Duration),
    /// The system has no randomness for a secret.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignIn {
    /// For these. Wrong guesses are counted in `metrics`.
    pub fn new(
        store: Arc<dyn Store>,
        environment: Arc<dyn Environment>,
        tokens: Tokens,
        metrics: Arc<Metrics>,
        warnings: Arc<Warnings>,
    ) -> Self {
        let accounts = ArcSwap::from_pointee(Accounts::from(tokens));
        let (codes, failures) = (Codes::new(Arc::clone(&store)), Failures::new(Arc::clone(&store)));
        let (replaced, _) = watch::channel(());
        Self { store, environment, accounts, replaced, codes, failures, metrics, warnings }
    }

    /// From now on there are these accounts, and no others.
    pub fn replace(&self, tokens: Tokens) {
        self.accounts.store(Arc::new(Accounts::from(tokens)));
        self.replaced.send_replace(());
    }

    /// Changes with the accounts.
    pub fn replacements(&self) -> watch::Receiver<()> {
        self.replaced.subscribe()
    }

    /// All agents.
    pub fn agents(&self) -> Vec<Arc<Account>> {
        self.accounts.load().agents.clone()
    }

    /// For each agent of the settings their name and a code with which they can sign in, once, soon.
    ///
    /// # Errors
    /// The system has no randomness, or the store failed.
    pub async fn new_codes(&self) -> Result<Vec<(String, Secret)>, NotSignedIn> {
        let made_at = self.environment.now();
        let mut codes = Vec::new();
        for account in self.agents() {
            let code = Secret::random()?;
            let id = Digest::of(code.expose());
            self.codes.add(SignInCode { id, token: account.token.clone(), made_at }).await?;
            codes.push((account.name.clone(), code));
        }
        Ok(codes)
    }

    /// Begins a session. Gives the secret that proves it from now on, which nobody keeps here.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn begin(&self, proof: &Credential, peer: IpAddr) -> Result<(Secret, SignedIn), NotSignedIn> {
        let now = self.environment.now();
        let token = match proof {
            Credential::Token(token) => match self.known_token(token.expose()) {
                Some(account) => account.token.clone(),
                None => return Err(self.no_agent(Guess::Token, token.expose(), peer).await),
            },
            Credential::Code(code) => match self.codes.take(&Digest::of(code.expose()), now).await? {
                Some(token) => token,
                None => return Err(self.wrong(Guess::Code, code.expose(), peer).await),
            },
        };
        let secret = Secret::random()?;
        let id = Digest::of(secret.expose());
        let session = Session { id, token, created_at: now, used_at: now };
        self.store.change_sessions(SessionChange::Begin(session.clone())).await?;
        Ok((secret, self.known(&session, now).ok_or(NotSignedIn::UnknownToken)?))
    }

    /// The agent whose token a request from `peer` carries.
    ///
    /// # Errors
    /// It is nobody's.
    pub async fn bearer(&self, token: &str, peer: IpAddr) -> Result<Arc<Account>, NotSignedIn> {
        match self.known_token(token) {
            Some(account) => Ok(account),
            None => Err(self.no_agent(Guess::Bearer, token, peer).await),
        }
    }

    /// The service account whose token a request from `peer` carries.
    ///
    /// # Errors
    /// It is none's.
    pub async fn service(&self, token: &str, peer: IpAddr) -> Result<Arc<ServiceAccount>, NotSignedIn> {
        match self.known_service(token) {
            Some(service) => Ok(service),
            None => Err(self.wrong(Guess::Bearer, token, peer).await),
        }
    }

    fn known_service(&self, token: &str) -> Option<Arc<ServiceAccount>> {
        let accounts = self.accounts.load();
        let known = accounts.services.iter().filter(|service| service.account.token.matches(token));
        known.fold(None, |_, one| Some(Arc::clone(one)))
    }

    /// The name of the operator whose token this is.
    pub fn operator(&self, token: &str) -> Option<String> {
        let (token, accounts) = (Digest::of(token), self.accounts.load());
        let known = accounts.operators.iter().filter(|operator| operator.token.is(&token));
        known.fold(None, |_, one| Some(one.name.clone()))
    }

    /// Whose token it is.
    fn known_token(&self, given: &str) -> Option<Arc<Account>> {
        let (given, accounts) = (Digest::of(given), self.accounts.load());
        // Every token is compared, so that the time doesn't tell whose it was.
        let known = accounts.agents.iter().filter(|account| account.token.is(&given));
        known.fold(None, |_, one| Some(Arc::clone(one)))
    }

    /// What to say of a token that is no agent's. One that is somebody else's is no guess.
    async fn no_agent(&self, guess: Guess, given: &str, peer: IpAddr) -> NotSignedIn {
        let operator = self.operator(given).map(|_| OtherRole::Operator);
        match operator.or_else(|| self.known_service(given).map(|_| OtherRole::Service)) {
            Some(other) => NotSignedIn::OtherRole(other),
            None => self.wrong(guess, given, peer).await,
        }
    }

    /// What to say of a guess that was wrong.
    async fn wrong(&self, guess: Guess, given: &str, peer: IpAddr) -> NotSignedIn {
        let noted = self.failures.count(self.environment.now(), &Digest::of(given), peer).await;
        self.metrics.wrong_guess(guess.as_str());
        self.warnings.say("a sign-in failed", guess.reason());
        noted.map_or_else(NotSignedIn::TooManyFailures, |()| guess.unknown())
    }

    /// Whose session a secret proves, which counts as use.
    ///
    /// # Errors
    /// The store failed.
    pub async fn visit(&self, secret: &str) -> Result<Option<SignedIn>, StoreError> {
        let now = self.environment.now();
        let Some(session) = self.store.session(&Digest::of(secret)).await? else { return Ok(None) };
        let Some(_) = self.known(&session, now) else { return Ok(None) };
        if now.since(session.used_at) >= NOTE_USE_AFTER {
            // A disk that is full must not keep agents from reading.
            let noted = self.store.change_sessions(SessionChange::Used(session.id.clone(), now)).await;
            if noted.is_err() {
                self.warnings.say("the use of a session was not recorded", "the store could not be written");
            }
        }
        Ok(self.known(&Session { used_at: now.max(session.used_at), ..session }, now))
    }

    /// Whose session it is, unless it is over or its token has left the settings.
    fn known(&self, session: &Session, now: Time) -> Option<SignedIn> {
        let account = self.agents().into_iter().find(|account| account.token == session.token)?;
        let signed_in = SignedIn { account, id: session.id.clone(), ends_at: session.ends_at() };
        (now < signed_in.ends_at).then_some(signed_in)
    }

    /// An agent's account as it is now; none if it has left the settings, or their session is over.
    ///
    /// # Errors
    /// The store failed.
    pub async fn still(
        &self,
        account: &Account,
        session: Option<&Digest>,
    ) -> Result<Option<Arc<Account>>, StoreError> {
        if let Some(id) = session {
            let session = self.store.session(id).await?;
            if session.and_then(|session| self.known(&session, self.environment.now())).is_none() {
                return Ok(None);
            }
        }
        let is_same = |known: &Arc<Account>| known.token == account.token && known.name == account.name;
        Ok(self.agents().into_iter().find(is_same))
    }

    /// Ends the session that a secret proves, if it does.
    ///
    /// # Errors
    /// The store failed.
    pub async fn end(&self, secret: &str) -> Result<(), StoreError> {
        self.store.change_sessions(SessionChange::End(Digest::of(secret))).await
    }

    /// Ends the sessions of tokens that have left the settings, for good: they don't come back with the token.
    ///
    /// # Errors
    /// The store failed.
    pub async fn end_those_of_others(&self) -> Result<(), StoreError> {
        self.store
            .change_sessions(SessionChange::KeepOf(
                self.agents().iter().map(|agent| agent.token.clone()).collect(),
            ))
            .await
    }

    /// Waits until an agent may no longer do what they may do now: their token has left the settings, or they have another
    /// role or see other handoffs.
    pub async fn changed(&self, account: &Account) {
        let mut replaced = self.replacements();
        while self.agents().iter().any(|known| **known == *account) {
            if replaced.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until a session is over.
    pub async fn over(&self, id: &Digest) {
        let mut changed = self.store.signals().sessions();
        loop {
            let now = self.environment.now();
            let left = match self.store.session(id).await {
                Ok(session) => match session.and_then(|session| self.known(&session, now)) {
                    Some(signed_in) => signed_in.ends_at.since(now).min(LOOK_AGAIN),
                    None => return,
                },
                // Nothing is known; requests will find out that the store is gone.
                Err(_) => LOOK_AGAIN,
            };
            tokio::select! {
                _ = changed.changed() => {}
                () = tokio::time::sleep(left) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
