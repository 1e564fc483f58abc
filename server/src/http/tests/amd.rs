//! Evidence of answer detection: queue, labels, report, sound.

use super::*;
use crate::amd::listening::SOUND;
use crate::secrets::Key;
use base::AttemptId;
use store::AmdEvidenceRow;

/// Verdicts of today: people and machines, one machine in ten audited, the first with sound.
fn fill(bench: &Bench, verdicts: u64) {
    let store = &bench.service.store;
    let campaign = store.ensure_campaign(TenantId::DEFAULT, "spring", wall_now()).unwrap();
    let key = Key::of(&bench.service.config.load().server.data_dir).unwrap();
    for n in 1..=verdicts {
        let human = n.is_multiple_of(2);
        let sound = if n == 1 { key.seal_bytes(TenantId::DEFAULT, SOUND, &[0x80; 800]).unwrap() } else { Vec::new() };
        let handling = match (human, n % 20 == 1) {
            (true, _) => "person",
            (false, true) => "audited",
            (false, false) => "acted",
        };
        let row = AmdEvidenceRow {
            tenant: TenantId::DEFAULT,
            attempt: AttemptId(n),
            campaign,
            number: format!("+1212555{n:04}"),
            at: wall_now(),
            mode: "on".to_owned(),
            handling: handling.to_owned(),
            share_ppm: if human { 1_000_000 } else { 100_000 },
            verdict: if human { "human" } else { "machine" }.to_owned(),
            cause: "NET".to_owned(),
            verdict_ms: 900,
            utterance_end_ms: Some(700),
            detector: "default".to_owned(),
            model: Some("00ff".to_owned()),
            rules: r#"{"machine":0.9}"#.to_owned(),
            codec: "PCMU".to_owned(),
            packets: 45,
            lost: 1,
            person_ppm: Some(250_000),
            shadow: None,
            trace: vec![51, 204, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0],
            // Three frames, of which the last two are speech.
            features: [[100; 26].as_slice(), &[0], &[100; 26], &[1], &[100; 26], &[1]].concat(),
            kept_until: Some(WallTime::from_unix_us(wall_now().as_unix_us() + 1_000_000_000)),
            audio_until: (n == 1).then(|| WallTime::from_unix_us(wall_now().as_unix_us() + 1_000_000_000)),
            audio: sound,
        };
        store.submit(1, Op::AmdEvidence(Box::new(row))).unwrap();
    }
    store.flush().unwrap();
}

