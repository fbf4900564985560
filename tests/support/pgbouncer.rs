//! PgBouncer in front of a PostgreSQL of the tests' own: each transaction gets whatever connection is free.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::postgres::{Server, own, run_as};

/// A running pooler. It ends with this process, however that ends.
pub struct Bouncer {
    folder: tempfile::TempDir,
    guard: Child,
}

impl Bouncer {
    /// Starts one. Its clients may be many more than its connections.
    pub fn start(server: &Server) -> Self {
        let folder = tempfile::Builder::new().prefix("pgbouncer").tempdir_in("/tmp").unwrap();
        let (path, log) = (folder.path().display(), folder.path().join("log").display().to_string());
        let settings = format!(
            "[databases]\n\
             * = host={} user=relay\n\
             [pgbouncer]\n\
             listen_port = 5432\n\
             unix_socket_dir = {path}\n\
             auth_type = any\n\
             pool_mode = transaction\n\
             default_pool_size = 20\n\
             max_client_conn = 500\n\
             ignore_startup_parameters =\n\
             logfile = {log}\n",
            server.folder().display(),
        );
        std::fs::write(folder.path().join("settings"), settings).unwrap();
        let user = own(&[folder.path()]);
        // When its input ends, the pooler does.
        let script = r#""$@" >/dev/null 2>&1 & pooler=$!; cat >/dev/null; kill -TERM $pooler; wait $pooler; rm -rf "$FOLDER""#;
        let mut pooler = run_as(user, "pgbouncer".as_ref());
        pooler.arg(folder.path().join("settings"));
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg("sh").env("FOLDER", folder.path());
        shell.arg(pooler.get_program()).args(pooler.get_args());
        let guard = shell.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let bouncer = Self { folder, guard };
        bouncer.wait_until_ready();
        bouncer
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        let host = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://relay@{host}/{database}?sslmode=disable")
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while std::os::unix::net::UnixStream::connect(self.folder.path().join(".s.PGSQL.5432")).is_err() {
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "PgBouncer does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        drop(self.guard.wait());
    }
}
