//! Many event streams, read by one thread, and when each message came over each of them.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use anyhow::{Result, ensure};
use memchr::memmem;
use rustix::{buffer::spare_capacity, event::epoll, fd::OwnedFd};

use crate::webhooks::MARK;

/// Read at once from one stream.
const CHUNK: usize = 256 << 10;

/// Open streams. Their thread ends when the relay closes them.
pub struct Audience {
    seen: Arc<Mutex<Seen>>,
}

/// What came.
#[derive(Default)]
pub struct Seen {
    /// For each message, when it came over which stream first.
    pub times: Vec<Vec<Option<Instant>>>,
    /// How many of them came.
    pub count: usize,
    /// How often a stream was told to load anew, or ended.
    pub breaks: usize,
}

struct One {
    stream: TcpStream,
    /// The beginning of an event whose end has not come.
    rest: Vec<u8>,
}

impl Audience {
    /// Opens a stream for each of these headers, and notes when messages come whose number is below `messages`.
    ///
    /// # Errors
    /// The relay refuses.
    pub fn open(address: SocketAddr, headers: &[String], messages: usize) -> Result<Self> {
        let streams = headers.iter().map(|header| One::open(address, header)).collect::<Result<Vec<_>>>()?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (number, one) in streams.iter().enumerate() {
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&epoll, &one.stream, data, epoll::EventFlags::IN)?;
        }
        let times = vec![vec![None; streams.len()]; messages];
        let seen = Arc::new(Mutex::new(Seen { times, ..Seen::default() }));
        let told = Arc::clone(&seen);
        std::thread::Builder::new().name("streams".to_owned()).spawn(move || read(&epoll, streams, &told))?;
        Ok(Self { seen })
    }

    /// What came so far.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl One {
    fn open(address: SocketAddr, header: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream
            .write_all(format!("GET /api/events HTTP/1.1\r\nhost: 127.0.0.1\r\n{header}\r\n").as_bytes())?;
        let mut head = Vec::new();
        // The first event says that nothing is missed from here on.
        while memmem::find(&head, b"id: ").is_none() {
            let mut some = [0; 1_024];
            let read = stream.read(&mut some)?;
            head.extend_from_slice(&some[..read]);
            ensure!(read > 0 && head.starts_with(b"HTTP/1.1 200"), "an event stream did not open");
        }
        Ok(Self { stream, rest: Vec::new() })
    }
}

/// Reads all streams until one ends.
fn read(epoll: &OwnedFd, mut streams: Vec<One>, seen: &Mutex<Seen>) {
    let mut buffer = vec![0; CHUNK];
    let mut events: Vec<epoll::Event> = Vec::with_capacity(streams.len());
    loop {
        events.clear();
        if epoll::wait(epoll, spare_capacity(&mut events), None).is_err() {
            continue;
        }
        for event in &events {
            let number = event.data.u64() as usize;
            let read = streams[number].stream.read(&mut buffer).unwrap_or(0);
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            if read == 0 {
                seen.breaks += 1;
                return;
            }
            streams[number].rest.extend_from_slice(&buffer[..read]);
            seen.take(number, &mut streams[number].rest, Instant::now());
        }
    }
}

impl Seen {
    /// Takes whole events off what came over a stream. What is between them of the transfer's own coding does not matter.
    fn take(&mut self, stream: usize, bytes: &mut Vec<u8>, now: Instant) {
        let mut begin = 0;
        while let Some(end) = memmem::find(&bytes[begin..], b"\n\n") {
            self.event(stream, &bytes[begin..begin + end], now);
            begin += end + 2;
        }
        bytes.drain(..begin);
    }

    fn event(&mut self, stream: usize, event: &[u8], now: Instant) {
        self.breaks += usize::from(memmem::find(event, b"event: reset").is_some());
        // What arrives still waits for its quiet period, and a handoff shows only its last message.
        if memmem::find(event, b"event: message\n").is_none() {
            return;
        }
        let number = memmem::find(event, MARK.as_bytes()).map(|at| &event[at + MARK.len()..]);
        let digits = number.and_then(|rest| rest.split(|byte| *byte == b';').next());
        let number: Option<usize> = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let Some(time) = number.and_then(|number| self.times.get_mut(number)?.get_mut(stream)) else {
            return;
        };
        if time.is_none() {
            *time = Some(now);
            self.count += 1;
        }
    }
}

/// The least that must have come, or an error.
///
/// # Errors
/// A stream broke off.
pub fn is_whole(seen: &Seen, wanted: usize) -> Result<Option<()>> {
    ensure!(seen.breaks == 0, "a stream ended, or was told to load anew: what it skipped has no time");
    Ok((seen.count >= wanted).then_some(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_in_pieces_once() {
        let mut seen = Seen { times: vec![vec![None; 2]; 3], ..Seen::default() };
        let whole =
            b"id: 1\nevent: message\ndata: {\"body\":\"bench-2;\"}\n\nevent: arriving\ndata: bench-1;\n\n";
        let mut bytes = Vec::new();
        for piece in whole.chunks(7).chain(whole.chunks(9)) {
            bytes.extend_from_slice(piece);
            seen.take(1, &mut bytes, Instant::now());
        }
        assert_eq!((seen.count, bytes.len()), (1, 0));
        assert!(seen.times[2][1].is_some() && seen.times[1][1].is_none());
    }
}
