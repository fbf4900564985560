//! As whom AWS is called: keys of the settings, or a role of the machine, and on top of either perhaps another role.

use std::time::Duration;

use object_store::aws::AwsCredentialProvider;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::Mutex;
use url::form_urlencoded;

use super::{
    CallError, Endpoints, ErrorKind, Http, Operation, Sent, Service, ambient, sign::sign_request, xml,
};
use crate::{relay::time::Time, secret::Secret, settings};

/// So long before they expire, credentials are replaced.
const EARLY: Duration = Duration::from_secs(5 * 60);
const ASSUME_ROLE: Operation = Operation { name: "AssumeRole", sent: Sent::Signed(Service::Sts) };
const SESSION: &str = "handoff-relay";

/// What signs a request.
#[derive(Clone)]
pub struct Keys {
    /// The id of the access key, which is no secret.
    pub access_key_id: String,
    /// The key itself.
    pub secret_access_key: Secret,
    /// With keys that are temporary.
    pub session_token: Option<Secret>,
}

/// Where keys come from. Those that are temporary are kept until five minutes before they expire, and fetched once
/// however many wait for them.
pub struct CredentialSource {
    http: Http,
    region: String,
    sts: String,
    /// `None` for the machine's role.
    own: Option<Keys>,
    role: Option<Role>,
    state: Mutex<State>,
}

struct Role {
    arn: String,
    external_id: Option<String>,
}

#[derive(Default)]
struct State {
    ambient: Option<AwsCredentialProvider>,
    assumed: Option<Assumed>,
}

struct Assumed {
    keys: Keys,
    expires_at: Time,
}

impl CredentialSource {
    /// The source of the settings. Nothing is fetched yet.
    pub fn new(settings: &settings::AmazonConnect, endpoints: &Endpoints, http: Http) -> Self {
        let own = match &settings.credentials {
            settings::Credentials::Static { access_key_id, secret_access_key, session_token } => Some(Keys {
                access_key_id: access_key_id.clone(),
                secret_access_key: secret_access_key.clone(),
                session_token: session_token.clone(),
            }),
            settings::Credentials::Ambient => None,
        };
        let role =
            settings.role_arn.clone().map(|arn| Role { arn, external_id: settings.external_id.clone() });
        let (region, sts) = (settings.region.clone(), endpoints.sts.clone());
        Self { http, region, sts, own, role, state: Mutex::default() }
    }

    /// The keys that are valid now.
    ///
    /// # Errors
    /// There are none: no role was found, or it can't be assumed.
    pub async fn keys(&self, now: Time) -> Result<Keys, CallError> {
        // Held while they are fetched, so that others wait for them.
        let mut state = self.state.lock().await;
        let Some(role) = &self.role else { return self.base(&mut state).await };
        if let Some(assumed) = state.assumed.as_ref().filter(|assumed| now + EARLY < assumed.expires_at) {
            return Ok(assumed.keys.clone());
        }
        let base = self.base(&mut state).await?;
        let assumed = match self.assume(role, &base, now).await {
            Err(error) if error.refuses_keys() && self.own.is_none() => {
                state.ambient = None;
                let base = self.base(&mut state).await?;
                self.assume(role, &base, now).await
            }
            other => other,
        }?;
        Ok(state.assumed.insert(assumed).keys.clone())
    }

    /// Forgets keys that AWS has refused, unless others have replaced them already. Gives whether there may be other
    /// ones now.
    pub async fn refused(&self, keys: &Keys) -> bool {
        let mut state = self.state.lock().await;
        if self.role.is_some() {
            state.assumed.take_if(|assumed| assumed.keys.access_key_id == keys.access_key_id);
            return true;
        }
        state.ambient = None;
        self.own.is_none()
    }

    async fn base(&self, state: &mut State) -> Result<Keys, CallError> {
        if let Some(own) = &self.own {
            return Ok(own.clone());
        }
        let provider = match state.ambient.take() {
            Some(provider) => provider,
            None => ambient::provider(&self.region, &self.sts)?,
        };
        ambient::keys(state.ambient.insert(provider)).await
    }

    /// STS API reference, `AssumeRole`.
    async fn assume(&self, role: &Role, base: &Keys, now: Time) -> Result<Assumed, CallError> {
        let broken = |kind, why| CallError::without_answer(kind, ASSUME_ROLE.name, why);
        let mut request = self
            .http
            .client()
            .post(format!("{}/", self.sts))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(role))
            .build()
            .map_err(|_| broken(ErrorKind::Invalid, "the URL can't be called"))?;
        sign_request(&mut request, Service::Sts, &self.region, base, now)
            .map_err(|_| broken(ErrorKind::Denied, "the credentials hold characters that no key has"))?;
        let answer = self.http.call(ASSUME_ROLE, request, now).await?;
        assumed(&String::from_utf8_lossy(&answer.body))
            .ok_or_else(|| broken(ErrorKind::Unclear, "the answer has no credentials"))
    }
}

fn form(role: &Role) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", ASSUME_ROLE.name).append_pair("Version", "2011-06-15");
    form.append_pair("RoleArn", &role.arn).append_pair("RoleSessionName", SESSION);
    if let Some(id) = &role.external_id {
        form.append_pair("ExternalId", id);
    }
    form.finish()
}

fn assumed(document: &str) -> Option<Assumed> {
    let text = |name| xml::text(document, name).filter(|text| !text.is_empty());
    let keys = Keys {
        access_key_id: text("AccessKeyId")?,
        secret_access_key: Secret::new(text("SecretAccessKey")?),
        session_token: Some(Secret::new(text("SessionToken")?)),
    };
    Some(Assumed { keys, expires_at: text("Expiration")?.parse().ok()? })
}
