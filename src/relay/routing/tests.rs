#![allow(clippy::unwrap_used)]

use std::time::Duration;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::*;
use crate::relay::{hours::add_to_week, id::AiAgentId, time::Time};

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn field(name: &str, test: Test) -> Condition {
    Condition::Field { name: name.to_owned(), test }
}

fn is(name: &str, values: &[&str]) -> Condition {
    field(name, Test::OneOf(texts(values)))
}

fn route(name: &str, conditions: Vec<Condition>, team: Option<&str>) -> Route {
    Route {
        name: name.to_owned(),
        conditions,
        team: team.map(TeamName::from),
        priority: Priority::Normal,
        platforms: None,
        limits: Limits::default(),
        waiting_room: OwnWaitingRoom::default(),
    }
}

fn team(name: &str) -> Team {
    Team {
        name: TeamName::from(name),
        limits: Limits::default(),
        waiting_room: OwnWaitingRoom::default(),
        hours: None,
        closed_text: None,
        needs_agents: false,
        assignment: None,
        offer_timeout: None,
    }
}

fn fields(context: Value) -> Map<String, Value> {
    context.as_object().unwrap().clone()
}

/// Two regions with three teams each, and twenty countries that have one team together.
fn company() -> Routing {
    let countries: Vec<String> = (1..=20).map(|number| format!("country-{number}")).collect();
    let acme = Condition::AiAgent(vec![AiAgentId::from("acme")]);
    let vip = Route {
        priority: Priority::Urgent,
        platforms: Some(vec![PlatformId::from("webhook")]),
        ..route("VIP", vec![is("plan", &["gold", "platinum"]), field("sso", Test::Present)], None)
    };
    Routing {
        teams: ["US", "US Billing", "EU", "EU Billing", "DACH", "World", "Mail", "Acme"].map(team).into(),
        routes: vec![
            route("Acme alone", vec![acme, is("region", &["us"])], Some("Acme")),
            route("Mail", vec![Condition::Channel(texts(&["email"]))], Some("Mail")),
            vip,
            route(
                "US Billing",
                vec![is("region", &["us"]), is("category", &["billing"])],
                Some("US Billing"),
            ),
            route("US", vec![is("region", &["us"])], Some("US")),
            route(
                "DACH",
                vec![is("region", &["eu"]), Condition::Language(texts(&["de", "gsw"]))],
                Some("DACH"),
            ),
            route(
                "EU Billing",
                vec![
                    is("region", &["eu"]),
                    field("category", Test::Matches(Regex::new("(?i)^(billing|invoice)").unwrap())),
                ],
                Some("EU Billing"),
            ),
            route("EU", vec![is("region", &["eu"])], Some("EU")),
            route(
                "World",
                vec![
                    is("country", &countries.iter().map(String::as_str).collect::<Vec<_>>()),
                    field("test", Test::Absent),
                ],
                Some("World"),
            ),
        ],
        default_team: Some(TeamName::from("US")),
        ..Routing::default()
    }
}

fn placed(routing: &Routing, ai_agent: &str, context: Value) -> (Option<String>, Option<String>) {
    let (ai_agent, context) = (AiAgentId::from(ai_agent), fields(context));
    let placement = routing.place(&Facts {
        ai_agent: &ai_agent,
        context: &context,
        language: None,
        now: Time::default(),
    });
    (placement.route, placement.team.map(|team| team.0))
}

/// Each for one kind of question in one region.
#[test]
fn twenty_more_teams_get_what_is_theirs_and_the_regions_the_rest() {
    let mut routing = company();
    let regions = |number: usize| if number.is_multiple_of(2) { ["us", "eu"] } else { ["eu", "us"] };
    let names: Vec<String> = (0..20).map(|number| format!("Team {number}")).collect();
    let routes = names.iter().enumerate().map(|(number, name)| {
        let [region, _] = regions(number);
        route(name, vec![is("region", &[region]), is("category", &[&format!("kind {number}")])], Some(name))
    });
    routing.routes.splice(0..0, routes);
    routing.teams.extend(names.iter().map(|name| team(name)));
    for (number, name) in names.iter().enumerate() {
        let [own, other] = regions(number);
        let taken = |region: &str| {
            placed(&routing, "other", json!({"region": region, "category": format!("Kind {number}")})).1
        };
        assert_eq!(taken(own).as_deref(), Some(name.as_str()));
        assert_eq!(taken(other), Some(other.to_uppercase()));
    }
}

