//! Where the relay keeps things and where it listens: looked at, and left as it is.

use std::{io::ErrorKind, net::SocketAddr, net::TcpListener, time::Duration};

use handoff_relay::{
    files::{Files, FilesError},
    relay::id::AiAgentId,
    settings::{Database, FilesPlace, Postgres, Settings},
    store::{self, DatabaseState, FileState, PostgresStore},
};

use super::Verdict;
use crate::health;

/// A cloud is tried several times within it.
const FILES_PATIENCE: Duration = Duration::from_secs(30);

/// How the store stands, and whether a relay has it open, as far as the store can tell.
pub async fn store(database: &Database) -> (Verdict, bool) {
    let path = match database {
        Database::Memory => {
            return (Verdict::Known("memory: a restart loses every handoff".to_owned()), false);
        }
        Database::Postgres(postgres) => return (postgres_store(postgres).await, false),
        Database::Sqlite(path) => path,
    };
    let name = path.display();
    let verdict = match store::inspect(path) {
        Err(error) => Verdict::Bad(format!("{error}; see DATABASE_URL")),
        Ok(FileState::Missing) => {
            Verdict::Good(format!("{name} does not exist yet: the first start creates it"))
        }
        Ok(FileState::InUse) => {
            return (Verdict::Known(format!("{name} is in use by another handoff-relay")), true);
        }
        Ok(FileState::NotClosed) => Verdict::Known(format!(
            "{name} was not closed, for example after a crash: the next start recovers its write-ahead log"
        )),
        Ok(FileState::Closed { schema, newest }) if schema < newest => {
            Verdict::Known(format!("{name} has schema {schema}: the next start upgrades it to {newest}"))
        }
        Ok(FileState::Closed { .. }) => Verdict::Good(format!("{name} can be read and written")),
    };
    (verdict, false)
}

/// How a database of PostgreSQL stands: it is asked, and left as it is.
async fn postgres_store(postgres: &Postgres) -> Verdict {
    let name = postgres.name();
    match PostgresStore::inspect(postgres).await {
        Err(error) => Verdict::Bad(format!("{error}; see DATABASE_URL")),
        Ok(DatabaseState { schema: 0, .. }) => {
            Verdict::Good(format!("{name} is empty: the first start makes the tables"))
        }
        Ok(DatabaseState { schema, newest }) if schema < newest => {
            Verdict::Known(format!("{name} has schema {schema}: the next start upgrades it to {newest}"))
        }
        Ok(_) => Verdict::Good(format!("{name} can be read and written")),
    }
}

/// Whether all that is open in the store belongs to an AI Agent of the settings file.
pub async fn owners(settings: &Settings) -> Verdict {
    let stored = match store::ai_agents_at_work(&settings.database).await {
        Ok(Some(stored)) => stored,
        Ok(None) => return Verdict::Known("not compared: the store can't be read at present".to_owned()),
        Err(error) => return Verdict::Known(format!("not compared: {error}")),
    };
    let is_listed = |id: &AiAgentId| {
        let mut listed = settings.ai_agents.iter();
        listed.any(|known| known.id == id.as_str() || known.formerly.iter().any(|id_| id_ == id.as_str()))
    };
    let strangers: Vec<&str> = stored.iter().filter(|id| !is_listed(id)).map(AiAgentId::as_str).collect();
    if strangers.is_empty() {
        return Verdict::Good("all open handoffs belong to an AI Agent of the settings file".to_owned());
    }
    Verdict::Bad(format!(
        "there are open handoffs or unsent messages of {}, which the settings file does not list: add it, or name it in \
         `formerly` of its successor",
        strangers.join(", ")
    ))
}

/// Whether files can be kept.
pub async fn files(place: &FilesPlace) -> Verdict {
    let (name, advice) = match place {
        FilesPlace::Memory => return Verdict::Known("memory: a restart loses every file".to_owned()),
        FilesPlace::Folder(path) => (path.display().to_string(), "check that the folder can be written"),
        FilesPlace::S3(bucket) => (
            format!("the bucket {}", bucket.name),
            "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT, or the machine's role",
        ),
        FilesPlace::Gcs(bucket) => {
            (format!("the bucket {}", bucket.name), "check GOOGLE_SERVICE_ACCOUNT, or the machine's role")
        }
        FilesPlace::Azure(bucket) => (
            format!("the container {}", bucket.name),
            "check AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY, or the machine's role",
        ),
    };
    match (tokio::time::timeout(FILES_PATIENCE, Files::look_at(place)).await, place) {
        (Ok(Ok(true)), FilesPlace::Folder(_)) => Verdict::Good(format!("{name} can be written")),
        (Ok(Ok(false)), _) => Verdict::Good(format!("{name} does not exist yet: the first start creates it")),
        (Ok(Ok(true)), _) => {
            Verdict::Good(format!("{name} can be reached; the start checks whether it can be written"))
        }
        (Ok(Err(FilesError::Unavailable(reason) | FilesError::Unusable(reason))), _) => {
            Verdict::Bad(format!("{name}: {reason}; {advice}"))
        }
        (Err(_), _) => Verdict::Bad(format!("{name} does not answer; {advice}")),
    }
}

/// Whether the addresses are free. `has_store` says that a relay has the store open, which will be what listens there.
pub async fn addresses(settings: &Settings, has_store: bool) -> Vec<(&'static str, Verdict)> {
    // Any number of relays may have PostgreSQL open, so the one that listens here is asked.
    let is_shared = matches!(settings.database, Database::Postgres(_));
    let is_running = has_store || (is_shared && health::is_live(settings.listen).await);
    let agents = settings.agent_listen.map(|address| ("AGENT_LISTEN port", "AGENT_LISTEN", address));
    let all = [Some(("LISTEN port", "LISTEN", settings.listen)), agents];
    let all = all.into_iter().flatten();
    all.map(|(line, setting, address)| (line, listen(setting, address, is_running))).collect()
}

fn listen(setting: &str, address: SocketAddr, is_running: bool) -> Verdict {
    match TcpListener::bind(address) {
        Ok(_) => Verdict::Good(format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_running => {
            Verdict::Known(format!("{address} is in use: a relay is running"))
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Verdict::Bad(format!("another program uses {address}: stop it, or set {setting} to another port"))
        }
        Err(error) => Verdict::Bad(format!("can't listen on {address}: {error}; check {setting}")),
    }
}
