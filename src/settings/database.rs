//! Where handoffs are kept.

use std::{path::PathBuf, time::Duration};

use super::{parse, parse::Parsed, reader::Reader};

/// Where handoffs are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In memory: a restart loses them.
    Memory,
    /// In this file, relative to the working directory unless absolute.
    Sqlite(PathBuf),
    /// In a database that several relays may share.
    Postgres(Box<Postgres>),
}

/// A database of PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    config: tokio_postgres::Config,
    /// `sslmode`: whether connections are private, and what certificate the server must have.
    pub ssl_mode: SslMode,
    /// `sslrootcert`: a file with the certificates of trusted authorities, in PEM. Without it the system's count.
    pub ssl_root_cert: Option<PathBuf>,
    /// `DATABASE_MAX_CONNECTIONS`: of one relay, beside the one that listens and the one for what arrives. 2 to 1,000.
    pub max_connections: usize,
    /// `DATABASE_STATEMENT_TIMEOUT`: a statement that takes longer fails. 1 s to 24 h.
    pub statement_timeout: Duration,
    /// `DATABASE_LOCK_TIMEOUT`: a statement that waits longer for another transaction fails. 1 s to 24 h.
    pub lock_timeout: Duration,
    /// How often the relay looks for what another one has left behind.
    pub sweep_every: Duration,
    /// After this time a conversation that nobody has taken care of is overdue: `DEBOUNCE_MAX_MS`, and a little more.
    pub overdue_after: Duration,
}

/// What libpq calls `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// TLS if the server has it.
    Prefer,
    /// TLS, with any certificate.
    Require,
    /// TLS, with a certificate of a trusted authority.
    VerifyCa,
    /// TLS, with such a certificate for the host that is connected to.
    VerifyFull,
}

/// Than it takes who has the timer of a conversation.
const A_LITTLE_MORE: Duration = Duration::from_secs(2);

impl Database {
    /// The database of a URL, with the defaults of everything else.
    ///
    /// # Errors
    /// What is wrong with it, without any part of it.
    pub fn parse(url: &str) -> Result<Self, String> {
        if url == "memory:" {
            return Ok(Self::Memory);
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Postgres::parse(url).map(|postgres| Self::Postgres(Box::new(postgres)));
        }
        match url.strip_prefix("sqlite://") {
            Some(":memory:") => Err("must be memory: to keep everything in memory".to_owned()),
            Some(path) if path.contains('?') => Err("must be sqlite://path without options (?)".to_owned()),
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            _ => Err("must be sqlite://path, postgres://user:password@host/database or memory:".to_owned()),
        }
    }
}

const EXAMPLE: &str = "postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full";
/// What libpq knows and this relay does not, and what other drivers want in their URLs. An option that is not known is not named:
/// it may be a part of a password that has a `?`.
const UNSUPPORTED: [&str; 27] = [
    "client_encoding",
    "connection_limit",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives_count",
    "krbsrvname",
    "max_protocol_version",
    "min_protocol_version",
    "passfile",
    "pgbouncer",
    "pool_timeout",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "schema",
    "service",
    "ssl",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcompression",
    "sslcrl",
    "sslkey",
    "sslpassword",
];

impl Postgres {
    /// The database of a URL as libpq takes it, with the defaults of everything else.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it, without any part of it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let authority = url.split('/').nth(2).unwrap_or_default();
        if authority.matches('@').count() > 1 {
            // What is behind the first one would be taken for a host, and shown.
            return Err("has an @ in its user or password, which must be written as %40".to_owned());
        }
        let (mut ssl_mode, mut ssl_root_cert, mut rest) = (None, None, Vec::new());
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let decode = |value| {
                let decoded = percent_encoding::percent_decode_str(value).decode_utf8();
                decoded.map_err(|_| "has an sslmode or sslrootcert that is not UTF-8".to_owned())
            };
            match option.split_once('=') {
                Some(("sslmode", mode)) => ssl_mode = Some(SslMode::parse(&decode(mode)?)?),
                Some(("sslrootcert", "system")) => ssl_root_cert = None,
                Some(("sslrootcert", path)) => ssl_root_cert = Some(PathBuf::from(&*decode(path)?)),
                Some((name, _)) if UNSUPPORTED.contains(&name) => {
                    return Err(format!("has the option {name}, which handoff-relay does not support"));
                }
                _ => rest.push(option),
            }
        }
        // As libpq: who names an authority wants it checked.
        let default = if ssl_root_cert.is_some() { SslMode::VerifyCa } else { SslMode::Prefer };
        let ssl_mode = match ssl_mode.unwrap_or(default) {
            SslMode::Require if ssl_root_cert.is_some() => SslMode::VerifyCa,
            mode => mode,
        };
        let unreadable = |_| format!("can't be read as a URL of PostgreSQL, such as {EXAMPLE}");
        let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config: tokio_postgres::Config = url.parse().map_err(unreadable)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(format!("must name a host, as in {EXAMPLE}"));
        }
        if config.get_dbname().is_none() {
            return Err(format!("must name a database, as in {EXAMPLE}"));
        }
        config.ssl_mode(match ssl_mode {
            SslMode::Disable => tokio_postgres::config::SslMode::Disable,
            SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                tokio_postgres::config::SslMode::Require
            }
        });
        Ok(Self {
            config,
            ssl_mode,
            ssl_root_cert,
            max_connections: 10,
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            sweep_every: Duration::from_secs(2),
            overdue_after: Duration::from_secs(5) + A_LITTLE_MORE,
        })
    }

    /// How connections are made.
    pub fn config(&self) -> tokio_postgres::Config {
        self.config.clone()
    }

    /// The hosts and their ports, for people.
    pub fn place(&self) -> String {
        use tokio_postgres::config::Host;
        let (hosts, addresses) = (self.config.get_hosts(), self.config.get_hostaddrs());
        let host = |place| match hosts.get(place) {
            Some(Host::Tcp(name)) => name.clone(),
            #[cfg(unix)]
            Some(Host::Unix(path)) => path.display().to_string(),
            None => addresses.get(place).map_or_else(String::new, ToString::to_string),
        };
        // One port is that of all hosts.
        let ports = self.config.get_ports();
        let port =
            |place| ports.get(place).or(ports.first()).map_or(String::new(), |port| format!(":{port}"));
        let places = 0..hosts.len().max(addresses.len());
        places.map(|place| host(place) + &port(place)).collect::<Vec<_>>().join(",")
    }

    /// Its place and the database, for people.
    pub fn name(&self) -> String {
        format!("PostgreSQL at {}, database {}", self.place(), self.config.get_dbname().unwrap_or_default())
    }
}

