//! Campaigns whose calls no forecast launches: agents who look at each lead first, promises to call back, and messages
//! without agents.

use crate::harness::{CAMPAIGN, Database, Product, wait_for};
use crate::stage::Stage;
use loadtest::ledger::Side;
use serde_json::{Value, json};

/// Persons who talk shortly.
const PERSONS: &str = r#"
[dial]
human = 1.0
machine = 0.0
busy = 0.0
fail = 0.0
post_dial_s = { dist = "constant", value = 0.05 }
human_ring_s = { dist = "uniform", min = 0.2, max = 0.4 }
[customer]
hang_up_rate = 0.0
[agent]
talk_s = { dist = "uniform", min = 2, max = 3 }
"#;

const SEED: u64 = 31;

/// The campaign in a mode, started.
fn run(stage: &Stage, more: &str) -> Product {
    let campaign = crate::witness::campaign(more).replace("profile = \"us-ftc\"", "profile = \"lab\"");
    stage.site.configure("drain_s = 60", &format!("{}{campaign}", stage.sections));
    let mut product = stage.site.start();
    product.ready();
    stage.api.drive("start");
    product
}

fn stop(mut product: Product) {
    product.signal("TERM");
    assert!(product.ended().success(), "{}", product.log());
}

fn agent_is(stage: &Stage, name: &str, state: &str) {
    wait_for(&format!("{name} to be {state}"), || {
        (stage.api.see(&format!("/api/v1/agents/{name}"))["state"] == state).then_some(())
    });
}

#[test]
fn an_agent_looks_at_each_lead_and_only_what_is_accepted_is_dialled() {
    let stage = Stage::set(Database::Sqlite, PERSONS, 1, 3, SEED);
    let product = run(&stage, "mode = \"preview\"\npreview_s = 600\nskip_retry_min = 60");
    let path = "/api/v1/agents/agent0/preview";
    // The lead that is shown; not one of those that were shown before.
    let shown = |before: &[u64]| {
        wait_for("a lead to look at", || {
            let lead = stage.api.see(path)["offer"]["lead"].as_u64()?;
            (!before.contains(&lead)).then_some(lead)
        })
    };
    let first = shown(&[]);
    assert_eq!(stage.api.see(path)["lead"]["id"], json!(first));
    assert_eq!(stage.invites(), 0, "nobody is dialled unseen");
    let (status, problem) = stage.api.send("POST", path, &json!({ "action": "skip", "lead": first }));
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("reason")), "{problem}");
    let skip = json!({ "action": "skip", "lead": first, "reason": "called back already" });
    assert_eq!(stage.api.change("POST", path, skip)["how"], "skipped");
    let second = shown(&[first]);
    let (status, _) = stage.api.send("POST", path, &json!({ "action": "accept", "lead": first }));
    assert_eq!(status, 409, "a late answer meets no other lead");
    assert_eq!(stage.invites(), 0);
    let accept = json!({ "action": "accept", "lead": second });
    assert_eq!(stage.api.change("POST", path, accept)["how"], "accepted");
    agent_is(&stage, "agent0", "talking");
    assert_eq!(stage.invites(), 1);
    // After the call the next one is shown; the skipped lead waits for its hour.
    assert_ne!(shown(&[first, second]), second);
    assert_eq!(stage.invites(), 1);
    stage.api.drive("stop");
    stop(product);
    let ended = stage.end();
    assert_eq!(ended.calls.len(), 1);
    let records = ended.carrier.ledger().records();
    assert!(records[0].agent_heard.is_some(), "{:?}", records[0]);
}

#[test]
fn a_promised_call_comes_at_its_moment_to_the_agent_who_promised() {
    let stage = Stage::set(Database::Sqlite, PERSONS, 2, 1, SEED);
    let product = run(&stage, "mode = \"progressive\"");
    // As the records say, which come last.
    let over = |calls: usize| {
        wait_for("the end of a call", || {
            let attempts = stage.api.see(&format!("/api/v1/attempts?campaign={CAMPAIGN}"));
            let items = attempts["items"].as_array()?;
            (items.len() == calls && items.iter().all(|attempt| attempt["end"].is_object())).then_some(attempts)
        })
    };
    let attempts = over(1);
    let (lead, first) = (attempts["items"][0]["lead"].clone(), attempts["items"][0]["end"]["agent"].clone());
    let id_of = |name: &str| stage.api.see(&format!("/api/v1/agents/{name}"))["id"].clone();
    // The same agent again: the other one has rested longer and would be next.
    let promised = if first == id_of("agent0") { "agent0" } else { "agent1" };
    let due_us = crate::harness::wall_now().as_unix_us() + 2_000_000;
    let promise = json!({ "lead": lead, "campaign": CAMPAIGN, "at": due_us.to_string(), "agent": promised });
    stage.api.change("POST", "/api/v1/callbacks", promise);
    assert_eq!(stage.api.see("/api/v1/callbacks")["items"][0]["agent"], promised);
    let attempts = over(2);
    let items = attempts["items"].as_array().expect("a page");
    let latest = items.iter().max_by_key(|attempt| attempt["at_us"].as_i64()).expect("two attempts");
    assert_eq!((&latest["lead"], &latest["end"]["agent"]), (&lead, &id_of(promised)), "{attempts}");
    assert!(latest["at_us"].as_i64() >= Some(due_us), "{due_us}: {latest}");
    assert_eq!(stage.api.see("/api/v1/callbacks")["items"], json!([]));
    stop(product);
    assert_eq!(stage.end().calls.len(), 2);
}

