//! What is over goes after its time, while the relay runs.

use reqwest::multipart::{Form, Part};
use serde_json::Value;

use crate::support::{
    answer::Answer,
    events::Webhook,
    relay::{Relay, Setup},
    settles,
    stream::Stream,
};

const FOUR_DAYS_EARLIER: &str = "UPDATE handoffs SET ended_at = ended_at - 4 * 86400000000 WHERE id = $1";
/// More than one step takes.
const MANY_LIKE_IT: &str = "WITH RECURSIVE copy (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copy LIMIT 1200) \
    INSERT INTO dead_letters (id, doc, at) SELECT number, doc, at FROM copy, dead_letters \
    WHERE json_extract(doc, '$.svix_id') = $1";

const TWO_HOURS_EARLIER: &str = "UPDATE file_checks SET at = at - 2 * 3600000000 WHERE handoff = $1";
/// Files that were never kept, nor made a message; again more than one step takes.
const MANY_LOST_FILES: &str = "WITH RECURSIVE copy (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copy LIMIT 1200) \
    INSERT INTO file_checks (handoff, row_id, at) SELECT $1, 'lost-' || number, 0 FROM copy";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

#[tokio::test]
async fn ended_handoffs_and_dead_letters_go_after_their_time() {
    let setup = Setup::new().set("KEEP_ENDED", "3d").set("KEEP_DEAD_LETTERS", "3d");
    let mut relay = setup.start().await;
    let alex = relay.alex();
    let mut handoffs = Vec::new();
    for _ in 0..3 {
        let (_, id) = relay.hand_off().await;
        alex.accepts(&id).await;
        handoffs.push(id);
    }
    let [old, young, open] = handoffs.try_into().unwrap();
    for id in [&old, &young] {
        alex.ends(id).await;
    }
    for id in ["msg_old", "msg_young"] {
        Webhook::new(id, "not JSON").post(&relay).await.good(200);
    }
    relay.is_at_rest().await;
    let stream: Stream = alex.stream(None).await.ready().await;
    let last = stream.last_id;

    relay.stop().await;
    relay.change_file(FOUR_DAYS_EARLIER, &old).await;
    let sql = "UPDATE dead_letters SET at = at - 4 * 86400000000 WHERE json_extract(doc, '$.svix_id') = $1";
    relay.change_file(sql, "msg_old").await;
    relay.change_file(MANY_LIKE_IT, "msg_old").await;
    relay.start_again().await;
    let alex = relay.alex();
    settles(&404, || async { alex.get(&format!("/handoffs/{old}")).await.status }).await;
    assert_eq!(alex.get(&format!("/handoffs/{old}/messages")).await.status, 404);
    let listed = alex.list("").await;
    let listed: Vec<&Value> = listed.iter().map(|handoff| &handoff["id"]).collect();
    assert_eq!(listed, [&open, &young]);
    settles(&1, || async { alex.dead_letters().await.len() }).await;
    assert_eq!(alex.dead_letters().await[0]["svix_id"], "msg_young");

    // A desk that was there all the time goes on where it was.
    let mut stream = alex.stream(Some(&last.to_string())).await;
    alex.act(&open, "release").await.good(200);
    let next = stream.next().await.unwrap();
    assert_eq!((next.kind.as_str(), &next.data["id"]), ("handoff", &Value::from(open.as_str())));
    relay.finish().await;
}

#[tokio::test]
async fn the_bytes_of_files_go_with_their_threads() {
    let mut relay = Setup::new().set("KEEP_ENDED", "3d").start().await;
    let alex = relay.alex();
    let mut handoffs = Vec::new();
    for _ in 0..2 {
        let (chat, id) = relay.hand_off().await;
        relay.ada.customer_sends_file(&chat, "theirs.png", "image/png", PNG).await.unwrap();
        alex.sees_file(&id, "theirs.png", "kept").await;
        // The history is read before there is anything in doubt, which would put it off for half a minute.
        alex.accepts(&id).await;
        settles(&0, || relay.deliveries()).await;
        alex.sends(&id, "ours.png", PNG).await;
        alex.ends(&id).await;
        handoffs.push(id);
    }
    let [old, young] = handoffs.try_into().unwrap();
    relay.is_at_rest().await;
    let kept = relay.kept_files(&young);
    assert_eq!((relay.kept_files(&old).len(), kept.len()), (2, 2));

    relay.stop().await;
    relay.change_file(FOUR_DAYS_EARLIER, &old).await;
    relay.change_file(TWO_HOURS_EARLIER, &old).await;
    relay.start_again().await;
    settles(&0, || async { relay.kept_files(&old).len() }).await;
    let alex = relay.alex();
    assert_eq!(alex.get(&format!("/handoffs/{old}")).await.status, 404);
    assert_eq!(relay.kept_files(&young), kept);
    for name in ["theirs.png", "ours.png"] {
        let row = alex.sees_file(&young, name, "kept").await;
        assert_eq!(alex.downloads(&row).await.body, PNG);
    }
    relay.finish().await;
}

#[tokio::test]
async fn bytes_that_became_no_message_go_after_an_hour() {
    let mut relay = Relay::start().await;
    let (_, id) = relay.hand_off().await;
    // The second time it is known what the first has made; its bytes are of no use.
    let mut row = String::new();
    for _ in 0..2 {
        let form = Form::new().part("file", Part::bytes(PNG).file_name("a.png"));
        let request = relay.alex().request("POST", &format!("/handoffs/{id}/files")).multipart(form);
        let made = Answer::to(request.header("idempotency-key", "k")).await.good(202);
        row = made["id"].as_str().unwrap().to_owned();
    }
    assert_eq!((relay.kept_files(&id).len(), relay.file_checks().await), (2, 2));
    // Their time has not come: of what is due nothing is left, and they are.
    relay.stop().await;
    relay.change_file(MANY_LOST_FILES, &id).await;
    relay.start_again().await;
    settles(&2, || relay.file_checks()).await;
    assert_eq!(relay.kept_files(&id).len(), 2);

    relay.stop().await;
    relay.change_file(TWO_HOURS_EARLIER, &id).await;
    relay.start_again().await;
    settles(&0, || relay.file_checks()).await;
    assert_eq!(relay.kept_files(&id), [row]);
    let file = relay.alex().sees_file(&id, "a.png", "kept").await;
    assert_eq!(relay.alex().downloads(&file).await.body, PNG);
    relay.finish().await;
}
