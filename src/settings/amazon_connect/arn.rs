//! Names of things at AWS, and what they are read from.

use crate::settings::parse::Parsed;

/// So many topics may receive one contact's events.
const TOPICS: usize = 2;
const ID_MOST: usize = 100;

/// An instance.
pub(super) struct Instance {
    pub(super) id: String,
    /// That of its ARN.
    pub(super) region: Option<String>,
}

pub(super) fn instance(text: &str) -> Parsed<Instance> {
    let region = text.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2));
    Ok(Instance { id: resource(text, "instance")?, region: region.map(str::to_owned) })
}

/// The id that a text is, or that its ARN ends with: `arn:aws:connect:REGION:ACCOUNT:instance/ID/KIND/ID`.
pub(super) fn resource(text: &str, kind: &str) -> Parsed<String> {
    let wanted = || format!("must be the id of the {}, or its ARN", kind.replace('-', " "));
    let id = match text.strip_prefix("arn:") {
        None => text,
        Some(rest) => {
            let mut parts = rest.splitn(5, ':');
            let service = parts.nth(1);
            let path = parts.nth(2).filter(|_| service == Some("connect"));
            let (before, id) = path.and_then(|path| path.rsplit_once('/')).ok_or_else(wanted)?;
            let is_kind = before == kind || before.ends_with(&format!("/{kind}"));
            if is_kind { id } else { return Err(wanted()) }
        }
    };
    let is_plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_plain && (1..=ID_MOST).contains(&id.len()) { Ok(id.to_owned()) } else { Err(wanted()) }
}

pub(super) fn region_name(text: &str) -> Parsed<String> {
    let parts: Vec<&str> = text.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let is_region = matches!(&parts[..], [words @ .., number]
        if words.len() >= 2 && words.iter().all(is_word) && matches!(number.as_bytes(), [b'1'..=b'9']));
    if is_region && text.len() <= 30 {
        Ok(text.to_owned())
    } else {
        Err("must be a region such as us-east-1".to_owned())
    }
}

pub(super) fn topic_arns(text: &str) -> Parsed<Vec<String>> {
    let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
    let topics = words.map(topic_arn).collect::<Parsed<Vec<_>>>()?;
    if (1..=TOPICS).contains(&topics.len()) {
        Ok(topics)
    } else {
        Err(format!("must be 1 to {TOPICS} topic ARNs"))
    }
}

fn topic_arn(text: &str) -> Parsed<String> {
    if text.ends_with(".fifo") {
        return Err("must be a standard topic: Amazon Connect can't stream to FIFO topics".to_owned());
    }
    let parts: Vec<&str> = text.split(':').collect();
    let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let is_topic = matches!(&parts[..], ["arn", partition, "sns", region, account, name]
        if partition.starts_with("aws") && region_name(region).is_ok() && is_account(account)
            && is_name(name) && is_name(partition) && (1..=256).contains(&name.len()));
    if is_topic {
        Ok(text.to_owned())
    } else {
        Err("must be the ARN of an SNS topic, such as arn:aws:sns:us-east-1:123456789012:chat".to_owned())
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn role_arn(text: &str) -> Parsed<String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_role = matches!(&parts[..], ["arn", partition, "iam", "", account, path]
        if partition.starts_with("aws") && is_account(account)
            && path.strip_prefix("role/").is_some_and(|name| !name.is_empty()));
    if is_role && text.len() <= 2_048 && text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("must be the ARN of a role, such as arn:aws:iam::123456789012:role/relay".to_owned())
    }
}

/// As STS has it: AssumeRole, `ExternalId`.
pub(super) fn external_id(text: &str) -> Parsed<String> {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b);
    if (2..=1_224).contains(&text.len()) && text.bytes().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err("must be 2 to 1224 letters, digits and _+=,.@:/-".to_owned())
    }
}
