//! Files, both ways: the bytes arrive once and whole, in order with the words around them.

mod fetched;
mod sent;

use sandbox::Role;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{eventually, relay::Relay, settles};

/// A PNG as far as its first bytes go; the rest is noise.
fn png(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    let mut noise = seed;
    while bytes.len() < length {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&noise.to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What people sent to the customer, words and names of files, as the customer sees it.
fn seen(relay: &Relay, chat: &str) -> Vec<String> {
    let messages = relay.ada.messages(chat);
    let human = messages.iter().filter(|said| said.role == Role::HumanAgent);
    let what = |content: &Value| content["body"].as_str().or(content["filename"].as_str()).map(str::to_owned);
    human.filter_map(|said| what(&said.content)).collect()
}

async fn comes_to_see(relay: &Relay, chat: &str, what: &[&str]) {
    let what: Vec<String> = what.iter().map(|what| (*what).to_owned()).collect();
    settles(&what, || async { seen(relay, chat) }).await;
}

/// An agent's row with a file of this name, once it is in this state of delivery.
async fn sent(relay: &Relay, id: &str, name: &str, state: &str) -> Value {
    eventually(&format!("{name}: {state}"), || async {
        let rows = relay.alex().rows(id).await;
        let found = rows.into_iter().find(|row| row["content"]["filename"] == name)?;
        (found["delivery"]["state"] == state).then_some(found)
    })
    .await
}

/// One file of each type that Ada takes, by name.
fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/files");
    let sample = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    };
    let mut samples: Vec<_> = std::fs::read_dir(folder).unwrap().map(sample).collect();
    samples.sort();
    samples
}

#[tokio::test]
async fn every_type_arrives_byte_for_byte_both_ways() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let (alex, samples) = (relay.alex(), samples());
    assert_eq!(samples.len(), 32, "all of Ada's list, and .keynote beside .key");
    for (name, bytes) in &samples {
        alex.sends(&id, name, bytes).await;
    }
    let names: Vec<&str> = samples.iter().map(|(name, _)| name.as_str()).collect();
    comes_to_see(&relay, &chat, &names).await;
    for (file, (name, bytes)) in relay.ada.files_sent_to(&chat).iter().zip(&samples) {
        assert_eq!((&file.filename, &file.sha256), (name, &sha256(bytes)));
        assert!(file.mime_type.contains('/') && file.mime_type != "application/octet-stream", "{file:?}");
    }
    for (name, bytes) in &samples {
        let name = format!("customers-{name}");
        relay.ada.customer_sends_file(&chat, &name, "application/octet-stream", bytes.clone()).await.unwrap();
    }
    for (name, bytes) in &samples {
        let theirs = alex.sees_file(&id, &format!("customers-{name}"), "kept").await;
        let ours = sent(&relay, &id, name, "confirmed").await;
        for row in [theirs, ours] {
            let got = alex.downloads(&row).await;
            assert_eq!((got.status, sha256(&got.body)), (200, sha256(bytes)), "{name}");
        }
    }
    relay.finish().await;
}

#[tokio::test]
async fn names_do_no_harm() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let (alex, bytes) = (relay.alex(), png(200, 10));
    let long = format!("{}.png", "n".repeat(300));
    for (number, (name, shown)) in [
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\Users\\alex\\shot.png", "shot.png"),
        ("Grüße 你好 🎉.png", "Grüße 你好 🎉.png"),
        (long.as_str(), ""),
        ("she said \"hi\".png", "she said 'hi'.png"),
        ("as %22browsers%22 write.png", "as 'browsers' write.png"),
    ]
    .into_iter()
    .enumerate()
    {
        let row = alex.sends(&id, name, &bytes).await;
        let called = row["content"]["filename"].as_str().unwrap().to_owned();
        assert!(shown.is_empty() || called == shown, "{called}");
        assert!(called.chars().count() <= 200 && called.ends_with(".png"), "{called}");
        settles(&Some(called.clone()), || async { seen(&relay, &chat).pop() }).await;
        sent(&relay, &id, &called, "confirmed").await;
        // A customer's is shown as it is, and saved under a name that does no harm.
        let theirs = format!("{number}{name}");
        relay.ada.customer_sends_file(&chat, &theirs, "image/png", bytes.clone()).await.unwrap();
        let row = alex.sees_file(&id, &theirs, "kept").await;
        let disposition = alex.downloads(&row).await.header("content-disposition").to_owned();
        assert!(disposition.is_ascii() && !disposition.contains(['/', '\\']), "{disposition}");
    }
    relay.finish().await;
}
