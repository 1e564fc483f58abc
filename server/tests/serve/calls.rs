//! Calls that no campaign places: inbound ones by routes, with SIPp as the caller, and those that the API asks for.

use crate::books::Books;
use crate::harness::{Database, Product, TRUNK, wait_for};
use crate::stage::Stage;
use base::Seed;
use dialer::sim::callee::CalleeModel;
use loadtest::callee::{Crowd, Nature};
use loadtest::ledger::Side;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use store::CdrRow;

/// People who talk shortly.
const TALKERS: &str = r#"
[dial]
human = 0.75
machine = 0.1
busy = 0.05
fail = 0
post_dial_s = { dist = "constant", value = 0.05 }
human_ring_s = { dist = "uniform", min = 0.2, max = 0.4 }
machine_ring_s = { dist = "uniform", min = 0.2, max = 0.4 }
[agent]
talk_s = { dist = "uniform", min = 2, max = 3 }
"#;

const SEED: u64 = 21;

/// Numbers behind which the carrier has a person at the first call.
fn persons(count: usize) -> Vec<String> {
    let crowd = Crowd::new(CalleeModel::parse(TALKERS).expect("a scenario"));
    let numbers = (0..).map(|n| format!("+1646555{n:04}"));
    let person = |number: &String| crowd.draw(&Seed::from_u64(SEED), number, 1).nature == Nature::Person;
    numbers.filter(person).take(count).collect()
}

/// Two seconds of a tone, as a prompt in the data folder.
fn write_prompt(folder: &Path) {
    let samples: Vec<i16> = (0..16_000).map(|n| ((f64::from(n) * 0.35).sin() * 6_000.0) as i16).collect();
    std::fs::write(folder.join("hello.wav"), codecs::wav::write(&samples).expect("a short file")).expect("own folder");
}

/// SIPp with one of the repository's scenarios; killed when it is dropped.
struct Sipp {
    child: Child,
    folder: tempfile::TempDir,
}