impl SslMode {
    fn parse(name: &str) -> Result<Self, String> {
        match name {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err("must have an sslmode of disable, prefer, require, verify-ca or verify-full".to_owned()),
        }
    }
}

pub(super) fn read(r: &mut Reader, debounce_max: Duration) -> Database {
    let database = r.or("DATABASE_URL", Database::Sqlite("handoffs.db".into()), Database::parse);
    let max_connections = r.or("DATABASE_MAX_CONNECTIONS", 10, connections);
    let statement_timeout = r.or("DATABASE_STATEMENT_TIMEOUT", Duration::from_secs(10), parse::duration);
    let lock_timeout = r.or("DATABASE_LOCK_TIMEOUT", Duration::from_secs(5), parse::duration);
    match database {
        Database::Postgres(postgres) => Database::Postgres(Box::new(Postgres {
            max_connections,
            statement_timeout,
            lock_timeout,
            overdue_after: debounce_max + A_LITTLE_MORE,
            ..*postgres
        })),
        other => other,
    }
}

fn connections(text: &str) -> Parsed<usize> {
    let number = text.parse().ok().filter(|number| (2..=1_000).contains(number));
    number.ok_or_else(|| "must be a whole number from 2 to 1000".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_as_libpq_reads_it() {
        for (options, mode, root) in [
            ("", SslMode::Prefer, None),
            ("?sslmode=disable", SslMode::Disable, None),
            ("?sslmode=require", SslMode::Require, None),
            ("?sslmode=verify-full&sslrootcert=system", SslMode::VerifyFull, None),
            ("?sslmode=verify%2Dfull", SslMode::VerifyFull, None),
            ("?sslmode=require&sslrootcert=/etc/ca%201.pem", SslMode::VerifyCa, Some("/etc/ca 1.pem")),
            ("?application_name=x&sslmode=verify-ca&connect_timeout=3", SslMode::VerifyCa, None),
        ] {
            let postgres =
                Postgres::parse(&format!("postgres://relay:secret@db.example:5432/relay{options}")).unwrap();
            assert_eq!(
                (postgres.ssl_mode, postgres.ssl_root_cert.clone()),
                (mode, root.map(PathBuf::from)),
                "{options}"
            );
            assert_eq!(postgres.name(), "PostgreSQL at db.example:5432, database relay");
            assert!(!format!("{postgres:?}").contains("secret"));
        }
        assert_eq!(
            Postgres::parse("postgresql://relay@/relay?host=/run/postgresql").unwrap().name(),
            "PostgreSQL at /run/postgresql, database relay"
        );
        assert_eq!(
            Postgres::parse("postgres://one:1,two:2/relay").unwrap().name(),
            "PostgreSQL at one:1,two:2, database relay"
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (url, says) in [
            ("postgres://relay:secret@db.example/relay?sslmode=allow", "sslmode of disable"),
            ("postgres://relay:secret@db.example/relay?nonsense=1", "can't be read"),
            ("postgres://relay:secret@db.example/relay?sslcert=secret", "the option sslcert"),
            ("postgres://relay:p@secret@db.example/relay", "must be written as %40"),
            ("postgres://relay:p?@secret@db.example/relay", "must be written as %40"),
            ("postgres://relay:secret@db.example:x/relay", "can't be read"),
            ("postgres://relay:secret@db.example", "must name a database"),
            ("postgres:///relay", "must name a host"),
        ] {
            let error = Postgres::parse(url).unwrap_err();
            assert!(error.contains(says) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
