//! What if: asked over the API, answered from records.

use super::*;
use crate::http::tests::records::import;
use base::{AttemptId, CampaignId, LeadId};
use store::{AttemptCloseRow, AttemptIntentRow};

/// Two hours of `attempts` calls of a campaign "spring", four agents, a quarter of the calls connected.
fn a_day_with(attempts: u64) -> Bench {
    let bench = Bench::new();
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(201);
    import(&bench, "", "text/csv", "phone\n2125550100\n");
    let body = json!({ "name": "spring", "list": "leads", "trunk": "carrier", "caller_id": "+12125550100" });
    let campaign = bench.post(Role::Supervisor, "/api/v1/campaigns", &body).is(201).json()["id"].as_u64().unwrap();
    let tenant = TenantId::DEFAULT;
    for number in 1..=attempts {
        let began = number * 7_200 / attempts;
        let at = |seconds: u64| WallTime::from_unix_us((began + seconds) as i64 * 1_000_000);
        let person = number % 4 == 0;
        let intent = AttemptIntentRow {
            tenant,
            attempt: AttemptId(number),
            campaign: CampaignId(campaign),
            lead: LeadId(1),
            attempt_number: number as u32,
            number: "+12125550100".to_owned(),
            trunk: "carrier".to_owned(),
            caller_id: None,
            at: at(0),
            consent_allowed: true,
            consent_rule: "none".to_owned(),
            consent_proof: None,
            why: "{}".to_owned(),
        };
        let close = AttemptCloseRow {
            tenant,
            attempt: AttemptId(number),
            outcome: if person { "connected" } else { "no_answer" }.to_owned(),
            counted_as: if person { "connected" } else { "not_counted" }.to_owned(),
            verdict: person.then(|| "human".to_owned()),
            agent: person.then_some(base::AgentId(1 + number / 4 % 4)),
            cause_whose: "callee".to_owned(),
            cause_code: None,
            ringing_at: Some(at(2)),
            answered_at: person.then(|| at(8)),
            greeting_end_at: person.then(|| at(9)),
            verdict_at: person.then(|| at(9)),
            connected_at: person.then(|| at(10)),
            ended_at: at(if person { 70 } else { 25 }),
            closed_at: at(70),
        };
        bench.store.submit(number, Op::Intent(intent)).unwrap();
        bench.store.submit(number, Op::AttemptClose(close, None)).unwrap();
    }
    bench.store.flush().unwrap();
    bench
}

