//! `handoff-relay conformance`: plays a handoff against somebody's receiver of signed webhooks, a line for each thing that
//! a receiver must do.

mod api;
mod events;
mod receiver;

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::Args;
use handoff_relay::{agents::platforms::webhook::sign, settings::Secret};
use tokio::net::TcpListener;
use url::Url;

use crate::{complain, print};
use api::Api;
use events::Events;
use receiver::{Receiver, Signed};

/// How long a receiver may take to answer a customer's message over the API, if it does that by itself.
const REPLY_WITHIN: Duration = Duration::from_secs(5);
/// Longer than a signature is good for: five minutes.
const OLD: i64 = 6 * 60;

/// What to play against.
#[derive(Args)]
pub struct Given {
    /// The receiver's URL
    #[arg(long)]
    url: Url,
    /// The secret that signs the webhooks: whsec_...
    #[arg(long, env = "PLATFORM_WEBHOOK_SECRET", hide_env_values = true)]
    secret: String,
    /// Where this command serves the relay's API for the receiver
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: String,
    /// Where the receiver reaches that API, if not there
    #[arg(long)]
    relay_url: Option<Url>,
    /// The token that the receiver uses for the API. Without it, the API is not served
    #[arg(long, env = "RELAY_TOKEN", hide_env_values = true)]
    api_token: Option<String>,
}

/// How one thing went.
enum Verdict {
    Ok(String),
    Fail(String),
    /// Nothing is wrong, but somebody may want to know.
    Note(String),
}