#[test]
fn a_verdict_is_found_looked_at_heard_and_labelled() {
    let bench = Bench::new();
    fill(&bench, 60);
    let queue = |query: &str| bench.get(Role::Supervisor, &format!("/api/v1/amd/queue{query}")).is(200).json();
    let audited = queue("?audited=true&campaign=spring&verdict=machine");
    let ids: Vec<u64> =
        audited["items"].as_array().unwrap().iter().map(|one| one["attempt"].as_u64().unwrap()).collect();
    assert_eq!(ids, [41, 21, 1], "newest first");
    assert_eq!((&audited["items"][2]["audio"], &audited["items"][2]["label"]), (&json!(true), &Value::Null));
    let page = queue("?limit=2");
    assert_eq!(page["items"][1]["attempt"], 59);
    let next = bench.get(Role::Supervisor, page["next"].as_str().unwrap()).is(200).json();
    assert_eq!(next["items"][0]["attempt"], 58);
    assert_eq!(queue("?audio=true")["items"].as_array().unwrap().len(), 1);
    bench.get(Role::Supervisor, "/api/v1/amd/queue?verdict=robot").is(422);
    bench.get(Role::Supervisor, "/api/v1/amd/queue?campaign=none").is(422);
    bench.get(Role::Agent, "/api/v1/amd/queue").is(403);

    let evidence = bench.get(Role::Supervisor, "/api/v1/attempts/1/evidence").is(200).json();
    assert_eq!(
        (&evidence["handling"], &evidence["audit_share"], &evidence["rules"]["machine"]),
        (&json!("audited"), &json!(0.1), &json!(0.9))
    );
    assert_eq!(evidence["trace"]["classes"][0], "human");
    assert_eq!((&evidence["trace"]["steps"][0][1], &evidence["trace"]["steps"][1][0]), (&json!(0.8), &json!(1.0)));
    assert_eq!((&evidence["speech"], &evidence["trace"]["step_ms"]), (&json!([[20, 60]]), &json!(40)));
    bench.get(Role::Supervisor, "/api/v1/attempts/61/evidence").is(404);

    let sound = bench.send(Role::Supervisor, "GET", "/api/v1/attempts/2/evidence/audio", None, &[]);
    sound.is(404);
    let address = format!("http://{}/api/v1/attempts/1/evidence/audio", bench.address);
    let token = format!("Bearer {}", bench.tokens[&Role::Supervisor]);
    let mut answer = ureq::get(&address).header("authorization", &token).call().unwrap();
    assert_eq!(answer.headers()["content-type"], "audio/wav");
    assert_eq!(codecs::wav::read(&answer.body_mut().read_to_vec().unwrap()).unwrap().len(), 800);
    let audit = || bench.get(Role::Admin, "/api/v1/audit").is(200).json()["items"].as_array().unwrap().clone();
    until(|| audit().iter().any(|row| row["action"] == "GET /api/v1/attempts/{id}/evidence/audio"));

    let label = |id: u64, answered: Value| {
        bench.post(Role::Supervisor, &format!("/api/v1/attempts/{id}/label"), &json!({ "answered": answered }))
    };
    label(1, json!("person")).is(204);
    assert_eq!(queue("?audited=true")["items"].as_array().unwrap().len(), 2, "what has a label leaves the queue");
    assert_eq!(queue("?labelled=true")["items"][0]["label"]["answered"], "person");
    label(1, Value::Null).is(204);
    assert_eq!(queue("?audited=true")["items"].as_array().unwrap().len(), 3, "taken back");
    let labels = bench.get(Role::Supervisor, "/api/v1/attempts/1/evidence").is(200).json()["labels"].clone();
    assert_eq!((labels[0]["answered"].clone(), labels[1]["answered"].clone()), (json!("person"), Value::Null));
    assert_eq!(labels[0]["source"], "listener");
    label(1, json!("robot")).is(422);
    bench.post(Role::Supervisor, "/api/v1/attempts/1/label", &json!({})).is(422);
    label(99, json!("person")).is(404);

    let models = bench.get(Role::Viewer, "/api/v1/amd/models").is(200).json();
    assert_eq!(models["acting"]["detector"], "classic");
    assert_eq!(models["shadow"]["model"], detect::shipped().hash(), "beside rules the net that ships listens");
}

#[test]
fn the_report_says_what_can_be_said_and_the_pacer_is_told() {
    let bench = Bench::new();
    bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": "leads" })).is(201);
    let campaign = json!({ "name": "spring", "list": "leads", "trunk": "carrier", "caller_id": "+12125550100" });
    bench.post(Role::Supervisor, "/api/v1/campaigns", &campaign).is(201);
    fill(&bench, 2_400);
    let report = || bench.get(Role::Viewer, "/api/v1/campaigns/spring/amd").is(200).json();
    let found = report();
    assert_eq!(
        (&found["mode"], &found["audit_share"], &found["total"]["calls"]),
        (&json!("on"), &json!(0.01), &json!(2_400))
    );
    assert_eq!(found["total"]["handling"], json!({ "acted": 1_080, "audited": 120, "person": 1_200 }));
    assert!(found["total"]["says"].as_str().unwrap().starts_with("Too few to say"), "{found}");
    assert_eq!((&found["total"]["measured"], &found["total"]["human_as_machine"]), (&json!(false), &Value::Null));
    // Agents say what answered: two persons among the audited, all who were taken for persons were.
    let store = &bench.service.store;
    for n in (1..=2_400_u64).filter(|n| n % 20 == 1 || n.is_multiple_of(2)) {
        let answered = if n.is_multiple_of(2) || n <= 21 { "person" } else { "machine" };
        let row = store::AmdLabelRow {
            tenant: TenantId::DEFAULT,
            attempt: AttemptId(n),
            answered: Some(answered.to_owned()),
            source: "agent".to_owned(),
            who: "ann".to_owned(),
            at: wall_now(),
        };
        store.submit(1, Op::AmdLabel(row)).unwrap();
    }
    store.flush().unwrap();
    let total = report()["total"].clone();
    assert_eq!(
        (&total["audited"], &total["audited_persons"], &total["measured"]),
        (&json!(120), &json!(2), &json!(true))
    );
    let lost = total["human_as_machine"]["share"].as_f64().unwrap();
    assert!((lost - 20.0 / 1_220.0).abs() < 1e-6, "2 of 120 of 1,200, beside 1,200 who were reached: {total}");

    let id = store.campaigns(TenantId::DEFAULT).unwrap()[0].campaign;
    bench.runtime.block_on(crate::http::amd_watch::look(&bench.service, id)).unwrap();
    assert_eq!(bench.asked("AmdFound"), 1);
    let kept = crate::amd::measured::load(store, TenantId::DEFAULT, id).unwrap().unwrap();
    let high = total["human_as_machine"]["high"].as_f64().unwrap();
    assert!(kept.rate >= high && kept.rate < high + 1.1e-4, "{kept:?} and {high}");
    assert!(kept.evidence.contains("120 labelled audits"), "{kept:?}");
}

