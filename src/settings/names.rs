//! Which names are settings, and what to say about those that are not.

use super::platforms::WebhookNames;

macro_rules! webhook {
    ($id:literal, $suffix:literal) => {
        WebhookNames {
            id: $id,
            url: concat!("PLATFORM_WEBHOOK_URL", $suffix),
            secret: concat!("PLATFORM_WEBHOOK_SECRET", $suffix),
            tokens: concat!("PLATFORM_TOKENS", $suffix),
        }
    };
}

/// The settings of each platform that takes signed webhooks.
pub(super) const WEBHOOKS: [WebhookNames; 5] = [
    webhook!("webhook", ""),
    webhook!("webhook-2", "_2"),
    webhook!("webhook-3", "_3"),
    webhook!("webhook-4", "_4"),
    webhook!("webhook-5", "_5"),
];

/// Every setting that has an effect, but for those of further platforms.
pub(super) const NAMES: [&str; 75] = [
    "ADA_BASE_URL",
    "ADA_API_KEY",
    "WEBHOOK_SECRET",
    "HANDOFF_AUTH_KEY",
    "RELAY_CONFIG",
    "HANDOFF_INTEGRATION",
    "WAITING_TIMEOUT",
    "WAITING_TIMEOUT_TEXT",
    "IDLE_TIMEOUT",
    "IDLE_TIMEOUT_TEXT",
    "ACCEPT_TEXT",
    "WAITING_TEXT",
    "WAITING_TEXT_AFTER",
    "QUEUE_BANNER",
    "ADA_METAVARIABLES",
    "ADA_METADATA",
    "AGENT_TOKENS",
    "AGENT_GONE_AFTER",
    "ASSIGNMENT",
    "OFFER_TIMEOUT",
    "LISTEN",
    "AGENT_LISTEN",
    "PUBLIC_URL",
    "PLATFORMS",
    "PLATFORM_WEBHOOK_URL",
    "PLATFORM_WEBHOOK_SECRET",
    "PLATFORM_TOKENS",
    "PLATFORM_MAX_AGE",
    "PLATFORM_ALLOW_PRIVATE",
    "OPERATOR_TOKENS",
    "AMAZON_CONNECT_INSTANCE_ID",
    "AMAZON_CONNECT_REGION",
    "AMAZON_CONNECT_CONTACT_FLOW_ID",
    "AMAZON_CONNECT_TOPIC_ARN",
    "AMAZON_CONNECT_ACCESS_KEY_ID",
    "AMAZON_CONNECT_SECRET_ACCESS_KEY",
    "AMAZON_CONNECT_SESSION_TOKEN",
    "AMAZON_CONNECT_ROLE_ARN",
    "AMAZON_CONNECT_EXTERNAL_ID",
    "AMAZON_CONNECT_CHAT_DURATION",
    "AMAZON_CONNECT_ATTRIBUTES",
    "AMAZON_CONNECT_AGENT_LEFT_GRACE",
    "AMAZON_CONNECT_SYSTEM_MESSAGES",
    "AMAZON_CONNECT_IF_UNAVAILABLE",
    "AMAZON_CONNECT_IF_UNAVAILABLE_TEXT",
    "AMAZON_CONNECT_QUEUE_ID",
    "AMAZON_CONNECT_CHECK_HOURS",
    "AMAZON_CONNECT_MESSAGE_LIMIT",
    "AMAZON_CONNECT_ENDPOINT",
    "AMAZON_CONNECT_PARTICIPANT_ENDPOINT",
    "AMAZON_CONNECT_SNS_ENDPOINT",
    "AMAZON_CONNECT_STS_ENDPOINT",
    "DATABASE_URL",
    "DATABASE_MAX_CONNECTIONS",
    "DATABASE_STATEMENT_TIMEOUT",
    "DATABASE_LOCK_TIMEOUT",
    "FILES_URL",
    "FILES_ALLOW_PRIVATE",
    "KEEP_ENDED",
    "KEEP_DEAD_LETTERS",
    "DEBOUNCE_MS",
    "DEBOUNCE_MAX_MS",
    "UNKNOWN_HOLD_MS",
    "INBOX_LIMIT",
    "OUTBOX_LIMIT",
    "ADA_TIMEOUT_MS",
    "ADA_RATE_PER_SECOND",
    "ADA_RATE_PER_MINUTE",
    "SEND_MAX_AGE",
    "RECOVER_AFTER",
    "CONSOLE_DIR",
    "CONSOLE_FIELDS",
    "OUTCOMES",
    "LOG_FORMAT",
    "RUST_LOG",
];

/// Variables of AWS's own tools, which count where Amazon Connect has no setting of its own. From the environment
/// alone, as for files.
pub(super) const BORROWED: [&str; 5] =
    ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// So many slips of the finger still count as the same name.
const SLIPS: usize = 2;

/// The names of all settings.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    let further = WEBHOOKS.into_iter().skip(1).flat_map(|names| [names.url, names.secret, names.tokens]);
    NAMES.into_iter().chain(further)
}

/// The setting called exactly `name`.
pub(super) fn known(name: &str) -> Option<&'static str> {
    all().find(|known| *known == name)
}

/// The setting that `name` was probably meant to be: `None` when it is one, or is far from all.
pub(super) fn nearly(name: &str) -> Option<&'static str> {
    if known(name).is_some() {
        return None;
    }
    let name = name.to_ascii_uppercase().replace('-', "_");
    all()
        .map(|known| (strsim::damerau_levenshtein(&name, known), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= SLIPS)
        .map(|(_, known)| known)
}

/// Whether `name` may be repeated in a log line.
///
/// A secret alone on a line of `.env` reads as a name if it ends with base64's `=`. Those have lower-case
/// letters, names of settings have none.
pub(super) fn is_showable(name: &str) -> bool {
    name.len() <= 64 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_are_recognised_and_others_are_not() {
        for (name, meant) in [
            ("ADA_BASE_ULR", Some("ADA_BASE_URL")),
            ("ada_base_url", Some("ADA_BASE_URL")),
            ("ADA-BASE-URL", Some("ADA_BASE_URL")),
            ("AGENT_TOKEN", Some("AGENT_TOKENS")),
            ("WEBHOOK_SECRETS", Some("WEBHOOK_SECRET")),
            ("DEBOUNCE", None),
            ("ADA_BASE_URL", None),
            ("PUBLIC_URL", None),
            ("NGROK_AUTHTOKEN", None),
            ("PORT", None),
        ] {
            assert_eq!(nearly(name), meant, "{name}");
        }
    }

    #[test]
    fn a_stray_secret_is_not_repeated_as_a_name() {
        assert!(is_showable("NGROK_AUTHTOKEN2"));
        assert!(!is_showable("whsec_C2FVsBQIhrscChlQIMV"));
        assert!(!is_showable(&"A".repeat(65)));
    }
}
