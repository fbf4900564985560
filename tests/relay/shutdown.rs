//! The end of the relay itself.

use std::time::Duration;

use crate::support::{answer::Answer, events::customer_says, relay::Setup, settles};

#[tokio::test]
async fn a_stop_takes_at_most_ten_seconds_whoever_hangs() {
    let mut relay = Setup::new().set("ADA_TIMEOUT_MS", "60000").with_a_road().start().await;
    let alex = relay.alex();
    let (chat, id) = relay.hand_off().await;
    alex.accepts(&id).await;
    settles(&(0, 0), || relay.left_over()).await;
    relay.road().bar(&chat);
    alex.writes(&id, "Into the void").await;
    relay.road().holds(1).await;
    let mut stream = alex.stream(None).await.ready().await;
    relay.gets(&customer_says(&chat, "Hello?")).await;
    // A client that says nothing more, and one that never finishes its body.
    let address = relay.url.trim_start_matches("http://").to_owned();
    let silent = tokio::net::TcpStream::connect(&address).await.unwrap();
    let mut slow = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = "POST /handoffs/start HTTP/1.1\r\nhost: x\r\nauthorization: Bearer start-key-of-the-tests\r\n\
                content-length: 100\r\n\r\n{";
    tokio::io::AsyncWriteExt::write_all(&mut slow, head.as_bytes()).await.unwrap();

    let took = relay.stop().await;
    println!("shutdown: {took:.1?} with a hanging call to Ada, an open stream and a slow body");
    assert!(took < Duration::from_secs(10), "{took:?}");
    while stream.next().await.is_some() {}
    drop((silent, slow));
    let (outbox, inbox) = relay.left_over().await;
    assert_eq!(outbox, 1, "what hung is still to be sent");
    assert!(inbox <= 1);
}

#[tokio::test]
async fn a_relay_with_nothing_to_do_stops_at_once_and_answers_no_more() {
    let mut relay = Setup::new().start().await;
    relay.get("/health/ready").await.good(200);
    let took = relay.stop().await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    let request = relay.http.get(format!("{}/health/live", relay.url));
    assert!(request.send().await.unwrap_err().is_connect());
    relay.start_again().await;
    Answer::to(relay.http.get(format!("{}/health/live", relay.url))).await.good(200);
}
