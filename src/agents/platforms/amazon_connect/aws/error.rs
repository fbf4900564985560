//! What it means when AWS refuses a call, or doesn't answer.
//! Source: AWS restJson1 and query protocols, "Operation error serialization"; S3, "REST error responses".

use std::{fmt, time::Duration};

use reqwest::StatusCode;

use super::{
    http::{Answer, Operation, Sent},
    xml,
};
use crate::{json, relay::time::Time, unseen::is_unseen};

/// How much of AWS's words is told.
const MOST_TOLD: usize = 300;
const MOST_CODE: usize = 80;
/// Signatures of a clock that is further off are refused.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// A call without success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CallError {
    /// What follows from it.
    pub kind: ErrorKind,
    /// The answer's status, if there was an answer.
    pub status: Option<u16>,
    /// AWS's name for the error, such as `TooManyRequestsException`; may be empty.
    pub code: String,
    /// What AWS says about it, and what can be done. At most a few hundred visible characters; may be empty.
    pub message: String,
    /// How long AWS asks to wait.
    pub retry_after: Option<Duration>,
    /// What was called, such as `StartChatContact`.
    pub operation: &'static str,
}

/// What follows from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// 429: too many calls just now.
    Throttled,
    /// 429 or 402: a limit of the account is reached, such as that of active chats. Only time or AWS can help.
    Quota,
    /// 408, 5xx: AWS is unwell.
    Unavailable,
    /// There was no connection, or there are no credentials at present: nothing was sent.
    Unreached,
    /// No answer, or one that can't be read: the call may have had its effect.
    Unclear,
    /// 401, 403, and credentials that are refused. A participant's token is no longer valid, or the chat is over.
    Denied,
    /// 404, 410: there is no such contact or resource.
    Gone,
    /// 409: not in this state.
    Conflict,
    /// Other 4xx: the call is wrong, and will be. Also what S3 refuses, whatever its status.
    Invalid,
}

impl CallError {
    /// Whether the same call, with the same client token, is worth another try soon.
    pub const fn is_passing(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Unreached | ErrorKind::Unclear
        )
    }

    /// Whether AWS doesn't accept the keys themselves: with new ones the call may succeed.
    pub(crate) fn refuses_keys(&self) -> bool {
        const CODES: [&str; 5] = [
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
        ];
        CODES.contains(&self.code.as_str())
    }

    /// There was no answer, or none that can be read.
    pub(crate) fn without_answer(kind: ErrorKind, operation: &'static str, message: &str) -> Self {
        Self {
            kind,
            status: None,
            code: String::new(),
            message: plain(message, MOST_TOLD),
            retry_after: None,
            operation,
        }
    }

    /// What an answer that is no success means. `now` is compared with its `Date`.
    pub(super) fn of_answer(operation: &Operation, answer: &Answer, now: Time) -> Self {
        let (code, message) = words(answer);
        let kind = kind(answer.status, &code, operation.sent);
        let mut message = plain(&message, MOST_TOLD);
        if let (ErrorKind::Denied, Sent::Signed(service)) = (kind, operation.sent) {
            let action = format!("{}:{}", service.name(), operation.name);
            message = join(&message, &advice(&code, &action, answer.date, now));
        }
        let status = Some(answer.status.as_u16());
        Self { kind, status, code, message, retry_after: answer.retry_after, operation: operation.name }
    }
}

fn kind(status: StatusCode, code: &str, sent: Sent) -> ErrorKind {
    let status = status.as_u16();
    match (status, code) {
        (429, "LimitExceededException") | (402, _) => ErrorKind::Quota,
        (429, _) | (400 | 403, "Throttling" | "ThrottlingException" | "RequestLimitExceeded") => {
            ErrorKind::Throttled
        }
        (408 | 500.., _) => ErrorKind::Unavailable,
        // S3's 403 says nothing about the chat, and must not look like its end.
        (..500, _) if sent == Sent::ToStorage => ErrorKind::Invalid,
        (401 | 403, _) => ErrorKind::Denied,
        (400, code) if is_about_keys(code) => ErrorKind::Denied,
        (404 | 410, _) => ErrorKind::Gone,
        (409, _) => ErrorKind::Conflict,
        _ => ErrorKind::Invalid,
    }
}

