//! Amazon Connect as a platform: which instance, who may call it, and how chats are held.

mod arn;
mod credentials;

use std::{ops::RangeInclusive, time::Duration};

use url::Url;

use super::{Secret, files::on_or_off, parse, parse::Parsed, platforms::Wanted, reader::Reader};
use crate::unseen::is_unseen;
use arn::{Instance, region_name, resource, topic_arns};
use credentials::{credentials, role};

/// What `PLATFORMS` calls it.
pub(super) const ID: &str = "amazon-connect";

/// An instance of Amazon Connect in which agents work.
#[derive(Clone, Debug)]
pub struct AmazonConnect {
    /// `AMAZON_CONNECT_REGION`, `AWS_REGION` or `AWS_DEFAULT_REGION`: such as `eu-central-1`.
    pub region: String,
    /// `AMAZON_CONNECT_INSTANCE_ID`: the id alone, also of an ARN. 1 to 100 letters, digits and hyphens.
    pub instance_id: String,
    /// `AMAZON_CONNECT_CONTACT_FLOW_ID`: the contact flow of handoffs that name none. The id alone, also of an ARN.
    pub contact_flow_id: Option<String>,
    /// The first of `AMAZON_CONNECT_TOPIC_ARN`: the standard topic to which chats are streamed.
    pub topic_arn: String,
    /// All of `AMAZON_CONNECT_TOPIC_ARN`: one or two topics whose notifications are taken.
    pub topics: Vec<String>,
    /// `AMAZON_CONNECT_ENDPOINT`: the base URL of Amazon Connect's API, instead of the region's.
    pub endpoint: Option<Url>,
    /// `AMAZON_CONNECT_PARTICIPANT_ENDPOINT`: the base URL of the Participant Service, instead of the region's.
    pub participant_endpoint: Option<Url>,
    /// `AMAZON_CONNECT_SNS_ENDPOINT`: the base URL of SNS, instead of the region's. Certificates come from there alone.
    pub sns_endpoint: Option<Url>,
    /// `AMAZON_CONNECT_STS_ENDPOINT`: the base URL of STS, instead of the region's.
    pub sts_endpoint: Option<Url>,
    /// Whose calls they are.
    pub credentials: Credentials,
    /// `AMAZON_CONNECT_ROLE_ARN`: a role to assume with these credentials.
    pub role_arn: Option<String>,
    /// `AMAZON_CONNECT_EXTERNAL_ID`: what the role's trust policy asks for. Only with a role.
    pub external_id: Option<String>,
    /// `AMAZON_CONNECT_CHAT_DURATION`: how long a chat may last, 60 to 10,080 minutes; `None` for Amazon Connect's
    /// default.
    pub chat_duration_minutes: Option<u32>,
    /// `AMAZON_CONNECT_ATTRIBUTES`: fields of a handoff's context, and the contact attributes that they become.
    pub attributes: Vec<(String, String)>,
    /// `AMAZON_CONNECT_AGENT_LEFT_GRACE`: how long a chat without an agent waits for the next one. 0 to 1 h.
    pub agent_left_grace: Duration,
    /// `AMAZON_CONNECT_SYSTEM_MESSAGES`: the contact flow's own messages are passed on, too.
    pub system_messages: bool,
    /// `AMAZON_CONNECT_IF_UNAVAILABLE`, `AMAZON_CONNECT_IF_UNAVAILABLE_TEXT`: what becomes of a handoff for which
    /// there can be no chat.
    pub if_unavailable: IfUnavailable,
    /// `AMAZON_CONNECT_QUEUE_ID`: the queue whose hours count. The id alone, also of an ARN.
    pub queue_id: Option<String>,
    /// `AMAZON_CONNECT_CHECK_HOURS`: whether that queue must be open for a handoff to become a chat.
    pub check_hours: bool,
    /// `AMAZON_CONNECT_MESSAGE_LIMIT`: the most bytes of one message. 256 to 16,384.
    pub message_limit: usize,
}

/// Where AWS credentials come from.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// The settings, or the variables of AWS's own tools.
    Static {
        /// The id of the access key, which is no secret.
        access_key_id: String,
        /// The key itself.
        secret_access_key: Secret,
        /// With keys that are temporary.
        session_token: Option<Secret>,
    },
    /// The role of the machine, the container or the cluster's service account.
    Ambient,
}

