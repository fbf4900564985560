//! As what files are served.

const NOTHING_KNOWN: Served = Served { content_type: "application/octet-stream", inline: false };

/// How a file is served to browsers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// For `Content-Type`.
    pub content_type: &'static str,
    /// Whether a page may show it in place. If not it is saved.
    pub inline: bool,
}

/// As what a file is served that was said to be of `mime_type`, whoever said so: it may be something else.
///
/// In place only what can't run: raster images, sounds and films. Known documents keep their type and are saved, SVG
/// among them. What could run in a browser (HTML, XML, scripts, messages) and what is unknown has no type.
pub fn served_as(mime_type: &str) -> Served {
    let essence = mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match (inert(&essence), document(&essence)) {
        (Some(content_type), _) => Served { content_type, inline: true },
        (None, Some(content_type)) => Served { content_type, inline: false },
        (None, None) => NOTHING_KNOWN,
    }
}

fn inert(essence: &str) -> Option<&'static str> {
    Some(match essence {
        "image/png" | "image/x-png" | "image/apng" => "image/png",
        "image/jpeg" | "image/jpg" | "image/pjpeg" => "image/jpeg",
        "image/gif" => "image/gif",
        "image/webp" => "image/webp",
        "image/avif" => "image/avif",
        "image/heic" | "image/heic-sequence" => "image/heic",
        "image/heif" | "image/heif-sequence" => "image/heif",
        "image/bmp" | "image/x-ms-bmp" => "image/bmp",
        "audio/mpeg" | "audio/mp3" | "audio/x-mpeg" | "audio/x-mp3" | "audio/mpeg3" => "audio/mpeg",
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "audio/wav",
        "audio/mp4" | "audio/x-m4a" | "audio/m4a" | "audio/mp4a-latm" => "audio/mp4",
        "audio/aac" | "audio/aacp" | "audio/x-aac" => "audio/aac",
        "audio/ogg" | "application/ogg" => "audio/ogg",
        "audio/webm" => "audio/webm",
        "audio/flac" | "audio/x-flac" => "audio/flac",
        "video/mp4" | "video/x-m4v" | "video/m4v" => "video/mp4",
        "video/quicktime" => "video/quicktime",
        "video/mpeg" | "video/x-mpeg" => "video/mpeg",
        "video/webm" => "video/webm",
        "video/ogg" => "video/ogg",
        "video/3gpp" => "video/3gpp",
        _ => return None,
    })
}

fn document(essence: &str) -> Option<&'static str> {
    DOCUMENTS.into_iter().find(|known| *known == essence)
}

const DOCUMENTS: [&str; 15] = [
    "image/svg+xml",
    "application/pdf",
    "text/plain",
    "text/csv",
    "application/zip",
    "application/rtf",
    "application/msword",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.apple.keynote",
    "application/vnd.apple.pages",
    "application/vnd.apple.numbers",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn served(content_type: &'static str, inline: bool) -> Served {
        Served { content_type, inline }
    }

    #[test]
    fn what_cannot_run_is_shown_in_place() {
        for (said, content_type) in [
            ("image/png", "image/png"),
            ("IMAGE/JPG; name=a", "image/jpeg"),
            ("audio/x-m4a", "audio/mp4"),
            (" video/x-m4v ", "video/mp4"),
        ] {
            assert_eq!(served_as(said), served(content_type, true), "{said}");
        }
    }

    #[test]
    fn documents_are_saved_under_their_type() {
        for said in DOCUMENTS {
            assert_eq!(served_as(said), served(said, false));
        }
        assert_eq!(served_as("Image/SVG+XML;charset=utf-8"), served("image/svg+xml", false));
    }

    #[test]
    fn what_could_run_or_is_unknown_has_no_type() {
        for said in [
            "text/html",
            "Text/HTML; charset=utf-8",
            "application/xhtml+xml",
            "text/xml",
            "application/xml",
            "image/svg",
            "text/javascript",
            "message/rfc822",
            "multipart/related",
            "application/x-shockwave-flash",
            "image/png,text/html",
            "image/*",
            "x",
            "",
        ] {
            assert_eq!(served_as(said), NOTHING_KNOWN, "{said}");
        }
    }
}
