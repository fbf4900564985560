//! Who is at the other end of a connection.

use std::{net::IpAddr, pin::Pin};

use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;

/// A connection on which writing doesn't wait for ever.
pub type Stream = Pin<Box<TimeoutStream<TcpStream>>>;

/// Where a connection comes from. An extension of each of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);
