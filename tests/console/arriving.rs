//! A message is on the page before its quiet period is over.

use serde_json::{Value, json};

use crate::{
    desk::Desk,
    support::{
        events::{customer_says, from_now, handoff_ends, says_at},
        relay::{Relay, Setup},
        settles,
    },
};

async fn with_quiet_period(milliseconds: &str) -> Relay {
    Setup::new().set("DEBOUNCE_MS", milliseconds).set("DEBOUNCE_MAX_MS", milliseconds).start().await
}

/// What the customer says on the page.
async fn customers_words(desk: &Desk) -> Vec<String> {
    desk.texts("#messages [data-kind=customer] .bubble").await
}

#[tokio::test]
async fn messages_stand_in_their_place_while_they_wait_also_over_a_reload_and_a_restart() {
    let mut relay = with_quiet_period("60000").await;
    let (chat, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    relay.gets(&says_at(&chat, "Second", from_now(0))).await;
    desk.shows("[data-arriving] .bubble", "Second").await;
    relay.gets(&says_at(&chat, "First", from_now(-1_000))).await;
    desk.shows("[data-arriving] .bubble", "First").await;
    assert_eq!(customers_words(&desk).await, ["First", "Second"]);
    desk.misses("#unread-divider").await;
    assert_eq!(relay.alex().handoff(&handoff).await["unread"], 0);

    desk.reloads().await;
    desk.shows("[data-arriving] .bubble", "Second").await;
    assert_eq!(customers_words(&desk).await, ["First", "Second"]);

    relay.stop().await;
    desk.shows("#banner", "No connection to the relay.").await;
    relay.comes_back().await;
    // It is told before the page has a stream again.
    let mut other = relay.alex().stream(None).await.ready().await;
    relay.gets(&says_at(&chat, "Third", from_now(1))).await;
    other.until(|event| event.data["content"]["body"] == "Third").await;
    desk.misses("#banner").await;
    desk.shows("[data-arriving] .bubble", "Third").await;
    assert_eq!(customers_words(&desk).await, ["First", "Second", "Third"]);
    desk.closes_after(&["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET"])
        .await;
}

/// Has the page note all that it says to screen readers.
const LISTEN: &str = "window.said = []; \
    new MutationObserver((changes) => changes.forEach(({ addedNodes }) => \
        addedNodes.forEach((node) => window.said.push(node.textContent)))) \
    .observe(document.getElementById('log'), { childList: true });";

#[tokio::test]
async fn its_row_takes_its_place_and_is_said_once() {
    let relay = with_quiet_period("3000").await;
    let (chat, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.js::<()>(LISTEN, &[]).await;
    relay.gets(&customer_says(&chat, "Hello")).await;
    desk.shows("[data-arriving] .bubble", "Hello").await;
    desk.js::<()>("document.querySelector('[data-arriving]').dataset.first = true", &[]).await;
    desk.sees("#messages [data-kind=customer][data-seq]").await;
    desk.misses("[data-arriving]").await;
    assert_eq!(customers_words(&desk).await, ["Hello"]);
    desk.sees("#messages [data-kind=customer][data-seq][data-first]").await;
    let said: Vec<String> = desk.js("return window.said", &[]).await;
    assert_eq!(said.iter().filter(|text| text.contains("Hello")).count(), 1, "{said:?}");
    settles(&json!(0), || async { relay.alex().handoff(&handoff).await["unread"].clone() }).await;
    desk.closes().await;
}

#[tokio::test]
async fn what_another_conversation_gets_is_taken_out_and_the_page_says_so() {
    let relay = Setup::new()
        .set("DEBOUNCE_MS", "2000")
        .set("DEBOUNCE_MAX_MS", "2000")
        .set("UNKNOWN_HOLD_MS", "6000")
        .start()
        .await;
    let alex = relay.alex();
    let chat = relay.ada.open_conversation();
    relay.gets(&says_at(&chat, "One", from_now(-60_000))).await;
    settles(&1, || async { alex.handoffs_of(&chat).await.len() }).await;
    let first = alex.handoffs_of(&chat).await[0]["id"].as_str().unwrap().to_owned();
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&first).await;
    relay.gets(&says_at(&chat, "Two", from_now(-5_000))).await;
    relay.gets(&handoff_ends(&chat, from_now(-10_000))).await;
    desk.sees("#conversation[data-status=ended]").await;
    desk.shows("[data-arriving] .bubble", "Two").await;
    desk.shows(".toast", "A message of the customer moved to another of their conversations.").await;
    assert_eq!(customers_words(&desk).await, ["One"]);
    desk.closes().await;
}

/// Every order in which a page can hear of a message: by the stream, whose first word of it or whose withdrawal it may
/// miss, and by answers to requests, the last of which is asked when all is over.
const ORDERS: &str = r"
const [{ make }, arriving] = await Promise.all([import('/console/threads.js'), import('/console/arriving.js')]);
const message = { message_id: 'm', seq: null, id: null, at: '1' };
const row = { message_id: 'm', seq: 1, id: 'r', at: '1' };
const before = {
  shown: ['waits'], again: ['shown'], waits: [], ends: ['waits'], ended: ['ends', 'again'],
  asks: [], looks: ['asks'], answers: ['looks'],
};
const faults = [];
let orders = 0;

function play(order, becomesRow, lost) {
  const [thread, server] = [make('h'), { waits: false, ended: false }];
  let [heard, asked, answer, withdrawn] = [0, null, null, false];
  const store = (rows) => rows.forEach((one) => {
    arriving.settle(thread, one);
    thread.rows.set(one.id, { ...one, heard });
  });
  const steps = {
    waits: () => (server.waits = true),
    ends: () => Object.assign(server, { waits: false, ended: true }),
    asks: () => (asked = heard),
    looks: () => (answer = { arriving: server.waits ? [message] : [], data: server.ended && becomesRow ? [row] : [] }),
    answers() {
      store(answer.data.filter((one) => !(thread.rows.get(one.id)?.heard > asked)));
      withdrawn = arriving.update(thread, answer.arriving, asked).gone.length > 0 || withdrawn;
    },
    shown() { heard += 1; arriving.show(thread, message, heard, true); },
    again() { heard += 1; arriving.show(thread, message, heard, true); },
    ended() {
      heard += 1;
      if (becomesRow) store([row]);
      else withdrawn = arriving.withdraw(thread, 'm', heard) || withdrawn;
    },
  };
  let [was, isOver] = [0, false];
  for (const step of [...order, 'asks', 'looks', 'answers']) {
    if (!lost.includes(step)) steps[step]();
    const now = thread.rows.size;
    isOver ||= step === 'ended' && !becomesRow && !lost.includes(step);
    if (isOver && now > 0) faults.push(`${order}: comes back with ${step}`);
    if (now > 1) faults.push(`${order}: shows twice after ${step}`);
    if (now < was && !withdrawn) faults.push(`${order}: disappears with ${step}`);
    was = now;
  }
  if (was !== (becomesRow ? 1 : 0) || arriving.all(thread).length > 0) faults.push(`${order} without ${lost}: ends with ${was}, row: ${becomesRow}`);
}

function extend(order) {
  const next = Object.keys(before).filter((step) => !order.includes(step) && before[step].every((one) => order.includes(one)));
  if (next.length > 0) return next.forEach((step) => extend([...order, step]));
  for (const lost of [[], ['shown'], ['shown', 'again'], ['again']]) {
    play(order, true, lost);
    play(order, false, lost);
    play(order, false, [...lost, 'ended']);
    orders += 3;
  }
}
extend([]);
return { orders, faults: faults.slice(0, 5) };
";

#[tokio::test]
async fn in_whatever_order_the_page_hears_of_it_nothing_shows_twice_or_disappears() {
    let relay = Relay::start().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    let played: Value = desk.js(&format!("return (async () => {{{ORDERS}}})()"), &[]).await;
    assert!(played["orders"].as_u64().unwrap() > 1_000, "{played}");
    assert_eq!(played["faults"], json!([]));
    desk.closes().await;
}
