//! Against a file server that means harm, or has trouble. It plays a public one: its address is the only one allowed.

#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use futures_util::TryStreamExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::*;
use crate::files::Files;
use crate::settings::FilesPlace;
use server::{Reply, Server, answer, ok, redirect};

const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// What must not show in any error: the name of the server and the signature of the URL.
const SECRETS: [&str; 4] = ["files.test", "hunter2", "127.0.0.1", "private.test"];

/// Several answers to one question, each with its addresses.
type Answers = Vec<Vec<&'static str>>;

/// The answers for each name, in turn; the last one stays.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<BTreeMap<&'static str, Answers>>>);

impl Names {
    fn with(self, name: &'static str, answers: &[&[&'static str]]) -> Self {
        let mut answers: Answers = answers.iter().map(|answer| answer.to_vec()).collect();
        answers.reverse();
        self.0.lock().unwrap().insert(name, answers);
        self
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let mut names = self.0.lock().unwrap();
        let answers = names.get_mut(name.as_str());
        let answer = answers.and_then(|left| if left.len() > 1 { left.pop() } else { left.last().cloned() });
        Box::pin(async move {
            let found: Vec<SocketAddr> = answer
                .ok_or("no such name")?
                .into_iter()
                .map(|address| SocketAddr::new(address.parse().unwrap(), 0))
                .collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn names() -> Names {
    Names::default().with("files.test", &[&["127.0.0.1"]]).with("private.test", &[&["10.0.0.1"]])
}

fn limits() -> FetchLimits {
    FetchLimits {
        bytes: 1024 * 1024,
        connect: Duration::from_secs(5),
        quiet: Duration::from_secs(10),
        total: Duration::from_secs(20),
        redirects: 5,
    }
}

/// One that takes the server's address for a public one, and http for https.
fn fetcher(names: Names, limits: FetchLimits) -> Fetcher {
    let way = |names| GuardedClient::new(Addresses::Only(PUBLIC), names, limits.connect, 0).unwrap();
    Fetcher { https: way(names.clone()), http: Some(way(names)), limits }
}

async fn spool() -> Spool {
    Files::open(&FilesPlace::Memory).await.unwrap().spool().unwrap()
}

/// Fetches `url` as an image; every error that comes is searched for what it must not tell.
async fn fetch_with(fetcher: &Fetcher, url: &str) -> Result<Vec<u8>, FetchError> {
    fetch_as(fetcher, url, "image/png").await
}

async fn fetch_as(fetcher: &Fetcher, url: &str, mime_type: &str) -> Result<Vec<u8>, FetchError> {
    match fetcher.fetch(url, mime_type, spool().await).await {
        Ok(file) => Ok(file.bytes().try_collect::<Vec<_>>().await.unwrap().concat()),
        Err(error) => {
            let told = format!("{error} {error:?}");
            assert!(!SECRETS.iter().any(|secret| told.contains(secret)), "{told}");
            Err(error)
        }
    }
}

/// Fetches `/file` of the server by its name, with a signature.
async fn fetch(server: &Server) -> Result<Vec<u8>, FetchError> {
    fetch_with(&fetcher(names(), limits()), &url(server)).await
}

fn url(server: &Server) -> String {
    format!("http://files.test:{}/file?signature=hunter2", server.port)
}

async fn served(reply: Reply) -> Result<Vec<u8>, FetchError> {
    fetch(&Server::start(move |_| reply.clone()).await).await
}

fn is_passing(outcome: &Result<Vec<u8>, FetchError>) -> bool {
    matches!(outcome, Err(FetchError::Passing(_)))
}

#[tokio::test]
async fn a_file_comes_as_it_is_and_nothing_of_ours_goes_there() {
    let server = Server::start(|_| ok("Content-Type: image/png\r\nSet-Cookie: a=b\r\n", b"\x89PNG")).await;
    let fetcher = fetcher(names(), limits());
    for _ in 0..2 {
        assert_eq!(fetch_with(&fetcher, &url(&server)).await.unwrap(), b"\x89PNG");
    }
    for head in server.requests() {
        let head = head.to_ascii_lowercase();
        let mut lines: Vec<&str> = head.trim_end().lines().collect();
        lines.sort_unstable();
        let user_agent = format!("user-agent: handoff-relay/{}", env!("CARGO_PKG_VERSION"));
        let host = format!("host: files.test:{}", server.port);
        assert_eq!(
            lines,
            [
                "accept-encoding: identity",
                "accept: */*",
                "get /file?signature=hunter2 http/1.1",
                &host,
                &user_agent
            ]
        );
    }
}

#[tokio::test]
async fn an_empty_file_one_without_a_length_and_one_in_chunks_are_files() {
    assert_eq!(served(ok("", b"")).await.unwrap(), b"");
    assert_eq!(served(Reply::Bytes(b"HTTP/1.1 200 OK\r\n\r\nabc".to_vec())).await.unwrap(), b"abc");
    assert_eq!(served(ok("Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n")).await.unwrap(), b"abc");
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_the_limit() {
    let server = Server::start(|path| match path {
        "/file" => redirect(302, "/folder/2?x"),
        "/folder/2" => redirect(301, "3"),
        _ => ok("", b"abc"),
    })
    .await;
    assert_eq!(fetch(&server).await.unwrap(), b"abc");
    assert_eq!(server.paths(), ["/file", "/folder/2", "/folder/3"]);
    let hops = |count: usize| {
        Server::start(move |path| match path.trim_start_matches("/file").len() {
            hop if hop < count => redirect([301, 302, 303, 307, 308][hop % 5], &format!("{path}x")),
            _ => ok("", b"abc"),
        })
    };
    let server = hops(5).await;
    assert_eq!(fetch(&server).await.unwrap(), b"abc");
    assert_eq!(server.paths().len(), 6);
    let server = hops(6).await;
    let told = FetchError::Refused("the file's server redirects too often".to_owned());
    assert_eq!(fetch(&server).await, Err(told));
    assert_eq!(server.paths().len(), 6);
}

#[tokio::test]
async fn a_loop_of_redirects_ends() {
    let server = Server::start(|_| redirect(302, "/file")).await;
    assert!(matches!(fetch(&server).await, Err(FetchError::Refused(_))));
    assert_eq!(server.paths().len(), 6);
}

#[tokio::test]
async fn redirects_lead_to_no_other_address() {
    for target in [
        "http://127.0.0.2/",
        "http://localhost/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://2852039166/",
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://0251.0376.0251.0376/",
        "http://0/",
        "http://private.test/",
        "https://private.test/",
        "https://10.0.0.1/",
    ] {
        let server = Server::start(move |_| redirect(302, target)).await;
        let fetcher = fetcher(names().with("localhost", &[&["::1"]]), limits());
        let outcome = fetch_with(&fetcher, &url(&server)).await;
        let told = FetchError::Refused("the file's address is not public".to_owned());
        assert_eq!(outcome, Err(told), "{target}");
    }
}

#[tokio::test]
async fn redirects_lead_to_nothing_but_https_and_to_no_user() {
    for target in ["file:///etc/passwd", "ftp://files.test/", "gopher://files.test/", "data:,x", "http://"] {
        assert!(matches!(served(redirect(302, target)).await, Err(FetchError::Refused(_))), "{target}");
    }
    let server = Server::start(|_| redirect(302, "http://me:hunter2@files.test/")).await;
    let told = FetchError::Refused("the file's address contains a user name or password".to_owned());
    assert_eq!(fetch(&server).await, Err(told));
    let secure = Url::parse("https://files.test/a?b").unwrap();
    for target in ["http://files.test/", "HTTP://files.test/", "ftp://files.test/"] {
        let told = FetchError::Refused("the file's server redirects to an address without https".to_owned());
        assert_eq!(outbound::onward(&secure, target).map_err(denied), Err(told));
    }
    assert_eq!(outbound::onward(&secure, "//a.test/c").unwrap().as_str(), "https://a.test/c");
    let plain = Url::parse("http://files.test/").unwrap();
    assert_eq!(outbound::onward(&plain, "https://a.test/").unwrap().as_str(), "https://a.test/");
}

#[tokio::test]
async fn a_redirect_that_says_nothing_leads_nowhere() {
    for reply in [answer(302, "", b""), answer(302, "Location: \u{1}\r\n", b""), answer(304, "", b"")] {
        let outcome = served(reply).await;
        assert!(matches!(outcome, Err(FetchError::Refused(_) | FetchError::Passing(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_name_is_taken_at_its_first_word() {
    let server = Server::start(|_| ok("", b"abc")).await;
    // Public when it is checked, private when it is asked for again.
    let names = names().with("files.test", &[&["127.0.0.1"], &["127.0.0.2"]]);
    let fetcher = fetcher(names, limits());
    assert_eq!(fetch_with(&fetcher, &url(&server)).await.unwrap(), b"abc");
    let told = FetchError::Refused("the file's address is not public".to_owned());
    assert_eq!(fetch_with(&fetcher, &url(&server)).await, Err(told));
    assert_eq!(server.paths().len(), 1);
}

#[tokio::test]
async fn of_a_name_with_several_addresses_only_the_allowed_are_called() {
    let server = Server::start(|_| ok("", b"abc")).await;
    let names = names().with("files.test", &[&["127.0.0.2", "64:ff9b::1", "127.0.0.1", "10.0.0.1"]]);
    assert_eq!(fetch_with(&fetcher(names.clone(), limits()), &url(&server)).await.unwrap(), b"abc");
    let guard = outbound::Guard { addresses: Addresses::Only(PUBLIC), names: Arc::new(names) };
    let called: Vec<_> = guard.resolve("files.test".parse().unwrap()).await.unwrap().collect();
    assert_eq!(called, [SocketAddr::new(PUBLIC, 0)]);
}

#[tokio::test]
async fn a_server_that_is_not_there_may_come_back() {
    // Bound, so that nobody else has the port, and not listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let gone = socket.local_addr().unwrap().port();
    let fetcher = fetcher(names(), limits());
    for url in [format!("http://files.test:{gone}/?hunter2"), "http://unknown.test/?hunter2".to_owned()] {
        let told = FetchError::Passing("the file's server can't be reached".to_owned());
        assert_eq!(fetch_with(&fetcher, &url).await, Err(told));
    }
}

#[tokio::test]
async fn neither_an_endless_nor_a_huge_body_is_taken() {
    let told = FetchError::Refused("the file is larger than 1 MB".to_owned());
    let endless = Reply::Endless("HTTP/1.1 200 OK\r\n\r\n".to_owned(), vec![0; 65536], Duration::ZERO);
    assert_eq!(served(endless).await, Err(told.clone()));
    // Refused at its word: the body never comes.
    let declared = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1024 * 1024 + 1);
    let declared = Reply::Endless(declared, vec![0], Duration::from_secs(3600));
    assert_eq!(served(declared).await, Err(told));
    assert_eq!(served(ok("", &vec![7; 1024 * 1024])).await.unwrap().len(), 1024 * 1024);
}

#[tokio::test]
async fn a_server_that_says_nothing_or_too_little_is_left() {
    let quick = |quiet, total| FetchLimits {
        quiet: Duration::from_millis(quiet),
        total: Duration::from_millis(total),
        ..limits()
    };
    let one = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_owned();
    let cases = [
        (Reply::Silence, quick(100, 20_000), "the file's server did not answer in time"),
        (
            Reply::Endless(one.clone(), vec![0], Duration::from_secs(3600)),
            quick(100, 20_000),
            "the file's server did not answer in time",
        ),
        // A drip, each in time.
        (
            Reply::Endless(one, vec![0], Duration::from_millis(20)),
            quick(10_000, 300),
            "the file's server took too long to send it",
        ),
        (Reply::Endless(String::new(), b"H".to_vec(), Duration::from_millis(20)), quick(200, 20_000), ""),
    ];
    for (reply, limits, told) in cases {
        let server = Server::start(move |_| reply.clone()).await;
        let outcome = fetch_with(&fetcher(names(), limits), &url(&server)).await;
        assert!(is_passing(&outcome), "{outcome:?}");
        assert!(told.is_empty() || outcome.unwrap_err().to_string() == told);
    }
}

#[tokio::test]
async fn a_body_of_the_wrong_length_is_not_the_file() {
    for reply in [
        ok("Content-Length: 4\r\n", b"abc"),
        ok("Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n"),
        ok("Transfer-Encoding: chunked\r\n", b"zz\r\nabc\r\n"),
    ] {
        let told = FetchError::Passing(
            "the file's server closed the connection before the end of the file".to_owned(),
        );
        assert_eq!(served(reply).await, Err(told));
    }
    // What follows the declared length is no part of it.
    assert_eq!(served(ok("Content-Length: 2\r\n", b"abc")).await.unwrap(), b"ab");
    for broken in ["", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"] {
        assert!(is_passing(&served(Reply::Bytes(broken.into())).await), "{broken}");
    }
}

#[tokio::test]
async fn a_web_page_is_no_file_unless_it_should_be_one() {
    let page = |mime_type: &str| ok(&format!("Content-Type: {mime_type}\r\n"), b"<p>Sign in</p>");
    for mime_type in ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"] {
        let told = "the file's server answered with a web page instead of the file";
        assert_eq!(served(page(mime_type)).await, Err(FetchError::Refused(told.to_owned())));
        let reply = page(mime_type);
        let server = Server::start(move |_| reply.clone()).await;
        let outcome = fetch_as(&fetcher(names(), limits()), &url(&server), "text/html").await;
        assert_eq!(outcome.unwrap(), b"<p>Sign in</p>");
    }
    for mime_type in ["application/octet-stream", "binary/octet-stream", "image/jpeg", "text/plain", "?"] {
        assert!(served(page(mime_type)).await.is_ok(), "{mime_type}");
    }
}

#[tokio::test]
async fn what_is_compressed_is_neither_inflated_nor_kept() {
    let bomb = {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 8 * 1024 * 1024]).unwrap();
        encoder.finish().unwrap()
    };
    assert!(bomb.len() < 16 * 1024);
    for coding in ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip"] {
        let told = "the file's server sent it compressed without being asked".to_owned();
        let reply = ok(&format!("Content-Encoding: {coding}\r\n"), &bomb);
        assert_eq!(served(reply).await, Err(FetchError::Refused(told)), "{coding}");
    }
    // As bytes it is a file like any other, whatever it would come to.
    for headers in ["Content-Type: application/gzip\r\n", "Content-Encoding: aws-chunked\r\n"] {
        assert_eq!(served(ok(headers, &bomb)).await.unwrap(), bomb);
    }
}

#[tokio::test]
async fn each_status_says_what_to_do() {
    for (statuses, wanted) in [
        (&[400, 401, 403, 404, 410][..], "Expired"),
        (&[201, 202, 204, 206, 408, 425, 429, 500, 502, 503, 504, 599], "Passing"),
        (&[300, 304, 305, 402, 405, 406, 407, 409, 412, 416, 451], "Refused"),
    ] {
        for status in statuses {
            let outcome = served(answer(*status, "", b"")).await;
            assert!(format!("{:?}", outcome.unwrap_err()).starts_with(wanted), "{status}");
        }
    }
    let expired = served(answer(403, "Content-Type: application/xml\r\n", b"<Error>hunter2</Error>")).await;
    assert_eq!(
        expired.unwrap_err().to_string(),
        "the file's server no longer serves it (403 Forbidden): its address may have expired"
    );
}

#[tokio::test]
async fn without_loopback_neither_it_nor_plain_http_is_reached() {
    let server = Server::start(|_| ok("", b"abc")).await;
    let fetcher = Fetcher::new(AllowedHosts::Public, limits()).unwrap();
    for (url, told) in [
        ("http://127.0.0.1:PORT/", "the file's address is not https"),
        ("http://example.com/", "the file's address is not https"),
        ("ftp://example.com/", "the file's address is not https"),
        ("https://127.0.0.1:PORT/", "the file's address is not public"),
        ("https://localhost:PORT/", "the file's address is not public"),
        ("https://[::1]:PORT/", "the file's address is not public"),
        ("https://127.1:PORT/", "the file's address is not public"),
        ("https://0x7f000001:PORT/", "the file's address is not public"),
        ("https://017700000001:PORT/", "the file's address is not public"),
        ("https://127.0.0.1.:PORT/", "the file's address is not public"),
        ("https://１２７.0.0.1:PORT/", "the file's address is not public"),
        ("https://[::ffff:7f00:1]:PORT/", "the file's address is not public"),
        ("https://[fe80::1%25eth0]/", "the file's address is not a URL"),
        ("https://me@127.0.0.1:PORT/", "the file's address contains a user name or password"),
        ("https://", "the file's address is not a URL"),
        ("//127.0.0.1", "the file's address is not a URL"),
        ("", "the file's address is not a URL"),
    ] {
        let url = url.replace("PORT", &server.port.to_string());
        let outcome = fetch_with(&fetcher, &url).await;
        assert_eq!(outcome, Err(FetchError::Refused(told.to_owned())), "{url}");
    }
    assert_eq!(server.paths().len(), 0);
}

#[tokio::test]
async fn with_loopback_nothing_else_is_opened() {
    let server = Server::start(|path| match path {
        "/away" => redirect(302, "http://169.254.169.254/"),
        _ => ok("", b"abc"),
    })
    .await;
    let fetcher = Fetcher::new(AllowedHosts::PublicAndLoopback, limits()).unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/file", server.port);
        assert_eq!(fetch_with(&fetcher, &url).await.unwrap(), b"abc");
    }
    for url in [
        // Plain http is for this machine alone.
        "http://1.1.1.1/",
        "http://10.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        "https://[fd00::1]/",
        "http://127.0.0.1:PORT/away",
    ] {
        let url = url.replace("PORT", &server.port.to_string());
        let told = FetchError::Refused("the file's address is not public".to_owned());
        assert_eq!(fetch_with(&fetcher, &url).await, Err(told), "{url}");
    }
}

#[tokio::test]
async fn a_disk_that_is_full_is_our_own_trouble() {
    let full: FetchError = FilesError::from(std::io::Error::from(std::io::ErrorKind::StorageFull)).into();
    assert_eq!(full.to_string(), "the disk for files is full");
}

/// The environment can't be changed within a process, so that this runs itself in one of its own.
#[tokio::test]
async fn proxies_of_the_environment_are_ignored() {
    let proxy = Server::start(|_| ok("", b"from the proxy")).await;
    let proxy_url = format!("http://127.0.0.1:{}", proxy.port);
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "--ignored", "files::fetch::tests::behind_a_proxy"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        child.env(name, &proxy_url);
    }
    let outcome = child.env_remove("no_proxy").env_remove("NO_PROXY").output().await.unwrap();
    let told = String::from_utf8_lossy(&outcome.stdout);
    assert!(outcome.status.success() && told.contains("1 passed"), "{told}");
    assert_eq!(proxy.paths().len(), 0);
}

#[tokio::test]
#[ignore = "run by proxies_of_the_environment_are_ignored, in a process of its own"]
async fn behind_a_proxy() {
    let server = Server::start(|_| ok("", b"abc")).await;
    assert_eq!(fetch(&server).await.unwrap(), b"abc");
    let fetcher = Fetcher::new(AllowedHosts::PublicAndLoopback, limits()).unwrap();
    let url = format!("http://127.0.0.1:{}/", server.port);
    assert_eq!(fetch_with(&fetcher, &url).await.unwrap(), b"abc");
}
