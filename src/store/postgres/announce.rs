//! After a commit: what agents see gets its number, and the other instances are told.
//!
//! Numbers are given one instance at a time, to changes that are committed. So their order is that of the commits, and who has
//! seen a number will see nothing new below it.

use tokio::sync::{mpsc, oneshot};

use super::{
    Shared,
    connection::Connection,
    query::{Statement, run_together, values},
    watch::News,
};
use crate::store::{
    StoreError,
    signals::{FeedPosition, TouchedTopics},
    unsigned,
};

/// How many commits are announced together.
const BATCH: usize = 256;

/// Held while numbers are given. What comes behind it in the transaction sees what was committed before.
const LOCK: &str = "SELECT pg_advisory_xact_lock(17, 3)";
const NUMBER: &str = "WITH without AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM changes WHERE number IS NULL), \
        more AS (SELECT COUNT(*) AS number FROM without), \
        grown AS (UPDATE feed SET last = last + more.number FROM more WHERE more.number > 0 RETURNING last, more.number), \
        numbered AS (UPDATE changes SET number = grown.last - grown.number + without.place FROM without, grown \
            WHERE changes.id = without.id) \
    SELECT COALESCE((SELECT last FROM grown), (SELECT last FROM feed))";

/// A commit that is to be announced.
pub struct Announcement {
    pub touched: TouchedTopics,
    /// Told when it is done, or can't be done now.
    pub tell: Option<oneshot::Sender<()>>,
}

impl Shared {
    /// Signals a commit here, and announces it elsewhere. Returns when what agents see has its number.
    pub async fn announce(&self, touched: TouchedTopics) {
        self.signals.committed(touched, FeedPosition::Same);
        if !touched.concerns_others() {
            return;
        }
        let (tell, told) = oneshot::channel();
        let tell = touched.feed().then_some(tell);
        let waits = tell.is_some();
        if self.announcer.send(Announcement { touched, tell }).is_ok() && waits {
            drop(told.await);
        }
    }

    /// Gives numbers to what has none yet, and tells the other instances. Gives the newest number.
    pub async fn number(&self, touched: TouchedTopics) -> Result<u64, StoreError> {
        let statements = vec![Statement::new(LOCK, values![]), Statement::new(NUMBER, values![])];
        let first = async |client: &Connection| run_together(client, statements).await;
        let (transaction, rows) = self.connections.begin_with(first).await?;
        let numbered = async {
            let newest = rows[1].first().map_or(Ok(0), |row| row.try_get::<_, i64>(0))?;
            let newest = unsigned(newest);
            let news = News { from: self.instance.clone(), touched, newest }.to_string();
            let tell = Statement::new("SELECT pg_notify($1, $2)", values![super::watch::CHANNEL, news]);
            run_together(transaction.client(), vec![tell]).await?;
            Ok(newest)
        };
        match numbered.await {
            Ok(newest) => transaction.commit().await.map(|()| newest),
            Err(error) => {
                transaction.roll_back().await;
                Err(error)
            }
        }
    }
}

/// Announces commits, until nobody can make any more.
pub async fn run(shared: &Shared, mut queue: mpsc::UnboundedReceiver<Announcement>) {
    let mut announcements = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut announcements, BATCH).await > 0 {
        let touched = announcements
            .iter()
            .fold(TouchedTopics::default(), |touched, announcement| touched.and(announcement.touched));
        match shared.number(touched).await {
            Ok(newest) => shared.signals.committed(TouchedTopics::default(), FeedPosition::At(newest)),
            // It is committed: whoever looks next gives the numbers.
            Err(error) => tracing::warn!(error = %error, "changes wait for their numbers"),
        }
        for announcement in announcements.drain(..) {
            // Whoever waits may have gone.
            let _ = announcement.tell.map(|tell| tell.send(()));
        }
    }
}