#[test]
fn the_first_route_whose_conditions_all_hold_decides() {
    let routing = company();
    for (ai_agent, context, route, team) in [
        ("acme", json!({"region": "us"}), Some("Acme alone"), "Acme"),
        ("other", json!({"region": "us"}), Some("US"), "US"),
        ("other", json!({"region": " US "}), Some("US"), "US"),
        ("other", json!({"region": "us", "category": "Billing"}), Some("US Billing"), "US Billing"),
        ("other", json!({"region": "us", "category": "shipping"}), Some("US"), "US"),
        ("other", json!({"region": "eu", "language": "de"}), Some("DACH"), "DACH"),
        ("other", json!({"region": "eu", "language": "de_AT"}), Some("DACH"), "DACH"),
        ("other", json!({"region": "eu", "language": "GSW-ch"}), Some("DACH"), "DACH"),
        ("other", json!({"region": "eu", "language": "den"}), Some("EU"), "EU"),
        (
            "other",
            json!({"region": "eu", "language": "fr", "category": "Invoice 7"}),
            Some("EU Billing"),
            "EU Billing",
        ),
        ("other", json!({"region": "eu", "category": "my billing"}), Some("EU"), "EU"),
        ("other", json!({"region": ["eu"]}), None, "US"),
        ("other", json!({"region": "{region}"}), None, "US"),
        ("other", json!({"channel": "Email", "region": "us"}), Some("Mail"), "Mail"),
        ("other", json!({"channel": {"modality": "email", "markdown": false}}), Some("Mail"), "Mail"),
        ("other", json!({"channel": {"type": "email"}}), None, "US"),
        ("other", json!({"plan": "gold", "sso": true}), Some("VIP"), "US"),
        ("other", json!({"plan": "gold", "sso": ""}), None, "US"),
        ("other", json!({"plan": "gold", "sso": null}), None, "US"),
        ("other", json!({"plan": "gold", "sso": {"id": 7}}), Some("VIP"), "US"),
        ("other", json!({"country": "country-1"}), Some("World"), "World"),
        ("other", json!({"country": "country-20"}), Some("World"), "World"),
        ("other", json!({"country": "country-21"}), None, "US"),
        ("other", json!({"country": "country-7", "test": false}), None, "US"),
        ("other", json!({}), None, "US"),
    ] {
        let found = placed(&routing, ai_agent, context.clone());
        assert_eq!(found, (route.map(str::to_owned), Some(team.to_owned())), "{ai_agent} {context}");
    }
}

#[test]
fn the_start_call_names_a_team_where_no_route_does() {
    let routing = company();
    for (context, team) in [
        (json!({"team": "eu billing"}), "EU Billing"),
        (json!({"team": "EU", "region": "us"}), "US"),
        (json!({"team": "EU", "plan": "gold", "sso": 1}), "EU"),
        (json!({"team": "nobody"}), "US"),
        (json!({"team": 7}), "US"),
    ] {
        let (_, found) = placed(&routing, "other", context.clone());
        assert_eq!(found.as_deref(), Some(team), "{context}");
    }
    let without_default = Routing { default_team: None, ..company() };
    assert_eq!(placed(&without_default, "other", json!({"team": "nobody"})), (None, None));
    assert_eq!(placed(&Routing::default(), "other", json!({"team": "US"})), (None, None));
}

#[test]
fn a_route_says_how_urgent_it_is_and_who_gets_it() {
    let (ai_agent, context) = (AiAgentId::from("other"), fields(json!({"plan": "PLATINUM", "sso": "x"})));
    let placement = company().place(&Facts {
        ai_agent: &ai_agent,
        context: &context,
        language: None,
        now: Time::default(),
    });
    assert_eq!(placement.priority, Priority::Urgent);
    assert_eq!(placement.platforms, Some(vec![PlatformId::from("webhook")]));
}

#[test]
fn numbers_and_truth_values_are_compared_as_they_are_written() {
    let numbered =
        Routing { routes: vec![route("seven", vec![is("n", &["7", "true"])], None)], ..Routing::default() };
    for (value, applies) in [
        (json!(7), true),
        (json!("7"), true),
        (json!(true), true),
        (json!("TRUE"), true),
        (json!(7.0), false),
        (json!(70), false),
        (json!(null), false),
        (json!(["7"]), false),
    ] {
        let (route, _) = placed(&numbered, "other", json!({"n": value}));
        assert_eq!(route.is_some(), applies, "{value}");
    }
}

