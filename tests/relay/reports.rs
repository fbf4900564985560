//! Reports for those who see all handoffs.

use serde_json::{Value, json};

use crate::{
    support::{
        answer::Answer,
        eventually,
        relay::{Relay, START_KEY, Setup},
    },
    teams::{hand_off, start},
};

/// What a lead has, once it is this.
async fn comes_to(relay: &Relay, path: &str, wanted: &[(&str, Value)]) -> Value {
    let kim = relay.agent("Kim");
    eventually(path, async || {
        let report = kim.get(path).await.good(200);
        let holds = wanted.iter().all(|(pointer, value)| report.pointer(pointer) == Some(value));
        holds.then_some(report)
    })
    .await
}

#[tokio::test]
async fn a_lead_sees_how_it_stands_now() {
    let relay = start("").await;
    let report = relay.agent("Kim").get("/reports/now").await.good(200);
    assert_eq!(
        report["total"],
        json!({ "on_duty": ["Kim"], "away": [], "gone": ["Alex", "Sam"], "waiting": 0,
            "longest_wait_seconds": null, "active": 0, "unanswered": 0 })
    );
    let (_, invoice) = hand_off(&relay, "billing").await;
    let (_, other) = hand_off(&relay, "shipping").await;
    hand_off(&relay, "shipping").await;
    let (alex, sam) = (relay.agent("Alex"), relay.agent("Sam"));
    sam.accepts(&invoice).await;
    alex.accepts(&other).await;
    alex.writes(&other, "Hello").await;
    Answer::to(alex.request("PUT", "/session/duty").json(&json!({ "state": "away" }))).await;
    let wanted = [
        ("/total/on_duty", json!(["Sam", "Kim"])),
        ("/total/away", json!(["Alex"])),
        ("/total/waiting", json!(1)),
        ("/total/active", json!(2)),
        ("/total/unanswered", json!(1)),
        ("/teams/0/team", json!("Support")),
        ("/teams/0/waiting", json!(1)),
        ("/teams/0/active", json!(1)),
        ("/teams/0/unanswered", json!(0)),
        ("/teams/1/team", json!("Billing")),
        ("/teams/1/on_duty", json!(["Sam", "Kim"])),
        ("/teams/1/longest_wait_seconds", json!(null)),
        ("/teams/1/unanswered", json!(1)),
        ("/agents/0", json!({ "agent": "Alex", "duty": "away", "active": 1, "unanswered": 0 })),
        ("/agents/1", json!({ "agent": "Sam", "duty": "on", "active": 1, "unanswered": 1 })),
        ("/agents/2", json!({ "agent": "Kim", "duty": "on", "active": 0, "unanswered": 0 })),
    ];
    let report = comes_to(&relay, "/reports/now", &wanted).await;
    assert!(report["teams"][0]["longest_wait_seconds"].as_u64().is_some(), "{report}");
    assert_eq!(report["teams"].as_array().unwrap().len(), 3, "no handoff is of no team");
}