impl Sipp {
    /// Calls `service`. `scenario` is a file of `tests/sipp`; in it `from` is replaced by `to`.
    fn call(product: &Stage, service: &str, scenario: &str, (from, to): (&str, &str), pause_ms: u32) -> Sipp {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/sipp").join(scenario);
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        std::fs::write(folder.path().join("scenario.xml"), text.replace(from, to)).expect("own folder");
        std::fs::write(folder.path().join("speech.raw"), [0x55; 8_000]).expect("own folder");
        let child = Command::new("sipp")
            .current_dir(folder.path())
            .args(["-sf", "scenario.xml", "-nostdin", "-m", "1", "-s", service, "-d", &pause_ms.to_string()])
            .args(["-i", "127.0.0.1", "-mi", "127.0.0.1", "-bind_local", "-trace_err", "-error_file", "errors.log"])
            .args(["-timeout", "60s", "-timeout_error", &product.site.sip.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("SIPp does not start ({error}): scripts/setup installs it"));
        Sipp { child, folder }
    }

    #[track_caller]
    fn succeeds(mut self) {
        let status = wait_for("the end of SIPp", || self.child.try_wait().expect("own child"));
        let errors = std::fs::read_to_string(self.folder.path().join("errors.log")).unwrap_or_default();
        assert!(status.success(), "{status}\n{errors}");
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The one call under way.
fn only_call(stage: &Stage) -> Value {
    wait_for("a call", || {
        let calls = stage.api.see("/api/v1/calls");
        let items = calls["items"].as_array().expect("a page");
        assert!(items.len() <= 1, "{calls}");
        items.first().filter(|call| call["answered_us"].is_i64()).cloned()
    })
}

/// The call once something was heard of it: sane figures of a line that loses nothing.
fn heard(stage: &Stage, id: &Value) -> Value {
    let call = wait_for("the quality of a call", || {
        let call = stage.api.see(&format!("/api/v1/calls/{id}"));
        (call["quality"]["packets_received"].as_u64()? > 0).then_some(call)
    });
    let figure = |key: &str| call["quality"][key].as_f64().unwrap_or_else(|| panic!("{key}: {call}"));
    assert!((0.0..0.5).contains(&figure("loss")) && (0.0..1_000.0).contains(&figure("jitter_ms")), "{call}");
    assert!((1.0..=4.5).contains(&figure("mos")) && figure("packets_sent") > 0.0, "{call}");
    call
}

/// What happened in a call under way, or in a CDR.
fn told(call: &Value) -> Vec<String> {
    let timeline = call["timeline"].as_array().unwrap_or_else(|| panic!("a timeline: {call}"));
    let moments: Vec<i64> = timeline.iter().map(|entry| entry["at_us"].as_i64().expect("a moment")).collect();
    assert!(moments.is_sorted(), "{call}");
    timeline.iter().map(|entry| entry["what"].as_str().expect("a code").to_owned()).collect()
}

fn no_call(stage: &Stage) {
    wait_for("the end of all calls", || stage.api.see("/api/v1/calls")["items"].as_array()?.is_empty().then_some(()));
}

fn stop(mut product: Product) {
    product.signal("TERM");
    assert!(product.ended().success(), "{}", product.log());
}

/// Packets sent and received, as the CDR says.
fn packets(cdr: &CdrRow) -> (u64, u64) {
    let media = cdr.close.as_ref().and_then(|close| close.media.as_deref()).expect("an answered call has media");
    let media: Value = serde_json::from_str(media).expect("JSON");
    let count = |key: &str| media[key].as_u64().expect("a count");
    (count("packets_sent"), count("packets_received"))
}

#[test]
fn inbound_calls_go_the_ways_of_their_routes() {
    let stage = Stage::set(Database::Sqlite, TALKERS, 0, 1, SEED);
    write_prompt(stage.site.folder());
    let routes = "[[route]]\nto = \"echo\"\naction = \"echo\"\n\
        [[route]]\nto = \"\\\\+1555.*\"\naction = \"play:hello.wav\"\n\
        [[route]]\nto = \"busy\"\naction = \"reject:486\"\n\
        [[route]]\nto = \"closed\"\naction = \"reject:603\"\n\
        [[route]]\nto = \"partner\"\naction = \"echo\"\nfrom_trunk = \"other\"\n\
        [[trunk]]\nname = \"other\"\nhost = \"127.0.0.2:5060\"\nping_s = 0\n";
    stage.site.configure("", &format!("{}{routes}", stage.sections));
    let mut product = stage.site.start();
    product.ready();

    // Refusals, each with its own code; who calls a number without a route, or not over the route's trunk, gets 404.
    for (service, code) in [("busy", "486"), ("closed", "603"), ("nobody", "404"), ("partner", "404")] {
        Sipp::call(&stage, service, "uac_refused.xml", ("486", code), 0).succeeds();
    }
    // A prompt: heard to its end, then we hang up.
    Sipp::call(&stage, "+15551234567", "uac_speaks.xml", ("", ""), 0).succeeds();
    no_call(&stage);
    // An echo: until one of the two hangs up; here the operator does, then the caller.
    let caller = Sipp::call(&stage, "echo", "uac_speaks.xml", ("", ""), 0);
    let call = only_call(&stage);
    assert_eq!((&call["direction"], &call["to"], &call["from"]), (&json!("inbound"), &json!("echo"), &json!("caller")));
    let call = heard(&stage, &call["id"]);
    let engine = stage.api.see("/api/v1/engine");
    let totals = &engine["totals"];
    let sent = totals["packets_sent"].as_u64().expect("a count");
    assert!(
        sent > 0 && totals["legs"] == 1 && engine["shards"].as_array().is_some_and(|all| !all.is_empty()),
        "{engine}"
    );
    let buckets = totals["send_lateness_us"]["buckets"].as_array().expect("buckets");
    let in_buckets: u64 = buckets.iter().filter_map(|bucket| bucket["count"].as_u64()).sum();
    // RTCP has no moment at which it is due.
    assert!(in_buckets > 0 && in_buckets <= sent, "{engine}");
    let board = stage.api.see("/api/v1/board");
    assert_eq!((&board["calls"], &board["engine"]["legs"]), (&json!(1), &json!(1)), "{board}");
    assert_eq!((&call["codec"], &call["connected_us"], &call["verdict"]), (&json!("PCMU"), &Value::Null, &Value::Null));
    assert_eq!(told(&call), ["began", "answered", "echo"]);
    std::thread::sleep(std::time::Duration::from_secs(1));
    stage.api.change("DELETE", &format!("/api/v1/calls/{}", call["id"]), Value::Null);
    caller.succeeds();
    no_call(&stage);
    Sipp::call(&stage, "echo", "uac_echoes.xml", ("", ""), 500).succeeds();
    no_call(&stage);

    stop(product);
    let books = Books::read(&stage.site, stage.list);
    let seen: Vec<_> = books.cdrs.iter().map(|cdr| (cdr.open.callee.as_str(), cdr.open.direction.as_str())).collect();
    assert_eq!(seen, [("+15551234567", "inbound"), ("echo", "inbound"), ("echo", "inbound")]);
    let whose: Vec<&str> =
        books.cdrs.iter().map(|cdr| cdr.close.as_ref().expect("closed").cause_whose.as_str()).collect();
    assert_eq!(whose, ["us", "us", "callee"]);
    // The prompt has 100 frames. What is echoed is what was heard, but for the frames on their way at the end.
    let (sent, _) = packets(&books.cdrs[0]);
    assert!((100..130).contains(&sent), "{sent} packets of a prompt of 100");
    let (sent, received) = packets(&books.cdrs[1]);
    assert!(received > 50 && sent > 50, "{sent} sent, {received} received");
    stage.end().fits();
}

#[test]
fn the_api_places_calls_to_an_echo_a_prompt_and_an_agent() {
    let stage = Stage::set(Database::Sqlite, TALKERS, 2, 1, SEED);
    write_prompt(stage.site.folder());
    let mut product = stage.site.start();
    product.ready();
    let api = &stage.api;
    let numbers = persons(3);
    let place = |to: &str, connect: Value| {
        api.send(
            "POST",
            "/api/v1/calls",
            &json!({ "to": to, "trunk": TRUNK, "caller_id": "+12125550199", "connect": connect }),
        )
    };

    // What cannot be done is refused, and nothing is dialled.
    for (to, connect, status) in [
        ("+1 646", json!({ "echo": true }), 422),
        (numbers[0].as_str(), json!({ "echo": false }), 422),
        (&numbers[0], json!({ "echo": true, "prompt": "hello.wav" }), 422),
        (&numbers[0], json!({ "prompt": "../outpace.toml" }), 422),
        (&numbers[0], json!({ "prompt": "none.wav" }), 422),
        (&numbers[0], json!({ "agent": "nobody" }), 422),
    ] {
        let (said, problem) = place(to, connect.clone());
        assert_eq!(said, status, "{to} {connect}: {problem}");
    }
    assert_eq!(stage.invites(), 0);

    // Echo, until we end it.
    let (status, call) = place(&numbers[0], json!({ "echo": true }));
    assert_eq!(status, 201, "{call}");
    let path = format!("/api/v1/calls/{}", call["id"]);
    assert_eq!(api.see(&path)["to"], numbers[0].as_str());
    stage.calls_up(1);
    wait_for("the answer", || (api.see(&path)["state"] == "answered").then_some(()));
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(api.send("DELETE", &path, &Value::Null).0, 204);
    no_call(&stage);
    assert_eq!(api.get(&path).0, 404);
    assert_eq!(api.send("DELETE", &path, &Value::Null).0, 404);
    let cdr = wait_for("the CDR's end", || {
        let cdr = api.see(&format!("/api/v1/cdrs/{}", call["id"]));
        cdr["ended_us"].is_i64().then_some(cdr)
    });
    assert_eq!((&cdr["callee"], &cdr["cause_whose"]), (&json!(numbers[0]), &json!("us")));
    assert_eq!(told(&cdr), ["began", "ringing", "answered", "echo", "hang_up", "ended"]);
    assert_eq!(cdr["timeline"][4]["detail"], "ended over the API");
    assert_eq!(api.get("/api/v1/cdrs/999999").0, 404);

    // A prompt, to its end.
    let (status, call) = place(&numbers[1], json!({ "prompt": "hello.wav" }));
    assert_eq!(status, 201, "{call}");
    wait_for("the second call", || (stage.invites() == 2).then_some(()));
    no_call(&stage);

    // An agent: taken out of the pool, bridged, in wrap-up when the other hangs up, then ready again.
    let state = |name: &str| api.see(&format!("/api/v1/agents/{name}"))["state"].as_str().map(str::to_owned);
    wait_for("the agents", || (state("agent0")? == "ready" && state("agent1")? == "ready").then_some(()));
    let (status, call) = place(&numbers[2], json!({ "agent": "agent0" }));
    assert_eq!((status, &call["agent"]), (201, &json!("agent0")), "{call}");
    let (status, problem) = place(&numbers[2], json!({ "agent": "agent0" }));
    assert_eq!(status, 409, "{problem}");
    wait_for("the talk", || (state("agent0")? == "talking").then_some(()));
    let talking = heard(&stage, &call["id"]);
    assert_eq!(told(&talking)[..2], ["began", "agent_reserved"]);
    assert!(told(&talking).contains(&"bridged".to_owned()) && talking["connected_us"].is_i64(), "{talking}");
    assert_eq!(talking["timeline"][1]["detail"], "agent0");
    assert_eq!(state("agent1").as_deref(), Some("ready"));
    wait_for("the end of wrap-up", || (state("agent0")? == "ready").then_some(()));
    no_call(&stage);

    stop(product);
    let ended = stage.end();
    let records = ended.carrier.ledger().records();
    let by = |n: usize| records.iter().find(|record| record.number == numbers[n]).expect("a record");
    assert_eq!((by(0).ended_by, by(1).ended_by), (Some(Side::Caller), Some(Side::Caller)));
    assert!(by(0).agent_heard.is_none() && by(1).agent_heard.is_none());
    let prompt = by(1).ended.expect("over").since(by(1).answered.expect("answered"));
    assert!(prompt.as_ms() >= 1_900, "a prompt of 2 s was cut after {} ms", prompt.as_ms());
    assert!(by(2).agent_heard.is_some() && by(2).ended_by == Some(Side::Callee), "{:?}", by(2));
    assert_eq!(by(2).caller, "+12125550199");
    let cdrs: Vec<_> = ended.books.cdrs.iter().map(|cdr| (cdr.open.callee.clone(), cdr.close.clone())).collect();
    assert_eq!(cdrs.len(), 3);
    let close = cdrs[2].1.as_ref().expect("closed");
    assert!(close.agent.is_some() && close.connected_at.is_some(), "{close:?}");
}

#[test]
fn a_trunk_added_while_it_runs_carries_calls_and_routes_hold_until_the_file_changes() {
    let stage = Stage::set(Database::Sqlite, TALKERS, 0, 1, SEED);
    let file = format!("{}[[route]]\nto = \"old\"\naction = \"reject:486\"\n", stage.sections);
    stage.site.configure("", &file);
    let mut product = stage.site.start();
    product.ready();
    let api = &stage.api;
    let refused = |service: &str, code: &str| {
        Sipp::call(&stage, service, "uac_refused.xml", ("486", code), 0).succeeds();
    };

    // A trunk that the file does not know: up by itself, and a call goes over it.
    let host = stage.carrier.sip().to_string();
    let made = api.change("POST", "/api/v1/trunks", json!({ "name": "late", "host": host, "ping_s": 1 }));
    assert_eq!(made["settings"]["host"], host.as_str(), "{made}");
    let up = |name: &str| {
        wait_for("the trunk to be up", || {
            let trunks = api.see("/api/v1/trunks");
            let found = trunks["items"].as_array()?.iter().find(|trunk| trunk["name"] == name).cloned()?;
            (found["up"] == true).then_some(())
        });
    };
    up("late");
    let call = json!({ "to": persons(1)[0], "trunk": "late", "connect": { "echo": true } });
    let call = api.change("POST", "/api/v1/calls", call);
    let path = format!("/api/v1/calls/{}", call["id"]);
    wait_for("the answer", || (api.see(&path)["state"] == "answered").then_some(()));
    let (status, problem) = api.send("DELETE", "/api/v1/trunks/late", &Value::Null);
    assert_eq!(
        (status, problem["detail"].as_str().is_some_and(|why| why.contains("has calls"))),
        (409, true),
        "{problem}"
    );
    api.change("DELETE", &path, Value::Null);
    no_call(&stage);

    // Other routes, at once; a trunk that a route names stays.
    refused("old", "486");
    let routes = json!({ "items": [
        { "to": "new", "action": "reject:603" }, { "to": "partner", "action": "echo", "from_trunk": "late" },
    ] });
    api.change("PUT", "/api/v1/routes", routes.clone());
    refused("old", "404");
    refused("new", "603");
    assert_eq!(api.send("DELETE", "/api/v1/trunks/late", &Value::Null).0, 409);
    api.change("PATCH", "/api/v1/settings", json!({ "wrap_up_s": 7 }));

    // Everything is there again after a restart.
    stop(product);
    let mut product = stage.site.start();
    product.ready();
    up("late");
    refused("new", "603");
    assert_eq!(api.see("/api/v1/routes"), routes);
    let wrap_up = |api: &crate::harness::Api| {
        let settings = api.see("/api/v1/settings");
        let all = settings["items"].as_array().expect("a page").iter();
        all.filter(|setting| setting["key"] == "desk.wrap_up_s").map(|setting| setting["value"].clone()).next()
    };
    assert_eq!(wrap_up(api), Some(json!(7)));

    // The file says something else: its routes hold again, and what it does not speak of stays.
    stage.site.configure("", &file.replace("to = \"old\"", "to = \"older\""));
    product.signal("HUP");
    product.logs("the configuration was read anew");
    refused("older", "486");
    refused("new", "404");
    assert_eq!(wrap_up(api), Some(json!(7)));
    assert_eq!(api.send("DELETE", "/api/v1/trunks/late", &Value::Null).0, 204);
    assert_eq!(api.get("/api/v1/trunks/late").0, 404);
    stop(product);
}
