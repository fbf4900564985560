//! Events come late, twice and in any order; threads don't.

use std::{cell::Cell, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::support::{
    Dice,
    agent::text,
    events::{Webhook, from_now, says_at},
    eventually, moment,
    relay::{Relay, Setup},
    soon,
};

const CONVERSATIONS: usize = 5;
const MESSAGES: usize = 100;

/// One webhook on its way: when it arrives, counted from the beginning.
struct Arrival {
    after: Duration,
    svix_id: String,
    body: String,
}

/// Five conversations that talk at once, a message every `step`; each webhook is up to `scatter` late, and
/// every third comes once more.
fn storm(chats: &[String], step: Duration, scatter: Duration, dice: &mut Dice) -> Vec<Arrival> {
    let begin = from_now(0);
    let mut delay = || Duration::from_micros(dice.roll(scatter.as_micros().try_into().unwrap()));
    let mut arrivals = Vec::new();
    for (place, chat) in chats.iter().enumerate() {
        for number in 0..MESSAGES {
            let said = step * u32::try_from(number).unwrap();
            let at = Timestamp::from_microsecond(begin.as_microsecond() + said.as_micros() as i64).unwrap();
            let body = says_at(chat, &format!("{number:03}"), at).to_string();
            let svix_id = format!("msg_{place}_{number}");
            let copies = if (place * MESSAGES + number).is_multiple_of(3) { 2 } else { 1 };
            for _ in 0..copies {
                let (svix_id, body) = (svix_id.clone(), body.clone());
                arrivals.push(Arrival { after: said + delay(), svix_id, body });
            }
        }
    }
    arrivals.sort_by_key(|arrival| arrival.after);
    arrivals
}

async fn weather(relay: &Relay, arrivals: impl IntoIterator<Item = &Arrival>) {
    let begin = Instant::now();
    let posts = arrivals.into_iter().map(|arrival| async move {
        moment(begin + arrival.after).await;
        Webhook::new(&arrival.svix_id, arrival.body.clone()).post(relay).await.good(200);
    });
    join_all(posts).await;
}

/// The thread's webhook rows by `seq`, once there are so many of them.
async fn thread(relay: &Relay, chat: &str, messages: usize) -> Vec<Value> {
    let id = relay.alex().handoff_of(chat).await["id"].as_str().unwrap().to_owned();
    eventually("the messages", || async {
        let mut rows = relay.alex().rows(&id).await;
        rows.retain(|row| row["source"] == "webhook");
        (rows.len() >= messages).then_some(rows)
    })
    .await
}

/// How many rows joined after younger ones; each of them, and no other, must say so.
fn check(rows: &[Value]) -> usize {
    assert_eq!(rows.len(), MESSAGES, "once each");
    let mut youngest = "";
    let mut late = 0;
    for row in rows {
        let at = row["at"].as_str().unwrap();
        assert_eq!(row["late"], at < youngest, "{row}");
        late += usize::from(at < youngest);
        youngest = youngest.max(at);
    }
    let mut read: Vec<(&str, String)> =
        rows.iter().map(|row| (row["at"].as_str().unwrap(), text(row).unwrap())).collect();
    read.sort();
    let read: Vec<String> = read.into_iter().map(|(_, text)| text).collect();
    assert_eq!(read, (0..MESSAGES).map(|number| format!("{number:03}")).collect::<Vec<_>>(), "in order");
    late
}

async fn five_chats(relay: &Relay) -> Vec<String> {
    let mut chats = Vec::new();
    for _ in 0..CONVERSATIONS {
        chats.push(relay.hand_off().await.0);
    }
    chats
}

/// Shuffled within 1 s, every third webhook twice, five conversations at once.
#[tokio::test]
async fn five_hundred_shuffled_messages_arrive_once_each_in_order_and_none_is_late() {
    let relay = Setup::new().set("DEBOUNCE_MS", "3000").set("DEBOUNCE_MAX_MS", "60000").start().await;
    let chats = five_chats(&relay).await;
    let arrivals = storm(&chats, Duration::from_millis(20), Duration::from_secs(1), &mut Dice::new(7));
    let begin = Instant::now();
    weather(&relay, &arrivals).await;
    let sent = begin.elapsed();
    let mut late = 0;
    for chat in &chats {
        late += check(&thread(&relay, chat, MESSAGES).await);
    }
    println!(
        "disorder: {} webhooks for {} messages of {CONVERSATIONS} conversations, acknowledged in {sent:.1?}, \
         all in their threads after {:.1?}, {late} late",
        arrivals.len(),
        CONVERSATIONS * MESSAGES,
        begin.elapsed(),
    );
    assert_eq!(late, 0, "each conversation was quiet only after its last message");
    assert_eq!(relay.alex().list("").await.len(), CONVERSATIONS);
    relay.finish().await;
}

/// A steady stream is let through by the cap, so that some are truly late: the oldest of all comes when others have been
/// shown.
#[tokio::test]
async fn in_a_steady_stream_exactly_those_are_late_that_came_after_younger_ones() {
    let relay = Setup::new().set("DEBOUNCE_MS", "150").set("DEBOUNCE_MAX_MS", "400").start().await;
    let chats = five_chats(&relay).await;
    let arrivals = storm(&chats, Duration::from_millis(20), Duration::from_millis(200), &mut Dice::new(11));
    let is_oldest = |arrival: &&Arrival| arrival.svix_id.ends_with("_0");
    let (oldest, others): (Vec<_>, Vec<_>) = arrivals.iter().partition(is_oldest);
    weather(&relay, others).await;
    for chat in &chats {
        thread(&relay, chat, 1).await;
    }
    weather(&relay, oldest).await;
    let mut late = 0;
    for chat in &chats {
        late += check(&thread(&relay, chat, MESSAGES).await);
    }
    println!("disorder: {late} of {} late in a steady stream", CONVERSATIONS * MESSAGES);
    assert!(late >= CONVERSATIONS, "{late}");
    relay.finish().await;
}

#[tokio::test]
async fn the_same_message_under_another_webhook_id_is_not_shown_twice() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let event = says_at(&chat, "Hello", from_now(0));
    for svix_id in ["msg_1", "msg_2", "msg_1"] {
        relay.gets_as(svix_id, &event).await;
    }
    relay.gets(&says_at(&chat, "Still there?", from_now(1))).await;
    let hello = |texts: Vec<String>| texts.into_iter().filter(|text| text == "Hello").count();
    eventually("the message behind it", || async {
        let texts = relay.alex().reads(&id).await;
        texts.contains(&"Still there?".to_owned()).then_some(())
    })
    .await;
    // And once more when it has long left the inbox.
    relay.gets_as("msg_3", &event).await;
    relay.gets(&says_at(&chat, "Hm", from_now(2))).await;
    eventually("the last one", || async {
        relay.alex().reads(&id).await.contains(&"Hm".to_owned()).then_some(())
    })
    .await;
    assert_eq!(hello(relay.alex().reads(&id).await), 1);
    relay.finish().await;
}

