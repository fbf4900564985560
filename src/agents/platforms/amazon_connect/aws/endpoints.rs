//! Where the services of a region are.

use url::Url;

use crate::settings;

/// Base URLs, without a slash at the end.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// Amazon Connect's own API.
    pub connect: String,
    /// The Participant Service: what an end user does in a chat.
    pub participant: String,
    /// SNS, which also has the certificates of its notifications.
    pub sns: String,
    /// STS.
    pub sts: String,
}

impl Endpoints {
    /// Those of the settings' region, unless the settings name others.
    pub fn new(settings: &settings::AmazonConnect) -> Self {
        let region = &settings.region;
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let of = |other: &Option<Url>, service: &str| match other {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("https://{service}.{region}.{suffix}"),
        };
        Self {
            connect: of(&settings.endpoint, "connect"),
            participant: of(&settings.participant_endpoint, "participant.connect"),
            sns: of(&settings.sns_endpoint, "sns"),
            sts: of(&settings.sts_endpoint, "sts"),
        }
    }
}
