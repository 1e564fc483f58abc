//! Contacts, previews and rehearsals of imports, reports with their cost.

use super::*;
use crate::control::Resume;
use base::{AttemptId, CallId, CampaignId, LeadId, WallTime};
use store::{AttemptCloseRow, AttemptIntentRow, CdrCloseRow, CdrOpenRow};

const CSV: &str = "phone,first_name,last_name,external_id\n\
                   2125550100,Anna,Müller,C-1\n2125550101,Ann,Smith,\n=1+1,Eve,,\n2125550101,Twin,,\n";

fn send(bench: &Bench, path: &str, body: &str) -> Answer {
    bench.send(Role::Supervisor, "POST", path, Some(body), &[("content-type", "text/csv")])
}

/// Imports and waits for the end.
fn import(bench: &Bench, query: &str) -> Value {
    let begun = send(bench, &format!("/api/v1/lists/leads/import{query}"), CSV).is(202);
    let place = begun.header("location").to_owned();
    until(|| bench.get(Role::Viewer, &place).json()["state"] != "running");
    bench.get(Role::Viewer, &place).is(200).json()
}

fn with_list() -> Bench {
    let bench = Bench::new();
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(201);
    bench
}

#[test]
fn a_rehearsal_counts_everything_and_writes_nothing() {
    let bench = with_list();
    let newest = bench.service.control.journal().newest();
    let done = import(&bench, "?dry_run=true&file_name=a.csv");
    let counts = ["rows", "accepted", "duplicates", "rejected"].map(|key| done[key].as_u64().unwrap());
    assert_eq!((counts, &done["dry_run"], &done["state"]), ([4, 2, 1, 1], &json!(true), &json!("done")), "{done}");
    assert_eq!((&done["bytes"], &done["bytes_total"]), (&json!(CSV.len()), &json!(CSV.len())));
    assert_eq!(done["reasons"], json!({ "characters that no phone number has": 1 }));
    assert_eq!(bench.get(Role::Viewer, "/api/v1/lists/leads").is(200).json()["leads"], 0);
    assert_eq!(bench.get(Role::Supervisor, "/api/v1/contacts").is(200).json()["items"], json!([]));
    assert_eq!(bench.asked("ListGrew"), 0);
    let rows = bench.get(Role::Supervisor, &format!("/api/v1/imports/{}/rejected", done["id"])).is(200).json();
    assert_eq!(
        rows["items"],
        json!([
            { "line": 4, "field": "phone", "value": "=1+1", "reason": "characters that no phone number has" },
            { "line": 5, "field": "phone", "value": "2125550101", "reason": "same number as line 3" },
        ])
    );
    let one = bench.get(Role::Supervisor, &format!("/api/v1/imports/{}/rejected?limit=1", done["id"])).is(200).json();
    let next = bench.get(Role::Supervisor, one["next"].as_str().unwrap()).is(200).json();
    assert_eq!(next["items"][0]["line"], 5);
    bench.get(Role::Supervisor, "/api/v1/imports/99/rejected").is(404);
    // The watchers of events have heard of its end.
    let Resume::Since(notices) = bench.service.control.journal().since(newest, 100) else { panic!("all are kept") };
    let last = notices.iter().rfind(|notice| notice.kind == "import.state").unwrap();
    assert_eq!((&last.data["state"], &last.data["list"]), (&json!("done"), &json!("leads")));
    // It is over; one that never was is none.
    let cancel = |id: &str| bench.send(Role::Supervisor, "DELETE", &format!("/api/v1/imports/{id}"), None, &[]);
    cancel(&done["id"].to_string()).is(409);
    cancel("99").is(404);
}

#[test]
fn a_running_import_can_be_cancelled_and_keeps_what_it_has() {
    let bench = with_list();
    let rows: String = (0..400_000).map(|n| format!("2{:09}\n", 12_000_000 + n)).collect();
    let begun = send(&bench, "/api/v1/lists/leads/import", &format!("phone\n{rows}")).is(202);
    let place = begun.header("location").to_owned();
    bench.send(Role::Supervisor, "DELETE", &place, None, &[]).is(204);
    until(|| bench.get(Role::Viewer, &place).json()["state"] != "running");
    let ended = bench.get(Role::Viewer, &place).is(200).json();
    assert_eq!((&ended["state"], &ended["error"]), (&json!("cancelled"), &Value::Null), "{ended}");
    let leads = bench.get(Role::Viewer, "/api/v1/lists/leads").is(200).json()["leads"].clone();
    assert_eq!(leads, ended["accepted"]);
    assert!(leads.as_u64().unwrap() < 400_000, "it ended early");
}

