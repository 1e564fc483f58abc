//! Calls, campaigns, agents: what the control thread is asked.

use super::*;

#[test]
fn a_call_is_placed_seen_and_ended() {
    let bench = Bench::new();
    let body =
        json!({ "to": "+12125550100", "trunk": "carrier", "caller_id": "+12125550199", "connect": { "agent": "ann" } });
    let placed = bench.post(Role::Agent, "/api/v1/calls", &body).is(201);
    assert_eq!((placed.json()["id"].as_u64(), placed.header("location")), (Some(7), "/api/v1/calls/7"));
    assert_eq!(
        bench.get(Role::Agent, "/api/v1/calls?state=dialling&trunk=carrier").is(200).json()["items"][0]["to"],
        "+12125550100"
    );
    assert_eq!(bench.get(Role::Agent, "/api/v1/calls?state=ringing").is(200).json()["items"], json!([]));
    // A wallboard sees that there is a call, not whom it is with.
    assert_eq!(bench.get(Role::Viewer, "/api/v1/calls/7").is(200).json()["to"], "+1***00");
    let detail = bench.get(Role::Agent, "/api/v1/calls/7").is(200).json();
    assert_eq!((&detail["state"], &detail["quality"]), (&json!("dialling"), &Value::Null));
    assert_eq!(detail["timeline"], json!([{ "at_us": 2, "what": "began", "detail": null }]));
    bench.send(Role::Agent, "DELETE", "/api/v1/calls/7", None, &[]).is(204);
    bench.send(Role::Agent, "DELETE", "/api/v1/calls/7", None, &[]).is(404);
    bench.get(Role::Agent, "/api/v1/calls/7").is(404);
    for (body, field) in [
        (json!({ "to": "+1", "trunk": "carier", "connect": { "echo": true } }), "trunk"),
        (json!({ "to": "a b", "trunk": "carrier", "connect": { "echo": true } }), "to"),
        (json!({ "to": "+1", "trunk": "carrier", "connect": {} }), "connect"),
        (json!({ "to": "+1", "trunk": "carrier", "connect": { "echo": true, "agent": "ann" } }), "connect"),
        (json!({ "to": "+1", "trunk": "carrier", "connect": { "agent": "bob" } }), "connect.agent"),
        (json!({ "to": "+1", "trunk": "carrier", "connect": { "prompt": "../x.wav" } }), "connect.prompt"),
        (json!({ "to": "+1", "trunk": "carrier", "connect": { "ehco": true } }), "connect.ehco"),
    ] {
        let problem = bench.post(Role::Agent, "/api/v1/calls", &body).is(422).json();
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let full = json!({ "to": "full", "trunk": "carrier", "connect": { "echo": true } });
    let busy = bench.post(Role::Agent, "/api/v1/calls", &full).is(503);
    assert_eq!(busy.header("retry-after"), "3");
}

#[test]
fn a_campaigns_last_minutes_are_columns_of_one_length() {
    let bench = Bench::new();
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(201);
    let body = json!({ "name": "spring", "list": "leads", "trunk": "carrier", "caller_id": "+12125550100" });
    bench.post(Role::Supervisor, "/api/v1/campaigns", &body).is(201);
    let series = |query: &str| bench.get(Role::Viewer, &format!("/api/v1/campaigns/spring/series{query}"));
    // One that was never at work has no points.
    assert_eq!(series("").is(200).json()["at_us"], json!([]));
    // Each request is a second.
    for _ in 0..71 {
        bench.post(Role::Supervisor, "/api/v1/campaigns/spring/start", &json!({})).is(200);
    }
    let minute = series("?minutes=1").is(200).json();
    let columns = minute.as_object().unwrap();
    assert_eq!((columns.len(), &minute["step_s"]), (13, &json!(1)));
    for (name, column) in columns.iter().filter(|(name, _)| *name != "step_s") {
        assert_eq!(column.as_array().map(Vec::len), Some(60), "{name}");
    }
    assert_eq!(series("?minutes=60").is(200).json()["at_us"].as_array().map(Vec::len), Some(71));
    for wrong in ["?minutes=0", "?minutes=61", "?minutes=x", "?hours=1"] {
        series(wrong).is(422);
    }
    let why = |query: &str| bench.get(Role::Viewer, &format!("/api/v1/campaigns/spring/decisions{query}"));
    // The desk stands in for the pacer: what it is asked comes back in what it answers.
    assert_eq!(why("?at=1970-01-01T00:00:01Z&limit=500").is(200).json()["oldest_us"], json!(999_500));
    assert_eq!(why("?at=1000000").is(200).json()["oldest_us"], json!(999_900));
    for wrong in ["?limit=0", "?limit=501", "?at=yesterday", "?from=1"] {
        why(wrong).is(422);
    }
    let calibration = bench.get(Role::Viewer, "/api/v1/campaigns/spring/calibration").is(200).json();
    assert_eq!(
        (calibration["bins"].as_array().map(Vec::len), &calibration["bins"][0]["persons"]),
        (Some(10), &json!(0))
    );
    bench.get(Role::Viewer, "/api/v1/campaigns/autumn/decisions").is(404);
    bench.get(Role::Viewer, "/api/v1/campaigns/autumn/calibration").is(404);
    bench.get(Role::Viewer, "/api/v1/campaigns/nothing/series").is(404);
}

#[test]
fn an_engine_that_is_not_there_has_moved_no_packet() {
    let bench = Bench::new();
    let engine = bench.get(Role::Viewer, "/api/v1/engine").is(200).json();
    assert_eq!((&engine["shards"], &engine["totals"]["packets_sent"]), (&json!([]), &json!(0)));
    let buckets = engine["totals"]["send_lateness_us"]["buckets"].as_array().unwrap();
    assert_eq!((buckets.len(), &buckets[0]), (12, &json!({ "le_us": 20, "count": 0 })));
    assert_eq!(buckets[11]["le_us"], Value::Null);
}

#[test]
fn the_same_key_does_a_thing_once() {
    let bench = Bench::new();
    let body = json!({ "to": "+12125550100", "trunk": "carrier", "connect": { "echo": true } }).to_string();
    let other = body.replace("0100", "0101");
    let send = |role, body: &str, key: &str| {
        bench.send(role, "POST", "/api/v1/calls", Some(body), &[("idempotency-key", key)])
    };
    let first = send(Role::Agent, &body, "k1").is(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = send(Role::Agent, &body, "k1").is(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((again.json(), again.header("location")), (first.json(), first.header("location")));
    assert_eq!(bench.asked("Originate"), 1);
    send(Role::Agent, &other, "k1").is(422);
    // A key belongs to its token.
    send(Role::Supervisor, &other, "k1").is(201);
    // A refusal is an answer too; what may pass is tried again.
    let wrong = send(Role::Agent, "{}", "k2").is(422);
    assert_eq!(send(Role::Agent, "{}", "k2").is(422).header("idempotency-replayed"), "true");
    assert_eq!(wrong.header("content-type"), "application/problem+json");
    let full = body.replace("+12125550100", "full");
    assert_eq!(send(Role::Agent, &full, "k3").is(503).status, send(Role::Agent, &full, "k3").status);
    assert_eq!(bench.asked("Originate"), 4);
    // A secret is not kept.
    let token = json!({ "name": "board", "role": "viewer" }).to_string();
    let make = || bench.send(Role::Admin, "POST", "/api/v1/tokens", Some(&token), &[("idempotency-key", "k4")]);
    assert!(make().is(201).json()["token"].as_str().unwrap().starts_with("op_"));
    make().is(409);
    // Another password is another request, though none is kept.
    let named = |password: &str| {
        let body = json!({ "name": "eve", "role": "viewer", "password": password }).to_string();
        bench.send(Role::Admin, "POST", "/api/v1/accounts", Some(&body), &[("idempotency-key", "k5")])
    };
    named("the first password").is(201);
    named("the first password").is(201);
    named("another password").is(422);
    assert_eq!(bench.store.tokens(TenantId::DEFAULT).unwrap().len(), Role::ALL.len() + 1);
}

#[test]
fn campaigns_are_made_tuned_started_and_reported_with_the_words_of_the_file() {
    let bench = Bench::new();
    let body = json!({ "name": "spring", "list": "leads", "trunk": "carrier", "caller_id": "+12125550100" });
    let problem = bench.post(Role::Supervisor, "/api/v1/campaigns", &body).is(422).json();
    assert_eq!(problem["errors"][0]["field"], "list");
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(201);
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(409);
    let made = bench.post(Role::Supervisor, "/api/v1/campaigns", &body).is(201);
    assert_eq!(
        (made.json()["settings"]["limit"].clone(), made.header("location")),
        (Value::Null, "/api/v1/campaigns/spring")
    );
    bench.post(Role::Supervisor, "/api/v1/campaigns", &body).is(409);
    let tune = |body: &str| bench.send(Role::Supervisor, "PATCH", "/api/v1/campaigns/spring", Some(body), &[]);
    assert_eq!(tune(r#"{"limit": 0.02, "ring_timeout_s": 20}"#).is(200).json()["settings"]["limit"], 0.02);
    assert_eq!(tune(r#"{"limit": null}"#).is(200).json()["settings"]["ring_timeout_s"], 20);
    let problem = tune(r#"{"ring_timout_s": 20}"#).is(422).json();
    assert_eq!(problem["errors"][0]["mend"], "did you mean \"ring_timeout_s\"?");
    tune(r#"{"name": "other"}"#).is(422);
    assert_eq!(
        bench.send(Role::Supervisor, "POST", "/api/v1/campaigns/spring/start", None, &[]).is(200).json()["state"],
        "running"
    );
    bench.send(Role::Supervisor, "POST", "/api/v1/campaigns/summer/start", None, &[]).is(404);
    let report = bench.get(Role::Viewer, "/api/v1/campaigns/spring/report?from=2026-01-01T00:00:00Z").is(200).json();
    assert_eq!((report["attempts"].as_u64(), report["abandon_rate"].as_f64()), (Some(0), Some(0.0)));
    let stored = bench.store.campaigns(TenantId::DEFAULT).unwrap();
    assert_eq!((stored[0].name.as_str(), stored[0].config_hash.as_str()), ("spring", ""));
    assert!(stored[0].config.contains("ring_timeout_s") && !stored[0].config.contains("limit"));
    bench.send(Role::Supervisor, "DELETE", "/api/v1/lists/leads", None, &[]).is(409);
    bench.send(Role::Admin, "DELETE", "/api/v1/campaigns/spring", None, &[]).is(204);
    bench.send(Role::Supervisor, "DELETE", "/api/v1/lists/leads", None, &[]).is(204);
}

#[test]
fn agents_are_made_changed_and_put_into_states() {
    let bench = Bench::new();
    let body = json!({ "name": "bob", "skills": ["sales"] });
    assert_eq!(bench.post(Role::Supervisor, "/api/v1/agents", &body).is(201).json()["settings"]["skills"][0], "sales");
    bench.post(Role::Supervisor, "/api/v1/agents", &json!({ "name": "eve", "password": "x" })).is(422);
    bench.post(Role::Supervisor, "/api/v1/agents", &json!({ "name": "eve", "sip": "tel:1" })).is(422);
    let changed = bench.send(Role::Supervisor, "PATCH", "/api/v1/agents/bob", Some(r#"{"skills": []}"#), &[]).is(200);
    assert_eq!(changed.json()["skills"], json!([]));
    let state = |state: &str| bench.post(Role::Agent, "/api/v1/agents/bob/state", &json!({ "state": state }));
    state("on_break").is(200);
    let problem = state("on_brake").is(422).json();
    assert_eq!(problem["errors"][0]["mend"], "did you mean \"on_break\"?");
    assert_eq!(bench.asked("SetAgent"), 1);
    bench.send(Role::Admin, "DELETE", "/api/v1/agents/bob", None, &[]).is(204);
    assert!(bench.store.agents(TenantId::DEFAULT, None, 0).unwrap().is_empty());
}

#[test]
fn what_was_changed_stands_in_the_audit_log_and_secrets_nowhere() {
    let bench = Bench::new();
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(201);
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(409);
    let entries = || bench.get(Role::Admin, "/api/v1/audit").is(200).json()["items"].clone();
    until(|| entries().as_array().is_some_and(|entries| !entries.is_empty()));
    let entries = entries();
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
    assert_eq!(
        (entries[0]["who"].as_str(), entries[0]["action"].as_str()),
        (Some("supervisor"), Some("POST /api/v1/lists"))
    );
    let count = |query: &str| {
        let page = bench.get(Role::Admin, &format!("/api/v1/audit?{query}")).is(200).json();
        page["items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count("who=SUPER&target=lists&order=desc&from=0"), 1);
    assert_eq!(["who=admin", "target=campaigns", "to=1"].map(count), [0, 0, 0]);
    bench.get(Role::Admin, "/api/v1/audit?order=sideways").is(422);
    let config = bench.get(Role::Admin, "/api/v1/config").is(200);
    assert!(config.text.contains("\"***\"") && !config.text.contains("s3cret"), "{}", config.text);
    let made = bench.post(Role::Admin, "/api/v1/tokens", &json!({ "name": "x", "role": "agent" })).is(201).json();
    let token = format!("Bearer {}", made["token"].as_str().unwrap());
    let who = || request(bench.address, "GET", "/api/v1/whoami", None, &[("authorization", &token)]);
    assert_eq!(who().is(200).json()["role"], "agent");
    bench.send(Role::Admin, "DELETE", &format!("/api/v1/tokens/{}", made["id"]), None, &[]).is(204);
    who().is(401);
}
