//! Lists, imports, leads, records, compliance.

use super::*;
use base::{AttemptId, CampaignId, LeadId};
use store::{AttemptIntentRow, ImportProgress, NewImport, NewLead, Reject};

/// Imports a CSV and waits for its end; gives the import.
pub(super) fn import(bench: &Bench, query: &str, kind: &str, body: &str) -> Value {
    let path = format!("/api/v1/lists/leads/import{query}");
    let begun = bench.send(Role::Supervisor, "POST", &path, Some(body), &[("content-type", kind)]).is(202);
    let place = begun.header("location").to_owned();
    let show = || bench.get(Role::Viewer, &place).is(200).json();
    until(|| show()["state"] != "running");
    show()
}

#[test]
fn a_list_is_imported_in_the_background_and_what_was_rejected_can_be_fetched() {
    let bench = Bench::new();
    let file = "Telefon;first_name\n212-555-0100;Ann\n+12125550100;Bob\n=1+1;Eve\n2125550101;Cy\n";
    bench
        .send(Role::Supervisor, "POST", "/api/v1/lists/leads/import", Some(file), &[("content-type", "text/csv")])
        .is(404);
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(201);
    let done = import(&bench, "?map=phone%3DTelefon&file_name=a.csv", "text/csv; charset=utf-8", file);
    let counts = ["rows", "accepted", "duplicates", "rejected"].map(|key| done[key].as_u64().unwrap());
    assert_eq!(
        (counts, done["state"].as_str(), done["list"].as_str()),
        ([4, 2, 1, 1], Some("done"), Some("leads")),
        "{done}"
    );
    assert_eq!(bench.asked("ListGrew"), 1);
    let rejected = bench.get(Role::Supervisor, &format!("/api/v1/imports/{}/rejected.csv", done["id"])).is(200);
    assert_eq!(
        rejected.text,
        "line,column,value,reason\n3,phone,'+12125550100,same number as line 2\n\
         4,phone,'=1+1,characters that no phone number has\n"
    );
    // A form does it too; a file that is no CSV of leads fails and says why.
    let form = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b.csv\"\r\nContent-Type: text/csv\r\n\r\n\
                phone\n'+12125550102\n\r\n--B--\r\n";
    let done = import(&bench, "", "multipart/form-data; boundary=B", form);
    assert_eq!((done["accepted"].as_u64(), done["file_name"].as_str()), (Some(1), Some("b.csv")), "{done}");
    let failed = import(&bench, "", "text/csv", "fax\n1\n");
    assert_eq!(failed["state"], "failed");
    assert!(failed["error"].as_str().unwrap().contains("phone"), "{failed}");
    let send = |query: &str, kind: &str| {
        let path = format!("/api/v1/lists/leads/import{query}");
        bench.send(Role::Supervisor, "POST", &path, Some("phone\n1\n"), &[("content-type", kind)])
    };
    send("?region=XX", "text/csv").is(422);
    send("?map=fax%3Da", "text/csv").is(422);
    send("", "application/json").is(415);
    // With a key the file is taken once.
    let keyed = || {
        let headers = [("content-type", "text/csv"), ("idempotency-key", "i1")];
        bench
            .send(Role::Supervisor, "POST", "/api/v1/lists/leads/import", Some("phone\n2125550103\n"), &headers)
            .is(202)
    };
    assert_eq!(keyed().json(), keyed().json());

    let all = bench.get(Role::Viewer, "/api/v1/imports?limit=2").is(200).json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    let next = bench.get(Role::Viewer, all["next"].as_str().unwrap()).is(200).json();
    assert_eq!(next["items"].as_array().unwrap().len(), 2);
    let end = bench.get(Role::Viewer, next["next"].as_str().unwrap()).is(200).json();
    assert_eq!(end, json!({ "items": [], "next": null }));
    until(|| bench.get(Role::Viewer, "/api/v1/lists/leads").is(200).json()["leads"] == 4);
    let lead = bench.get(Role::Supervisor, "/api/v1/leads?number=%2B12125550100").is(200).json()["items"][0].clone();
    assert_eq!((lead["first_name"].as_str(), lead["list"].as_str()), (Some("Ann"), Some("leads")));
    assert_eq!(bench.get(Role::Supervisor, &format!("/api/v1/leads/{}", lead["id"])).is(200).json(), lead);
    bench.get(Role::Supervisor, "/api/v1/leads/0").is(404);
    bench.get(Role::Supervisor, "/api/v1/leads?list=nothing").is(422);
}

#[test]
fn an_import_that_a_killed_process_left_is_ended() {
    let mut bench = Bench::new();
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(201);
    let list = bench.store.find_list(TenantId::DEFAULT, "leads").unwrap().unwrap();
    let left = NewImport { list, file_name: "left.csv".to_owned(), bytes_total: 9, dry_run: false, options: None };
    bench.store.put_import(TenantId::DEFAULT, &left, wall_now()).unwrap();
    bench.serve_again(Outfit::default());
    let all = bench.get(Role::Viewer, "/api/v1/imports").is(200).json();
    assert_eq!(
        (all["items"][0]["state"].as_str(), all["items"][0]["file_name"].as_str()),
        (Some("failed"), Some("left.csv"))
    );
    assert!(all["items"][0]["error"].as_str().unwrap().contains("its file is gone"), "{all}");
}

