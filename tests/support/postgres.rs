//! A PostgreSQL of the tests' own: one server for a test process, and a database for each test.

use std::{
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use handoff_relay::settings::Postgres;

const PORT: u16 = 5432;
/// What is set for servers whose data nobody will miss.
pub const FAST: &[&str] = &["fsync=off", "full_page_writes=off"];

/// A running server. It ends with this process, however that ends.
pub struct Server {
    folder: tempfile::TempDir,
    /// Starts and stops the server as it is told. When its input ends, the server does.
    guard: Mutex<Child>,
    port: u16,
    databases: AtomicU32,
}

impl Server {
    /// Makes and starts one, with these settings.
    pub fn start(settings: &[&str]) -> Self {
        Self::start_at(PORT, settings).unwrap_or_else(|log| panic!("PostgreSQL does not start:\n{log}"))
    }

    /// The same, and loopback connections are taken at a port that is free.
    #[allow(dead_code, reason = "most tests need a socket alone")]
    pub fn start_on_loopback(settings: &[&str]) -> Self {
        let settings: Vec<&str> = ["listen_addresses=127.0.0.1"].iter().chain(settings).copied().collect();
        // Somebody else may take the port meanwhile.
        for _ in 0..5 {
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            match Self::start_at(port, &settings) {
                Ok(server) => return server,
                Err(log) => {
                    assert!(log.contains("Address already in use"), "PostgreSQL does not start:\n{log}")
                }
            }
        }
        panic!("no port is free for PostgreSQL");
    }

    /// Gives its log if it does not start.
    fn start_at(port: u16, settings: &[&str]) -> Result<Self, String> {
        Self::start_on(port, settings, |user, data| {
            let mut initdb = run_as(user, &program("initdb"));
            initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--username=relay"]);
            initdb.arg("--pgdata").arg(data);
            initdb
        })
    }

    /// A server that follows this one, a moment behind. It can be read.
    #[allow(dead_code, reason = "few tests need another server")]
    pub fn standby(&self) -> Self {
        let standby = Self::start_on(self.port, &[], |user, data| {
            let mut copy = run_as(user, &program("pg_basebackup"));
            copy.args([
                "--username=relay",
                "--checkpoint=fast",
                "--no-sync",
                "--write-recovery-conf",
                "--host",
            ]);
            copy.arg(self.folder.path()).arg("--pgdata").arg(data);
            copy
        });
        standby.unwrap_or_else(|log| panic!("a standby does not start:\n{log}"))
    }

    /// A server in a new folder, which `fill` fills.
    fn start_on(
        port: u16,
        settings: &[&str],
        fill: impl FnOnce(Option<&str>, &Path) -> Command,
    ) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let user = own(&[folder.path(), &data]);
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
        let filled = fill(user, &data).output().unwrap();
        assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
        let port_setting = format!("port={port}");
        let settings: Vec<&str> = [&*port_setting].iter().chain(settings).copied().collect();
        let guard = start(&folder, &data, user, &settings);
        let server = Self { folder, guard: Mutex::new(guard), port, databases: AtomicU32::new(0) };
        server.becomes_ready()?;
        Ok(server)
    }

    /// Where it takes connections.
    #[allow(dead_code, reason = "most tests need a socket alone")]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it, and waits until it is gone: `KILL` leaves it no time for a word, with `QUIT` it tells its clients that it
    /// goes. Either way it has to recover from its log when it is started again.
    pub fn kill(&self, signal: &str) {
        self.tell(signal);
    }

    /// Starts it again after it was killed. It may not be ready yet.
    pub fn start_again(&self) {
        self.tell("start");
    }

    fn tell(&self, word: &str) {
        let mut guard = self.guard.lock().unwrap();
        writeln!(guard.stdin.as_mut().unwrap(), "{word}").unwrap();
        let mut done = [0];
        guard.stdout.as_mut().unwrap().read_exact(&mut done).unwrap();
    }

    /// What it has written into its log.
    #[allow(dead_code, reason = "few tests look")]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Where its socket is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        let host = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://relay@{host}:{}/{database}?sslmode=disable", self.port)
    }

    /// A new database.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run("postgres", &format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    /// Runs statements in a database.
    pub async fn run(&self, database: &str, sql: &str) {
        execute(&self.url(database), sql).await;
    }

    /// Waits until it takes connections.
    pub fn wait_until_ready(&self) {
        self.becomes_ready().unwrap_or_else(|log| panic!("PostgreSQL does not start:\n{log}"));
    }

    fn becomes_ready(&self) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(60);
        let is_ready = || {
            let mut ready = Command::new(program("pg_isready"));
            ready.args(["--quiet", "--username=relay", "--host"]).arg(self.folder.path());
            ready.arg("--port").arg(self.port.to_string()).status().unwrap().success()
        };
        while !is_ready() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            if Instant::now() >= deadline || log.contains("could not create any TCP/IP sockets") {
                return Err(log);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        drop(guard.stdin.take());
        drop(guard.wait());
    }
}

