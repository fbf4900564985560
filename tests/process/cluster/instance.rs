//! One of several relays on one database, and who starts it again whenever it has ended.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

use crate::{
    crash::deaths::Address,
    moment,
    process::{Ended, Process},
    relay::{Relay, start, start_other, up_or_ended, url},
};

/// Before one that refused to start is started again.
const PAUSE: Duration = Duration::from_millis(200);

/// What becomes of an instance.
pub enum Order {
    /// SIGKILL, and a new start at once.
    Die,
    /// SIGSTOP, and SIGCONT after so long.
    Freeze(Duration),
    /// It is stopped in order, and another binary takes its place.
    Replace,
}

/// Gives orders to an instance. When it is dropped, the instance lives on.
pub struct Handle {
    orders: mpsc::UnboundedSender<Order>,
    address: Address,
}

impl Handle {
    pub fn order(&self, order: Order) {
        self.orders.send(order).unwrap();
    }

    /// Where the instance is, if it is.
    pub fn address(&self) -> Address {
        self.address.clone()
    }
}

pub struct Instance {
    folder: PathBuf,
    ada_url: String,
    settings: Vec<(&'static str, String)>,
    /// Until it is replaced, the binary that `CLUSTER_BEFORE` names runs, if it does.
    before: Option<PathBuf>,
    orders: mpsc::UnboundedReceiver<Order>,
    address: watch::Sender<Option<String>>,
}

/// How a life ends.
enum End {
    Killed,
    /// It could not start.
    Refused,
    Stopped,
    /// It does not.
    LivesOn,
}

impl Instance {
    pub fn new(folder: PathBuf, ada_url: &str, settings: Vec<(&'static str, String)>) -> (Self, Handle) {
        let (orders, ordered) = mpsc::unbounded_channel();
        let address = watch::Sender::new(None);
        let handle = Handle { orders, address: address.subscribe() };
        let before = std::env::var_os("CLUSTER_BEFORE").map(PathBuf::from);
        (Self { folder, ada_url: ada_url.to_owned(), settings, before, orders: ordered, address }, handle)
    }

    /// Starts it as often as it ends. Gives it when there are no more orders.
    pub async fn run(mut self) -> Relay {
        loop {
            let settings: Vec<(&str, &str)> =
                self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let process = match &self.before {
                None => start(&self.folder, &self.ada_url, &settings),
                Some(binary) => start_other(binary, &self.folder, &self.ada_url, &settings),
            };
            let end = self.live(&process).await;
            if !matches!(end, End::LivesOn) {
                self.address.send_replace(None);
            }
            match end {
                End::Killed => {
                    process.signal("KILL");
                    let ended = process.ended().await;
                    // It may just have ended by itself.
                    if ended.code.is_some() { refused(&ended) } else { ended.never_says(&[]) }
                }
                End::Stopped => {
                    let (ended, _) = process.stopped().await;
                    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
                    self.before = None;
                }
                End::Refused => {
                    refused(&process.ended().await);
                    moment(Instant::now() + PAUSE).await;
                }
                End::LivesOn => return Relay::of(process).await,
            }
        }
    }

    async fn live(&mut self, process: &Process) -> End {
        let line = loop {
            tokio::select! {
                line = up_or_ended(process) => break line,
                Some(order) = self.orders.recv() => match order {
                    Order::Die => return End::Killed,
                    Order::Replace => return End::Stopped,
                    Order::Freeze(long) => freeze(process, long).await,
                },
            }
        };
        let Some(line) = line else { return End::Refused };
        self.address.send_replace(Some(url(&line)));
        loop {
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(Order::Die) => return End::Killed,
                    Some(Order::Replace) => return End::Stopped,
                    Some(Order::Freeze(long)) => freeze(process, long).await,
                    None => return End::LivesOn,
                },
                () = process.stderr.end() => panic!("it ended by itself: {:#?}", process.stderr.so_far()),
            }
        }
    }
}

async fn freeze(process: &Process, long: Duration) {
    process.signal("STOP");
    moment(Instant::now() + long).await;
    process.signal("CONT");
}

/// A relay that does not find its database says so, and may try again.
fn refused(ended: &Ended) {
    ended.never_says(&[]);
    let says_why = ended.stderr.iter().any(|line| line.contains("DATABASE_URL"));
    assert!(ended.code == Some(1) && says_why, "{:?}: {:#?}", ended.code, ended.stderr);
}