/// A process was killed after the leads and rejected rows of a part were written, and before that was noted.
#[test]
fn an_import_outlives_its_process() {
    let mut bench = Bench::new();
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(201);
    let (tenant, at) = (TenantId::DEFAULT, wall_now());
    let list = bench.store.find_list(tenant, "leads").unwrap().unwrap();
    let csv = "Telefon\n030 901820\nrubbish\n030 901821\nmore rubbish\n030 901822\n030 901820\n";
    let options = Some(r#"{"region":"DE","map":{"phone":"Telefon"},"encoding":null}"#.to_owned());
    let new =
        NewImport { list, file_name: "left.csv".to_owned(), bytes_total: csv.len() as u64, dry_run: false, options };
    let import = bench.store.put_import(tenant, &new, at).unwrap();
    let lead = |number: &str| NewLead { number: number.to_owned(), ..NewLead::default() };
    bench.store.import_leads(tenant, list, vec![lead("+4930901820"), lead("+4930901821")], at).unwrap();
    let reject = |line, raw: &str| Reject { line, field: "phone".into(), reason: "no number".into(), raw: raw.into() };
    bench.store.put_rejects(tenant, import, &[reject(3, "rubbish"), reject(5, "more rubbish")]).unwrap();
    let reasons = r#"{"no number":1}"#.to_owned();
    let noted = ImportProgress { lines: 2, accepted: 1, rejected: 1, reasons, ..ImportProgress::default() };
    bench.store.update_import(tenant, import, &noted).unwrap();
    let folder = bench.folder.path().join("imports");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{}.csv", import.0)), csv).unwrap();
    std::fs::write(folder.join("999.csv"), "of an import that is over").unwrap();
    bench.serve_again(Outfit::default());
    let path = format!("/api/v1/imports/{}", import.0);
    until(|| bench.get(Role::Viewer, &path).is(200).json()["state"] == "done");
    let done = bench.get(Role::Viewer, &path).is(200).json();
    let counts = ["rows", "accepted", "rejected", "duplicates"].map(|key| done[key].as_u64().unwrap());
    // The number of the part that was not noted counts as one that was there.
    assert_eq!(counts, [6, 2, 2, 2], "{done}");
    assert_eq!(bench.store.counts(tenant, list).unwrap().total, 3);
    let rejects = bench.store.rejects(tenant, import, (0, 0), 0).unwrap();
    assert_eq!(rejects.iter().map(|(_, row)| row.line).collect::<Vec<_>>(), [3, 5, 7], "each line once");
    until(|| std::fs::read_dir(&folder).unwrap().count() == 0);
}

#[test]
fn records_come_in_pages_or_as_one_harmless_file() {
    let bench = Bench::new();
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(201);
    import(&bench, "", "text/csv", "phone\n2125550100\n");
    let body = json!({ "name": "spring", "list": "leads", "trunk": "carrier", "caller_id": "+12125550100" });
    let campaign = bench.post(Role::Supervisor, "/api/v1/campaigns", &body).is(201).json()["id"].as_u64().unwrap();
    for number in 1..=3 {
        let intent = AttemptIntentRow {
            tenant: TenantId::DEFAULT,
            attempt: AttemptId(number),
            campaign: CampaignId(campaign),
            lead: LeadId(1),
            attempt_number: number as u32,
            number: "+12125550100".to_owned(),
            trunk: "=cmd()".to_owned(),
            caller_id: None,
            at: WallTime::from_unix_us(number as i64 * 1_000_000),
            consent_allowed: true,
            consent_rule: "none".to_owned(),
            consent_proof: None,
            why: "{\"launch\":1}".to_owned(),
        };
        bench.store.submit(number, Op::Intent(intent)).unwrap();
    }
    bench.store.flush().unwrap();
    let first = bench.get(Role::Supervisor, "/api/v1/attempts?campaign=spring&limit=2").is(200).json();
    assert_eq!(first["items"][0]["why"]["launch"], 1);
    let second = bench.get(Role::Supervisor, first["next"].as_str().unwrap()).is(200).json();
    assert_eq!((second["items"][0]["id"].as_u64(), second["items"].as_array().unwrap().len()), (Some(3), 1));
    let span = bench.get(Role::Supervisor, "/api/v1/attempts?from=2000000&to=3000000&order=desc").is(200).json();
    assert_eq!(span["items"].as_array().unwrap().len(), 1);
    bench.get(Role::Supervisor, "/api/v1/attempts?campaign=nothing").is(422);
    let file = bench.send(Role::Supervisor, "GET", "/api/v1/attempts", None, &[("accept", "text/csv")]).is(200);
    assert!(file.header("content-type").starts_with("text/csv"));
    let lines: Vec<&str> = file.text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[1].starts_with("1,spring,1,1,'+12125550100,'=cmd(),,1970-01-01T00:00:01Z,"), "{}", lines[1]);
    assert_eq!(bench.get(Role::Supervisor, "/api/v1/cdrs?format=csv").is(200).text.lines().count(), 1);
    let report = bench.get(Role::Viewer, "/api/v1/campaigns/spring/report").is(200).json();
    assert_eq!((report["attempts"].as_u64(), report["open"].as_u64()), (Some(3), Some(3)));
    bench.send(Role::Admin, "DELETE", "/api/v1/campaigns/spring", None, &[]).is(409);

    let said = json!({ "code": "sale", "person": true, "agent": "ann" });
    bench.post(Role::Agent, "/api/v1/attempts/2/disposition", &said).is(204);
    assert_eq!(bench.asked("Disposition"), 1);
    bench.post(Role::Agent, "/api/v1/attempts/9/disposition", &said).is(404);
    bench.post(Role::Agent, "/api/v1/attempts/2/disposition", &json!({ "code": "" })).is(422);
}

