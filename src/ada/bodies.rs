//! What the calls of Ada's API say, and what their answers hold.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    api::Says,
    message::{author, content, id, time},
};
use crate::{
    json::{Field, Object},
    relay::{
        delivery::{Failure, Receipt, ShownAuthor, UploadedFile},
        event::Message,
        handoff::Profile,
        id::MessageId,
        thread::{Author, Content, Role},
        time::Time,
        waiting_room::Shown,
    },
};

/// Where Ada may put URLs that are signed anew for each reading, within `content` and `author`.
const SIGNED: [&str; 2] = ["url", "avatar"];

/// A message of a human agent.
pub fn said(by: &ShownAuthor, says: Says<'_>) -> Value {
    let content = match says {
        Says::Text(text) => json!({ "type": "text", "body": text }),
        Says::File(UploadedFile { url, filename, mime_type }) => {
            json!({ "type": "file", "url": url, "mime_type": mime_type, "filename": filename })
        }
    };
    let mut author = json!({ "role": "human_agent", "display_name": by.display_name });
    if let Some(avatar) = &by.avatar {
        author["avatar"] = avatar.as_str().into();
    }
    json!({ "author": author, "content": content })
}

/// What the banner shows.
pub fn banner(shown: Shown) -> Value {
    match shown {
        Shown::Position { ahead } => json!({ "unit": "position", "amount": ahead }),
        Shown::Time { seconds } => json!({ "unit": "time", "amount": seconds }),
        Shown::Unknown => json!({ "unit": "unknown" }),
    }
}

/// Ada has it once it answers 2xx, readable or not.
pub fn receipt(stored: &Object<'_>) -> Receipt {
    Receipt { message_id: id(stored, "id").ok().map(MessageId), created_at: time(stored, "created_at").ok() }
}

/// What Ada calls a file, or else what we do.
///
/// # Errors
/// It doesn't say where the file is, and without that no message can point to it.
pub fn uploaded(stored: &Object<'_>, filename: String, mime_type: String) -> Result<UploadedFile, Failure> {
    let url = stored.text("url").filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| Failure::Unclear("Ada did not return the file's URL".to_owned()))?;
    let filename = stored.text("filename").unwrap_or(filename);
    Ok(UploadedFile { url, filename, mime_type: stored.text("mime_type").unwrap_or(mime_type) })
}

/// The messages of a page of the list, one by one: what can't be read of one costs no other. `before` is the time of
/// what stands before them, or when they were read.
///
/// # Errors
/// It is no page.
pub fn messages(page: &Object<'_>, before: Option<Time>) -> Result<Vec<Message>, Failure> {
    let rows = page.get("data").and_then(Field::items);
    let rows = rows.ok_or_else(|| Failure::Unclear("Ada's message list is malformed".to_owned()))?;
    let items: Vec<Item<'_>> = rows.into_iter().filter_map(Item::read).collect();
    // An item without a time stands behind the one before it, or else before the one behind it.
    let mut at = items.iter().find_map(|item| item.created_at).or(before).unwrap_or_default();
    Ok(items
        .into_iter()
        .map(|item| {
            at = item.created_at.unwrap_or(at);
            item.message(at)
        })
        .collect())
}

/// Where the next page is, if there is one.
pub fn next_page(page: &Object<'_>) -> Option<String> {
    page.object("meta").text("next_page_url").filter(|link| !link.is_empty())
}

/// A row of the message list.
struct Item<'a> {
    row: Field<'a>,
    fields: Object<'a>,
    created_at: Option<Time>,
}

impl<'a> Item<'a> {
    /// Other types than `message_logs` are none.
    fn read(row: Field<'a>) -> Option<Self> {
        let fields = row.object().unwrap_or_default();
        if fields.text("type").is_some_and(|kind| kind != "message_logs") {
            return None;
        }
        let created_at = time(&fields, "created_at").ok();
        Some(Self { row, fields, created_at })
    }

    /// What can't be read becomes a message that says so, under an id that is the same at the next reading.
    fn message(&self, created_at: Time) -> Message {
        let (id, author, content) =
            (id(&self.fields, "message_id"), author(&self.fields), content(&self.fields));
        let faults = [id.as_ref().err(), author.as_ref().err(), content.as_ref().err()];
        let fault = faults.into_iter().flatten().next().map(ToString::to_string);
        let content = match (content, fault) {
            (Ok(content), None) => content,
            (_, fault) => Content::Unreadable { reason: fault.unwrap_or_default() },
        };
        let nobody = Author { role: Role::Unknown, display_name: None, avatar: None };
        Message {
            id: MessageId(id.unwrap_or_else(|_| self.digest())),
            created_at,
            author: author.unwrap_or(nobody),
            content,
        }
    }

