//! The console's page: static files of the folder `console/`, embedded in the binary.
//!
//! The page holds no secret and is open to everyone; what it shows comes from the agent API, which asks for a
//! session. Browsers load it [joined](bundle). With `CONSOLE_DIR` files of that folder are served as they are, so that an
//! edit needs only a reload.

mod bundle;
mod languages;

use std::{borrow::Cow, collections::HashMap, fmt::Write as _, path::Path};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use self::{bundle::Bundle, languages::Languages};
use super::compressed_files::{CompressedFiles, Hash};
use crate::{
    doors::App,
    web::{extract::In, problem::Problem},
};

/// Nothing but our own files and our own API: neither other hosts nor code within the page. The joined page also has the
/// hashes of its own two scripts.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob:; media-src 'self'; connect-src 'self'; font-src 'self'; manifest-src 'self'; \
    worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const PAGE: &str = "index.html";
/// All style sheets as one file, which costs less on the way than ten.
const STYLE: &str = "style.css";
/// In the order of the cascade.
const SHEETS: [&str; 10] = [
    "base.css",
    "parts.css",
    "dialogs.css",
    "queue.css",
    "thread.css",
    "composer.css",
    "files.css",
    "lightbox.css",
    "together.css",
    "desk.css",
];

#[derive(RustEmbed)]
#[folder = "console/"]
struct Files;

/// What a request names: its bytes, and their SHA-256.
struct Part {
    data: Bytes,
    hash: Hash,
}

impl From<Vec<u8>> for Part {
    fn from(data: Vec<u8>) -> Self {
        Self { hash: Sha256::digest(&data).into(), data: data.into() }
    }
}

impl Part {
    /// A file as it was embedded.
    fn embedded(name: &str) -> Option<Self> {
        // Only names of the list: a path from outside never reaches the disk.
        let file = Files::iter().find(|known| known == name).and_then(|name| Files::get(&name))?;
        // Without a copy, where the file is in the binary.
        let data = match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        Some(Self { hash: file.metadata.sha256_hash(), data })
    }

    /// A file of a folder.
    async fn of_folder(folder: &Path, name: &str) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !name.chars().all(is_plain) || name.starts_with('.') {
            return None;
        }
        tokio::fs::read(folder.join(name)).await.ok().map(Self::from)
    }

    /// A file of the folder, or of those that are embedded. One of its names is that of all style sheets.
    async fn named(folder: Option<&Path>, name: &str) -> Option<Self> {
        let file = async |name: &str| match folder {
            Some(folder) => Self::of_folder(folder, name).await,
            None => Self::embedded(name),
        };
        if name != STYLE {
            return file(name).await;
        }
        let mut style = Vec::new();
        for sheet in SHEETS {
            style.extend_from_slice(&file(sheet).await?.data);
        }
        Some(style.into())
    }
}

/// How long a browser may keep a file.
#[derive(Clone, Copy)]
enum Keep {
    /// Until it has asked whether there is another one.
    Asking,
    /// For good: its name says what is in it.
    ForGood,
}

/// `GET /`: the page, in the language that the browser asks for.
pub async fn shell(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let bundle = Bundle::embedded().filter(|_| app.settings.console_dir.is_none());
    let joined = bundle.and_then(|bundle| Some((bundle.page(&headers)?, bundle.policy())));
    let mut response = match joined {
        Some(((page, language), policy)) => {
            let mut response = answer_page(&app, language, page, &headers);
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy.clone());
            response
        }
        None => plain_page(&app, &headers).await?,
    };
    let vary = HeaderValue::from_static("accept-encoding, accept-language, cookie");
    response.headers_mut().insert(header::VARY, vary);
    Ok(response)
}

/// The page as it is, but for its language.
async fn plain_page(app: &App, asked: &HeaderMap) -> Result<Response, Problem> {
    let folder = app.settings.console_dir.as_deref();
    let page = Part::named(folder, PAGE).await.ok_or_else(no_file)?;
    let names = names(folder).await;
    let languages = Languages::among(names.iter().map(String::as_str));
    let language = languages.wanted(asked);
    let page = languages.page(&String::from_utf8_lossy(&page.data), language);
    Ok(answer_page(app, language, &page.into_bytes().into(), asked))
}