#[test]
fn a_paused_import_waits_and_brings_every_row_when_it_goes_on() {
    let bench = with_list();
    let rows: String = (0..60_000).map(|n| format!("2{:09}\n", 12_000_000 + n)).collect();
    let begun = send(&bench, "/api/v1/lists/leads/import", &format!("phone\n{rows}")).is(202);
    let place = begun.header("location").to_owned();
    let ask = |verb: &str| bench.send(Role::Supervisor, "POST", &format!("{place}/{verb}"), None, &[]);
    let state = || bench.get(Role::Viewer, &place).is(200).json()["state"].as_str().unwrap().to_owned();
    ask("pause").is(204);
    until(|| state() != "running");
    assert_eq!(state(), "paused");
    let leads = || bench.get(Role::Viewer, "/api/v1/lists/leads").is(200).json()["leads"].as_u64().unwrap();
    let there = leads();
    assert!(there < 60_000);
    assert_eq!(leads(), there, "nothing is added meanwhile");
    bench.send(Role::Viewer, "POST", &format!("{place}/resume"), None, &[]).is(403);
    ask("resume").is(204);
    until(|| !matches!(state().as_str(), "paused" | "running"));
    let ended = bench.get(Role::Viewer, &place).json();
    assert_eq!((&ended["state"], &ended["accepted"]), (&json!("done"), &json!(60_000)), "{ended}");
    assert_eq!(leads(), 60_000);
    ask("pause").is(409);
    ask("resume").is(409);
}

#[test]
fn a_file_is_previewed_and_nothing_is_kept() {
    let bench = with_list();
    let path = "/api/v1/imports/preview";
    let seen =
        send(&bench, &format!("{path}?region=DE"), "Telefon;Vorname\n0151 23456789;Jörg\nx;Eva\n").is(200).json();
    assert_eq!((&seen["delimiter"], &seen["encoding"], &seen["missing"]), (&json!(";"), &json!("UTF-8"), &json!([])));
    assert_eq!(seen["columns"][0], json!({ "name": "Telefon", "samples": ["0151 23456789", "x"], "field": "phone" }));
    assert_eq!(seen["rows"][0]["fields"], json!({ "phone": "+4915123456789", "first_name": "Jörg" }));
    assert_eq!(seen["rows"][1]["fault"]["field"], "phone");
    // More than is looked at.
    let rows: String = (0..150_000).map(|n| format!("2{:09}\n", 12_000_000 + n)).collect();
    let seen = send(&bench, path, &format!("phone\n{rows}")).is(200).json();
    assert_eq!(seen["rows"].as_array().unwrap().len(), 20);
    // A column's name with a comma, and a field that is left out.
    let comma = format!("{path}?map=phone%3DTelefon%2C%20privat%2Cfirst_name%3D");
    let seen = send(&bench, &comma, "\"Telefon, privat\";first_name\n+12125550100;Ann\n").is(200).json();
    assert_eq!(seen["rows"][0]["fields"], json!({ "phone": "+12125550100" }));
    send(&bench, &format!("{path}?map=phone%3DFax"), "phone\n1\n").is(422);
    send(&bench, &format!("{path}?encoding=klingon"), "phone\n1\n").is(422);
    send(&bench, &format!("{path}?region=XX"), "phone\n1\n").is(422);
    bench.post(Role::Supervisor, path, &json!({})).is(415);
    assert_eq!(bench.get(Role::Viewer, "/api/v1/imports").is(200).json()["items"], json!([]));
    bench.store.flush().unwrap();
    let audit = bench.get(Role::Admin, "/api/v1/audit").is(200).text;
    assert!(!audit.contains("preview"), "{audit}");
}