#[test]
fn a_route_for_some_hours_applies_in_them_and_says_what_time_it_is() {
    let mut week = Default::default();
    add_to_week(&mut week, "Mon-Fri 08:00-18:00").unwrap();
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let holidays = [jiff::civil::date(2026, 12, 25)].into();
    let text = "Mon-Fri 08:00-18:00 (Europe/Berlin)".to_owned();
    let condition = Condition::Hours { hours: Hours { zone, week, holidays }, text };
    assert_eq!(condition.to_string(), "the time is Mon-Fri 08:00-18:00 (Europe/Berlin)");
    let (ai_agent, context) = (AiAgentId::from("acme"), Map::new());
    for (now, applies, clock) in [
        ("2026-12-24T06:59:59Z", false, "Thu 07:59"),
        ("2026-12-24T07:00:00Z", true, "Thu 08:00"),
        ("2026-12-25T09:00:00Z", false, "Fri 10:00"),
        ("2026-12-26T09:00:00Z", false, "Sat 10:00"),
    ] {
        let facts =
            Facts { ai_agent: &ai_agent, context: &context, language: None, now: now.parse().unwrap() };
        assert_eq!(
            (condition.holds(&facts), condition.found(&facts).as_deref()),
            (applies, Some(clock)),
            "{now}"
        );
    }
}

#[test]
fn conditions_say_what_they_want_and_what_they_found() {
    let (ai_agent, context) =
        (AiAgentId::from("acme"), fields(json!({"language": "de-AT", "items": [1], "integration": "VIP"})));
    let facts = Facts { ai_agent: &ai_agent, context: &context, language: None, now: Time::default() };
    for (condition, words, found) in [
        (Condition::AiAgent(vec![ai_agent.clone()]), "the AI Agent is acme", Some("acme")),
        (Condition::Integration(texts(&["vip"])), "integration is vip", Some("VIP")),
        (Condition::Channel(texts(&["sms", "voice"])), "channel is sms or voice", None),
        (Condition::Language(texts(&["de"])), "language is de", Some("de-AT")),
        (is("plan", &["gold", "silver"]), "plan is gold or silver", None),
        (field("items", Test::Present), "items is present", Some("a list or an object")),
        (field("items", Test::Absent), "items is absent", Some("a list or an object")),
        (field("email", Test::Matches(Regex::new("@acme").unwrap())), "email matches @acme", None),
    ] {
        assert_eq!((condition.to_string().as_str(), condition.found(&facts).as_deref()), (words, found));
    }
}

fn timeout(minutes: u64) -> Timeout {
    Timeout { after: Duration::from_mins(minutes), text: None }
}

#[test]
fn the_timeouts_of_the_route_come_before_those_of_the_team() {
    let limits = |waiting: Limit, idle: Limit| Limits { waiting, idle };
    let after = |minutes| Limit::After(timeout(minutes));
    let routing = Routing {
        teams: vec![
            Team { limits: limits(after(20), after(30)), ..team("both") },
            Team { limits: limits(Limit::Off, Limit::Unset), ..team("off") },
        ],
        routes: vec![
            Route { limits: limits(after(2), Limit::Unset), ..route("short", Vec::new(), None) },
            Route { limits: limits(Limit::Unset, Limit::Off), ..route("never", Vec::new(), None) },
        ],
        default_team: None,
        ..Routing::default()
    };
    let general = timeout(15);
    let general = Timeouts { waiting: Some(&general), idle: None };
    for (route, team, waiting, idle) in [
        (None, None, Some(15), None),
        (None, Some("both"), Some(20), Some(30)),
        (None, Some("off"), None, None),
        (Some("short"), None, Some(2), None),
        (Some("short"), Some("both"), Some(2), Some(30)),
        (Some("short"), Some("off"), Some(2), None),
        (Some("never"), Some("both"), Some(20), None),
        (Some("gone"), Some("gone"), Some(15), None),
    ] {
        let team = team.map(TeamName::from);
        let found = routing.timeouts(route, team.as_ref(), general);
        let minutes = |timeout: Option<&Timeout>| timeout.map(|timeout| timeout.after.as_secs() / 60);
        assert_eq!((minutes(found.waiting), minutes(found.idle)), (waiting, idle), "{route:?} {team:?}");
    }
    let shortest = routing.shortest_timeouts(general);
    assert_eq!((shortest.waiting, shortest.idle), (Some(&timeout(2)), Some(&timeout(30))));
}