#[test]
fn marked_numbers_are_seen_and_called_again() {
    let bench = Bench::new();
    let store = &bench.service.store;
    let campaign = store.ensure_campaign(TenantId::DEFAULT, "spring", wall_now()).unwrap();
    for (n, reason) in [(1, "fax"), (2, "vacant"), (3, "intercept")] {
        let (tenant, number, reason) = (TenantId::DEFAULT, format!("+1212555010{n}"), reason.to_owned());
        let at = base::WallTime::from_unix_us(n);
        let row = store::NumberMarkRow { tenant, number, reason, campaign, attempt: AttemptId(n as u64), at };
        store.submit(1, Op::MarkNumber(row)).unwrap();
    }
    store.flush().unwrap();
    let list = |query: &str| bench.get(Role::Supervisor, &format!("/api/v1/number-marks{query}")).is(200).json();
    let page = list("?limit=2");
    let first = json!({ "number": "+12125550101", "reason": "fax", "campaign": "spring", "attempt": 1, "at_us": 1 });
    assert_eq!((&page["items"][0], page["items"].as_array().unwrap().len()), (&first, 2));
    let next = bench.get(Role::Supervisor, page["next"].as_str().unwrap()).is(200).json();
    assert_eq!((&next["items"][0]["reason"], &next["next"]), (&json!("intercept"), &Value::Null));
    assert_eq!(list("?number=%2B12125550102")["items"][0]["reason"], "vacant");
    assert_eq!(list("?number=%2B12125550109")["items"], json!([]));
    bench.get(Role::Agent, "/api/v1/number-marks").is(403);
    let lift =
        |number: &str| bench.send(Role::Supervisor, "DELETE", &format!("/api/v1/number-marks/{number}"), None, &[]);
    lift("%2B12125550101").is(204);
    lift("%2B12125550101").is(404);
    lift("nobody").is(422);
    assert_eq!(list("")["items"].as_array().unwrap().len(), 2);
    assert_eq!(bench.asked("LiftMark"), 1);
}

#[test]
fn recordings_are_seen_and_forgotten() {
    let bench = Bench::new();
    let store = &bench.service.store;
    let (tenant, at) = (TenantId::DEFAULT, base::WallTime::from_unix_us(7));
    let known = detect::print::Recording::from_line(&format!("screening {}", "00ffa55a".repeat(160))).unwrap();
    let format = detect::print::FORMAT.to_owned();
    let row = store::AmdRecordingRow { tenant, recording: known.id(), format, line: known.to_line(), at };
    let old = store::AmdRecordingRow { recording: "old".into(), format: "outpace recordings 0".into(), ..row.clone() };
    let later = base::WallTime::from_unix_us(9);
    for op in [Op::AmdRecording(row), Op::AmdRecordingMet(tenant, known.id(), later), Op::AmdRecording(old)] {
        store.submit(1, op).unwrap();
    }
    store.flush().unwrap();
    let list = || bench.get(Role::Viewer, "/api/v1/amd/recordings").is(200).json()["items"].clone();
    let first = json!({ "id": known.id(), "kind": "screening", "learnt_us": 7, "met": 1, "met_us": 9 });
    assert_eq!((&list()[0], &list()[1]["kind"]), (&first, &Value::Null), "what cannot be read is set aside");
    let forget = |id: &str| bench.send(Role::Supervisor, "DELETE", &format!("/api/v1/amd/recordings/{id}"), None, &[]);
    forget("none").is(404);
    bench.send(Role::Agent, "DELETE", "/api/v1/amd/recordings/old", None, &[]).is(403);
    forget("old").is(204);
    forget(&known.id()).is(204);
    assert_eq!(list(), json!([]));
    assert_eq!(bench.asked("ForgetRecording"), 2);
}
