//! What each call sends, and what it makes of the answer.

use jiff::civil::Weekday;
use serde_json::json;

use super::*;

fn connection() -> Secret {
    Secret::new("connection-token")
}

fn assert_signed(asked: &Asked, service: &str) {
    let scope = format!("Credential=AKIDEXAMPLE/20261121/us-east-1/{service}/aws4_request");
    let signed = asked.header("authorization").unwrap();
    assert!(signed.contains(&scope), "{signed}");
    assert_eq!(asked.header("x-amz-date"), Some("20261121T100000Z"));
    assert_eq!(asked.header("x-amz-bearer"), None);
}

fn assert_of_participant(asked: &Asked, path: &str, token: &str) {
    assert_eq!((&asked.method, asked.path.as_str()), (&Method::POST, path));
    assert_eq!(asked.header("x-amz-bearer"), Some(token));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.header("authorization"), None);
}

#[tokio::test]
async fn a_chat_is_started() {
    let answer = r#"{"ContactId":"c","ParticipantId":"p","ParticipantToken":"t0ken","New":1}"#;
    let aws = StandIn::start([reply(200, answer), reply(200, answer)]).await;
    let mut settings = aws.settings();
    let mut chat = NewChat {
        contact_flow_id: "flow".to_owned(),
        display_name: "Ann Lee".to_owned(),
        attributes: [("plan".to_owned(), "gold".to_owned())].into(),
        initial_message: None,
        client_token: "handoff".to_owned(),
        related_contact_id: None,
    };
    let started = aws.connect().start_chat(&chat).await.unwrap();
    assert_eq!((started.contact_id.as_str(), started.participant_id.as_str()), ("c", "p"));
    assert_eq!(started.participant_token.expose(), "t0ken");
    assert!(!format!("{started:?}").contains("t0ken"));
    let asked = aws.only();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("PUT", "/contact/chat"));
    assert_signed(&asked, "connect");
    let expected = json!({
        "InstanceId": "instance-1",
        "ContactFlowId": "flow",
        "ParticipantDetails": { "DisplayName": "Ann Lee" },
        "Attributes": { "plan": "gold" },
        "ClientToken": "handoff",
        "SupportedMessagingContentTypes": ["text/plain", "text/markdown"],
    });
    assert_eq!(asked.json(), expected);
    settings.chat_duration_minutes = Some(1_440);
    chat.initial_message = Some("Hi".to_owned());
    chat.related_contact_id = Some("before".to_owned());
    Connect::new(&settings, Arc::new(Still)).unwrap().start_chat(&chat).await.unwrap();
    let body = aws.asked()[1].json();
    assert_eq!(body["InitialMessage"], json!({ "ContentType": "text/plain", "Content": "Hi" }));
    assert_eq!(
        (&body["ChatDurationInMinutes"], &body["RelatedContactId"]),
        (&json!(1_440), &json!("before"))
    );
}