#[test]
fn a_message_without_agents_is_heard_by_everybody_and_no_agent_is_taken() {
    const LEADS: usize = 5;
    let stage = Stage::set(Database::Sqlite, PERSONS, 1, LEADS, SEED);
    let bank = loadtest::SpeechBank::load(&[loadtest::speech::Source::Babble]).expect("always there");
    let message = bank.announcement(&mut base::Seed::from_u64(3).stream("message", 0));
    let message_ms = message.samples.len() as u64 / 8;
    let file = codecs::wav::write(&message.samples).expect("a WAV file");
    std::fs::write(stage.site.folder().join("notice.wav"), file).expect("own folder");
    let product = run(
        &stage,
        "ring_timeout_s = 5\nmode = \"agentless\"\nchannels = 2\ncalls_per_second = 5.0\nmessage = \"notice.wav\"",
    );
    let mut most = 0;
    let attempts = wait_for("every lead to be called", || {
        let campaign = stage.api.campaign();
        most = most.max(campaign["attempts_open"].as_u64()?);
        let attempts = stage.api.see(&format!("/api/v1/attempts?campaign={CAMPAIGN}"));
        let items = attempts["items"].as_array()?;
        (items.len() == LEADS && items.iter().all(|attempt| attempt["end"].is_object())).then_some(attempts)
    });
    assert!((1..=2).contains(&most), "{most} at once");
    assert_eq!(stage.api.see("/api/v1/agents/agent0")["state"], "ready");
    let agents: Vec<&Value> =
        attempts["items"].as_array().expect("a page").iter().map(|one| &one["end"]["agent"]).collect();
    assert!(agents.len() == LEADS && agents.iter().all(|agent| agent.is_null()), "{attempts}");
    stop(product);
    let ended = stage.end();
    let mut told = 0;
    for record in ended.carrier.ledger().records() {
        // The odd one may not be at home.
        let Some(answered) = record.answered else { continue };
        let lasted_ms = record.ended.expect("over").since(answered).as_ms();
        assert_eq!((record.ended_by, record.agent_heard), (Some(Side::Caller), None), "{record:?}");
        assert!(record.message_heard.is_some() && lasted_ms >= message_ms, "{message_ms} ms: {record:?}");
        told += 1;
    }
    assert!(told >= 3, "{told} persons");
}

#[test]
fn two_campaigns_on_one_list_call_nobody_twice_and_both_go_on() {
    const LEADS: usize = 24;
    let stage = Stage::set(Database::Sqlite, PERSONS, 4, LEADS, SEED);
    let campaign = |more: &str| {
        let section = crate::witness::campaign(&format!("mode = \"progressive\"\nring_timeout_s = 5\n{more}"));
        section.replace("profile = \"us-ftc\"", "profile = \"lab\"")
    };
    let second = campaign("").replace(&format!("name = \"{CAMPAIGN}\""), "name = \"second\"");
    stage.site.configure("drain_s = 60", &format!("{}{}{second}", stage.sections, campaign("")));
    let mut product = stage.site.start();
    product.ready();
    stage.api.drive("start");
    stage.api.change("POST", "/api/v1/campaigns/second/start", Value::Null);
    wait_for("every lead to be called", || (stage.invites() >= LEADS).then_some(()));
    let counts = |name: &str| {
        let campaign = stage.api.see(&format!("/api/v1/campaigns/{name}"));
        assert_ne!(campaign["state"], "paused", "{campaign}");
        campaign["attempts_open"].as_u64().expect("a count")
    };
    let attempts = wait_for("the calls to end", || {
        let attempts = stage.api.see("/api/v1/attempts?limit=1000");
        let all_over = attempts["items"].as_array()?.iter().all(|attempt| attempt["end"].is_object());
        (counts(CAMPAIGN) + counts("second") == 0 && all_over).then_some(attempts)
    });
    let mut reached: Vec<&str> = Vec::new();
    for attempt in attempts["items"].as_array().expect("a page") {
        if attempt["end"]["outcome"] == "connected" {
            reached.push(attempt["number"].as_str().expect("a number"));
        }
    }
    let all = reached.len();
    reached.sort_unstable();
    reached.dedup();
    assert_eq!(reached.len(), all, "somebody was called again: {attempts}");
    assert!(all > LEADS / 2, "{all} of {LEADS} were at home");
    stop(product);
}
