//! As whom AWS is called.

use super::{
    Credentials,
    arn::{external_id, role_arn},
};
use crate::settings::{Secret, parse::Parsed, reader::Reader, strength};

/// The keys of the settings, else what the environment has; `None` if something is wrong.
pub(super) fn credentials(r: &mut Reader) -> Option<Credentials> {
    const KEY_ID: &str = "AMAZON_CONNECT_ACCESS_KEY_ID";
    const SECRET: &str = "AMAZON_CONNECT_SECRET_ACCESS_KEY";
    const TOKEN: &str = "AMAZON_CONNECT_SESSION_TOKEN";
    let key_id = r.optional(KEY_ID, key_word);
    let secret = r.optional(SECRET, |text| {
        strength::not_the_example(text.as_bytes())?;
        key_word(text)
    });
    let session_token = r.optional(TOKEN, key_word);
    if [KEY_ID, SECRET, TOKEN].iter().any(|name| r.told(name)) {
        return None;
    }
    match (key_id, secret, session_token) {
        (Some(access_key_id), Some(secret), token) => Some(Credentials::Static {
            access_key_id,
            secret_access_key: Secret::new(secret),
            session_token: token.map(Secret::new),
        }),
        (None, None, None) => of_environment(r),
        (key_id, secret, _) => {
            for (name, is_missing) in [(KEY_ID, key_id.is_none()), (SECRET, secret.is_none())] {
                if is_missing {
                    r.problem(name, format!("{name} is required with the other settings of the access key"));
                }
            }
            None
        }
    }
}

/// The keys in the variables of AWS's own tools; without those, whatever role there is.
fn of_environment(r: &mut Reader) -> Option<Credentials> {
    let borrowed = |name| r.borrowed(name).map(str::to_owned);
    match (borrowed("AWS_ACCESS_KEY_ID"), borrowed("AWS_SECRET_ACCESS_KEY")) {
        (Some(access_key_id), Some(secret)) => Some(Credentials::Static {
            access_key_id,
            secret_access_key: Secret::new(secret),
            session_token: borrowed("AWS_SESSION_TOKEN").map(Secret::new),
        }),
        (None, None) => Some(Credentials::Ambient),
        _ => {
            let name = "AMAZON_CONNECT_ACCESS_KEY_ID";
            r.problem(
                name,
                format!("{name} is not set, and only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is"),
            );
            None
        }
    }
}

fn key_word(text: &str) -> Parsed<String> {
    if text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("must be printable ASCII without spaces".to_owned())
    }
}

/// The role to assume, and its external id.
pub(super) fn role(r: &mut Reader) -> (Option<String>, Option<String>) {
    const ROLE: &str = "AMAZON_CONNECT_ROLE_ARN";
    const EXTERNAL_ID: &str = "AMAZON_CONNECT_EXTERNAL_ID";
    let role = r.optional(ROLE, role_arn);
    let external_id = r.optional(EXTERNAL_ID, external_id);
    if external_id.is_some() && role.is_none() && !r.told(ROLE) {
        r.problem(EXTERNAL_ID, format!("{EXTERNAL_ID} has no effect without {ROLE}"));
    }
    (role, external_id)
}
