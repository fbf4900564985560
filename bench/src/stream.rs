//! An agent's event stream, and when each message came over it.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::{relay::as_agent, webhooks};

/// An open stream. Its thread ends when the relay closes it.
pub struct Stream {
    seen: Arc<Seen>,
}

struct Seen {
    times: Vec<OnceLock<Instant>>,
    count: AtomicUsize,
    resets: AtomicUsize,
}

impl Stream {
    /// Opens it, and notes when messages come whose number is below `messages`.
    ///
    /// # Errors
    /// The relay refuses.
    pub fn open(address: SocketAddr, messages: usize) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        let head = format!("GET /api/events HTTP/1.1\r\nhost: 127.0.0.1\r\n{}\r\n", as_agent());
        stream.write_all(head.as_bytes())?;
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let status = lines.next().context("the event stream did not open")?;
        if !status.contains(" 200 ") {
            bail!("the event stream did not open: {status}");
        }
        // The first event says that nothing is missed from here on.
        lines.find(|line| line.starts_with("id:")).context("the event stream says nothing")?;
        let times = (0..messages).map(|_| OnceLock::new()).collect();
        let seen = Arc::new(Seen { times, count: AtomicUsize::new(0), resets: AtomicUsize::new(0) });
        let told = Arc::clone(&seen);
        std::thread::Builder::new().name("stream".to_owned()).spawn(move || {
            let mut event = String::new();
            lines.for_each(|line| told.line(&mut event, &line));
        })?;
        Ok(Self { seen })
    }

    /// How many messages have come.
    pub fn count(&self) -> usize {
        self.seen.count.load(Ordering::Relaxed)
    }

    /// How often the relay has asked to load anew.
    pub fn resets(&self) -> usize {
        self.seen.resets.load(Ordering::Relaxed)
    }

    /// When the message with this number came.
    pub fn time(&self, number: usize) -> Option<Instant> {
        self.seen.times.get(number)?.get().copied()
    }
}

impl Seen {
    /// Takes a line of what belongs to the `event` named before it. What arrives still waits for its quiet period.
    fn line(&self, event: &mut String, line: &str) {
        if let Some(name) = line.strip_prefix("event: ") {
            name.clone_into(event);
            self.resets.fetch_add(usize::from(name == "reset"), Ordering::Relaxed);
            return;
        }
        let is_shown = event != "arriving" && line.starts_with("data:");
        let number = is_shown.then(|| webhooks::number(line)).flatten();
        let Some(time) = number.and_then(|number| self.times.get(number)) else { return };
        // A row that has changed comes again: the first time counts.
        if time.set(Instant::now()).is_ok() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }
}
