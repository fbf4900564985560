//! What can go wrong with a call, and what it is called.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

async fn asked_of(replies: impl IntoIterator<Item = Reply>) -> CallError {
    StandIn::start(replies).await.connect().describe_contact("c").await.unwrap_err()
}

#[tokio::test]
async fn every_refusal_has_its_kind() {
    for (status, code, kind, is_passing) in [
        (429, "TooManyRequestsException", ErrorKind::Throttled, true),
        (429, "LimitExceededException", ErrorKind::Quota, false),
        (402, "ServiceQuotaExceededException", ErrorKind::Quota, false),
        (500, "InternalServiceException", ErrorKind::Unavailable, true),
        (503, "", ErrorKind::Unavailable, true),
        (408, "", ErrorKind::Unavailable, true),
        (403, "AccessDeniedException", ErrorKind::Denied, false),
        (404, "ResourceNotFoundException", ErrorKind::Gone, false),
        (410, "ContactNotFoundException", ErrorKind::Gone, false),
        (409, "ConflictException", ErrorKind::Conflict, false),
        (400, "InvalidRequestException", ErrorKind::Invalid, false),
        (302, "", ErrorKind::Invalid, false),
    ] {
        let error = asked_of([refusal(status, code)]).await;
        let found = (error.kind, error.status, error.code.as_str(), error.is_passing());
        assert_eq!(found, (kind, Some(status), code, is_passing));
        assert_eq!(error.operation, "DescribeContact");
    }
    let told = asked_of([refusal(403, "AccessDeniedException")]).await.to_string();
    let expected = "AWS answered DescribeContact with 403 AccessDeniedException: told so; the credentials need the \
        IAM action connect:DescribeContact";
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_clock_that_is_off_is_told() {
    let mut refused = refusal(403, "InvalidSignatureException");
    refused.headers.push(("date", "Sat, 21 Nov 2026 09:00:00 GMT".to_owned()));
    let told = asked_of([refused]).await.to_string();
    assert!(
        told.ends_with(
            "AWS refuses the credentials, and this machine's clock is off by more than five minutes"
        ),
        "{told}"
    );
}

#[tokio::test]
async fn after_a_429_the_next_call_waits() {
    for (seconds, least) in [(None, 1_000), (Some("2"), 2_000)] {
        let mut refused = refusal(429, "TooManyRequestsException");
        refused.headers.extend(seconds.map(|seconds| ("retry-after", seconds.to_owned())));
        let aws = StandIn::start([refused, reply(200, "{}")]).await;
        let connect = aws.connect();
        let error = connect.stop_contact("c").await.unwrap_err();
        assert_eq!(error.retry_after.map(|wait| wait.as_secs()), seconds.map(|_| 2));
        let began = tokio::time::Instant::now();
        connect.stop_contact("c").await.unwrap();
        assert!(began.elapsed().as_millis() >= least, "{:?}", began.elapsed());
    }
}

/// Answers every connection with these bytes, and closes it.
async fn raw(answer: Vec<u8>) -> Connect {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 8_192];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(&answer).await;
        }
    });
    StandIn { origin, script: Arc::default() }.connect()
}

#[tokio::test]
async fn without_a_whole_answer_nobody_knows() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 2097152\r\n\r\n";
    let long = [head.as_bytes(), &vec![b' '; 2 << 20]].concat();
    for (answer, told) in [
        (Vec::new(), "the connection ended before the answer"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}".to_vec(),
            "the connection ended before the answer",
        ),
        (b"what?\r\n\r\n".to_vec(), "the connection ended before the answer"),
        (long, "the answer has more than 1 MB"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull".to_vec(), "the answer can't be read"),
    ] {
        let error = raw(answer).await.describe_contact("c").await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str(), error.status), (ErrorKind::Unclear, told, None));
        assert!(error.is_passing());
    }
    let nobody = StandIn { origin: "http://127.0.0.1:9".to_owned(), script: Arc::default() }.connect();
    let error = nobody.describe_contact("c").await.unwrap_err();
    assert_eq!(error.to_string(), "AWS can't be reached for DescribeContact: there is no connection");
    assert!(error.is_passing());
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_a_quarter_of_a_minute_at_most() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    let connect = StandIn { origin, script: Arc::default() }.connect();
    let began = tokio::time::Instant::now();
    let error = connect.describe_contact("c").await.unwrap_err();
    // A paused clock may also run out while the connection is made.
    assert!(matches!(error.kind, ErrorKind::Unclear | ErrorKind::Unreached), "{error}");
    assert!(began.elapsed().as_secs() <= 15);
}

#[tokio::test]
async fn a_token_that_no_header_can_hold_is_not_sent() {
    let aws = StandIn::start([]).await;
    let error = aws.connect().disconnect(&Secret::new("a\nb"), "t").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(aws.asked().is_empty());
}
