//! Roles, and credentials that expire.

use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/relay";

fn assumed(key: &str, expires: &str) -> Reply {
    reply(
        200,
        format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
             <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s&amp;cret</SecretAccessKey>\
             <SessionToken>session</SessionToken><Expiration>{expires}</Expiration></Credentials></AssumeRoleResult>\
             </AssumeRoleResponse>"
        ),
    )
}

fn with_role(aws: &StandIn) -> Connect {
    let mut settings = aws.settings();
    settings.role_arn = Some(ROLE.to_owned());
    settings.external_id = Some("a:b".to_owned());
    Connect::new(&settings, Arc::new(Still)).unwrap()
}

fn of_key(asked: &Asked) -> &str {
    asked.header("authorization").unwrap().split(['=', '/']).nth(1).unwrap()
}

#[tokio::test]
async fn a_role_is_assumed_once_until_shortly_before_it_expires() {
    let aws =
        StandIn::start([assumed("ONE", "2026-11-21T10:05:01Z"), reply(200, "{}"), reply(200, "{}")]).await;
    let connect = with_role(&aws);
    let (one, two) = tokio::join!(connect.stop_contact("c"), connect.stop_contact("d"));
    one.and(two).unwrap();
    let asked = aws.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(
        asked[0].text(),
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Frelay&\
         RoleSessionName=handoff-relay&ExternalId=a%3Ab"
    );
    assert!(asked[0].header("authorization").unwrap().contains("/20261121/us-east-1/sts/aws4_request"));
    assert_eq!(of_key(&asked[0]), "AKIDEXAMPLE");
    for asked in &asked[1..] {
        assert_eq!((of_key(asked), asked.header("x-amz-security-token")), ("ONE", Some("session")));
        assert!(asked.header("authorization").unwrap().contains("x-amz-security-token"));
    }
    // Five minutes before the end, it is as good as over.
    let aws = StandIn::start([
        assumed("ONE", "2026-11-21T10:05:00Z"),
        reply(200, "{}"),
        assumed("TWO", "2026-11-21T11:00:00Z"),
        reply(200, "{}"),
    ])
    .await;
    let connect = with_role(&aws);
    connect.stop_contact("c").await.unwrap();
    connect.stop_contact("c").await.unwrap();
    assert_eq!(of_key(&aws.asked()[3]), "TWO");
}

#[tokio::test]
async fn refused_credentials_are_replaced_once() {
    let aws = StandIn::start([
        assumed("ONE", "2026-11-21T11:00:00Z"),
        refusal(403, "ExpiredTokenException"),
        assumed("TWO", "2026-11-21T11:00:00Z"),
        reply(200, "{}"),
        refusal(403, "ExpiredTokenException"),
        assumed("THREE", "2026-11-21T11:00:00Z"),
        refusal(403, "UnrecognizedClientException"),
    ])
    .await;
    let connect = with_role(&aws);
    connect.stop_contact("c").await.unwrap();
    let error = connect.stop_contact("c").await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "UnrecognizedClientException"));
    assert_eq!(aws.asked().len(), 7);
    // There are no others than those of the settings.
    let aws = StandIn::start([refusal(403, "ExpiredTokenException")]).await;
    let error = aws.connect().stop_contact("c").await.unwrap_err();
    assert_eq!((error.kind, aws.asked().len()), (ErrorKind::Denied, 1));
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_is_told() {
    let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to \
        perform: sts:AssumeRole</Message></Error></ErrorResponse>";
    for (reply, kind, told) in [
        (
            reply(403, denied),
            ErrorKind::Denied,
            "AWS answered AssumeRole with 403 AccessDenied: not authorized to perform: sts:AssumeRole; the credentials \
             need the IAM action sts:AssumeRole",
        ),
        (
            reply(200, "<AssumeRoleResponse/>"),
            ErrorKind::Unclear,
            "AWS did not answer AssumeRole as expected: the answer has no credentials",
        ),
    ] {
        let aws = StandIn::start([reply]).await;
        let error = with_role(&aws).stop_contact("c").await.unwrap_err();
        assert_eq!((error.kind, error.to_string().as_str()), (kind, told));
        assert_eq!(aws.asked().len(), 1);
    }
}
