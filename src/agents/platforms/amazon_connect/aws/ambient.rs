//! The role of the machine, the container or the cluster's service account, as `object_store` finds it: by instance
//! metadata (version 2), ECS's and EKS's credentials, or a web identity. It keeps what it found until shortly before
//! that expires.

use std::time::Duration;

use object_store::{
    BackoffConfig, ClientConfigKey, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider},
};

use super::{CallError, ErrorKind, credentials::Keys};
use crate::secret::Secret;

const OPERATION: &str = "the machine's credentials";
const CLIENT: [(ClientConfigKey, &str); 3] = [
    (ClientConfigKey::AllowInvalidCertificates, "false"),
    (ClientConfigKey::ConnectTimeout, "2s"),
    (ClientConfigKey::Timeout, "5s"),
];

/// What finds them. `sts` is where a web identity becomes a role.
///
/// # Errors
/// The variables of the environment contradict each other.
pub(super) fn provider(region: &str, sts: &str) -> Result<AwsCredentialProvider, CallError> {
    of_builder(AmazonS3Builder::from_env(), region, sts)
}

fn of_builder(builder: AmazonS3Builder, region: &str, sts: &str) -> Result<AwsCredentialProvider, CallError> {
    let builder = CLIENT
        .into_iter()
        .fold(builder, |builder, (key, value)| builder.with_config(AmazonS3ConfigKey::Client(key), value));
    let retries = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 2,
        retry_timeout: Duration::from_secs(8),
    };
    let builder = builder
        .with_config(AmazonS3ConfigKey::StsEndpoint, sts)
        .with_region(region)
        .with_retry(retries)
        // It has no bucket: only its credentials are used.
        .with_bucket_name("unused");
    // The error may repeat what the environment says.
    let why = "the AWS variables of the environment are incomplete or malformed";
    let built = builder.build().map_err(|_| CallError::without_answer(ErrorKind::Denied, OPERATION, why))?;
    Ok(built.credentials().clone())
}

/// The present ones.
///
/// # Errors
/// There are none, at least for now.
pub(super) async fn keys(provider: &AwsCredentialProvider) -> Result<Keys, CallError> {
    let why = "neither the settings nor the environment have any, and no role was found";
    let found = provider.get_credential().await;
    let found = found.map_err(|_| CallError::without_answer(ErrorKind::Unreached, OPERATION, why))?;
    Ok(Keys {
        access_key_id: found.key_id.clone(),
        secret_access_key: Secret::new(found.secret_key.as_str()),
        session_token: found.token.as_deref().map(Secret::new),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use axum::{
        Router,
        http::{HeaderMap, Method, StatusCode, Uri},
        response::{IntoResponse, Response},
    };

    use super::*;

    const STS: &str = "https://sts.us-east-1.amazonaws.com";
    const KEYS: &str = r#"{"Code":"Success","AccessKeyId":"ROLE","SecretAccessKey":"secret","Token":"session",
        "Expiration":"2099-01-01T00:00:00Z"}"#;

    /// Instance metadata of version 2, and the credentials of a container.
    async fn metadata(method: Method, uri: Uri, headers: HeaderMap) -> Response {
        let given = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        match (method.as_str(), uri.path()) {
            ("PUT", "/latest/api/token") => "metadata-token".into_response(),
            ("GET", path) if path.starts_with("/latest/") && given("x-aws-ec2-metadata-token").is_none() => {
                StatusCode::UNAUTHORIZED.into_response()
            }
            ("GET", "/latest/meta-data/iam/security-credentials/") => "relay".into_response(),
            ("GET", "/latest/meta-data/iam/security-credentials/relay") => KEYS.into_response(),
            ("GET", "/container") if given("authorization") == Some("container-token") => {
                KEYS.into_response()
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    async fn machine() -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(metadata)).await });
        origin
    }

    #[tokio::test]
    async fn a_machine_and_a_container_have_roles() {
        let origin = machine().await;
        let mut token = tempfile::NamedTempFile::new().unwrap();
        token.write_all(b"container-token").unwrap();
        let instance = AmazonS3Builder::new().with_config(AmazonS3ConfigKey::MetadataEndpoint, &origin);
        let container = AmazonS3Builder::new()
            .with_config(AmazonS3ConfigKey::ContainerCredentialsFullUri, format!("{origin}/container"))
            .with_config(AmazonS3ConfigKey::ContainerAuthorizationTokenFile, token.path().to_str().unwrap());
        for builder in [instance, container] {
            let found = keys(&of_builder(builder, "us-east-1", STS).unwrap()).await.unwrap();
            assert_eq!(found.access_key_id, "ROLE");
            assert_eq!(found.secret_access_key.expose(), "secret");
            assert_eq!(found.session_token.unwrap().expose(), "session");
        }
    }

    #[tokio::test]
    async fn a_machine_without_a_role_says_so() {
        let origin = format!("{}/nothing", machine().await);
        let builder = AmazonS3Builder::new().with_config(AmazonS3ConfigKey::MetadataEndpoint, origin);
        let error = keys(&of_builder(builder, "us-east-1", STS).unwrap()).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Unreached);
        let contradictory = AmazonS3Builder::new().with_access_key_id("alone");
        let error = of_builder(contradictory, "us-east-1", STS).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Denied);
    }
}
