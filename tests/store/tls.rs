//! Connections that are private, to a server that takes no others.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf};

use handoff_relay::{
    settings::Database,
    store::{Copies, open},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use super::{
    file::now,
    names::asked_by_name,
    postgres::{self, FAST, Server, own},
};

/// A server whose certificate says `localhost`, and names no address.
struct Private {
    server: Server,
    folder: TempDir,
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl Private {
    async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("tls").tempdir_in("/tmp").unwrap();
        let path = |name: &str| folder.path().join(name);
        let (issuer, stranger, key) =
            (authority("ours"), authority("a stranger"), KeyPair::generate().unwrap());
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        for (name, text) in [
            ("key.pem", key.serialize_pem()),
            ("certificate.pem", certificate.pem()),
            ("authority.pem", issuer.pem()),
            ("stranger.pem", stranger.pem()),
            ("empty.pem", String::new()),
            // Everybody encrypts.
            ("hba", "local all all trust\nhostssl all all 127.0.0.1/32 trust\n".to_owned()),
        ] {
            std::fs::write(path(name), text).unwrap();
        }
        own(&[folder.path(), &path("key.pem"), &path("hba")]);
        std::fs::set_permissions(path("key.pem"), std::fs::Permissions::from_mode(0o600)).unwrap();
        let set = |name: &str, file: &str| format!("{name}={}", path(file).display());
        let settings = [
            "ssl=on".to_owned(),
            set("ssl_cert_file", "certificate.pem"),
            set("ssl_key_file", "key.pem"),
            set("hba_file", "hba"),
            "log_statement=all".to_owned(),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).chain(FAST.iter().copied()).collect();
        let server = Server::start_on_loopback(&settings);
        server.run("postgres", "CREATE DATABASE private").await;
        Self { server, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self, host: &str, parameters: &str) -> String {
        format!("postgres://relay@{host}:{}/private?{parameters}", self.server.port())
    }

    /// What comes of opening a store there.
    async fn opens(&self, host: &str, parameters: &str) -> Result<(), String> {
        let settings = Box::new(postgres::settings(&self.url(host, parameters)));
        let opened = open(&Database::Postgres(settings), Copies::Make, now()).await;
        let opened = opened.map_err(|error| error.to_string())?;
        let running = tokio::spawn(opened.writer.unwrap());
        // The request to cancel, which tells whose backend it is, is written otherwise with TLS.
        assert!(asked_by_name(&self.server, &*opened.store).await > 0, "{parameters}");
        drop(opened.store);
        running.abort();
        Ok(())
    }
}

#[tokio::test]
async fn each_sslmode_asks_for_what_libpq_asks_for() {
    let private = Private::start().await;
    let root = |name: &str| format!("sslrootcert={}", private.file(name).display());
    let (own, stranger, empty) = (root("authority.pem"), root("stranger.pem"), root("empty.pem"));
    let verified = |mode: &str, root: &str| format!("sslmode={mode}&{root}");
    let (refused_plain, refused_name, refused_issuer) =
        (Some("no pg_hba.conf entry"), Some("not valid for name"), Some("UnknownIssuer"));
    for (host, parameters, refused) in [
        ("127.0.0.1", "sslmode=disable".to_owned(), refused_plain),
        ("127.0.0.1", "sslmode=prefer".to_owned(), None),
        ("127.0.0.1", "sslmode=require".to_owned(), None),
        ("127.0.0.1", verified("verify-ca", &own), None),
        ("127.0.0.1", verified("require", &stranger), refused_issuer),
        ("127.0.0.1", verified("verify-ca", &stranger), refused_issuer),
        ("127.0.0.1", verified("verify-full", &own), refused_name),
        ("localhost", verified("verify-full", &own), None),
        ("localhost", verified("verify-full", &stranger), refused_issuer),
        ("localhost", "sslmode=verify-full".to_owned(), refused_issuer),
        ("localhost", verified("verify-full", &empty), Some("empty.pem: it has no certificate")),
        ("localhost", verified("verify-full", &root("none.pem")), Some("none.pem: ")),
    ] {
        let came = private.opens(host, &parameters).await;
        match (came, refused) {
            (Ok(()), None) => {}
            (Err(error), Some(words)) => assert!(error.contains(words), "{host} {parameters}: {error}"),
            (came, _) => panic!("{host} {parameters}: {came:?}"),
        }
    }
}

/// A server that does not encrypt is refused by who asks for it, and taken by who would only like it.
#[tokio::test]
async fn a_server_without_tls_is_taken_by_who_prefers_it() {
    let server = Server::start_on_loopback(FAST);
    server.run("postgres", "CREATE DATABASE plain").await;
    for (mode, works) in [("prefer", true), ("require", false), ("verify-full", false)] {
        let url = format!("postgres://relay@127.0.0.1:{}/plain?sslmode={mode}", server.port());
        let database = Database::Postgres(Box::new(postgres::settings(&url)));
        let opened = open(&database, Copies::Make, now()).await;
        assert_eq!(opened.is_ok(), works, "{mode}");
        if let Err(error) = opened {
            assert!(error.to_string().contains("TLS"), "{mode}: {error}");
        }
    }
}
