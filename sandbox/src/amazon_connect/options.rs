//! What a stand-in Amazon Connect is set up with.

use std::time::Duration;

use uuid::Uuid;

/// The account, the instance and the topic, and how notifications are delivered. The default is an account of
/// its own with new ids.
#[derive(Clone)]
pub struct ConnectOptions {
    /// The region of everything.
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
    /// The Amazon Connect instance.
    pub instance_id: String,
    /// The contact flows that exist. Chats of others are refused.
    pub contact_flow_ids: Vec<String>,
    /// The queue that exists.
    pub queue_id: String,
    /// The hours of operation that exist: those of the queue.
    pub hours_of_operation_id: String,
    /// The standard topic that exists.
    pub topic_arn: String,
    /// The key that may do everything.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The role that may be assumed with the key.
    pub role_arn: String,
    /// What `AssumeRole` must bring, if anything.
    pub external_id: Option<String>,
    /// The endpoint that is subscribed to the topic as soon as the stand-in is served.
    pub subscriber: Option<String>,
    /// The version of the topic's signatures: 1 (SHA-1) or 2 (SHA-256).
    pub signature_version: u8,
    /// The extensions of attachments that the instance takes, without the dot.
    pub attachment_extensions: Vec<String>,
    /// The most bytes of a message, as some channels have lower limits.
    pub message_bytes: usize,
    /// The pause before a notification that failed is tried again.
    pub retry_delay: Duration,
    /// How often a notification is tried in all.
    pub delivery_tries: u32,
    /// How long an endpoint may take to answer.
    pub delivery_timeout: Duration,
    /// How long the scanner takes for an attachment.
    pub scan_time: Duration,
    /// The origin that URLs name, if it isn't the listener's.
    pub public_url: Option<String>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        let id = || Uuid::new_v4().to_string();
        Self {
            region: "us-east-1".to_owned(),
            account_id: "123456789012".to_owned(),
            instance_id: id(),
            contact_flow_ids: vec![id()],
            queue_id: id(),
            hours_of_operation_id: id(),
            topic_arn: "arn:aws:sns:us-east-1:123456789012:chat".to_owned(),
            access_key_id: "AKIASTANDIN000000000".to_owned(),
            secret_access_key: format!("{}{}", Uuid::new_v4().simple(), &id()[..8]),
            role_arn: "arn:aws:iam::123456789012:role/chat".to_owned(),
            external_id: None,
            subscriber: None,
            signature_version: 1,
            attachment_extensions: EXTENSIONS.map(str::to_owned).to_vec(),
            message_bytes: 16_384,
            retry_delay: Duration::from_millis(200),
            delivery_tries: 3,
            delivery_timeout: Duration::from_secs(15),
            scan_time: Duration::ZERO,
            public_url: None,
        }
    }
}

const EXTENSIONS: [&str; 18] = [
    "csv", "doc", "docx", "heic", "jfif", "jpeg", "jpg", "mov", "mp4", "pdf", "png", "ppt", "pptx", "rtf",
    "txt", "wav", "xls", "xlsx",
];
