//! The operations, how they are called and what each takes.

use axum::http::Method;
use serde_json::{Map, Value};

use super::shape::{Kind, Member, optional, required};

/// Which of the services answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Connect,
    Participant,
    Sts,
    Sns,
}

impl Service {
    /// As AWS's models name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Participant => "connectparticipant",
            Self::Sts => "sts",
            Self::Sns => "sns",
        }
    }
}

/// One operation of a service.
pub(super) struct Operation {
    pub(super) service: Service,
    pub(super) name: &'static str,
    method: &'static str,
    /// With `{Member}` for what the path holds; for query protocols empty.
    path: &'static str,
    pub(super) members: &'static [Member],
    /// Whether a second call with the same token has no second effect.
    pub(super) is_idempotent: bool,
}

const fn operation(
    service: Service,
    name: &'static str,
    (method, path): (&'static str, &'static str),
    members: &'static [Member],
) -> Operation {
    Operation { service, name, method, path, members, is_idempotent: false }
}

const fn idempotent(operation: Operation) -> Operation {
    Operation { is_idempotent: true, ..operation }
}

const INSTANCE: Member = required("InstanceId", Kind::Text(1, 100));
const CONTACT: Member = required("ContactId", Kind::Text(1, 256));
const TOKEN: Member = optional("ClientToken", Kind::Text(0, 500));
const CONTENT_TYPE: Member = required("ContentType", Kind::Text(1, 100));
const CONTENT: Member = required("Content", Kind::Text(1, 16_384));
const STREAMING: &[Member] = &[required("StreamingEndpointArn", Kind::Text(1, 350))];

const START_CHAT: &[Member] = &[
    INSTANCE,
    required("ContactFlowId", Kind::Text(1, 500)),
    required("ParticipantDetails", Kind::Object(&[required("DisplayName", Kind::Text(1, 256))])),
    optional("Attributes", Kind::Attributes),
    optional("InitialMessage", Kind::Object(&[CONTENT_TYPE, CONTENT])),
    optional("ChatDurationInMinutes", Kind::Number(60, 10_080)),
    TOKEN,
    optional("SupportedMessagingContentTypes", Kind::List(&Kind::Text(1, 100), 0, 20)),
    optional("ChatStreamingConfiguration", Kind::Object(STREAMING)),
    optional("ConnectionTypes", Kind::List(&Kind::Text(1, 100), 1, 2)),
    optional(
        "PersistentChat",
        Kind::Object(&[
            optional("RehydrationType", Kind::OneOf(&["ENTIRE_PAST_SESSION", "FROM_SEGMENT"])),
            optional("SourceContactId", Kind::Text(1, 256)),
        ]),
    ),
    optional("RelatedContactId", Kind::Text(1, 256)),
    optional(
        "SegmentAttributes",
        Kind::Map(&Kind::Object(&[
            optional("ValueString", Kind::Text(1, 1024)),
            optional("ValueInteger", Kind::Number(i64::MIN, i64::MAX)),
        ])),
    ),
    optional("CustomerId", Kind::Text(1, 128)),
    optional(
        "ParticipantConfiguration",
        Kind::Object(&[optional("ResponseMode", Kind::OneOf(&["INCREMENTAL", "COMPLETE"]))]),
    ),
    optional("DisconnectOnCustomerExit", Kind::List(&Kind::OneOf(&["AGENT"]), 1, 1)),
];

const START_UPLOAD: &[Member] = &[
    required("ContentType", Kind::Text(1, 255)),
    required("AttachmentSizeInBytes", Kind::Number(1, i64::MAX)),
    required("AttachmentName", Kind::Text(1, 256)),
    required("ClientToken", Kind::Text(1, 500)),
];

const TRANSCRIPT: &[Member] = &[
    optional("ContactId", Kind::Text(1, 256)),
    optional("MaxResults", Kind::Number(0, 100)),
    optional("NextToken", Kind::Text(1, 1000)),
    optional("ScanDirection", Kind::OneOf(&["FORWARD", "BACKWARD"])),
    optional("SortOrder", Kind::OneOf(&["DESCENDING", "ASCENDING"])),
    optional(
        "StartPosition",
        Kind::Object(&[
            optional("Id", Kind::Text(1, 256)),
            optional("AbsoluteTime", Kind::Text(1, 100)),
            optional("MostRecent", Kind::Number(0, 100)),
        ]),
    ),
];

const CONNECTION: &[Member] = &[
    optional(
        "Type",
        Kind::List(&Kind::OneOf(&["WEBSOCKET", "CONNECTION_CREDENTIALS", "WEBRTC_CONNECTION"]), 1, 3),
    ),
    optional("ConnectParticipant", Kind::Flag),
];

const GET_ATTACHMENT: &[Member] = &[
    required("AttachmentId", Kind::Text(1, 256)),
    optional("UrlExpiryInSeconds", Kind::Number(5, 300)),
    optional("UrlContentDisposition", Kind::OneOf(&["INLINE", "ATTACHMENT"])),
];

const ASSUME_ROLE: &[Member] = &[
    required("RoleArn", Kind::Text(20, 2048)),
    required("RoleSessionName", Kind::Text(2, 64)),
    optional("ExternalId", Kind::Text(2, 1224)),
    optional("DurationSeconds", Kind::Text(3, 5)),
];