type Lines = Vec<(&'static str, Verdict)>;

pub async fn run(given: Given) -> ExitCode {
    match play(given).await {
        Ok(0) => {
            print("The receiver conforms.");
            ExitCode::SUCCESS
        }
        Ok(failed) => {
            print(&format!("The receiver does not conform: {failed} failed."));
            ExitCode::FAILURE
        }
        Err(error) => complain(&format!("{error:#}"), 1),
    }
}

async fn play(given: Given) -> Result<usize> {
    let key = sign::key(&given.secret).filter(|key| !key.is_empty());
    let key = key.context("--secret must be whsec_ followed by base64")?;
    let (api, relay) = match &given.api_token {
        None => (None, given.relay_url.clone().unwrap_or(Url::parse("https://relay.invalid")?)),
        Some(token) => {
            let listener = TcpListener::bind(&given.listen).await;
            let listener = listener.with_context(|| format!("--listen {}", given.listen))?;
            let own = Url::parse(&format!("http://{}", listener.local_addr()?))?;
            print(&format!("note  the relay's API is served at {own}"));
            let relay = given.relay_url.clone().unwrap_or(own);
            (Some(Api::serve(listener, Secret::new(token.clone()))), relay)
        }
    };
    let events = Events::new(&relay, &key);
    if let Some(api) = &api {
        api.knows(&events);
    }
    let receiver = Receiver::new(given.url, key)?;
    let mut failed = 0;
    for (what, verdict) in story(&receiver, &events, api.as_ref()).await {
        let (mark, sentence) = match verdict {
            Verdict::Ok(sentence) => ("ok  ", sentence),
            Verdict::Note(sentence) => ("note", sentence),
            Verdict::Fail(sentence) => {
                failed += 1;
                ("FAIL", sentence)
            }
        };
        print(&format!("{mark}  {what:<22} {sentence}"));
    }
    Ok(failed)
}

/// The handoff, from its start to its end.
async fn story(receiver: &Receiver, events: &Events, api: Option<&Api>) -> Lines {
    let mut lines = Lines::new();
    let started = events.started();
    lines.push(("signature", receiver.takes(&started, "a rightly signed event").await));
    for (what, signed) in [
        ("wrong signature", Signed::Wrong),
        ("other body", Signed::OtherBody),
        ("old signature", Signed::At(-OLD)),
        ("signature of tomorrow", Signed::At(OLD)),
        ("no signature", Signed::Not),
    ] {
        lines.push((what, receiver.refuses(&events.forged(), signed).await));
    }
    let two = events.message("Two signatures");
    let two = receiver.takes_signed(&two, Signed::WithAnother, "one right of two signatures").await;
    lines.push(("rotated secret", two));

    let question = events.message("Where is my parcel?");
    lines.push(("message", receiver.takes(&question, "a customer's message").await));
    lines
        .push(("the same again", receiver.takes(&question, "the same event with the same webhook-id").await));
    lines.push(("after a timeout", after_a_timeout(receiver, events).await));
    if let Some(api) = api {
        lines.push(("answers once", answers_once(api, &question).await));
    }
    let late = events.late("I forgot to say that it is urgent");
    lines.push(("late message", receiver.takes(&late, "a late message").await));
    lines.push(("out of order", out_of_order(receiver, events).await));
    lines.push(("gap", receiver.takes(&events.behind_a_gap("After a gap"), "an event behind a gap").await));
    lines.push(("file", receiver.takes(&events.file_is_fetched(), "a file that is being fetched").await));
    lines.push(("kept file", receiver.takes(&events.file_is_kept(), "a file with a link").await));
    if let Some(api) = api {
        lines.push(("fetches the file", fetched(api).await));
    }
    for (what, event) in
        [("unknown type", events.unknown_type()), ("unknown fields", events.unknown_fields())]
    {
        lines.push((what, receiver.takes(&event, "what it does not know").await));
    }
    lines.push(("ping", receiver.takes(&events.ping(), "a ping").await));
    lines.push(("end", receiver.takes(&events.ended(), "the end").await));
    let after_the_end = events.updated_after_the_end();
    lines.push(("after the end", receiver.takes(&after_the_end, "an update after the end").await));
    if let Some(api) = api {
        lines.extend(api.calls().into_iter().map(|call| ("called", Verdict::Note(call))));
        let wrong = api.wrong_calls();
        lines.push((
            "its calls",
            match wrong.is_empty() {
                true => Verdict::Ok("each was one that the relay takes".to_owned()),
                false => Verdict::Fail(wrong.join("; ")),
            },
        ));
    }
    lines
}

/// The receiver has the event, and the relay never learns it: the same event comes again.
async fn after_a_timeout(receiver: &Receiver, events: &Events) -> Verdict {
    let event = events.message("Are you there?");
    receiver.sends_and_leaves(&event).await;
    receiver.takes(&event, "an event again whose answer was lost").await
}

/// As where the first of two is replayed, or a proxy held it back.
async fn out_of_order(receiver: &Receiver, events: &Events) -> Verdict {
    let (first, second) = (events.message("One"), events.message("Two"));
    match receiver.takes(&second, "the second of two events first").await {
        Verdict::Ok(_) => receiver.takes(&first, "the second of two events first").await,
        wrong => wrong,
    }
}

async fn answers_once(api: &Api, question: &events::Event) -> Verdict {
    let replies = api.replies_within(REPLY_WITHIN).await;
    let to_the_question =
        replies.iter().filter(|text| question.words.as_ref().is_some_and(|words| text.contains(words)));
    match (replies.len(), to_the_question.count()) {
        (0, _) => Verdict::Note("it answered nothing by itself, so nothing was compared".to_owned()),
        (_, 2..) => {
            Verdict::Fail("it answered one message twice: compare webhook-id with those handled".to_owned())
        }
        (replies, _) => Verdict::Ok(format!("{replies} answers, none of them twice")),
    }
}

async fn fetched(api: &Api) -> Verdict {
    match api.file_fetched_within(REPLY_WITHIN).await {
        Some(true) => Verdict::Ok("it fetched the file by its link".to_owned()),
        Some(false) => Verdict::Fail("it fetched the file by a link that it changed".to_owned()),
        None => Verdict::Note("it did not fetch the file; the link is valid for 7 days".to_owned()),
    }
}
