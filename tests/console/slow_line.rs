//! A line to the relay that is as slow as those of people far away.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// Ends with this.
pub struct SlowLine {
    pub url: String,
    /// Ends the connections that there are.
    cut: Arc<Mutex<CancellationToken>>,
    _connections: JoinSet<()>,
}

impl SlowLine {
    /// A line to `url` with this round trip. Each connection costs one before it carries anything. TCP's slow start isn't
    /// part of it.
    pub async fn to(url: &str, round_trip: Duration) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cut: Arc<Mutex<CancellationToken>> = Arc::default();
        let mut connections = JoinSet::new();
        let cuts = Arc::clone(&cut);
        connections.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (target, cut) = (target.clone(), cuts.lock().unwrap().clone());
                let carries = async move {
                    sleep(round_trip).await;
                    let Ok(relay) = TcpStream::connect(target).await else { return };
                    let ((from_client, to_client), (from_relay, to_relay)) =
                        (client.into_split(), relay.into_split());
                    let way = round_trip / 2;
                    tokio::join!(carry(from_client, to_relay, way), carry(from_relay, to_client, way));
                };
                open.spawn(async move {
                    cut.run_until_cancelled(carries).await;
                });
                while open.try_join_next().is_some() {}
            }
        });
        Self { url, cut, _connections: connections }
    }

    /// Whoever comes now makes a new connection.
    pub fn cut(&self) {
        std::mem::take(&mut *self.cut.lock().unwrap()).cancel();
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, way: Duration) {
    let (send, mut on_the_way) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let depart = async {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from.read(&mut bytes).await {
            let _ = send.send((Instant::now() + way, bytes[..read].to_vec()));
        }
        drop(send);
    };
    let arrive = async {
        while let Some((at, bytes)) = on_the_way.recv().await {
            sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(depart, arrive);
}