#[test]
fn contacts_are_found_shown_and_changed() {
    let bench = with_list();
    import(&bench, "");
    let find = |query: &str| bench.get(Role::Supervisor, &format!("/api/v1/contacts{query}")).is(200).json();
    let ids = |found: &Value| {
        found["items"].as_array().unwrap().iter().map(|c| c["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let all = find("");
    assert_eq!((ids(&all), &all["total_estimate"], &all["total_at_least"]), (vec![1, 2], &json!(2), &json!(false)));
    let first = &all["items"][0];
    assert_eq!((&first["numbers"], &first["lists"]), (&json!(["+12125550100"]), &json!(["leads"])));
    assert_eq!((&first["external_id"], &first["do_not_call"]), (&json!("C-1"), &json!(false)));
    for (search, found) in
        [("muller", vec![1]), ("ann", vec![2, 1]), ("0101", vec![2]), ("%2B1%20212", vec![1, 2]), ("c-1", vec![1])]
    {
        assert_eq!(ids(&find(&format!("?search={search}"))), found, "{search}");
    }
    let page = find("?search=ann&limit=1");
    let rest = bench.get(Role::Supervisor, page["next"].as_str().unwrap()).is(200).json();
    assert_eq!((ids(&page), ids(&rest)), (vec![2], vec![1]));
    assert_eq!(ids(&find("?list=leads")), [1, 2]);
    for wrong in ["?list=nothing", "?cursor=x", "?limit=0", &format!("?search={}", "x".repeat(201))] {
        bench.get(Role::Supervisor, &format!("/api/v1/contacts{wrong}")).is(422);
    }

    bench.post(Role::Agent, "/api/v1/do-not-call", &json!({ "number": "+12125550100", "reason": "asked" })).is(204);
    let consent = json!({ "number": "+12125550100", "action": "given", "scope": "marketing", "source": "form" });
    bench.post(Role::Agent, "/api/v1/consents", &consent).is(204);
    let card = bench.get(Role::Supervisor, "/api/v1/contacts/1").is(200).json();
    assert_eq!((&card["do_not_call"], &card["suppressions"][0]["action"]), (&json!(true), &json!("suppressed")));
    assert_eq!(card["consents"][0]["scope"], "marketing");
    assert_eq!((&card["leads"][0]["list"], &card["leads"][0]["state"]), (&json!("leads"), &json!("new")));
    bench.get(Role::Supervisor, "/api/v1/contacts/99").is(404);

    let patch = |body: Value| bench.send(Role::Supervisor, "PATCH", "/api/v1/contacts/1", Some(&body.to_string()), &[]);
    let changed = patch(json!({ "first_name": "Maria", "external_id": null })).is(200).json();
    assert_eq!((&changed["first_name"], &changed["external_id"]), (&json!("Maria"), &Value::Null));
    assert_eq!(changed["last_name"], "Müller", "what is not named stays");
    assert_eq!((ids(&find("?search=maria")), ids(&find("?search=c-1"))), (vec![1], vec![]));
    patch(json!({ "timezone": "Mars/Olympus" })).is(422);
    patch(json!({ "first_name": "x".repeat(300) })).is(422);
    patch(json!({ "phone": "+1" })).is(422);

    let numbers = "/api/v1/contacts/1/numbers";
    let more = bench.post(Role::Supervisor, numbers, &json!({ "number": "+442071838750" })).is(200).json();
    assert_eq!(more["numbers"], json!(["+12125550100", "+442071838750"]));
    bench.post(Role::Supervisor, numbers, &json!({ "number": "+12125550101" })).is(409);
    bench.post(Role::Supervisor, numbers, &json!({ "number": "020 7183" })).is(422);
    let remove = |number: &str| bench.send(Role::Supervisor, "DELETE", &format!("{numbers}/{number}"), None, &[]);
    remove("%2B12125550100").is(409);
    remove("%2B442071838750").is(204);
    remove("%2B442071838750").is(404);
    remove("nothing").is(422);
}

#[test]
fn a_report_counts_and_prices_and_comes_as_a_file() {
    let bench = Bench::with(
        "currency = \"EUR\"\n[[trunk]]\nname = \"dear\"\nhost = \"127.0.0.1:5071\"\nprice_per_min = 0.06\nbilling_s = \"60/60\"",
    );
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(201);
    import(&bench, "");
    let body = json!({ "name": "spring", "list": "leads", "trunk": "carrier", "caller_id": "+12125550100" });
    let campaign =
        CampaignId(bench.post(Role::Supervisor, "/api/v1/campaigns", &body).is(201).json()["id"].as_u64().unwrap());
    let at = |s: i64| WallTime::from_unix_us(1_772_000_000_000_000 + s * 1_000_000);
    for (n, trunk, length_s) in [(1_u64, "dear", 61), (2, "carrier", 5)] {
        let tenant = TenantId::DEFAULT;
        let intent = AttemptIntentRow {
            tenant,
            attempt: AttemptId(n),
            campaign,
            lead: LeadId(n),
            attempt_number: 1,
            number: format!("+121255501{:02}", n - 1),
            trunk: trunk.to_owned(),
            caller_id: None,
            at: at(0),
            consent_allowed: true,
            consent_rule: "none".to_owned(),
            consent_proof: None,
            why: "{}".to_owned(),
        };
        let open = CdrOpenRow {
            tenant,
            call: CallId(n),
            attempt: Some(AttemptId(n)),
            campaign: Some(campaign),
            direction: "outbound".to_owned(),
            caller: String::new(),
            callee: String::new(),
            trunk: Some(trunk.to_owned()),
            answered_at: at(1),
            sip_call_id: String::new(),
            local_uri: String::new(),
            local_tag: String::new(),
            remote_uri: String::new(),
            remote_tag: String::new(),
            remote_target: String::new(),
            route_set: Vec::new(),
            local_cseq: 1,
            peer: String::new(),
        };
        let (cause_whose, ended_at) = ("callee".to_owned(), at(1 + length_s));
        let close = CdrCloseRow {
            tenant,
            call: CallId(n),
            agent: None,
            connected_at: None,
            ended_at,
            cause_whose: cause_whose.clone(),
            cause_code: None,
            media: None,
            timeline: None,
        };
        let end = AttemptCloseRow {
            tenant,
            attempt: AttemptId(n),
            outcome: "connected".to_owned(),
            counted_as: "connected".to_owned(),
            verdict: None,
            agent: Some(base::AgentId(1)),
            cause_whose,
            cause_code: None,
            ringing_at: None,
            answered_at: Some(at(1)),
            greeting_end_at: None,
            verdict_at: None,
            connected_at: Some(at(2)),
            ended_at,
            closed_at: ended_at,
        };
        for op in [Op::Intent(intent), Op::CdrOpen(open), Op::CdrClose(close), Op::AttemptClose(end, None)] {
            bench.store.submit(n, op).unwrap();
        }
    }
    bench.store.flush().unwrap();
    let report = bench.get(Role::Viewer, "/api/v1/campaigns/spring/report").is(200).json();
    assert_eq!((&report["attempts"], &report["connected"], &report["talk_s"]), (&json!(2), &json!(2), &json!(64)));
    assert_eq!(report["outcomes"], json!({ "connected": 2 }));
    assert_eq!((&report["hours"][0]["answered"], &report["segments"]["list"][0]["key"]), (&json!(2), &json!("leads")));
    assert_eq!(
        report["segments"]["trunk"][1],
        json!({ "key": "dear", "attempts": 1, "answered": 1, "connected": 1, "abandoned": 0, "machines": 0, "talk_s": 60 })
    );
    assert_eq!(
        report["cost"],
        json!({ "amount": 0.12, "currency": "EUR", "minutes": 2.0833, "unpriced_calls": 1, "per_connected": 0.06 })
    );
    let later = bench.get(Role::Viewer, "/api/v1/campaigns/spring/report?from=2030-01-01T00:00:00Z").is(200).json();
    assert_eq!((&later["attempts"], &later["cost"]["per_connected"]), (&json!(0), &Value::Null));
    let file = bench.get(Role::Viewer, "/api/v1/campaigns/spring/report?format=csv").is(200);
    assert!(file.header("content-disposition").contains("report-spring.csv"), "{file:?}");
    for line in ["summary", "campaign,spring", "cost,0.12", "currency,EUR", "connected,2", "dear,1,1,1,0,0,60"] {
        assert!(file.text.lines().any(|found| found == line), "{line}: {}", file.text);
    }
    bench.get(Role::Viewer, "/api/v1/campaigns/nothing/report").is(404);
    let number = |front: &str| {
        let path = format!("/api/v1/attempts?number={front}&order=desc&trunk=dear");
        bench.get(Role::Supervisor, &path).is(200).json()["items"].as_array().unwrap().len()
    };
    assert_eq!((number("%2B1212"), number("1%20212%20555%200100"), number("%2B44")), (1, 1, 0));
    bench.get(Role::Supervisor, "/api/v1/attempts?number=%2B").is(422);
}
