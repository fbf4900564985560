//! Which AI Agents have something open in a database that this process has not opened.

use super::{FileState, PostgresStore, StoreError, inspect, sqlite};
use crate::{relay::id::AiAgentId, settings::Database};

/// Those with an open handoff, a delivery to Ada, or an event in the inbox.
pub(super) const AT_WORK: &str = "SELECT ai_agent FROM handoffs WHERE status <> 'ended' \
    UNION SELECT ai_agent FROM outbox WHERE lane LIKE 'ada%' \
    UNION SELECT ai_agent FROM journal WHERE doc <> ''";

/// The AI Agents with something open; `None` if that can't be told while the database is in use or was not closed.
///
/// # Errors
/// The database can't be read.
pub async fn ai_agents_at_work(database: &Database) -> Result<Option<Vec<AiAgentId>>, StoreError> {
    let path = match database {
        Database::Memory => return Ok(Some(Vec::new())),
        Database::Postgres(postgres) => return PostgresStore::ai_agents_at_work(postgres).await.map(Some),
        Database::Sqlite(path) => path,
    };
    match inspect(path)? {
        FileState::Missing => Ok(Some(Vec::new())),
        FileState::InUse | FileState::NotClosed => Ok(None),
        FileState::Closed { schema, newest } if schema < newest => Ok(None),
        FileState::Closed { .. } => sqlite::ai_agents_at_work(path).map(Some),
    }
}