/// What becomes of a handoff for which there can be no chat in Amazon Connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfUnavailable {
    /// It stays open, for the agents of the console.
    Keep,
    /// It ends.
    End {
        /// What the end user is told first. At most 1,000 characters.
        text: String,
    },
}

const TEXT: &str =
    "Sorry, nobody from our team can be reached at the moment. Please try again a little later.";
/// The most that Amazon Connect takes (StartChatContact and SendMessage, `Content`).
const MESSAGE_LIMITS: RangeInclusive<u64> = 256..=16_384;
const CHAT_MINUTES: RangeInclusive<u64> = 60..=10_080;
const GRACE_MOST: u64 = 3_600;
const INSTANCE: &str = "AMAZON_CONNECT_INSTANCE_ID";

/// Reads them; `None` without an instance, where `PLATFORMS` doesn't name it, or if something is wrong.
pub(super) fn read(r: &mut Reader, wanted: &Wanted, has_public_url: bool) -> Option<AmazonConnect> {
    let instance = r.optional(INSTANCE, arn::instance);
    if instance.is_none() && !r.told(INSTANCE) {
        without_instance(r, wanted);
        return None;
    }
    let region = region(r, instance.as_ref());
    let topics = topics(r, region.as_deref());
    let credentials = credentials(r);
    let (role_arn, external_id) = role(r);
    let (queue_id, check_hours) = hours(r);
    let text = r.or("AMAZON_CONNECT_IF_UNAVAILABLE_TEXT", TEXT.to_owned(), told_text);
    let read = AmazonConnect {
        contact_flow_id: r.optional("AMAZON_CONNECT_CONTACT_FLOW_ID", |text| resource(text, "contact-flow")),
        endpoint: r.optional("AMAZON_CONNECT_ENDPOINT", parse::endpoint),
        participant_endpoint: r.optional("AMAZON_CONNECT_PARTICIPANT_ENDPOINT", parse::endpoint),
        sns_endpoint: r.optional("AMAZON_CONNECT_SNS_ENDPOINT", parse::endpoint),
        sts_endpoint: r.optional("AMAZON_CONNECT_STS_ENDPOINT", parse::endpoint),
        role_arn,
        external_id,
        chat_duration_minutes: r.optional("AMAZON_CONNECT_CHAT_DURATION", chat_duration),
        attributes: r.or("AMAZON_CONNECT_ATTRIBUTES", Vec::new(), attributes),
        agent_left_grace: r.or("AMAZON_CONNECT_AGENT_LEFT_GRACE", Duration::from_secs(60), grace),
        system_messages: r.or("AMAZON_CONNECT_SYSTEM_MESSAGES", false, on_or_off),
        if_unavailable: r
            .or("AMAZON_CONNECT_IF_UNAVAILABLE", IfUnavailable::Keep, |choice| if_unavailable(choice, text)),
        queue_id,
        check_hours,
        message_limit: r.or("AMAZON_CONNECT_MESSAGE_LIMIT", 16_384, message_limit),
        region: region?,
        instance_id: instance?.id,
        topic_arn: topics.as_ref()?.first()?.clone(),
        topics: topics?,
        credentials: credentials?,
    };
    let is_wanted = wanted.includes(ID);
    if is_wanted && !has_public_url && !r.told("PUBLIC_URL") {
        let sentence =
            format!("PUBLIC_URL is required with the platform {ID}: agents' links to files lead there");
        r.problem("PUBLIC_URL", sentence);
    }
    is_wanted.then_some(read)
}

fn without_instance(r: &mut Reader, wanted: &Wanted) {
    let others = r.set_names().into_iter().filter(|name| name.starts_with("AMAZON_CONNECT_"));
    for name in others.collect::<Vec<_>>() {
        r.problem(name, format!("{name} has no effect without {INSTANCE}"));
    }
    if wanted.names(ID) {
        r.problem("PLATFORMS", format!("PLATFORMS names a platform that has no {INSTANCE}"));
    }
}