#[tokio::test]
async fn a_lead_sees_how_the_day_went() {
    let mut relay = start("outcomes = [\"solved\"]").await;
    let (chat, invoice) = hand_off(&relay, "billing").await;
    let (_, other) = hand_off(&relay, "shipping").await;
    let (alex, sam) = (relay.agent("Alex"), relay.agent("Sam"));
    sam.accepts(&invoice).await;
    sam.writes(&invoice, "Hello").await;
    sam.post(&format!("/handoffs/{invoice}/end"), &json!({ "outcome": "=solved" })).await.good(200);
    alex.accepts(&other).await;
    let feedback = relay.http.post(format!("{}/handoffs/feedback", relay.url)).bearer_auth(START_KEY);
    Answer::to(feedback.json(&json!({ "conversation_id": chat, "rating": 4 }))).await.good(200);

    let begun = sam.handoff(&invoice).await["created_at"].as_str().unwrap()[..10].to_owned();
    let wanted = [
        ("/date", json!(begun)),
        ("/time_zone", json!("UTC")),
        ("/total/begun", json!(2)),
        ("/total/accepted", json!(2)),
        ("/total/missed", json!(0)),
        ("/total/open", json!(1)),
        ("/total/ended", json!(1)),
        ("/total/ended_by", json!({ "end_user": 0, "agent": 1, "system": 0, "ada": 0 })),
        ("/total/outcomes", json!([{ "outcome": "=solved", "count": 1 }])),
        ("/total/wait/count", json!(2)),
        ("/total/first_answer/count", json!(1)),
        ("/total/first_answer_unrecorded", json!(0)),
        ("/total/feedback", json!({ "count": 1, "numbers": 1, "average": 4.0 })),
        ("/teams/0/team", json!("Billing")),
        ("/teams/0/first_answer/count", json!(1)),
        ("/teams/1/team", json!("Support")),
        ("/teams/1/feedback/average", json!(null)),
        ("/agents/0/agent", json!("Alex")),
        ("/agents/0/begun", json!(1)),
        ("/agents/1/agent", json!("Sam")),
        ("/agents/1/ended_by/agent", json!(1)),
    ];
    let path = format!("/reports/day?date={begun}");
    let report = comes_to(&relay, &path, &wanted).await;
    let hours = report["hours"].as_array().unwrap();
    assert_eq!((hours.len(), &hours[9]["clock"]), (24, &json!("09:00")));
    assert_eq!(hours.iter().map(|hour| hour["begun"].as_u64().unwrap()).sum::<u64>(), 2);

    relay.restart().await;
    let kim = relay.agent("Kim");
    comes_to(&relay, &path, &wanted).await;
    // A day on which clocks were set back.
    let next = kim.get("/reports/day?date=2020-10-25&time_zone=Europe/Berlin").await.good(200);
    assert_eq!((&next["total"]["begun"], next["hours"].as_array().unwrap().len()), (&json!(0), 25));
    assert_eq!(next["from"], "2020-10-24T22:00:00.000Z");
    let today = kim.get("/reports/day").await.good(200);
    assert_eq!(today["time_zone"], "UTC");
    assert!(today["date"].as_str().unwrap() >= begun.as_str());

    let csv = kim.get(&format!("/reports/day.csv?date={begun}")).await;
    assert_eq!(csv.status, 200);
    for (name, value) in [
        ("content-type", "text/csv; charset=utf-8; header=present"),
        ("content-disposition", &*format!("attachment; filename=\"handoffs-{begun}.csv\"")),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(csv.header(name), value);
    }
    let lines: Vec<&str> = csv.text().split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].starts_with(&format!("{invoice},{chat},Billing,Sam,ended,{begun} ")), "{}", lines[1]);
    assert!(lines[1].ends_with(",agent,no,'=solved,4"), "{}", lines[1]);
    assert!(lines[2].starts_with(&other) && lines[2].contains(",Support,Alex,active,"), "{}", lines[2]);
}

#[tokio::test]
async fn who_missed_is_counted() {
    let relay = Setup::new().set("WAITING_TIMEOUT", "1s").start().await;
    let (_, id) = relay.hand_off().await;
    relay.alex().sees_the_end(&id).await;
    let begun = relay.alex().handoff(&id).await["created_at"].as_str().unwrap()[..10].to_owned();
    let report = relay.alex().get(&format!("/reports/day?date={begun}")).await.good(200);
    let total = &report["total"];
    assert_eq!(
        (&total["missed"], &total["accepted"], &total["ended_by"]["system"]),
        (&json!(1), &json!(0), &json!(1))
    );
    assert_eq!(
        (&total["first_answer"]["median_seconds"], &total["wait"]["count"]),
        (&json!(null), &json!(0))
    );
    assert_eq!(report["teams"][0]["team"], json!(null));
    relay.finish().await;
}

#[tokio::test]
async fn others_and_other_days_are_refused() {
    let relay = start("").await;
    for path in ["/reports/now", "/reports/day", "/reports/day.csv", "/reports/day?date=never"] {
        let told = relay.agent("Sam").get(path).await.problem(403);
        assert_eq!(told, "reports are about all handoffs: they are for those who see all of them", "{path}");
        let stranger = relay.http.get(format!("{}/api{path}", relay.agents_url));
        Answer::to(stranger).await.problem(401);
    }
    let date = "date must be a day such as 2026-11-30";
    let zone = "time_zone must be the name of a time zone such as Europe/Berlin";
    for (query, told) in [
        ("date=yesterday", date),
        ("date=2026-02-30", date),
        ("date=9999-12-31", date),
        ("date=2026-11-30T00:00:00Z", date),
        ("time_zone=Mars", zone),
        ("time_zone=%2Fetc%2Fpasswd", zone),
        ("time_zone=%2B01:00", zone),
    ] {
        for path in ["day", "day.csv"] {
            let answer = relay.agent("Kim").get(&format!("/reports/{path}?{query}")).await;
            assert_eq!(answer.problem(400), told, "{path} {query}");
        }
    }
    relay.agent("Kim").get("/reports/day?date=&time_zone=").await.good(200);
}
