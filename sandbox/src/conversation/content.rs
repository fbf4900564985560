//! What a message says.

use serde_json::{Value, json};

use crate::files::KeptFile;

/// The content of a message that is to be added.
pub(crate) struct Content {
    /// Ada's content object; without the `url` of a file that is kept.
    pub(super) json: Value,
    pub(super) file: Option<KeptFile>,
}

impl Content {
    pub(crate) fn of_text(text: &str) -> Self {
        Self { json: json!({ "type": "text", "body": text }), file: None }
    }

    /// A file that Ada keeps.
    pub(crate) fn of_file(file: KeptFile, filename: &str, mime_type: &str) -> Self {
        let json = json!({ "type": "file", "mime_type": mime_type, "filename": filename });
        Self { json, file: Some(file) }
    }

    /// A file that lies elsewhere.
    pub(crate) fn of_link(url: &str, filename: &str, mime_type: &str) -> Self {
        let json = json!({ "type": "file", "url": url, "mime_type": mime_type, "filename": filename });
        Self { json, file: None }
    }

    /// What a person wrote.
    pub(super) fn text(&self) -> Option<&str> {
        self.json.get("body").and_then(Value::as_str)
    }
}
