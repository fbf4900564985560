//! `handoff-relay token`: makes the token of an agent, of which the settings file has a digest only.

use std::process::ExitCode;

use clap::Subcommand;
use handoff_relay::{
    settings::{Secret, listed_agent_name},
    store::sessions::Digest,
};

use crate::{complain, print};

#[derive(Subcommand)]
pub enum Command {
    /// Make a token, and show the lines for the settings file
    New {
        /// The agent's name, which customers see
        #[arg(value_parser = name)]
        name: String,
    },
}

/// A name that the settings file takes, which ignores spaces around it.
fn name(given: &str) -> Result<String, String> {
    listed_agent_name(given.trim())
}

pub fn run(command: Command) -> ExitCode {
    let Command::New { name } = command;
    let Ok(token) = Secret::random() else { return complain("the system has no randomness for a token", 1) };
    let digest = Digest::of(token.expose());
    print(&format!(
        // A text in JSON is one in TOML.
        "The token, for the agent alone. It is not shown again:\n\n    {}\n\nFor the settings file, instead of the token:\n\n\
         [[agents]]\nname = {}\ntoken_sha256 = \"{}\"",
        token.expose(),
        serde_json::Value::from(name),
        digest.as_str(),
    ));
    ExitCode::SUCCESS
}