/// Asks until it is over.
fn over(bench: &Bench, id: &Value) -> Value {
    loop {
        let now = bench.get(Role::Supervisor, &format!("/api/v1/simulations/{id}")).is(200).json();
        if !["waiting", "running"].contains(&now["state"].as_str().unwrap()) {
            return now;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_if_two_agents_more_is_answered_from_the_records_of_the_day() {
    let bench = a_day_with(800);
    let ask = |body: Value| bench.post(Role::Supervisor, "/api/v1/simulations", &body);
    let whole = json!({ "campaign": "spring", "from": "0", "to": "86400000000", "days": 8 });
    let with = |more: Value| {
        let mut body = whole.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let begun = ask(with(json!({ "agents": 8, "mode": "progressive" }))).is(202);
    assert_eq!(begun.header("location"), "/api/v1/simulations/1");
    let done = over(&bench, &begun.json()["id"]);
    assert_eq!(
        (&done["state"], &done["progress"], &done["error"]),
        (&json!("done"), &json!(1.0), &Value::Null),
        "{done}"
    );
    assert_eq!((&done["attempts"], &done["agents"], &done["changes"]["agents"]), (&json!(800), &json!(4), &json!(8)));
    let (before, after) = (&done["before"], &done["after"]);
    assert_eq!(
        (&before["days"], &before["policy"], &after["policy"]),
        (&json!(8), &json!("predictive"), &json!("progressive"))
    );
    let mean = |side: &Value, figure: &str| side[figure]["mean"].as_f64().unwrap();
    assert!(mean(after, "connected") > 1.15 * mean(before, "connected"), "twice the agents: {done}");
    assert!(mean(before, "occupancy") > mean(after, "occupancy"), "over-dialling keeps agents busier: {done}");
    assert_eq!(mean(after, "abandon_rate"), 0.0);
    for side in [before, after] {
        let band = &side["occupancy"];
        assert!(band["low"].as_f64() <= band["mean"].as_f64() && band["mean"].as_f64() <= band["high"].as_f64());
    }
    // The same question, the same answer.
    let again = over(&bench, &ask(with(json!({ "agents": 8, "mode": "progressive" }))).is(202).json()["id"]);
    assert_eq!((&again["before"], &again["after"]), (before, after));
    let all = bench.get(Role::Supervisor, "/api/v1/simulations").is(200).json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);

    // What cannot be answered says why.
    for (body, field) in [
        (with(json!({ "limit": 3 })), "limit"),
        (with(json!({ "agents": 0 })), "agents"),
        (with(json!({ "mode": "preview" })), "mode"),
        (with(json!({ "mode": "power" })), "ratio"),
        (with(json!({ "ratio": 1.5 })), "ratio"),
        (with(json!({ "days": 1 })), "days"),
        (with(json!({ "agents": 8, "more_agents": 1 })), "more_agents"),
        (with(json!({ "wrap_up_s": -1 })), "wrap_up_s"),
        (with(json!({ "base": true })), "base"),
        (with(json!({ "to": "86400000001" })), "to"),
    ] {
        assert_eq!(ask(body.clone()).is(422).json()["errors"][0]["field"], field, "{body}");
    }
    ask(json!({ "campaign": "autumn" })).is(404);
    let empty = over(&bench, &ask(with(json!({ "from": "43200000000" }))).is(202).json()["id"]);
    assert_eq!(empty["state"], "failed");
    assert!(empty["error"].as_str().unwrap().contains("0 attempts"), "{empty}");
    let many = over(&bench, &ask(with(json!({ "agents": 1_000, "days": 400 }))).is(202).json()["id"]);
    assert!(many["error"].as_str().unwrap().contains("ask for 8 days"), "{many}");
    bench.get(Role::Supervisor, "/api/v1/simulations/99").is(404);
    bench.get(Role::Viewer, "/api/v1/simulations").is(403);
}

#[test]
fn a_simulation_ends_when_it_is_told_and_only_a_few_wait() {
    let bench = a_day_with(400);
    let ask = || {
        let body = json!({ "campaign": "spring", "from": "0", "to": "86400000000", "agents": 200, "days": 40 });
        bench.post(Role::Supervisor, "/api/v1/simulations", &body)
    };
    let ids: Vec<Value> = (0..SIMULATIONS_WAITING_MAX).map(|_| ask().is(202).json()["id"].clone()).collect();
    ask().is(429);
    for id in ids.iter().rev() {
        bench.send(Role::Supervisor, "DELETE", &format!("/api/v1/simulations/{id}"), None, &[]).is(204);
    }
    for id in &ids {
        assert_eq!(over(&bench, id)["state"], "cancelled");
    }
    bench.send(Role::Supervisor, "DELETE", "/api/v1/simulations/99", None, &[]).is(404);
}

#[test]
fn what_if_agents_more_or_fewer_and_shorter_wrap_ups() {
    let bench = a_day_with(800);
    let ask = |changes: Value| {
        let mut body = json!({ "campaign": "spring", "from": "0", "to": "86400000000", "days": 4 });
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let begun = bench.post(Role::Supervisor, "/api/v1/simulations", &body).is(202).json();
        over(&bench, &begun["id"])
    };
    let more = ask(json!({ "more_agents": 3 }));
    assert_eq!((&more["before"]["agents"], &more["after"]["agents"]), (&json!(4), &json!(7)), "{more}");
    assert_eq!((&more["begins_us"], &more["from_us"]), (&json!(0), &json!(0)));
    assert!(more["after"]["over_day"].as_array().unwrap().len() > 4);
    // Fewer than none are one.
    assert_eq!(ask(json!({ "more_agents": -40 }))["after"]["agents"], json!(1));
    let short = ask(json!({ "wrap_up_s": 1 }));
    let connected = |side: &str| short[side]["connected"]["mean"].as_f64().unwrap();
    assert!(connected("after") > connected("before"), "who is free sooner talks with more people: {short}");
    assert!(short["after"]["abandoned"]["mean"].is_f64() && short["after"]["connected"]["error"].is_f64());
}

#[test]
fn a_campaign_without_records_asks_about_the_base_scenario() {
    let bench = a_day_with(1);
    let body = json!({ "campaign": "spring", "base": true, "mode": "progressive", "days": 4 });
    let begun = bench.post(Role::Supervisor, "/api/v1/simulations", &body).is(202).json();
    let done = over(&bench, &begun["id"]);
    assert_eq!((&done["state"], &done["agents"], &done["attempts"]), (&json!("done"), &json!(20), &json!(0)), "{done}");
    assert_eq!((&done["from_us"], &done["to_us"], &done["begins_us"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(done["after"]["abandoned"]["mean"], json!(0.0));
    assert!(done["before"]["abandoned"]["mean"].as_f64().unwrap() > 0.0, "predictive spends its budget: {done}");
}
