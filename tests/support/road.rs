//! A road to a database, over which nothing may come for a while, or not everything.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::{oneshot, watch},
    task::JoinHandle,
};

/// A commit that is waited for, and who is told when it is on its way.
type Trap = Option<Awaited>;

struct Awaited {
    /// What its transaction has said before.
    of: &'static str,
    /// Whether it arrives. Its answer does not.
    arrives: bool,
    tell: oneshot::Sender<Caught>,
}

/// Something that was on its way to the database. Until this is dropped, whoever has sent it waits. Then it learns that the
/// connection is gone.
pub struct Caught(#[allow(dead_code, reason = "dropping it says so")] oneshot::Sender<()>);

/// Gone when dropped.
pub struct Road {
    port: u16,
    open: watch::Sender<bool>,
    /// Of those that go on, how often they have been abandoned.
    abandoned: watch::Sender<u32>,
    socket: Arc<Mutex<PathBuf>>,
    trap: Arc<Mutex<Trap>>,
    serves: JoinHandle<()>,
}

impl Road {
    /// One to the server with this folder.
    pub async fn to(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (open, abandoned) = (watch::Sender::new(true), watch::Sender::new(0));
        let trap = Arc::<Mutex<Trap>>::default();
        let socket = Arc::new(Mutex::new(socket_in(folder)));
        let (target, traps) = (Arc::clone(&socket), Arc::clone(&trap));
        let (gate, other_gate) = (open.subscribe(), abandoned.clone());
        let serves = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let socket = target.lock().unwrap().clone();
                let gate =
                    Gate { open: gate.clone(), abandoned: other_gate.subscribe(), of: *other_gate.borrow() };
                tokio::spawn(pass(client, socket, gate, Arc::clone(&traps)));
            }
        });
        Self { port, open, abandoned, socket, trap, serves }
    }

    /// From now on, to the server with this folder.
    pub fn leads_to(&self, folder: &Path) {
        *self.socket.lock().unwrap() = socket_in(folder);
    }

    /// The URL of a database at its end.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://relay@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// Nothing comes through, and nobody is told.
    pub fn hangs(&self) {
        self.open.send_replace(false);
    }

    /// From now on, nothing comes through on the connections that there are, and nobody is told. New ones work.
    pub fn abandons_its_connections(&self) {
        self.abandoned.send_modify(|times| *times += 1);
    }

    /// What was sent meanwhile comes now.
    pub fn opens(&self) {
        self.open.send_replace(true);
    }

    /// Waits for the next commit of a transaction that has said this. It does not arrive.
    pub async fn catches_a_commit_of(&self, of: &'static str) -> Caught {
        self.waits_for(of, false).await
    }

    /// The same of one that arrives, and whose answer does not.
    pub async fn loses_the_answer_to_a_commit_of(&self, of: &'static str) -> Caught {
        self.waits_for(of, true).await
    }

    async fn waits_for(&self, of: &'static str, arrives: bool) -> Caught {
        let (tell, told) = oneshot::channel();
        *self.trap.lock().unwrap() = Some(Awaited { of, arrives, tell });
        told.await.unwrap()
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.serves.abort();
    }
}

fn socket_in(folder: &Path) -> PathBuf {
    folder.join(".s.PGSQL.5432")
}

/// What lets a connection through.
#[derive(Clone)]
struct Gate {
    open: watch::Receiver<bool>,
    abandoned: watch::Receiver<u32>,
    /// How often those before it were abandoned.
    of: u32,
}

impl Gate {
    /// Returns when something may pass, or nothing ever will.
    async fn lets_through(&mut self) -> Option<()> {
        self.open.wait_for(|open| *open).await.ok()?;
        let of = self.of;
        if *self.abandoned.borrow() != of {
            self.abandoned.wait_for(|times| *times == of).await.ok()?;
        }
        Some(())
    }
}

async fn pass(client: TcpStream, socket: PathBuf, gate: Gate, trap: Arc<Mutex<Trap>>) {
    let Ok(server) = UnixStream::connect(socket).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let (nowhere, away) = (Mutex::default(), gate.clone());
    let (mut there, mut back) = ((from_client, to_server), (from_server, to_client));
    // Whoever breaks it off breaks it off for both.
    let caught = tokio::select! {
        caught = carry(&mut there, gate, &trap) => caught,
        _ = carry(&mut back, away, &nowhere) => None,
    };
    if let Some(released) = caught {
        drop(released.await);
    }
}

/// Until one of both ends it, or something is caught: then gives what tells when that is released.
async fn carry(
    (from, to): &mut (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    mut gate: Gate,
    trap: &Mutex<Trap>,
) -> Option<oneshot::Receiver<()>> {
    let mut bytes = vec![0; 1 << 16];
    let mut is_of_it = false;
    loop {
        let read = from.read(&mut bytes).await.unwrap_or(0);
        gate.lets_through().await?;
        if read == 0 {
            return None;
        }
        let awaited = sprung(trap, &mut is_of_it, &bytes[..read]);
        if awaited.as_ref().is_none_or(|awaited| awaited.arrives) {
            to.write_all(&bytes[..read]).await.ok()?;
        }
        if let Some(Awaited { tell, .. }) = awaited {
            let (caught, released) = oneshot::channel();
            drop(tell.send(Caught(caught)));
            return Some(released);
        }
    }
}

/// `is_of_it` remembers of a connection whether its transaction has said what is waited for.
fn sprung(trap: &Mutex<Trap>, is_of_it: &mut bool, bytes: &[u8]) -> Option<Awaited> {
    let has = |words: &str| bytes.windows(words.len()).any(|part| part == words.as_bytes());
    let mut trap = trap.lock().unwrap();
    *is_of_it |= has(trap.as_ref()?.of);
    if !has("COMMIT") {
        return None;
    }
    if std::mem::take(is_of_it) { trap.take() } else { None }
}
