//! `handoff-relay init`: writes a `.env` with secrets of its own, for a first start.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, BufRead, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::ExitCode,
};

use clap::Args;
use handoff_relay::settings::{Secret, Settings, Terminal};

use crate::{WRONG_SETTINGS, complain, print, tell};

const FILE: &str = ".env";

/// What only the company knows.
#[derive(Args)]
pub struct Given {
    /// The base URL of Ada's API, such as https://<handle>.ada.support/api
    #[arg(long, value_name = "URL", env = "ADA_BASE_URL", hide_env_values = true)]
    ada_base_url: Option<String>,
    /// The API key from Ada's dashboard
    #[arg(long, value_name = "KEY", env = "ADA_API_KEY", hide_env_values = true)]
    ada_api_key: Option<String>,
    /// The signing secret of the webhook endpoint in Ada's dashboard; it may follow later
    #[arg(long, value_name = "SECRET", env = "WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
}

/// A value that is asked for.
struct Question {
    setting: &'static str,
    flag: &'static str,
    prompt: &'static str,
    is_secret: bool,
    may_be_left_out: bool,
}

const BASE_URL: Question = Question {
    setting: "ADA_BASE_URL",
    flag: "--ada-base-url",
    prompt: "The base URL of Ada's API (https://<handle>.ada.support/api): ",
    is_secret: false,
    may_be_left_out: false,
};
const API_KEY: Question = Question {
    setting: "ADA_API_KEY",
    flag: "--ada-api-key",
    prompt: "Ada's API key (not shown): ",
    is_secret: true,
    may_be_left_out: false,
};
const WEBHOOK_SECRET: Question = Question {
    setting: "WEBHOOK_SECRET",
    flag: "--webhook-secret",
    prompt: "The webhook endpoint's signing secret (not shown; leave it empty if there is no endpoint yet): ",
    is_secret: true,
    may_be_left_out: true,
};

/// Writes `.env` in the working directory, if there is none.
pub fn run(given: Given) -> ExitCode {
    if Path::new(FILE).exists() {
        return complain(".env already exists, and init does not change it: edit it, or move it away", 1);
    }
    let Given { ada_base_url, ada_api_key, webhook_secret } = given;
    let mut values = Vec::new();
    for (question, value) in
        [(BASE_URL, ada_base_url), (API_KEY, ada_api_key), (WEBHOOK_SECRET, webhook_secret)]
    {
        match question.settle(value) {
            Ok(value) => values.push((question.setting, value)),
            Err(sentence) => return complain(&sentence, WRONG_SETTINGS),
        }
    }
    let (Ok(start_key), Ok(token)) = (Secret::random(), Secret::random()) else {
        return complain("the system has no randomness to generate secrets", 1);
    };
    let text = content(&values, start_key.expose(), token.expose());
    if let Err(error) = write(&text) {
        return complain(&format!(".env can't be written: {error}"), 1);
    }
    say_what_is_next(values.last().is_some_and(|(_, secret)| secret.is_none()));
    ExitCode::SUCCESS
}

impl Question {
    /// The value: as given, or else as asked for on a terminal.
    fn settle(&self, given: Option<String>) -> Result<Option<String>, String> {
        let given = given.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        if let Some(value) = given {
            return self.accept(&value).map(Some);
        }
        if Terminal::detect() == Terminal::Detached {
            let Self { setting, flag, .. } = self;
            return if self.may_be_left_out {
                Ok(None)
            } else {
                Err(format!("{setting} is required: give {flag}"))
            };
        }
        loop {
            let value = self
                .ask()
                .map_err(|error| format!("{} can't be read from the terminal: {error}", self.setting))?;
            match value.trim() {
                "" if self.may_be_left_out => return Ok(None),
                "" => {}
                value => match self.accept(value) {
                    Ok(value) => return Ok(Some(value)),
                    Err(sentence) => tell(&sentence),
                },
            }
        }
    }

    fn ask(&self) -> io::Result<String> {
        if self.is_secret {
            return rpassword::prompt_password(self.prompt);
        }
        write!(io::stderr(), "{}", self.prompt)?;
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        }
    }

    /// The value, as the settings want it.
    fn accept(&self, value: &str) -> Result<String, String> {
        let alone = BTreeMap::from([(self.setting.to_owned(), value.to_owned())]);
        let problems = Settings::load(alone, None, Terminal::Detached).err().map(|error| error.0);
        match problems.into_iter().flatten().find(|problem| problem.name == self.setting) {
            Some(problem) => Err(problem.sentence),
            None if value.contains(['\'', '"', '\n']) => Err(format!(
                "{} contains a quote, which init can't write to .env: set it in the environment",
                self.setting
            )),
            None if self.setting == BASE_URL.setting => Ok(with_path(value)),
            None => Ok(value.to_owned()),
        }
    }
}

/// The usual slip: the address of the AI Agent without the path of its API.
fn with_path(url: &str) -> String {
    let bare = url.trim_end_matches('/');
    if bare.ends_with(".ada.support") { format!("{bare}/api") } else { url.to_owned() }
}

/// Whether an address is of this machine, as that of a stand-in Ada.
fn is_here(url: &str) -> bool {
    let host = url::Url::parse(url).ok().and_then(|url| url.host().map(|host| host.to_owned()));
    match host {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn content(values: &[(&str, Option<String>)], start_key: &str, token: &str) -> String {
    let mut text = "# Settings of handoff-relay, written by `handoff-relay init`. .env.example in the source explains each setting.\n\n"
        .to_owned();
    for (setting, value) in values {
        match value {
            Some(value) => text.push_str(&format!("{setting}='{value}'\n")),
            None => text.push_str(&format!(
                "# The signing secret that Ada's dashboard shows for the webhook endpoint.\n# {setting}=\n"
            )),
        }
    }
    if values
        .iter()
        .any(|(setting, value)| *setting == BASE_URL.setting && value.as_deref().is_some_and(is_here))
    {
        text.push_str(
            "\n# Files of a stand-in Ada on this machine. Never in production.\nFILES_ALLOW_PRIVATE=on\n",
        );
    }
    text.push_str(&format!(
        "\n# What Ada's HTTP Request block sends in the header \"Authorization: Bearer <this>\".\n\
         HANDOFF_AUTH_KEY='{start_key}'\n\n\
         # The agents and their tokens: Name=token, several separated by commas.\n\
         AGENT_TOKENS='Agent={token}'\n"
    ));
    text
}

/// For this user alone, and never over a file that came meanwhile.
fn write(text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(FILE)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half of one would be in the way of the next try.
        let _ = fs::remove_file(FILE);
    }
    written
}

fn say_what_is_next(lacks_secret: bool) {
    let setup = if lacks_secret {
        "`handoff-relay setup --public-url https://...` registers the webhook endpoint at Ada and puts its signing secret \
         in .env;\n    or make the endpoint in Ada's dashboard, and put its secret in .env as WEBHOOK_SECRET"
    } else {
        "`handoff-relay setup --public-url https://...` says what is left to do in Ada's dashboard, and shows what arrives"
    };
    print(&format!(
        ".env is written, and only you can read it. It has a random key for start calls and a random token for one agent.\n\nNext:\n  - {setup}\n  \
         - then `handoff-relay check` says what is missing\n  \
         - `handoff-relay` starts the relay; sign in at http://127.0.0.1:8091 with the token of AGENT_TOKENS in .env"
    ));
}
