//! Receivers that mean harm, or have trouble: refused, bounded, and said.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

/// Serves every connection with `answer`, and counts them.
async fn server<F: Future<Output = ()> + Send>(
    answer: impl Fn(TcpStream) -> F + Send + 'static,
) -> (Url, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ada", listener.local_addr().unwrap()).parse().unwrap();
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let mut head = [0; 4_096];
            let _ = stream.read(&mut head).await;
            answer(stream).await;
        }
    });
    (url, count)
}

fn webhook(url: Url, addresses: Addresses, names: impl Resolve + 'static) -> Webhook {
    let client = GuardedClient::new(addresses, names, CONNECT, IDLE).unwrap();
    Webhook { url, keys: vec![b"a key of some length".to_vec()], client }
}

async fn ping(url: Url) -> Answer {
    webhook(url, Addresses::Any, System).ping("event", Time::from_millis(1_790_000_000_000)).await
}

async fn answers(head: &'static str, rest: &'static [u8], times: usize) -> Answer {
    let (url, _) = server(move |mut stream| async move {
        let _ = stream.write_all(head.as_bytes()).await;
        for _ in 0..times {
            if stream.write_all(rest).await.is_err() {
                return;
            }
        }
    })
    .await;
    ping(url).await
}

fn reason(answer: &Answer) -> &str {
    match answer {
        Answer::Outcome(NoticeOutcome::Later { reason, .. } | NoticeOutcome::Refused(reason))
        | Answer::Refused(reason)
        | Answer::Gone(reason) => reason,
        Answer::Outcome(NoticeOutcome::Taken | NoticeOutcome::NotYet(_)) | Answer::KnownUpTo(_) => "taken",
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (url, count) = server(|mut stream| async move {
        let to = "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n";
        let _ = stream.write_all(to.as_bytes()).await;
    })
    .await;
    let answer = ping(url).await;
    assert_eq!(reason(&answer), "the platform answered 307: redirects are not followed");
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn of_an_answer_little_is_read_and_less_is_told() {
    let endless =
        answers("HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n", b"4\r\nno! \r\n", 1_000_000).await;
    assert!(reason(&endless).starts_with("the platform answered 500: no! no!"), "{endless:?}");
    assert!(reason(&endless).chars().count() <= "the platform answered 500: ".len() + MOST_TOLD);
    let large = answers("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n", &[b'x'; 65_536], 1_024).await;
    assert_eq!(reason(&large), "taken");
    let unseen = "HTTP/1.1 400 No\r\nContent-Length: 23\r\n\r\nno\x1b[31m \u{202e}\u{200b}  way\n here";
    assert!(!reason(&answers(unseen, b"", 0).await).chars().any(is_unseen));
}

#[tokio::test]
async fn statuses_have_their_meaning() {
    for (status, meaning) in [
        ("200 OK", "taken"),
        ("204 No", "taken"),
        ("400 No", "refused"),
        ("401 No", "refused"),
        ("404 No", "refused"),
        ("408 No", "later"),
        ("409 No", "refused"),
        ("410 No", "gone"),
        ("425 No", "later"),
        ("429 No", "later"),
        ("500 No", "later"),
        ("503 No", "later"),
    ] {
        let head: &'static str = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").leak();
        let name = match answers(head, b"", 0).await {
            Answer::Outcome(NoticeOutcome::Taken) | Answer::KnownUpTo(_) => "taken",
            Answer::Outcome(NoticeOutcome::Refused(_)) => "refused",
            Answer::Outcome(NoticeOutcome::Later { .. } | NoticeOutcome::NotYet(_)) => "later",
            Answer::Refused(_) => "done",
            Answer::Gone(_) => "gone",
        };
        assert_eq!(name, meaning, "{status}");
    }
    let asked = answers("HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", b"", 0).await;
    let Answer::Outcome(NoticeOutcome::Later { retry_after, .. }) = asked else { panic!("{asked:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn what_is_no_answer_is_said() {
    let (url, _) = server(|_| async {}).await;
    let closed = ping(url.clone()).await;
    assert_eq!(reason(&closed), "the platform closed the connection before it answered");
    let without_tls = ping(url.as_str().replace("http:", "https:").parse().unwrap()).await;
    assert_eq!(reason(&without_tls), "the platform can't be reached");
    let nobody = ping("http://127.0.0.1:9/".parse().unwrap()).await;
    assert_eq!(reason(&nobody), "the platform can't be reached");
}

#[tokio::test(start_paused = true)]
async fn slow_headers_have_a_limit() {
    let (url, _) = server(|mut stream| async move {
        loop {
            if stream.write_all(b"H").await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    let began = tokio::time::Instant::now();
    let answer = ping(url).await;
    assert!(began.elapsed() <= TIME_LIMIT + Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(matches!(answer, Answer::Outcome(NoticeOutcome::Later { .. })), "{answer:?}");
}

/// Every name has this address.
struct Names(&'static str);

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        let address: SocketAddr = self.0.parse().unwrap();
        Box::pin(async move { Ok(Box::new([address].into_iter()) as Addrs) })
    }
}

#[tokio::test]
async fn only_public_addresses_are_called() {
    let told = "the platform's address is not public; PLATFORM_ALLOW_PRIVATE=on allows it";
    for address in ["127.0.0.1:0", "10.0.0.7:0", "169.254.169.254:0", "[::1]:0", "[fd00::1]:0"] {
        let webhook = webhook("https://desk.example/".parse().unwrap(), Addresses::Public, Names(address));
        assert_eq!(reason(&webhook.ping("event", Time::default()).await), told, "{address}");
    }
    for url in
        ["https://127.0.0.1/", "https://[::1]/", "https://0x7f000001/", "https://169.254.169.254/latest"]
    {
        let webhook = webhook(url.parse().unwrap(), Addresses::Public, System);
        assert_eq!(reason(&webhook.ping("event", Time::default()).await), told, "{url}");
    }
}