fn is_about_keys(code: &str) -> bool {
    const CODES: [&str; 10] = [
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ];
    CODES.contains(&code)
}

/// What the operator can do about a signed call that is denied.
fn advice(code: &str, action: &str, date: Option<Time>, now: Time) -> String {
    if !is_about_keys(code) {
        return format!("the credentials need the IAM action {action}");
    }
    let is_off = date.is_some_and(|date| date.since(now).max(now.since(date)) > SKEW);
    let clock = if is_off { ", and this machine's clock is off by more than five minutes" } else { "" };
    format!("AWS refuses the credentials{clock}")
}

fn join(message: &str, advice: &str) -> String {
    let message = message.trim_end_matches('.');
    if message.is_empty() { advice.to_owned() } else { format!("{message}; {advice}") }
}

/// The error's name and its text, of whichever protocol.
fn words(answer: &Answer) -> (String, String) {
    let text = String::from_utf8_lossy(&answer.body);
    let of_header = answer.error_type.as_deref().map(code);
    if text.trim_start().starts_with('<') {
        let of_body = xml::text(&text, "Code").map(|name| code(&name));
        let message = xml::text(&text, "Message").unwrap_or_default();
        return (of_header.or(of_body).unwrap_or_default(), message);
    }
    let mended = json::repaired(&answer.body);
    let object = json::Object::read(&mended).unwrap_or_default();
    let of_body = || object.text("__type").or_else(|| object.text("code")).or_else(|| object.text("Code"));
    let message = object.text("message").or_else(|| object.text("Message")).unwrap_or_default();
    (of_header.or_else(|| of_body().map(|name| code(&name))).unwrap_or_default(), message)
}

/// The name alone: of `Name:http://...`, and of `namespace#Name`.
fn code(text: &str) -> String {
    let name = text.split(':').next().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default();
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.' || *c == '_').take(MOST_CODE).collect()
}