#[test]
fn numbers_are_suppressed_and_lifted_and_consents_only_grow() {
    let bench = Bench::new();
    for number in ["+12125550100", "+12125550101", "+12125550102"] {
        bench.post(Role::Agent, "/api/v1/do-not-call", &json!({ "number": number, "reason": "asked" })).is(204);
    }
    bench.post(Role::Agent, "/api/v1/do-not-call", &json!({ "number": "2125550100", "reason": "asked" })).is(422);
    let page = bench.get(Role::Supervisor, "/api/v1/do-not-call?limit=2").is(200).json();
    let rest = bench.get(Role::Supervisor, page["next"].as_str().unwrap()).is(200).json();
    assert_eq!(rest["items"], json!([{ "number": "+12125550102", "campaign": null }]));
    bench.send(Role::Supervisor, "DELETE", "/api/v1/do-not-call/%2B12125550101", None, &[]).is(204);
    bench.send(Role::Supervisor, "DELETE", "/api/v1/do-not-call/%2B12125550101", None, &[]).is(404);
    let one = bench.get(Role::Supervisor, "/api/v1/do-not-call?number=%2B12125550101").is(200).json();
    assert_eq!(one["items"], json!([]));

    let give = |action: &str| {
        let body = json!({ "number": "+12125550100", "action": action, "scope": "marketing", "source": "form" });
        bench.post(Role::Agent, "/api/v1/consents", &body)
    };
    give("given").is(204);
    give("withdrawn").is(204);
    give("taken").is(422);
    let found = bench.get(Role::Supervisor, "/api/v1/consents?number=%2B12125550100").is(200).json();
    assert_eq!(
        (found["items"][0]["action"].as_str(), found["items"][0]["source"].as_str()),
        (Some("withdrawn"), Some("form (by agent)"))
    );
    assert_eq!(bench.get(Role::Supervisor, "/api/v1/consents").is(200).json()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_cdr_is_shown_with_what_happened_in_it() {
    let bench = Bench::new();
    let tenant = TenantId::DEFAULT;
    let open = |call| store::CdrOpenRow {
        tenant,
        call: base::CallId(call),
        attempt: None,
        campaign: None,
        direction: "inbound".to_owned(),
        caller: "+12125550100".to_owned(),
        callee: "echo".to_owned(),
        trunk: None,
        answered_at: WallTime::from_unix_us(5),
        sip_call_id: "x".to_owned(),
        local_uri: String::new(),
        local_tag: String::new(),
        remote_uri: String::new(),
        remote_tag: String::new(),
        remote_target: String::new(),
        route_set: Vec::new(),
        local_cseq: 1,
        peer: String::new(),
    };
    let close = |call, timeline: Option<&str>| store::CdrCloseRow {
        tenant,
        call: base::CallId(call),
        agent: None,
        connected_at: None,
        ended_at: WallTime::from_unix_us(9),
        cause_whose: "callee".to_owned(),
        cause_code: None,
        media: None,
        timeline: timeline.map(str::to_owned),
    };
    let timeline =
        json!([{ "at_us": 4, "what": "began", "detail": "inbound" }, { "at_us": 9, "what": "later", "detail": null }]);
    for call in [3, 4, 6] {
        bench.store.submit(call, Op::CdrOpen(open(call))).unwrap();
    }
    bench.store.submit(7, Op::CdrClose(close(3, Some(&timeline.to_string())))).unwrap();
    // One that was written before there were timelines.
    bench.store.submit(8, Op::CdrClose(close(4, None))).unwrap();
    bench.store.flush().unwrap();
    let show = |call| bench.get(Role::Supervisor, &format!("/api/v1/cdrs/{call}"));
    let seen = show(3).is(200).json();
    assert_eq!((&seen["caller"], &seen["ended_us"], &seen["timeline"]), (&json!("+12125550100"), &json!(9), &timeline));
    assert_eq!(show(4).is(200).json()["timeline"], json!([]));
    assert_eq!((&show(6).is(200).json()["ended_us"], &show(6).is(200).json()["timeline"]), (&Value::Null, &json!([])));
    for nothing in ["0", "5", "x"] {
        bench.get(Role::Supervisor, &format!("/api/v1/cdrs/{nothing}")).is(404);
    }
}
