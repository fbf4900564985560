//! What sends: one thread, prebuilt requests, connections that stay open.
//!
//! A **closed loop** has each connection send its next request when the answer is there: that gives the throughput. An
//! **open loop** sends at fixed times whatever the server does, and measures from the time at which a request should
//! have left. So a server that stops for a moment pays for every request that it has kept waiting.

mod connection;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use hdrhistogram::Histogram;
use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    fd::OwnedFd,
    time::{ClockId, clock_gettime},
};

use self::connection::Connection;
use crate::webhooks::Requests;

/// The longest latency that is told from longer ones, in microseconds.
const LONGEST: u64 = 600_000_000;
/// An open loop that is so much longer than planned is given up.
const OVERTIME: f64 = 1.5;
/// A server that answers nothing for so long is dead.
const SILENCE: Duration = Duration::from_secs(30);

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// When the answer to the last one is there, until so much time has passed.
    Closed(Duration),
    /// So many a second, for so long.
    Open(f64, Duration),
}

/// What to send.
pub struct Load<'a> {
    /// To whom.
    pub address: SocketAddr,
    /// Over how many connections.
    pub connections: usize,
    /// What.
    pub requests: &'a Requests,
    /// From which one on.
    pub from: usize,
    /// Begin again when there are no more.
    pub again: bool,
    /// When.
    pub pace: Pace,
}

/// What came of it.
pub struct Outcome {
    /// When the first was sent, or should have been.
    pub began: Instant,
    /// Requests that were answered with success.
    pub accepted: u64,
    /// Requests that were answered otherwise, and the first such answer.
    pub refused: (u64, Option<String>),
    /// Requests of an open loop that were never sent, as it was given up.
    pub unsent: u64,
    /// To the last answer.
    pub took: Duration,
    /// In microseconds, of every answer.
    pub latencies: Histogram<u64>,
    /// CPU time of the generator's thread.
    pub cpu: Duration,
    /// The number of the first request that has not been sent.
    pub next: usize,
}

struct Generator<'a> {
    load: &'a Load<'a>,
    epoll: OwnedFd,
    connections: Vec<Connection>,
    /// Connections that wait for something to send. They take turns: a server closes one that is idle for long.
    idle: VecDeque<usize>,
    outcome: Outcome,
    sent: u64,
    answered: u64,
}

impl Load<'_> {
    /// Sends it.
    ///
    /// # Errors
    /// A connection fails, or the server answers no more.
    pub fn send(&self) -> Result<Outcome> {
        let mut generator = Generator::new(self)?;
        let cpu = thread_cpu();
        match self.pace {
            Pace::Closed(duration) => generator.closed(duration)?,
            Pace::Open(rate, duration) => generator.open(rate, duration)?,
        }
        let mut outcome = generator.outcome;
        outcome.cpu = thread_cpu().saturating_sub(cpu);
        Ok(outcome)
    }
}

impl<'a> Generator<'a> {
    fn new(load: &'a Load<'a>) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(load.connections);
        for number in 0..load.connections {
            let connection = Connection::open(load.address)?;
            epoll::add(
                &epoll,
                connection.stream(),
                epoll::EventData::new_u64(number as u64),
                epoll::EventFlags::IN,
            )?;
            connections.push(connection);
        }
        let outcome = Outcome {
            began: Instant::now(),
            accepted: 0,
            refused: (0, None),
            unsent: 0,
            took: Duration::ZERO,
            latencies: latencies()?,
            cpu: Duration::ZERO,
            next: load.from,
        };
        let idle = (0..load.connections).collect();
        Ok(Self { load, epoll, connections, idle, outcome, sent: 0, answered: 0 })
    }

    fn closed(&mut self, duration: Duration) -> Result<()> {
        loop {
            // Where others have the machine, the time may be over before it has begun.
            let is_due = |this: &Self| this.sent == 0 || this.outcome.began.elapsed() < duration;
            while is_due(self) && self.has_more() {
                let Some(idle) = self.idle.pop_front() else { break };
                self.send_on(idle, Instant::now())?;
            }
            if self.sent == self.answered {
                return Ok(());
            }
            self.wait(SILENCE)?;
        }
    }

    fn open(&mut self, rate: f64, duration: Duration) -> Result<()> {
        let planned = (rate * duration.as_secs_f64()) as u64;
        let given_up = duration.mul_f64(OVERTIME) + Duration::from_secs(1);
        loop {
            let is_over = self.sent > 0 && self.outcome.began.elapsed() > given_up;
            let mut pause = SILENCE;
            while self.sent < planned && self.has_more() && !is_over {
                let intended = self.outcome.began + Duration::from_secs_f64(self.sent as f64 / rate);
                pause = intended.saturating_duration_since(Instant::now());
                if !pause.is_zero() {
                    break;
                }
                pause = SILENCE;
                let Some(idle) = self.idle.pop_front() else { break };
                self.send_on(idle, intended)?;
            }
            if self.sent == self.answered && (self.sent == planned || !self.has_more() || is_over) {
                break;
            }
            self.wait(pause)?;
        }
        self.outcome.unsent = planned - self.sent;
        Ok(())
    }

    fn has_more(&self) -> bool {
        self.load.again || self.outcome.next < self.load.requests.len()
    }

    fn send_on(&mut self, number: usize, intended: Instant) -> Result<()> {
        let request = self.load.requests.get(self.outcome.next % self.load.requests.len());
        self.connections[number].send(request, intended)?;
        self.outcome.next += 1;
        self.sent += 1;
        Ok(())
    }

    /// Waits for answers, no longer than this, and notes them.
    fn wait(&mut self, pause: Duration) -> Result<()> {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(self.connections.len());
        epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&Timespec::try_from(pause)?))?;
        if events.is_empty() && pause == SILENCE {
            bail!("the server has answered nothing for {} s", SILENCE.as_secs());
        }
        for event in events {
            let number = event.data.u64() as usize;
            let Some(answer) = self.connections[number].receive()? else { continue };
            let now = Instant::now();
            let latency = now.saturating_duration_since(answer.intended).as_micros() as u64;
            self.outcome.latencies.saturating_record(latency.max(1));
            self.answered += 1;
            if answer.is_success {
                self.outcome.accepted += 1;
            } else {
                self.outcome.refused.0 += 1;
                self.outcome.refused.1.get_or_insert(answer.text);
            }
            self.outcome.took = now.saturating_duration_since(self.outcome.began);
            self.idle.push_back(number);
        }
        Ok(())
    }
}

/// An empty set of latencies, in microseconds.
///
/// # Errors
/// None, as long as its bounds are good.
pub fn latencies() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LONGEST, 3)?)
}

/// CPU time of this thread.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