fn answer_page(app: &App, language: &str, page: &Part, asked: &HeaderMap) -> Response {
    answer(&app.packed, &format!("{language}.{PAGE}"), page, Keep::Asking, asked)
}

/// The names of the files in a folder, or of those that are embedded.
async fn names(folder: Option<&Path>) -> Vec<String> {
    let Some(folder) = folder else { return Files::iter().map(Cow::into_owned).collect() };
    let mut names = Vec::new();
    if let Ok(mut files) = tokio::fs::read_dir(folder).await {
        while let Ok(Some(file)) = files.next_entry().await {
            names.extend(file.file_name().into_string());
        }
    }
    names
}

/// `GET /console/{name}`: its scripts, styles and pictures.
pub async fn part(
    State(app): State<App>,
    In(name): In<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let bundle = Bundle::embedded().filter(|_| app.settings.console_dir.is_none());
    let Some(found) = bundle.and_then(|bundle| bundle.find(&name)) else {
        return plain(&app, &name, &headers).await;
    };
    let keep = if found.is_exact { Keep::ForGood } else { Keep::Asking };
    Ok(answer(&app.packed, &name, found.part, keep, &headers))
}

/// A file as it is.
async fn plain(app: &App, name: &str, asked: &HeaderMap) -> Result<Response, Problem> {
    let part = Part::named(app.settings.console_dir.as_deref(), name).await;
    let part = part.ok_or_else(no_file)?;
    Ok(answer(&app.packed, name, &part, Keep::Asking, asked))
}

fn no_file() -> Problem {
    Problem::not_found("there is no such file in the console")
}

fn answer(packed: &CompressedFiles, name: &str, part: &Part, keep: Keep, asked: &HeaderMap) -> Response {
    let media_type = media_type(name);
    let zipped = is_text(media_type) && takes_gzip(asked);
    let etag = etag(&part.hash, zipped);

    let mut response = if is_known(asked, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = if zipped { packed.of(name, &part.data, part.hash) } else { part.data.clone() };
        let mut response = bytes.into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        if zipped {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    };
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(&etag).ok().map(|etag| (header::ETAG, etag)));
    let keep = match keep {
        Keep::Asking => "no-cache",
        Keep::ForGood => "public, max-age=31536000, immutable",
    };
    for (name, value) in [(header::CACHE_CONTROL, keep), (header::VARY, "accept-encoding")] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !is_part(media_type) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    response
}

/// Whether files of this type are only ever parts of a page, which the page's own policies rule: there are dozens of
/// them, and the policies are longer than some.
fn is_part(media_type: &str) -> bool {
    ["text/javascript", "text/css"].iter().any(|kind| media_type.starts_with(kind))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, kind)| kind) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("webp") => "image/webp",
        Some("woff2") => "font/woff2",
        Some("mp3") => "audio/mpeg",
        Some("ogg") => "audio/ogg",
        Some("wav") => "audio/wav",
        _ => "application/octet-stream",
    }
}

/// Whether a file of this type becomes smaller when it is compressed.
fn is_text(media_type: &str) -> bool {
    ["text/", "application/json", "application/manifest", "image/svg"]
        .iter()
        .any(|kind| media_type.starts_with(kind))
}

/// Whether `Accept-Encoding` names gzip, or anything, and doesn't forbid it.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let given = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let codings = given.flat_map(|value| value.split(',')).map(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
        (name.trim().to_ascii_lowercase(), weight.is_some_and(|weight| weight > 0.0))
    });
    let codings: HashMap<String, bool> = codings.collect();
    codings.get("gzip").or_else(|| codings.get("*")).copied().unwrap_or(false)
}

/// The name of these very bytes: a compressed file is another one.
fn etag(hash: &Hash, zipped: bool) -> String {
    let coding = if zipped { "-gz" } else { "" };
    format!("\"{}{coding}\"", digest(hash))
}

/// Enough of a hash to tell versions apart.
fn digest(hash: &Hash) -> String {
    hash.iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Whether `If-None-Match` has it.
fn is_known(asked: &HeaderMap, etag: &str) -> bool {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).map(str::trim).any(|known| {
        // Proxies that compress make strong tags weak.
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag
    })
}
