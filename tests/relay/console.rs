//! The console's page, as browsers load it.

use std::{collections::BTreeSet, fs, io::Read, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};

use crate::support::{
    answer::Answer,
    relay::{Relay, Setup},
};

/// Of all but the page, which allows its own scripts besides.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
    media-src 'self'; connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// A page's policy: that with the hashes of the scripts in it.
fn policy_of(page: &str) -> String {
    let scripts = page.split("<script>").skip(1).map(|rest| rest.split_once("</script>").unwrap().0);
    scripts.fold(POLICY.to_owned(), |policy, script| {
        let allowed = format!("script-src 'self' 'sha256-{}'", STANDARD.encode(Sha256::digest(script)));
        policy.replace("script-src 'self'", &allowed)
    })
}

/// What the first view may weigh on the wire.
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
    assert!(page.text().contains("<html lang=\"en\" data-languages=\"de en\">"), "{}", page.text());
    assert!(page.text().contains("<title>") && page.text().contains("<noscript>"), "{}", page.text());
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", &policy_of(page.text())),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-cache"),
        ("vary", "accept-encoding, accept-language, cookie"),
        ("content-encoding", ""),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert_eq!(page.header("content-security-policy").matches("'sha256-").count(), 2);
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
async fn every_file_comes_whole_under_its_type() {
    let relay = Relay::start().await;
    for (name, bytes) in files() {
        let path = format!("/console/{name}");
        let plain = ask(&relay, "GET", &path, &[("accept-encoding", "gzip;q=0, br")]).await;
        assert_eq!((plain.status, &plain.body[..]), (200, &bytes[..]), "{name}");
        assert_ne!(plain.header("content-type"), "application/octet-stream", "{name} has no type");
        let packed = ask(&relay, "GET", &path, &[("accept-encoding", "br, gzip")]).await;
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
    relay.finish().await;
}

/// The page, and everything that it names.
#[tokio::test]
async fn the_first_view_is_light() {
    let relay = Relay::start().await;
    let packed = [("accept-encoding", "gzip")];
    let page = ask(&relay, "GET", "/", &[]).await;
    let named = page.text().split('"').filter(|text| text.starts_with("/console/"));
    let named: BTreeSet<&str> = named.map(|text| text.split('#').next().unwrap()).collect();
    assert!(named.len() >= 3, "{named:?}");
    let mut weight = ask(&relay, "GET", "/", &packed).await.body.len();
    for path in named {
        let part = ask(&relay, "GET", path, &packed).await;
        assert_eq!(part.status, 200, "{path}");
        weight += part.body.len();
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
    // That of the reports is loaded with their page.
    let is_of_it = |name: &str| name.ends_with(".css") && name != "reports.css";
    let sheets: Vec<_> = files().into_iter().filter(|(name, _)| is_of_it(name)).collect();
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

/// A list of some length is; what is short, and what must come at once, is not.
#[tokio::test]
async fn long_answers_of_the_api_are_compressed_and_events_are_not() {
    let relay = Relay::start().await;
    let asks = |path: &str| relay.alex().request("GET", path).header("accept-encoding", "gzip");
    let events = asks("/events").send().await.unwrap();
    assert_eq!(events.headers().get("content-encoding"), None);
    let short = Answer::to(asks("/handoffs")).await;
    assert_eq!((short.status, short.header("content-encoding")), (200, ""));
    for conversation in 0..10 {
        relay.start_call(&format!("c{conversation}")).await;
    }
    let plain = Answer::to(relay.alex().request("GET", "/handoffs")).await;
    let long = Answer::to(asks("/handoffs")).await;
    assert_eq!((long.status, long.header("content-encoding")), (200, "gzip"));
    let mut unpacked = Vec::new();
    GzDecoder::new(&long.body[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!((&unpacked, plain.header("content-encoding")), (&plain.body.to_vec(), ""));
    drop(events);
    relay.finish().await;
}

/// What a browser loads for the first view: the page, and under names that say what is in them, three files and an icon.
#[tokio::test]
async fn the_page_loads_few_files_and_they_are_kept_for_good() {
    let relay = Relay::start().await;
    for language in ["en", "de"] {
        let asked = [("accept-encoding", "gzip"), ("accept-language", language)];
        let page = ask(&relay, "GET", "/", &asked[1..]).await;
        let paths: BTreeSet<&str> =
            page.text().split('"').filter(|text| text.starts_with("/console/")).collect();
        assert_eq!(paths.len(), 4, "{paths:?}");
        let mut weight = ask(&relay, "GET", "/", &asked).await.body.len();
        for path in paths {
            let packed = ask(&relay, "GET", path, &asked).await;
            let kept = (packed.header("cache-control"), packed.header("content-encoding"));
            assert_eq!(kept, ("public, max-age=31536000, immutable", "gzip"), "{path}");
            weight += packed.body.len();
            // While relays are replaced one by one, the page may come from one and its files from another.
            let (stem, digest) = path.rsplit_once('-').unwrap();
            let other = format!("{stem}-{}{}", "0".repeat(16), &digest[16..]);
            let other = ask(&relay, "GET", &other, &asked).await;
            assert_eq!((other.status, other.header("cache-control")), (200, "no-cache"), "{path}");
            assert_eq!(other.body, packed.body);
        }
        println!("first view in {language}: {weight} bytes on the wire");
        assert!((1..MOST).contains(&weight), "{weight}");
    }
    relay.finish().await;
}

#[tokio::test]
async fn files_of_a_folder_are_served_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files() {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    fs::write(folder.path().join("index.html"), "<title>mine</title>").unwrap();
    let relay = Setup::new().set("CONSOLE_DIR", folder.path().to_str().unwrap()).start().await;
    assert_eq!(ask(&relay, "GET", "/", &[]).await.text(), "<title>mine</title>");
    fs::write(folder.path().join("main.js"), "edited").unwrap();
    let edited = ask(&relay, "GET", "/console/main.js", &[]).await;
    assert_eq!((edited.text(), edited.header("cache-control")), ("edited", "no-cache"));
    fs::write(folder.path().join("base.css"), "/* edited */").unwrap();
    assert!(ask(&relay, "GET", "/console/style.css", &[]).await.text().starts_with("/* edited */"));
    for path in ["..%2Fconsole%2Fmain.js", "%2Fetc%2Fpasswd", ".hidden", "none.js", "app-0123456789abcdef.js"]
    {
        let refused = ask(&relay, "GET", &format!("/console/{path}"), &[]).await;
        assert_eq!(refused.problem(404), "there is no such file in the console", "{path}");
    }
    relay.finish().await;
}

/// The page has the language that the browser asks for, or that the agent has chosen, and names its file alone.
#[tokio::test]
async fn the_page_comes_in_the_language_that_is_asked_for() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/console");
    for setup in [Setup::new(), Setup::new().set("CONSOLE_DIR", folder)] {
        let relay = setup.start().await;
        let asks = async |accept: &str, cookie: &str| {
            ask(&relay, "GET", "/", &[("accept-language", accept), ("cookie", cookie)]).await
        };
        for (accept, cookie, tag) in [
            ("de-AT,de;q=0.9,en;q=0.8", "", "de"),
            ("fr", "", "en"),
            ("en", "handoff-relay-language=de", "de"),
            ("de", "handoff-relay-language=xx", "de"),
        ] {
            let page = asks(accept, cookie).await;
            assert!(page.text().contains(&format!("<html lang=\"{tag}\"")), "{}", page.text());
            let languages: Vec<&str> =
                page.text().split('"').filter(|text| text.starts_with("/console/language-")).collect();
            assert_eq!(languages.len(), 1, "{languages:?}");
            let texts = ask(&relay, "GET", languages[0], &[]).await;
            assert!(texts.text().contains(&format!("\"locale\": \"{tag}")), "{}", languages[0]);
            assert_eq!(page.header("vary"), "accept-encoding, accept-language, cookie");
        }
        let (english, german) = (asks("en", "").await, asks("de", "").await);
        assert_ne!(english.header("etag"), german.header("etag"));
        let packed = [("accept-encoding", "gzip"), ("accept-language", "de")];
        let mut unpacked = Vec::new();
        let german_packed = ask(&relay, "GET", "/", &packed).await;
        GzDecoder::new(&german_packed.body[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, german.body);
        relay.finish().await;
    }
}