#[tokio::test]
async fn a_contact_is_streamed_stopped_and_described() {
    let ended = r#"{"Contact":{"Id":"c","DisconnectTimestamp":1.795255200123E9,"DisconnectReason":"AGENT_DISCONNECT"}}"#;
    let aws = StandIn::start([
        reply(200, r#"{"StreamingId":"s"}"#),
        reply(200, "{}"),
        refusal(410, "ContactNotFoundException"),
        refusal(404, "ResourceNotFoundException"),
        reply(200, ended),
        reply(200, r#"{"Contact":{"Id":"c"}}"#),
        refusal(404, "ResourceNotFoundException"),
    ])
    .await;
    // Two connections to AWS, as one may be called only five times at once.
    let (connect, other) = (aws.connect(), aws.connect());
    connect.start_streaming("c", "token").await.unwrap();
    for _ in 0..3 {
        connect.stop_contact("c").await.unwrap();
    }
    let described = other.describe_contact("a b/c").await.unwrap();
    let at = Time::from_millis(1_795_255_200_123);
    assert_eq!(
        (described.disconnected_at, described.reason.as_deref()),
        (Some(at), Some("AGENT_DISCONNECT"))
    );
    let described = other.describe_contact("c").await.unwrap();
    assert_eq!(described, ContactDescription { disconnected_at: None, reason: None });
    assert_eq!(other.describe_contact("c").await.unwrap_err().kind, ErrorKind::Gone);
    let asked = aws.asked();
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("POST", "/contact/start-streaming"));
    let streaming = json!({
        "InstanceId": "instance-1",
        "ContactId": "c",
        "ChatStreamingConfiguration": { "StreamingEndpointArn": TOPIC },
        "ClientToken": "token",
    });
    assert_eq!(asked[0].json(), streaming);
    assert_eq!((asked[1].method.as_str(), asked[1].path.as_str()), ("POST", "/contact/stop"));
    assert_eq!(asked[1].json(), json!({ "InstanceId": "instance-1", "ContactId": "c" }));
    assert_eq!((asked[4].method.as_str(), asked[4].path.as_str()), ("GET", "/contacts/instance-1/a%20b%2Fc"));
    asked.iter().for_each(|asked| assert_signed(asked, "connect"));
}

#[tokio::test]
async fn the_instance_and_what_it_has_are_described() {
    let hours = r#"{"HoursOfOperation":{"TimeZone":"UTC","Config":[
        {"Day":"MONDAY","StartTime":{"Hours":9,"Minutes":30},"EndTime":{"Hours":17,"Minutes":0}}]}}"#;
    let aws = StandIn::start([
        reply(200, r#"{"ContactFlow":{"Name":"Chat","Type":"CONTACT_FLOW","State":"ACTIVE"}}"#),
        reply(200, r#"{"ContactFlow":{"Name":"Old","Type":"AGENT_HOLD","State":"ARCHIVED"}}"#),
        reply(200, r#"{"Queue":{"Name":"Sales","HoursOfOperationId":"h"}}"#),
        reply(200, hours),
        reply(200, r#"{"Instance":{"Arn":"arn:x","InstanceAlias":"acme","InstanceStatus":"ACTIVE"}}"#),
    ])
    .await;
    let connect = aws.connect();
    let flow = connect.describe_contact_flow("f").await.unwrap();
    assert_eq!((flow.name.as_str(), flow.kind.as_str(), flow.is_active), ("Chat", "CONTACT_FLOW", true));
    assert!(!connect.describe_contact_flow("g").await.unwrap().is_active);
    let queue = connect.describe_queue("q").await.unwrap();
    assert_eq!((queue.name.as_str(), queue.hours_of_operation_id.as_deref()), ("Sales", Some("h")));
    let hours = connect.describe_hours("h").await.unwrap();
    assert_eq!(hours.entries, [Entry { day: Weekday::Monday, start: (9, 30), end: (17, 0) }]);
    let instance = connect.describe_instance().await.unwrap();
    assert_eq!((instance.alias.as_deref(), instance.status.as_str()), (Some("acme"), "ACTIVE"));
    let paths: Vec<_> =
        aws.asked().into_iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect();
    let expected = [
        "GET /contact-flows/instance-1/f",
        "GET /contact-flows/instance-1/g",
        "GET /queues/instance-1/q",
        "GET /hours-of-operations/instance-1/h",
        "GET /instance/instance-1",
    ];
    assert_eq!(paths, expected);
}

#[tokio::test]
async fn a_participant_connects_writes_and_leaves() {
    let aws = StandIn::start([
        reply(
            200,
            r#"{"ConnectionCredentials":{"ConnectionToken":"c0n","Expiry":"2026-11-22T09:00:00.000Z"}}"#,
        ),
        reply(200, r#"{"ConnectionCredentials":{"ConnectionToken":"c0n"}}"#),
        reply(200, r#"{"Id":"m","AbsoluteTime":"2026-11-21T10:00:00.000Z"}"#),
        reply(
            200,
            r#"{"Id":"n","MessageMetadata":{"MessageId":"n","MessageProcessingStatus":"PROCESSING"}}"#,
        ),
        reply(200, r#"{"Url":"https://bucket.example/a?b=c","AttachmentSizeInBytes":1}"#),
        reply(200, "{}"),
    ])
    .await;
    let connect = aws.connect();
    let participant = Secret::new("participant-token");
    let made = connect.connect_participant(&participant).await.unwrap();
    assert_eq!((made.token.expose(), made.expires_at), ("c0n", "2026-11-22T09:00:00Z".parse().unwrap()));
    let made = connect.connect_participant(&participant).await.unwrap();
    assert_eq!(made.expires_at, "2026-11-22T10:00:00Z".parse().unwrap(), "a day, if it isn't said");
    let message = OutgoingText {
        content_type: "text/plain",
        content: "Hi \u{1f600}".to_owned(),
        client_token: "event".to_owned(),
    };
    let sent = connect.send_message(&connection(), &message).await.unwrap();
    assert_eq!(sent, SentMessage { id: "m".to_owned(), processing: None });
    let sent = connect.send_message(&connection(), &message).await.unwrap();
    assert_eq!(sent, SentMessage { id: "n".to_owned(), processing: Some("PROCESSING".to_owned()) });
    let url = connect.attachment_url(&connection(), "a").await.unwrap();
    assert_eq!(url, "https://bucket.example/a?b=c");
    connect.disconnect(&connection(), "bye").await.unwrap();
    let asked = aws.asked();
    assert_of_participant(&asked[0], "/participant/connection", "participant-token");
    assert_eq!(asked[0].json(), json!({ "Type": ["CONNECTION_CREDENTIALS"], "ConnectParticipant": true }));
    assert_of_participant(&asked[2], "/participant/message", "connection-token");
    let body = json!({ "ContentType": "text/plain", "Content": "Hi \u{1f600}", "ClientToken": "event" });
    assert_eq!(asked[2].json(), body);
    assert_of_participant(&asked[4], "/participant/attachment", "connection-token");
    assert_eq!(asked[4].json(), json!({ "AttachmentId": "a", "UrlExpiryInSeconds": 300 }));
    assert_of_participant(&asked[5], "/participant/disconnect", "connection-token");
    assert_eq!(asked[5].json(), json!({ "ClientToken": "bye" }));
}

fn file() -> Upload {
    Upload {
        name: "a.pdf".to_owned(),
        mime_type: "application/pdf".to_owned(),
        client_token: "row".to_owned(),
    }
}

const PLACE: &str = r#"{"AttachmentId":"a","UploadMetadata":{"Url":"{origin}/bucket/a%2Fb?X-Amz-Signature=1%2B",
    "HeadersToInclude":{"Content-Type":"application/pdf","Content-Length":"5","x-amz-acl":"private"}}}"#;

#[tokio::test]
async fn a_file_goes_to_storage_as_it_was_told() {
    let aws = StandIn::start([reply(200, PLACE), reply(200, ""), reply(200, "{}")]).await;
    let id = aws.connect().upload(&connection(), &file(), Bytes::from_static(b"bytes")).await.unwrap();
    assert_eq!(id, "a");
    let asked = aws.asked();
    assert_of_participant(&asked[0], "/participant/start-attachment-upload", "connection-token");
    let start = json!({
        "ContentType": "application/pdf",
        "AttachmentSizeInBytes": 5,
        "AttachmentName": "a.pdf",
        "ClientToken": "row",
    });
    assert_eq!(asked[0].json(), start);
    let put = &asked[1];
    assert_eq!((put.method.as_str(), put.path.as_str()), ("PUT", "/bucket/a%2Fb?X-Amz-Signature=1%2B"));
    assert_eq!(put.headers.get_all("content-length").iter().count(), 1);
    let headers = ["content-length", "content-type", "x-amz-acl"].map(|name| put.header(name).unwrap());
    assert_eq!(headers, ["5", "application/pdf", "private"]);
    for name in ["authorization", "x-amz-bearer", "transfer-encoding", "x-amz-date"] {
        assert_eq!(put.header(name), None, "{name}");
    }
    assert_eq!(put.text(), "bytes");
    assert_of_participant(&asked[2], "/participant/complete-attachment-upload", "connection-token");
    assert_eq!(asked[2].json(), json!({ "AttachmentIds": ["a"], "ClientToken": "row-complete" }));
}

#[tokio::test]
async fn what_stops_an_upload_is_told() {
    let expired = "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    let elsewhere = PLACE.replace("{origin}", "ftp://127.0.0.1");
    for (replies, kind, told) in [
        (
            vec![reply(200, PLACE), reply(403, expired)],
            ErrorKind::Invalid,
            "AWS answered the upload of an attachment with 403 AccessDenied: Request has expired",
        ),
        (
            vec![reply(200, elsewhere)],
            ErrorKind::Invalid,
            "AWS can't be asked for the upload of an attachment: the request can't be written",
        ),
        (
            vec![refusal(402, "ServiceQuotaExceededException")],
            ErrorKind::Quota,
            "AWS answered StartAttachmentUpload with 402 ServiceQuotaExceededException: told so",
        ),
        (
            vec![reply(200, PLACE), reply(200, ""), refusal(409, "ConflictException")],
            ErrorKind::Conflict,
            "AWS answered CompleteAttachmentUpload with 409 ConflictException: told so",
        ),
        (
            vec![reply(200, "{}")],
            ErrorKind::Unclear,
            "AWS did not answer StartAttachmentUpload as expected: the answer can't be read",
        ),
    ] {
        let aws = StandIn::start(replies).await;
        let error =
            aws.connect().upload(&connection(), &file(), Bytes::from_static(b"bytes")).await.unwrap_err();
        assert_eq!((error.kind, error.to_string().as_str()), (kind, told));
    }
}

#[tokio::test]
async fn a_transcript_is_read_page_by_page() {
    let page = r#"{"InitialContactId":"i","NextToken":"next","Transcript":[
        {"Id":"1","Type":"MESSAGE","Content":"Hi","AbsoluteTime":"2026-11-21T10:00:00.000Z"},7,{"Id":2}]}"#;
    let aws = StandIn::start([
        reply(200, page),
        reply(200, r#"{"Transcript":[],"NextToken":""}"#),
        reply(200, r#"{"Items":[]}"#),
    ])
    .await;
    let connect = aws.connect();
    let read = connect.transcript(&connection(), "c", None, None).await.unwrap();
    assert_eq!((read.items.len(), read.next.as_deref()), (2, Some("next")));
    assert_eq!(read.items[0].content.as_deref(), Some("Hi"));
    let since: Time = "2026-11-21T09:00:00.5Z".parse().unwrap();
    let read = connect.transcript(&connection(), "c", Some("next"), Some(since)).await.unwrap();
    assert_eq!((read.items.len(), read.next), (0, None));
    let error = connect.transcript(&connection(), "c", None, None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unclear);
    let asked = aws.asked();
    assert_of_participant(&asked[0], "/participant/transcript", "connection-token");
    let mut body = json!({
        "ContactId": "c", "MaxResults": 100, "ScanDirection": "FORWARD", "SortOrder": "ASCENDING",
    });
    assert_eq!(asked[0].json(), body);
    body["NextToken"] = json!("next");
    body["StartPosition"] = json!({ "AbsoluteTime": "2026-11-21T09:00:00.500Z" });
    assert_eq!(asked[1].json(), body);
}

#[tokio::test]
async fn a_subscription_is_confirmed_and_found() {
    let confirmed = r#"<ConfirmSubscriptionResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
        <ConfirmSubscriptionResult><SubscriptionArn>arn:aws:sns:us-east-1:123456789012:chat:1</SubscriptionArn>
        </ConfirmSubscriptionResult></ConfirmSubscriptionResponse>"#;
    let member = |arn: &str, url: &str| {
        format!(
            "<member><TopicArn>{TOPIC}</TopicArn><Protocol>https</Protocol><SubscriptionArn>{arn}</SubscriptionArn>\
             <Owner>1</Owner><Endpoint>{url}</Endpoint></member>"
        )
    };
    let first = member("PendingConfirmation", "https://relay.example/?a=1&amp;b=2");
    let second = member("arn:aws:sns:us-east-1:123456789012:chat:2", "https://other.example/");
    let aws = StandIn::start([
        reply(200, confirmed),
        reply(200, format!("<Subscriptions>{first}</Subscriptions><NextToken>A+/=</NextToken>")),
        reply(200, format!("<Subscriptions>{second}</Subscriptions>")),
        reply(200, "<html/>"),
    ])
    .await;
    let connect = aws.connect();
    let arn = connect.confirm_subscription(TOPIC, "t&k n").await.unwrap();
    assert_eq!(arn, "arn:aws:sns:us-east-1:123456789012:chat:1");
    let found = connect.topic_subscriptions(TOPIC).await.unwrap();
    let told: Vec<_> = found.iter().map(|found| (found.endpoint.as_str(), found.is_confirmed)).collect();
    assert_eq!(told, [("https://relay.example/?a=1&b=2", false), ("https://other.example/", true)]);
    assert_eq!(connect.confirm_subscription(TOPIC, "t").await.unwrap_err().kind, ErrorKind::Unclear);
    let asked = aws.asked();
    let arn = "arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3Achat";
    assert_eq!(asked[0].method, Method::GET);
    assert_eq!(asked[0].path, format!("/?Action=ConfirmSubscription&TopicArn={arn}&Token=t%26k+n"));
    assert_eq!(asked[0].header("authorization"), None);
    assert_eq!((asked[1].method.as_str(), asked[1].path.as_str()), ("POST", "/"));
    let list = format!("Action=ListSubscriptionsByTopic&Version=2010-03-31&TopicArn={arn}");
    assert_eq!(asked[1].text(), list);
    assert_eq!(asked[2].text(), format!("{list}&NextToken=A%2B%2F%3D"));
    assert_signed(&asked[2], "sns");
}

#[test]
fn without_other_endpoints_it_is_the_regions() {
    let settings = |region: &str| settings::AmazonConnect {
        region: region.to_owned(),
        endpoint: None,
        participant_endpoint: None,
        sns_endpoint: None,
        sts_endpoint: None,
        ..StandIn { origin: "http://127.0.0.1:1".to_owned(), script: Arc::default() }.settings()
    };
    let endpoints = Endpoints::new(&settings("eu-central-1"));
    assert_eq!(endpoints.connect, "https://connect.eu-central-1.amazonaws.com");
    assert_eq!(endpoints.participant, "https://participant.connect.eu-central-1.amazonaws.com");
    assert_eq!(Endpoints::new(&settings("cn-north-1")).sns, "https://sns.cn-north-1.amazonaws.com.cn");
}
