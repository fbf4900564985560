//! `handoff-relay check`: looks at what the settings name, changes nothing, and says what to do about failures.

mod ada;
mod amazon_connect;
mod places;
mod platforms;

use std::process::ExitCode;

use handoff_relay::settings::{Settings, State, Survey};

use crate::print;

/// How a check ended, and its line.
enum Verdict {
    Good(String),
    Known(String),
    Bad(String),
}

impl Verdict {
    const fn mark(&self) -> &'static str {
        match self {
            Self::Good(_) => "ok  ",
            Self::Known(_) => "note",
            Self::Bad(_) => "FAIL",
        }
    }

    fn sentence(&self) -> &str {
        match self {
            Self::Good(sentence) | Self::Known(sentence) | Self::Bad(sentence) => sentence,
        }
    }
}

type Lines = Vec<(String, Verdict)>;

/// Shows what needs doing first. `all` shows what is well, too.
pub async fn run(all: bool) -> ExitCode {
    let survey = Settings::survey();
    let mut lines = of_settings(&survey);
    lines.extend(of_places(&survey).await);
    lines.sort_by_key(|(_, verdict)| match verdict {
        Verdict::Bad(_) => 0,
        Verdict::Known(_) => 1,
        Verdict::Good(_) => 2,
    });
    let good = lines.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Good(_))).count();
    for (name, verdict) in lines.iter().filter(|(_, verdict)| all || !matches!(verdict, Verdict::Good(_))) {
        print(&format!("{}  {name:<22} {}", verdict.mark(), verdict.sentence()));
    }
    if !all {
        let others = if good < lines.len() { "others" } else { "checks" };
        print(&format!("ok    {good} {others} passed; --all shows them"));
    }
    let failed = lines.iter().any(|(_, verdict)| matches!(verdict, Verdict::Bad(_)));
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn of_settings(survey: &Survey) -> Lines {
    let verdict = |state: &State| match state {
        State::Set => Verdict::Good("set".to_owned()),
        State::Unset => Verdict::Good("not set; the default applies".to_owned()),
        State::Warned(sentence) => Verdict::Known(sentence.clone()),
        State::Wrong(sentence) => Verdict::Bad(sentence.clone()),
    };
    survey.findings.iter().map(|finding| (finding.name.clone(), verdict(&finding.state))).collect()
}

/// What the settings name, where they are right.
async fn of_places(survey: &Survey) -> Lines {
    let Some(settings) = &survey.settings else { return Vec::new() };
    let mut lines: Vec<(&str, Verdict)> = Vec::new();
    let untried = |setting: &str| Verdict::Known(format!("not checked, because {setting} is wrong"));
    let (store, has_store) = match survey.is_wrong("DATABASE_URL") {
        true => (untried("DATABASE_URL"), false),
        false => places::store(&settings.database).await,
    };
    lines.push(("store", store));
    lines.push((
        "files",
        match survey.is_wrong("FILES_URL") {
            true => untried("FILES_URL"),
            false => places::files(&settings.files).await,
        },
    ));
    let is_right =
        |(line, _): &(&str, Verdict)| line.split(' ').next().is_none_or(|name| !survey.is_wrong(name));
    lines.extend(places::addresses(settings, has_store).await.into_iter().filter(is_right));
    let of_ada = match ["RELAY_CONFIG", "ADA_BASE_URL", "ADA_API_KEY"]
        .into_iter()
        .find(|name| survey.is_wrong(name))
    {
        Some(wrong) => vec![("Ada key".to_owned(), untried(wrong))],
        None => ada::check(settings).await,
    };
    if settings.ai_agents.are_listed && !survey.is_wrong("DATABASE_URL") {
        lines.push(("owners", places::owners(settings).await));
    }
    let mut others = platforms::check(settings).await;
    others.extend(amazon_connect::check(settings).await);
    let named = |(name, verdict): (&str, Verdict)| (name.to_owned(), verdict);
    lines.into_iter().map(named).chain(of_ada).chain(others.into_iter().map(named)).collect()
}