    /// Of all that it says, but for URLs, which Ada signs anew for each reading.
    fn digest(&self) -> String {
        let mut digest = Sha256::new();
        match self.row.object() {
            None => digest.update(self.row.raw()),
            Some(fields) => fields.into_fields().for_each(|field| add_field(&mut digest, field)),
        }
        digest.finalize().iter().take(12).fold("unreadable-".to_owned(), |id, byte| format!("{id}{byte:02x}"))
    }
}

fn add_field(digest: &mut Sha256, (name, value): (String, Field<'_>)) {
    digest.update(name);
    let Some(fields) = value.object() else { return digest.update(value.raw()) };
    for (name, value) in fields.into_fields().filter(|(name, _)| !SIGNED.contains(&name.as_str())) {
        digest.update(name);
        digest.update(value.raw());
    }
}

/// What Ada says of an end user. Texts that are empty say nothing.
pub fn profile(object: &Object<'_>) -> Profile {
    let text = |field: &str| {
        let text = object.text(field)?.trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    let names: Vec<String> = ["first_name", "last_name"].into_iter().filter_map(text).collect();
    Profile {
        display_name: text("display_name"),
        full_name: (!names.is_empty()).then(|| names.join(" ")),
        email: text("email"),
        language: text("language"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::json::mended;

    fn read(page: &str) -> Vec<Message> {
        messages(&Object::read(&mended(page.as_bytes())).unwrap(), None).unwrap()
    }

    #[test]
    fn an_item_that_cannot_be_read_says_so_and_hides_no_other() {
        let good = |id: &str, second: u8| {
            format!(
                r#"{{"type":"message_logs","message_id":"{id}","created_at":"2026-11-21T04:30:0{second}Z",
                "author":{{"role":"end_user"}},"content":{{"type":"text","body":"{id}"}},"new":1e999}}"#
            )
        };
        let deep = ["[".repeat(10_000), "]".repeat(10_000)].concat();
        let (first, last) = (good("first", 1), good("last", 9));
        for (item, reason) in [
            (
                r#"{"message_id":"x","author":{"role":"end_user"},"content":{"type":"text","body":7}}"#,
                "`content.body` is missing",
            ),
            (r#"{"message_id":"x","content":{"type":"text","body":"b"}}"#, "`author.role` is missing"),
            (r#"{"created_at":"2026-11-21T04:30:05Z"}"#, "`message_id` is missing"),
            (r#""words""#, "`message_id` is missing"),
            ("1e999", "`message_id` is missing"),
            (&deep, "`message_id` is missing"),
        ] {
            let page = format!(r#"{{"data":[{first},{item},{last}],"meta":{{"x":{deep}}}}}"#);
            let all = read(&page);
            let ids: Vec<_> = all.iter().map(|message| message.id.0.as_str()).collect();
            assert_eq!((ids.len(), ids[0], ids[2]), (3, "first", "last"), "{item:.80}");
            assert_eq!(all[1].content, Content::Unreadable { reason: reason.to_owned() }, "{item:.80}");
            assert!(all[0].created_at <= all[1].created_at && all[1].created_at < all[2].created_at);
            assert_eq!(read(&page)[1].id, all[1].id, "the same at the next reading");
        }
        let half = read(
            r#"{"data":[{"message_id":"x","author":{"role":"bot"},"content":{"type":"text","body":"\ud83d"}}]}"#,
        );
        assert_eq!(half[0].content, Content::Text { body: "\u{fffd}".to_owned() });
        assert_eq!(read(r#"{"data":[{"type":"another"}]}"#), []);
        assert!(messages(&Object::read(b"{\"data\":{}}").unwrap(), None).is_err());
    }

    #[test]
    fn an_item_without_an_id_is_the_same_with_another_signature_and_another_with_other_words() {
        let id = |url: &str, name: &str| {
            let item = json!({ "created_at": "2026-11-21T04:30:05Z", "author": { "avatar": url, "role": "bot" },
                "content": { "type": "file", "url": url, "filename": name } });
            read(&json!({ "data": [item] }).to_string()).remove(0).id
        };
        assert_eq!(id("https://a/b?sig=1", "a.png"), id("https://a/b?sig=2", "a.png"));
        assert_ne!(id("https://a/b?sig=1", "a.png"), id("https://a/b?sig=1", "b.png"));
    }

    #[test]
    fn an_item_without_a_time_stands_where_it_was_read() {
        let at = |page: &str, before| {
            let all = messages(&Object::read(page.as_bytes()).unwrap(), before).unwrap();
            all.into_iter().map(|message| message.created_at).collect::<Vec<_>>()
        };
        let known = r#"{"created_at":"1970-01-01T00:00:07Z"}"#;
        let before = Some(Time::from_millis(5_000));
        assert_eq!(at(&format!(r#"{{"data":[{{}},{known},{{}}]}}"#), before), [Time::from_millis(7_000); 3]);
        assert_eq!(at(r#"{"data":[{},{}]}"#, before), [Time::from_millis(5_000); 2]);
    }
}