static OPERATIONS: &[Operation] = &[
    idempotent(operation(Service::Connect, "StartChatContact", ("PUT", "/contact/chat"), START_CHAT)),
    idempotent(operation(
        Service::Connect,
        "StartContactStreaming",
        ("POST", "/contact/start-streaming"),
        &[
            INSTANCE,
            CONTACT,
            required("ChatStreamingConfiguration", Kind::Object(STREAMING)),
            required("ClientToken", Kind::Text(1, 500)),
        ],
    )),
    operation(
        Service::Connect,
        "StopContactStreaming",
        ("POST", "/contact/stop-streaming"),
        &[INSTANCE, CONTACT, required("StreamingId", Kind::Text(1, 100))],
    ),
    operation(Service::Connect, "StopContact", ("POST", "/contact/stop"), &[INSTANCE, CONTACT]),
    operation(
        Service::Connect,
        "UpdateContactAttributes",
        ("POST", "/contact/attributes"),
        &[
            INSTANCE,
            required("InitialContactId", Kind::Text(1, 256)),
            required("Attributes", Kind::Attributes),
        ],
    ),
    operation(
        Service::Connect,
        "DescribeContact",
        ("GET", "/contacts/{InstanceId}/{ContactId}"),
        &[INSTANCE, CONTACT],
    ),
    operation(
        Service::Connect,
        "DescribeContactFlow",
        ("GET", "/contact-flows/{InstanceId}/{ContactFlowId}"),
        &[INSTANCE, required("ContactFlowId", Kind::Text(1, 500))],
    ),
    operation(
        Service::Connect,
        "DescribeQueue",
        ("GET", "/queues/{InstanceId}/{QueueId}"),
        &[INSTANCE, required("QueueId", Kind::Text(1, 500))],
    ),
    operation(
        Service::Connect,
        "DescribeHoursOfOperation",
        ("GET", "/hours-of-operations/{InstanceId}/{HoursOfOperationId}"),
        &[INSTANCE, required("HoursOfOperationId", Kind::Text(1, 500))],
    ),
    operation(Service::Connect, "DescribeInstance", ("GET", "/instance/{InstanceId}"), &[INSTANCE]),
    operation(
        Service::Participant,
        "CreateParticipantConnection",
        ("POST", "/participant/connection"),
        CONNECTION,
    ),
    idempotent(operation(
        Service::Participant,
        "SendMessage",
        ("POST", "/participant/message"),
        &[CONTENT_TYPE, CONTENT, TOKEN],
    )),
    operation(
        Service::Participant,
        "SendEvent",
        ("POST", "/participant/event"),
        &[CONTENT_TYPE, optional("Content", Kind::Text(1, 16_384)), TOKEN],
    ),
    idempotent(operation(
        Service::Participant,
        "StartAttachmentUpload",
        ("POST", "/participant/start-attachment-upload"),
        START_UPLOAD,
    )),
    idempotent(operation(
        Service::Participant,
        "CompleteAttachmentUpload",
        ("POST", "/participant/complete-attachment-upload"),
        &[
            required("AttachmentIds", Kind::List(&Kind::Text(1, 256), 1, 1)),
            required("ClientToken", Kind::Text(1, 500)),
        ],
    )),
    operation(Service::Participant, "GetAttachment", ("POST", "/participant/attachment"), GET_ATTACHMENT),
    operation(Service::Participant, "DisconnectParticipant", ("POST", "/participant/disconnect"), &[TOKEN]),
    operation(Service::Participant, "GetTranscript", ("POST", "/participant/transcript"), TRANSCRIPT),
    operation(Service::Sts, "AssumeRole", ("POST", ""), ASSUME_ROLE),
    operation(
        Service::Sns,
        "ListSubscriptionsByTopic",
        ("POST", ""),
        &[required("TopicArn", Kind::Text(1, 350)), optional("NextToken", Kind::Text(0, 1000))],
    ),
    operation(
        Service::Sns,
        "GetSubscriptionAttributes",
        ("POST", ""),
        &[required("SubscriptionArn", Kind::Text(1, 350))],
    ),
    operation(
        Service::Sns,
        "ConfirmSubscription",
        ("POST", ""),
        &[
            required("TopicArn", Kind::Text(1, 350)),
            required("Token", Kind::Text(1, 1000)),
            optional("AuthenticateOnUnsubscribe", Kind::OneOf(&["true", "false"])),
        ],
    ),
];

/// The operation of that name.
pub(super) fn by_name(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

/// The operation that a path means, with the members that the path holds.
pub(super) fn by_path(method: &Method, path: &str) -> Option<(&'static Operation, Map<String, Value>)> {
    OPERATIONS
        .iter()
        .filter(|operation| operation.method == method.as_str() && !operation.path.is_empty())
        .find_map(|operation| Some((operation, members_of(operation.path, path)?)))
}

fn members_of(pattern: &str, path: &str) -> Option<Map<String, Value>> {
    let mut members = Map::new();
    if pattern.split('/').count() != path.split('/').count() {
        return None;
    }
    for (part, given) in pattern.split('/').zip(path.split('/')) {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => {
                let given = percent_encoding::percent_decode_str(given).decode_utf8_lossy();
                members.insert(name.to_owned(), given.into());
            }
            None if part == given => {}
            None => return None,
        }
    }
    Some(members)
}