fn region(r: &mut Reader, instance: Option<&Instance>) -> Option<String> {
    const NAME: &str = "AMAZON_CONNECT_REGION";
    let own = r.optional(NAME, region_name);
    if own.is_none() && r.told(NAME) {
        return None;
    }
    let of_environment = || {
        let names = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        names.iter().find_map(|name| region_name(r.borrowed(name)?).ok())
    };
    let Some(region) = own.or_else(of_environment) else {
        r.problem(NAME, format!("{NAME} is required with {INSTANCE}"));
        return None;
    };
    if instance.and_then(|instance| instance.region.as_ref()).is_some_and(|other| *other != region) {
        r.problem(INSTANCE, format!("{INSTANCE} is the ARN of an instance outside {NAME}"));
    }
    Some(region)
}

fn topics(r: &mut Reader, region: Option<&str>) -> Option<Vec<String>> {
    const NAME: &str = "AMAZON_CONNECT_TOPIC_ARN";
    let topics = r.optional(NAME, topic_arns);
    if topics.is_none() && !r.told(NAME) {
        r.problem(NAME, format!("{NAME} is required with {INSTANCE}"));
    }
    let is_elsewhere = |topic: &String| region.is_some_and(|region| topic.split(':').nth(3) != Some(region));
    if topics.iter().flatten().any(is_elsewhere) {
        r.problem(NAME, format!("{NAME} must be in AMAZON_CONNECT_REGION"));
    }
    topics
}

fn hours(r: &mut Reader) -> (Option<String>, bool) {
    const QUEUE: &str = "AMAZON_CONNECT_QUEUE_ID";
    const CHECK: &str = "AMAZON_CONNECT_CHECK_HOURS";
    let queue_id = r.optional(QUEUE, |text| resource(text, "queue"));
    let check_hours = r.or(CHECK, false, on_or_off);
    (queue_id, check_hours)
}

fn chat_duration(text: &str) -> Parsed<u32> {
    let minutes = parse::seconds(text).filter(|seconds| seconds % 60 == 0).map(|seconds| seconds / 60);
    minutes
        .filter(|minutes| CHAT_MINUTES.contains(minutes))
        .and_then(|minutes| u32::try_from(minutes).ok())
        .ok_or_else(|| "must be a duration such as 24h, from 1h to 7d, in whole minutes".to_owned())
}

fn grace(text: &str) -> Parsed<Duration> {
    parse::seconds(text)
        .filter(|seconds| *seconds <= GRACE_MOST)
        .map(Duration::from_secs)
        .ok_or_else(|| "must be a duration such as 60s, from 0s to 1h".to_owned())
}

fn attributes(text: &str) -> Parsed<Vec<(String, String)>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (position, entry) in text.split(',').enumerate() {
        let number = position + 1;
        let (field, attribute) = entry
            .split_once('=')
            .map(|(field, attribute)| (field.trim(), attribute.trim()))
            .filter(|(field, _)| !field.is_empty() && !field.chars().any(is_unseen))
            .ok_or_else(|| {
                format!("must be field=attribute, several separated by commas; entry {number} is not")
            })?;
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if attribute.is_empty() || !attribute.bytes().all(is_plain) {
            return Err(format!("needs an attribute of letters, digits, _ and - in entry {number}"));
        }
        if pairs.iter().any(|(_, other)| other == attribute) {
            return Err(format!("has an attribute twice: see entry {number}"));
        }
        pairs.push((field.to_owned(), attribute.to_owned()));
    }
    Ok(pairs)
}

fn if_unavailable(choice: &str, text: String) -> Parsed<IfUnavailable> {
    match choice {
        "keep" => Ok(IfUnavailable::Keep),
        "end" => Ok(IfUnavailable::End { text }),
        _ => Err("must be keep or end".to_owned()),
    }
}

fn told_text(text: &str) -> Parsed<String> {
    const MOST: usize = 1_000;
    if text.chars().count() <= MOST {
        Ok(text.to_owned())
    } else {
        Err(format!("must be at most {MOST} characters"))
    }
}

fn message_limit(text: &str) -> Parsed<usize> {
    let (least, most) = MESSAGE_LIMITS.into_inner();
    parse::whole_number(text)
        .filter(|bytes| MESSAGE_LIMITS.contains(bytes))
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| format!("must be a whole number of bytes from {least} to {most}"))
}
