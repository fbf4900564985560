//! TLS as all clients speak it, set up once: each would read the system's certificates anew, and keep them.

use std::sync::{Arc, OnceLock};

use reqwest::ClientBuilder;
use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;

static CONFIG: OnceLock<ClientConfig> = OnceLock::new();

/// A builder of clients that speak HTTP/1.1, and TLS as the process does. Certificates are those that the system trusted when the
/// first client was made.
pub fn client_builder() -> ClientBuilder {
    let builder = reqwest::Client::builder().http1_only();
    let config =
        CONFIG.get().cloned().or_else(|| config().ok().map(|made| CONFIG.get_or_init(|| made).clone()));
    match config {
        Some(config) => builder.tls_backend_preconfigured(config),
        // The builder meets the same trouble, and tells it.
        None => builder,
    }
}

fn config() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_platform_verifier()?.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
