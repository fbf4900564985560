//! What is over goes after its time, while the relay runs.

use serde_json::Value;

use crate::support::{events::Webhook, relay::Setup, settles, stream::Stream};

const FOUR_DAYS_EARLIER: &str = "UPDATE handoffs SET ended_at = ended_at - 4 * 86400000000 WHERE id = $1";
/// More than one step takes.
const MANY_LIKE_IT: &str = "WITH RECURSIVE copy (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copy LIMIT 1200) \
    INSERT INTO dead_letters (id, doc, at) SELECT number, doc, at FROM copy, dead_letters \
    WHERE json_extract(doc, '$.svix_id') = $1";

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
    settles(&(0, 0), || relay.left_over()).await;
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
