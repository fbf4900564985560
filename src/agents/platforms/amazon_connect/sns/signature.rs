//! Signatures of notifications: RSA with PKCS #1 v1.5 padding, over some of the fields.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};

use super::envelope::{Envelope, Kind, Version};

/// Whether the signature is that of the key, an `RSAPublicKey` in DER.
pub(super) fn is_valid(envelope: &Envelope, key: &[u8]) -> bool {
    let algorithm = match envelope.version {
        // SNS's default, unless a topic's attribute says 2.
        Version::One => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        Version::Two => &RSA_PKCS1_2048_8192_SHA256,
    };
    let signed = string_to_sign(envelope);
    UnparsedPublicKey::new(algorithm, key).verify(signed.as_bytes(), &envelope.signature).is_ok()
}

/// Names and values on lines of their own, in the alphabet's order. Attributes and the URL to unsubscribe aren't
/// signed.
fn string_to_sign(envelope: &Envelope) -> String {
    let Envelope { kind, message, message_id, subject, timestamp_text, topic_arn, .. } = envelope;
    let mut fields = vec![("Message", message), ("MessageId", message_id)];
    match kind {
        Kind::Notification => {
            fields.extend(subject.as_ref().map(|subject| ("Subject", subject)));
            fields.push(("Timestamp", timestamp_text));
        }
        Kind::SubscriptionConfirmation { token, subscribe_url }
        | Kind::UnsubscribeConfirmation { token, subscribe_url } => {
            fields.extend([("SubscribeURL", subscribe_url), ("Timestamp", timestamp_text), ("Token", token)])
        }
    }
    fields.push(("TopicArn", topic_arn));
    let lines: String = fields.into_iter().map(|(name, value)| format!("{name}\n{value}\n")).collect();
    format!("{lines}Type\n{}\n", kind.name())
}