/// One event after the other without pause, each sooner than the quiet period ends, until others have been shown.
#[tokio::test]
async fn a_steady_stream_starves_neither_its_own_conversation_nor_another() {
    let relay = Setup::new().set("DEBOUNCE_MS", "200").set("DEBOUNCE_MAX_MS", "600").start().await;
    let (steady, steady_id) = relay.hand_off().await;
    let (calm, calm_id) = relay.hand_off().await;
    let alex = relay.alex();
    let mut stream = alex.stream(None).await.ready().await;
    let (begin, said) = (Instant::now(), Cell::new(0_u32));
    let talk = async {
        loop {
            moment(begin + Duration::from_millis(50) * said.get()).await;
            relay.gets(&says_at(&steady, &format!("{:03}", said.get()), from_now(0))).await;
            said.set(said.get() + 1);
            if said.get() == 4 {
                relay.gets(&says_at(&calm, "calm", from_now(0))).await;
            }
        }
    };
    let watch = async {
        let (mut first, mut answered) = (false, false);
        while !first || !answered {
            let event = stream.next().await.expect("an open stream");
            first |= event.says("000");
            answered |= event.says("calm");
        }
    };
    tokio::select! {
        () = talk => unreachable!("it never ends by itself"),
        () = soon("both are shown while it goes on", watch) => {}
    }
    println!("steady stream: both shown {:.0?} after its beginning", begin.elapsed());
    let calm_rows = alex.reads(&calm_id).await;
    assert_eq!(calm_rows.last().unwrap(), "calm");
    let last = format!("{:03}", said.get() - 1);
    eventually("all of it", || async { alex.reads(&steady_id).await.contains(&last).then_some(()) }).await;
    assert!(alex.rows(&steady_id).await.iter().all(|row| row["late"] == false));
    relay.finish().await;
}
