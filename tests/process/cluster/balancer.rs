//! A balancer in front of several relays: each connection goes to the next one that takes it.

use std::sync::Arc;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::crash::deaths::Address;

/// Gone when dropped, and no connection of it stays.
pub struct Balancer {
    pub url: String,
    serves: JoinHandle<()>,
}

impl Balancer {
    pub async fn start(relays: Vec<Address>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let relays: Arc<[Address]> = relays.into();
        let serves = tokio::spawn(async move {
            for turn in 0.. {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(pass(client, Arc::clone(&relays), turn));
            }
        });
        Self { url, serves }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.serves.abort();
    }
}

/// Joins a connection with the relay whose turn it is, or with the next one that takes it, for as long as both want. If
/// there is none, it is closed.
async fn pass(mut client: TcpStream, relays: Arc<[Address]>, turn: usize) {
    for offset in 0..relays.len() {
        let address = relays[(turn + offset) % relays.len()].borrow().clone();
        let Some(address) = address else { continue };
        if let Ok(mut relay) = TcpStream::connect(address.trim_start_matches("http://")).await {
            // Whoever breaks it off breaks it off for both.
            drop(copy_bidirectional(&mut client, &mut relay).await);
            return;
        }
    }
}