/// One line of visible characters.
fn plain(text: &str, most: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().filter(|c| !is_unseen(*c)).take(most).collect()
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, message, operation, .. } = self;
        match (self.status, self.kind) {
            (Some(status), _) => write!(f, "AWS answered {operation} with {status}")?,
            (None, ErrorKind::Unreached) => write!(f, "AWS can't be reached for {operation}")?,
            (None, ErrorKind::Unclear) => write!(f, "AWS did not answer {operation} as expected")?,
            (None, _) => write!(f, "AWS can't be asked for {operation}")?,
        }
        if !code.is_empty() {
            write!(f, " {code}")?;
        }
        if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{super::sign::Service, *};

    const NOW: Time = Time::from_millis(1_795_000_000_000);
    const CALL: Operation = Operation { name: "StartChatContact", sent: Sent::Signed(Service::Connect) };
    const AS_PARTICIPANT: Operation = Operation { name: "SendMessage", sent: Sent::AsParticipant };
    const TO_STORAGE: Operation = Operation { name: "PutAttachment", sent: Sent::ToStorage };

    /// Call, status, header and body; then kind, code and message.
    type Case =
        (&'static Operation, u16, Option<&'static str>, &'static str, ErrorKind, &'static str, &'static str);

    fn answer(status: u16, error_type: Option<&str>, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            error_type: error_type.map(str::to_owned),
            retry_after: None,
            date: None,
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn every_shape_of_an_error_has_its_meaning() {
        use ErrorKind::{Conflict, Denied, Gone, Invalid, Quota, Throttled, Unavailable};
        const THROTTLING: &str =
            r#"<ErrorResponse><Error><Code>Throttling</Code><Message>slow</Message></Error></ErrorResponse>"#;
        let table: &[Case] = &[
            (&CALL, 429, Some("TooManyRequestsException"), "{}", Throttled, "TooManyRequestsException", ""),
            (&CALL, 429, None, r#"{"message":"Rate exceeded"}"#, Throttled, "", "Rate exceeded"),
            (
                &CALL,
                429,
                Some("LimitExceededException:http://internal.amazon.com/coral/"),
                "",
                Quota,
                "LimitExceededException",
                "",
            ),
            (
                &AS_PARTICIPANT,
                402,
                Some("ServiceQuotaExceededException"),
                "",
                Quota,
                "ServiceQuotaExceededException",
                "",
            ),
            (
                &CALL,
                500,
                None,
                r#"{"__type":"com.amazonaws.connect#InternalServiceException","Message":"x"}"#,
                Unavailable,
                "InternalServiceException",
                "x",
            ),
            (&CALL, 503, None, "<html><body>Service Unavailable</body></html>", Unavailable, "", ""),
            (&CALL, 502, None, "", Unavailable, "", ""),
            (&CALL, 408, None, "", Unavailable, "", ""),
            (
                &CALL,
                404,
                Some("ResourceNotFoundException"),
                r#"{"Message":"no"}"#,
                Gone,
                "ResourceNotFoundException",
                "no",
            ),
            (&CALL, 410, Some("ContactNotFoundException"), "null", Gone, "ContactNotFoundException", ""),
            (&AS_PARTICIPANT, 409, Some("ConflictException"), "[]", Conflict, "ConflictException", ""),
            (
                &AS_PARTICIPANT,
                400,
                Some("ValidationException"),
                r#"{"message":"too \u001b[31m\n long"}"#,
                Invalid,
                "ValidationException",
                "too [31m long",
            ),
            (
                &AS_PARTICIPANT,
                403,
                Some("AccessDeniedException"),
                r#"{"message":"no"}"#,
                Denied,
                "AccessDeniedException",
                "no",
            ),
            (
                &CALL,
                403,
                Some("AccessDeniedException"),
                r#"{"Message":"User x is not authorized."}"#,
                Denied,
                "AccessDeniedException",
                "User x is not authorized; the credentials need the IAM action connect:StartChatContact",
            ),
            (
                &CALL,
                403,
                Some("InvalidSignatureException"),
                "",
                Denied,
                "InvalidSignatureException",
                "AWS refuses the credentials",
            ),
            (
                &CALL,
                400,
                Some("UnrecognizedClientException"),
                "",
                Denied,
                "UnrecognizedClientException",
                "AWS refuses the credentials",
            ),
            (&CALL, 301, None, "", Invalid, "", ""),
            (&CALL, 400, None, THROTTLING, Throttled, "Throttling", "slow"),
            (
                &TO_STORAGE,
                403,
                None,
                "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
                Invalid,
                "AccessDenied",
                "Request has expired",
            ),
            (&TO_STORAGE, 503, None, "<Error><Code>SlowDown</Code></Error>", Unavailable, "SlowDown", ""),
        ];
        for (operation, status, error_type, body, kind, code, message) in table {
            let error = CallError::of_answer(operation, &answer(*status, *error_type, body), NOW);
            let found = (error.kind, error.status, error.code.as_str(), error.message.as_str());
            assert_eq!(found, (*kind, Some(*status), *code, *message));
            assert_eq!(error.is_passing(), matches!(kind, Throttled | Unavailable));
        }
    }

    #[test]
    fn a_clock_that_is_off_is_told() {
        for (minutes, told) in [(4, false), (6, true)] {
            for date in [NOW + Duration::from_secs(60 * minutes), NOW - Duration::from_secs(60 * minutes)] {
                let answer =
                    Answer { date: Some(date), ..answer(403, Some("InvalidSignatureException"), "") };
                let error = CallError::of_answer(&CALL, &answer, NOW);
                assert_eq!(error.message.contains("clock is off"), told, "{error}");
            }
        }
    }

    #[test]
    fn words_are_few_and_visible() {
        let body = format!(r#"{{"message":"{}\u202e"}}"#, "x ".repeat(10_000));
        let error = CallError::of_answer(&AS_PARTICIPANT, &answer(400, Some("A\u{202e}b"), &body), NOW);
        assert_eq!((error.code.as_str(), error.message.chars().count()), ("Ab", MOST_TOLD));
        let error = CallError { message: "no".to_owned(), ..error };
        assert_eq!(error.to_string(), "AWS answered SendMessage with 400 Ab: no");
        let told = |kind| CallError::without_answer(kind, "SendMessage", "why").to_string();
        assert_eq!(told(ErrorKind::Unreached), "AWS can't be reached for SendMessage: why");
        assert_eq!(told(ErrorKind::Unclear), "AWS did not answer SendMessage as expected: why");
    }
}
