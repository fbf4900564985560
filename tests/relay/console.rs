//! The console's page, as browsers load it.

use std::{fs, io::Read, path::Path};

use flate2::read::GzDecoder;

use crate::support::{
    answer::Answer,
    relay::{Relay, Setup},
};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
    media-src 'self'; connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// What all files together may weigh on the wire.
const MOST: usize = 100_000;

/// The names and contents of the files in `console/`.
fn files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("console");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

async fn ask(relay: &Relay, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = relay.http.request(method, format!("{}{path}", relay.agents_url));
    Answer::to(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

#[tokio::test]
async fn everyone_gets_the_page_and_nothing_foreign_in_it() {
    let relay = Relay::start().await;
    let page = ask(&relay, "GET", "/", &[]).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<title>") && page.text().contains("<noscript>"), "{}", page.text());
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", POLICY),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-cache"),
        ("vary", "accept-encoding"),
        ("content-encoding", ""),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    let head = ask(&relay, "HEAD", "/", &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), page.body.len().to_string());
    for name in ["content-type", "etag", "content-security-policy", "cache-control"] {
        assert_eq!(head.header(name), page.header(name), "{name}");
    }
    relay.finish().await;
}

/// Whatever can be opened by itself is bound; the page's policy binds its parts.
#[tokio::test]
async fn documents_have_the_policy_and_parts_go_without() {
    let relay = Relay::start().await;
    for (name, _) in files() {
        let answer = ask(&relay, "GET", &format!("/console/{name}"), &[]).await;
        let is_part = [".js", ".css"].iter().any(|end| name.ends_with(end));
        let policies = ["content-security-policy", "referrer-policy"].map(|policy| answer.header(policy));
        assert_eq!(policies, if is_part { ["", ""] } else { [POLICY, "no-referrer"] }, "{name}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
    }
    relay.finish().await;
}

#[tokio::test]
async fn every_file_comes_whole_under_its_type_and_all_are_light() {
    let relay = Relay::start().await;
    let mut weight = 0;
    for (name, bytes) in files() {
        let path = format!("/console/{name}");
        let plain = ask(&relay, "GET", &path, &[("accept-encoding", "gzip;q=0, br")]).await;
        assert_eq!((plain.status, &plain.body[..]), (200, &bytes[..]), "{name}");
        assert_ne!(plain.header("content-type"), "application/octet-stream", "{name} has no type");
        let packed = ask(&relay, "GET", &path, &[("accept-encoding", "br, gzip")]).await;
        weight += packed.body.len();
        if packed.header("content-encoding") == "gzip" {
            let mut unpacked = Vec::new();
            GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, bytes, "{name}");
            assert_ne!(packed.header("etag"), plain.header("etag"), "{name}: other bytes, same tag");
        } else {
            assert_eq!(packed.body, bytes, "{name}");
            assert!(!plain.header("content-type").starts_with("text/"), "{name} is not compressed");
        }
    }
    println!("console: {weight} bytes on the wire");
    assert!((1..MOST).contains(&weight), "{weight}");
    relay.finish().await;
}

/// A sheet that isn't in it would have no effect.
#[tokio::test]
async fn the_style_is_all_sheets_in_one() {
    let relay = Relay::start().await;
    let style = ask(&relay, "GET", "/console/style.css", &[]).await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    let sheets: Vec<_> = files().into_iter().filter(|(name, _)| name.ends_with(".css")).collect();
    for (name, bytes) in &sheets {
        assert!(style.text().contains(std::str::from_utf8(bytes).unwrap()), "{name}");
    }
    assert_eq!(style.body.len(), sheets.iter().map(|(_, bytes)| bytes.len()).sum::<usize>());
    relay.finish().await;
}

#[tokio::test]
async fn what_a_browser_has_already_is_not_sent_again() {
    let relay = Relay::start().await;
    let gzip = ("accept-encoding", "gzip");
    let (plain, packed) = (ask(&relay, "GET", "/", &[]).await, ask(&relay, "GET", "/", &[gzip]).await);
    let known = [
        (vec![("if-none-match", plain.header("etag"))], 304),
        (vec![("if-none-match", packed.header("etag")), gzip], 304),
        (vec![("if-none-match", plain.header("etag")), gzip], 200),
        (vec![("if-none-match", "*")], 304),
        (vec![("if-none-match", "\"another\"")], 200),
        (vec![("if-none-match", "")], 200),
    ];
    for (headers, status) in known {
        let answer = ask(&relay, "GET", "/", &headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(answer.body.is_empty(), status == 304);
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert!(!answer.header("etag").is_empty());
    }
    let list = format!("\"another\", W/{}", plain.header("etag"));
    assert_eq!(ask(&relay, "GET", "/", &[("if-none-match", &list)]).await.status, 304);
    relay.finish().await;
}

#[tokio::test]
async fn the_page_is_at_the_agents_address_alone() {
    let relay = Setup::new().two_doors().start().await;
    assert_eq!(ask(&relay, "GET", "/", &[]).await.status, 200);
    for path in ["/", "/console/index.html"] {
        assert_eq!(relay.get(path).await.problem(404), "this path does not exist");
    }
    relay.finish().await;
}

#[tokio::test]
async fn events_and_answers_of_the_api_are_not_compressed() {
    let relay = Relay::start().await;
    let events =
        relay.alex().request("GET", "/events").header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(events.headers().get("content-encoding"), None);
    let list = Answer::to(relay.alex().request("GET", "/handoffs").header("accept-encoding", "gzip")).await;
    assert_eq!((list.status, list.header("content-encoding")), (200, ""));
    drop(events);
    relay.finish().await;
}
