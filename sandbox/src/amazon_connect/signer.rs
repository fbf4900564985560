//! The key of the topic's notifications, and its certificate.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKey;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::rsa::Sha1Key;

/// Signs as SNS does.
pub(super) struct Signer {
    key: RsaKey,
    legacy: Sha1Key,
    /// The certificate, as its URL serves it.
    pub(super) pem: String,
    /// The path of that URL.
    pub(super) path: String,
}

impl Signer {
    pub(super) fn new() -> anyhow::Result<Self> {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let mut params = CertificateParams::new(vec!["sns.amazonaws.com".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "sns.amazonaws.com");
        let pem = params.self_signed(&pair)?.pem();
        let path = format!("/SimpleNotificationService-{}.pem", &hex(&Sha256::digest(&pem))[..32]);
        let der = pair.serialized_der();
        let legacy = Sha1Key::from_pkcs8(der);
        let legacy = legacy.ok_or_else(|| anyhow::anyhow!("the key's form is not the usual one"))?;
        Ok(Self { key: RsaKey::from_pkcs8(der)?, legacy, pem, path })
    }

    /// The signature of an envelope's signed fields, in base64.
    pub(super) fn sign(&self, version: u8, envelope: &Value) -> String {
        let text = string_to_sign(envelope);
        if version != 2 {
            return STANDARD.encode(self.legacy.sign(text.as_bytes()));
        }
        let mut signature = vec![0; self.key.public_modulus_len()];
        // With a buffer of the right length it doesn't fail; an empty signature would be noticed.
        match self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature) {
            Ok(()) => STANDARD.encode(signature),
            Err(_) => String::new(),
        }
    }
}

/// The fields that are signed, each with its name, in their order.
fn string_to_sign(envelope: &Value) -> String {
    let names: &[&str] = match envelope["Type"].as_str() {
        Some("Notification") => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    };
    names
        .iter()
        .filter_map(|name| envelope[name].as_str().map(|value| format!("{name}\n{value}\n")))
        .collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
