//! `handoff-relay check`: tries what the settings name, a line for each, and says what to do about failures.

use std::{process::ExitCode, time::Duration};

use futures_util::future::OptionFuture;
use handoff_relay::{
    ada::{api::Ada, client::Client, limits::Rates},
    environment::{Environment, Machine},
    files::{Files, FilesError},
    relay::delivery::Failure,
    settings::{Database, FilesPlace, Finding, Settings, State},
    store,
};

use crate::print;

/// Svix signatures are good for five minutes; a clock this far off is on its way there.
const CLOCK_WARNING: Duration = Duration::from_secs(30);
const CLOCK_FAILURE: Duration = Duration::from_secs(240);

/// A cloud is tried several times within it.
const FILES_PATIENCE: Duration = Duration::from_secs(30);

/// How a check ended, and its line.
enum Verdict {
    Good(String),
    Known(String),
    Bad(String),
}

pub async fn run() -> ExitCode {
    let (findings, settings) = Settings::survey();
    let mut failed = false;
    for finding in findings {
        let Finding { name, state } = finding;
        failed |= say(
            &name,
            match state {
                State::Set => Verdict::Good("set".to_owned()),
                State::Unset => Verdict::Good("not set, the default serves".to_owned()),
                State::Warned(sentence) => Verdict::Known(sentence),
                State::Wrong(sentence) => Verdict::Bad(sentence),
            },
        );
    }
    let Some(settings) = settings else {
        print("\nThe settings above marked FAIL keep the relay from starting; .env.example explains each.");
        return ExitCode::FAILURE;
    };
    failed |= say("store", check_store(&settings).await);
    failed |= say("files", check_files(&settings.files).await);
    for (name, verdict) in check_ada(&settings).await {
        failed |= say(name, verdict);
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Prints a line; says whether it tells of a failure.
fn say(name: &str, verdict: Verdict) -> bool {
    let (mark, sentence, failed) = match verdict {
        Verdict::Good(sentence) => ("ok  ", sentence, false),
        Verdict::Known(sentence) => ("note", sentence, false),
        Verdict::Bad(sentence) => ("FAIL", sentence, true),
    };
    print(&format!("{mark}  {name:<22} {sentence}"));
    failed
}

async fn check_store(settings: &Settings) -> Verdict {
    let name = match &settings.database {
        Database::Memory => return Verdict::Known("memory: a restart forgets every handoff".to_owned()),
        Database::Sqlite(path) => path.display().to_string(),
    };
    let opened = match store::open(&settings.database, Machine.now()).await {
        Ok(opened) => opened,
        Err(error) => {
            return Verdict::Bad(format!(
                "{error}; stop a relay that uses it, or see that the folder can be written"
            ));
        }
    };
    let store = opened.store;
    // The writer ends when the store is let go of.
    let ask = async move { store.ready().await };
    let (ready, _) = tokio::join!(ask, OptionFuture::from(opened.writer));
    match ready {
        Ok(()) => Verdict::Good(format!("{name} can be read and written")),
        Err(error) => Verdict::Bad(error.to_string()),
    }
}

async fn check_files(place: &FilesPlace) -> Verdict {
    let (name, advice) = match place {
        FilesPlace::Memory => return Verdict::Known("memory: a restart forgets every file".to_owned()),
        FilesPlace::Folder(path) => (path.display().to_string(), "see that the folder can be written"),
        FilesPlace::S3(bucket) => (
            format!("the bucket {}", bucket.name),
            "see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT, or the machine's role",
        ),
        FilesPlace::Gcs(bucket) => {
            (format!("the bucket {}", bucket.name), "see GOOGLE_SERVICE_ACCOUNT, or the machine's role")
        }
        FilesPlace::Azure(bucket) => (
            format!("the container {}", bucket.name),
            "see AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY, or the machine's role",
        ),
    };
    match tokio::time::timeout(FILES_PATIENCE, Files::try_out(place)).await {
        Ok(Ok(())) => Verdict::Good(format!("{name} can be written")),
        Ok(Err(FilesError::Unavailable(reason) | FilesError::Unusable(reason))) => {
            Verdict::Bad(format!("{name}: {reason}; {advice}"))
        }
        Err(_) => Verdict::Bad(format!("{name} does not answer; {advice}")),
    }
}

async fn check_ada(settings: &Settings) -> Vec<(&'static str, Verdict)> {
    let rates = Rates { per_second: settings.ada_rate_per_second, per_minute: settings.ada_rate_per_minute };
    let key = settings.ada_api_key.clone();
    let client = match Client::new(&settings.ada_base_url, key, rates, settings.ada_timeout) {
        Ok(client) => client,
        Err(error) => return vec![("Ada", Verdict::Bad(format!("TLS can't be set up: {error}")))],
    };
    let host = settings.ada_base_url.host_str().unwrap_or_default().to_owned();
    let key = match client.check_key().await {
        Ok(()) => Verdict::Good(format!("{host} takes ADA_API_KEY")),
        Err(Failure::Denied(reason)) => Verdict::Bad(format!(
            "{reason}; make a new key in Ada's dashboard, for this AI Agent, and set ADA_API_KEY"
        )),
        Err(failure) => Verdict::Bad(format!(
            "{} at {host}; see ADA_BASE_URL, and that this machine reaches it",
            failure.reason()
        )),
    };
    vec![("Ada key", key), ("clock", check_clock(client.offset().as_micros()))]
}

fn check_clock(offset_micros: i64) -> Verdict {
    if offset_micros == 0 {
        return Verdict::Known("not compared: Ada gave no time".to_owned());
    }
    let apart = Duration::from_micros(offset_micros.unsigned_abs());
    let seconds = format!("{:.0} s from Ada's", apart.as_secs_f64());
    if apart >= CLOCK_FAILURE {
        return Verdict::Bad(format!("{seconds}: every webhook will be refused; set this machine's clock"));
    }
    if apart >= CLOCK_WARNING {
        return Verdict::Known(format!(
            "{seconds}; at five minutes webhooks are refused: set this machine's clock"
        ));
    }
    Verdict::Good(seconds)
}
