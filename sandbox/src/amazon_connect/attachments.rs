//! The operations with attachments.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::error::ApiError;
use super::item::Attachment;
use super::state::{Link, State, StoredFile, time};
use super::{ConnectOptions, ConnectStandIn};

const ATTACHMENT_BYTES: u64 = 20 * 1024 * 1024;
const ATTACHMENTS: usize = 35;
const UPLOAD_SECONDS: i64 = 900;
const DOWNLOAD_SECONDS: i64 = 300;

type Answer = Result<Value, ApiError>;

fn text<'a>(given: &'a Value, name: &str) -> &'a str {
    given[name].as_str().unwrap_or_default()
}

/// A new signed URL.
fn link(
    state: &mut State,
    file: &str,
    is_upload: bool,
    seconds: i64,
    headers: Vec<(String, String)>,
) -> String {
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let until = state.now() + SignedDuration::from_secs(seconds);
    let link = Link { file: file.to_owned(), is_upload, until, headers };
    state.links.insert(token.clone(), link);
    format!(
        "{}/storage/{file}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires={seconds}&X-Amz-Signature={token}",
        state.base_url
    )
}

fn expiry(seconds: i64) -> String {
    time(Timestamp::now() + SignedDuration::from_secs(seconds))
}

pub(super) fn start(state: &mut State, options: &ConnectOptions, chat: &str, given: &Value) -> Answer {
    let name = text(given, "AttachmentName");
    let size = given["AttachmentSizeInBytes"].as_u64().unwrap_or_default();
    if size > ATTACHMENT_BYTES {
        return Err(ApiError::validation(format!("AttachmentSizeInBytes is {size}, more than 20 MB")));
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    if !extension.is_some_and(|extension| options.attachment_extensions.contains(&extension)) {
        return Err(ApiError::new(400, "ValidationException", "The type of the attachment is not supported"));
    }
    let known = state.chat(chat).ok_or_else(|| ApiError::denied("The chat is over"))?;
    if known.attachments >= ATTACHMENTS {
        let message = "A chat has 35 attachments at most";
        return Err(ApiError::new(402, "ServiceQuotaExceededException", message));
    }
    known.attachments += 1;
    let about = Attachment {
        attachment_id: Uuid::new_v4().to_string(),
        attachment_name: name.to_owned(),
        content_type: text(given, "ContentType").to_owned(),
        status: "IN_PROGRESS",
    };
    let headers = upload_headers(&about, size, options);
    let id = about.attachment_id.clone();
    let url = link(state, &id, true, UPLOAD_SECONDS, headers.clone());
    let file = StoredFile { chat: chat.to_owned(), about, size, bytes: None, item: None, by_customer: true };
    state.files.insert(id.clone(), file);
    let headers: Map<_, _> = headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    Ok(json!({
        "AttachmentId": id,
        "UploadMetadata": { "Url": url, "UrlExpiry": expiry(UPLOAD_SECONDS), "HeadersToInclude": headers },
    }))
}

fn upload_headers(about: &Attachment, size: u64, options: &ConnectOptions) -> Vec<(String, String)> {
    let name: String = about
        .attachment_name
        .chars()
        .map(|one| if one.is_ascii_alphanumeric() || one == '.' { one } else { '_' })
        .collect();
    [
        ("Content-Type", about.content_type.clone()),
        ("Content-Length", size.to_string()),
        ("Content-Disposition", format!("attachment; filename=\"{name}\"")),
        ("x-amz-meta-organization_id", options.instance_id.clone()),
        ("x-amz-acl", "private".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

pub(super) fn get(state: &mut State, chat: &str, given: &Value) -> Answer {
    let id = text(given, "AttachmentId");
    let file = state.files.get(id).filter(|file| file.chat == chat);
    let file = file.ok_or_else(|| ApiError::validation("AttachmentId is not of this chat"))?;
    if file.about.status != "APPROVED" {
        return Err(ApiError::new(400, "ValidationException", "The attachment is not approved"));
    }
    let size = file.size;
    let seconds = given["UrlExpiryInSeconds"].as_i64().unwrap_or(DOWNLOAD_SECONDS);
    let url = link(state, id, false, seconds, Vec::new());
    Ok(json!({ "Url": url, "UrlExpiry": expiry(seconds), "AttachmentSizeInBytes": size }))
}

impl ConnectStandIn {
    pub(super) fn complete_attachment(&self, state: &mut State, chat: &str, given: &Value) -> Answer {
        let id = text(&json!({ "Id": given["AttachmentIds"][0] }), "Id").to_owned();
        let unknown = || ApiError::validation("AttachmentIds has one that is not of this chat");
        let file = state.files.get(&id).filter(|file| file.chat == chat).ok_or_else(unknown)?;
        if file.bytes.is_none() {
            return Err(ApiError::violation(409, "ConflictException", "The attachment was not uploaded"));
        }
        if file.item.is_some() {
            return Err(ApiError::new(409, "ConflictException", "The attachment is complete"));
        }
        let about = file.about.clone();
        let known = state.chat(chat).ok_or_else(|| ApiError::denied("The chat is over"))?;
        let customer = known.customer.clone();
        let item = known.attach(Some((&customer, "CUSTOMER")), about).id;
        if let Some(file) = state.files.get_mut(&id) {
            file.item = Some(item);
        }
        self.scan_later(state, id, false);
        Ok(json!({}))
    }

    /// The scanner decides after its time.
    pub(super) fn scan_later(&self, state: &mut State, attachment: String, rejects: bool) {
        let rejects = std::mem::take(&mut state.rejects_next) || rejects;
        let stand_in = self.clone();
        self.spawn(async move {
            tokio::time::sleep(stand_in.0.options.scan_time).await;
            stand_in.with(|state| scanned(state, &attachment, rejects));
        });
    }
}

fn scanned(state: &mut State, attachment: &str, rejects: bool) {
    let Some(file) = state.files.get_mut(attachment) else { return };
    file.about.status = if rejects { "REJECTED" } else { "APPROVED" };
    let (status, chat, item) = (file.about.status, file.chat.clone(), file.item.clone());
    if let (Some(chat), Some(item)) = (state.chat(&chat), item) {
        chat.scanned(&item, status);
    }
}