/// Runs statements in the database of a URL.
pub async fn execute(url: &str, sql: &str) {
    connect(url).await.batch_execute(sql).await.unwrap();
}

/// A connection to the database of a URL, for as long as the test runs.
pub async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The server that the tests of this process share.
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start(FAST))
}

/// What a relay's settings say of the database of a URL. Nothing but the test itself looks for what was left.
pub fn settings(url: &str) -> Postgres {
    let mut settings = Postgres::parse(url).unwrap();
    (settings.max_connections, settings.sweep_every) = (6, Duration::from_hours(1));
    settings
}

/// Told `start`, it starts the server, and told the name of a signal it kills it, and waits until no process of it is
/// left: what is left of one keeps the next from starting. It stops it first, so that no process of it is new. For each
/// word that it has done it prints a dot. When its input ends, the server does, and nothing stays.
const GUARD: &str = r#"
start() { "$@" >>"$FOLDER/log" 2>&1 & server=$!; }
is_left() { ps -o stat= -p "$1" | grep -q '^[^Z]'; }
start "$@"
while read -r word; do
  if [ "$word" = start ]; then start "$@"; printf .; continue; fi
  if [ "$word" = KILL ]; then kill -STOP $server; fi
  of_it=$(ps -o pid= --ppid $server)
  kill "-$word" $server; wait $server
  for process in $of_it; do while is_left "$process"; do sleep 0.02; done; done
  printf .
done
kill -INT $server; wait $server; rm -rf "$FOLDER"
"#;

fn start(folder: &tempfile::TempDir, data: &Path, user: Option<&str>, settings: &[&str]) -> Child {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(GUARD).arg("sh").env("FOLDER", folder.path());
    let mut server = run_as(user, &program("postgres"));
    server.arg("-D").arg(data).arg("-k").arg(folder.path());
    for setting in ["listen_addresses=", "max_connections=600", "shared_buffers=32MB"].iter().chain(settings)
    {
        server.arg("-c").arg(setting);
    }
    shell.arg(server.get_program()).args(server.get_args());
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// A program of Debian's package, or of the path.
pub fn program(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|version| version.unwrap().path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    versions.sort();
    versions.pop().unwrap_or_else(|| name.into())
}

/// PostgreSQL refuses to run as root: then it runs as `nobody`, whose these folders become.
pub fn own(folders: &[&Path]) -> Option<&'static str> {
    std::fs::set_permissions(folders[0], std::fs::Permissions::from_mode(0o755)).unwrap();
    let user = Command::new("id").arg("-u").output().unwrap();
    if user.stdout != b"0\n" {
        return None;
    }
    let owned = Command::new("chown").arg("nobody").args(folders).status().unwrap();
    assert!(owned.success());
    Some("nobody")
}

/// A program as that user.
pub fn run_as(user: Option<&str>, program: &Path) -> Command {
    match user {
        None => Command::new(program),
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", user, "--regid", "nogroup", "--clear-groups"]).arg(program);
            command
        }
    }
}
