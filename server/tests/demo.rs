//! `outpace demo` as a newcomer runs it, only smaller: real SIP and RTP over loopback, the books checked afterwards.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Dials `leads` leads with ten agents and returns the summary.
fn demo(folder: &Path, leads: u64, shards: u64) -> Value {
    let file = folder.join(format!("demo-{shards}.json"));
    let output = Command::new(env!("CARGO_BIN_EXE_outpace"))
        .args(["demo", "--headless", "--agents", "10", "--seed", "7"])
        // Each driver once, where the system has both.
        .args(["--driver", if shards == 1 { "poll" } else { "auto" }])
        .args(["--leads", &leads.to_string(), "--shards", &shards.to_string()])
        .arg("--json")
        .arg(&file)
        .output()
        .expect("the binary starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{stderr}\n{stdout}", output.status);
    let text = std::fs::read_to_string(&file).expect("the summary was written");
    serde_json::from_str(&text).expect("the summary is JSON")
}

fn check(summary: &Value, leads: u64, shards: u64) {
    let number = |key: &str| summary[key].as_u64().unwrap_or_else(|| panic!("{key} in {summary:#}"));
    assert_eq!((number("leads"), number("shards")), (leads, shards));
    let outcomes = summary["outcomes"].as_object().expect("outcomes");
    let sum: u64 = outcomes.values().filter_map(Value::as_u64).sum();
    assert_eq!(sum, leads, "every lead in exactly one outcome: {outcomes:?}");
    assert!(!outcomes.contains_key("not_dialled"), "the list was dialled to its end: {outcomes:?}");
    assert_eq!(number("attempts"), leads);
    assert_eq!(number("double_dialled"), 0);
    assert!(number("connected") > 0 && number("machines") > 0, "{summary:#}");
    let rate = summary["abandon_rate"].as_f64().expect("abandon_rate");
    assert!(rate <= 0.03, "abandon rate {rate}");
    let leaked = summary["leaked"].as_object().expect("leaked");
    assert!(leaked.values().all(|count| count == 0), "{leaked:?}");
    // The law's two seconds, measured by the callee: a call above them must not count as connected.
    let slowest_ms = summary["connect_delay_ms"]["max"].as_f64().expect("connect_delay_ms");
    assert!(slowest_ms <= 2_000.0, "{slowest_ms} ms");
    println!(
        "{shards} shards: {} connected, {} abandoned, bridge p99 {} ms, wall {} s",
        summary["connected"], summary["abandoned"], summary["bridge_delay_ms"]["p99"], summary["wall_s"]
    );
}

#[test]
fn a_campaign_runs_end_to_end_on_one_shard_and_on_two() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    // Side by side: most of a demo is waiting for people to pick up.
    std::thread::scope(|scope| {
        for shards in [1, 2] {
            scope.spawn(move || check(&demo(folder, 120, shards), 120, shards));
        }
    });
}

/// A demo with a console, driven as a browser drives it.
struct Shown {
    process: Child,
    stdout: BufReader<std::process::ChildStdout>,
    url: String,
    cookie: String,
}

impl Shown {
    fn start(arguments: &[&str]) -> Shown {
        let mut process = Command::new(env!("CARGO_BIN_EXE_outpace"))
            .args(["demo", "--headless", "--http", "127.0.0.1:0", "--seed", "7"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdout = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let (url, token) = line.trim().split_once("/#token=").expect("address and token");
        let url = url.strip_prefix("Console: ").expect("the line says what it is").to_owned();
        let token = json!({ "token": token });
        let mut shown = Shown { process, stdout, url, cookie: String::new() };
        let answer = shown.send("POST", "/api/v1/login", Some(&token));
        assert_eq!((&answer.1["role"], &answer.1["demo"]), (&json!("admin"), &json!(true)), "{answer:?}");
        shown.cookie = answer.2;
        shown
    }

    /// Status, body, cookie.
    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value, String) {
        let text = body.map(Value::to_string).unwrap_or_default();
        self.send_text(method, path, "application/json", &text)
    }

    fn send_text(&self, method: &str, path: &str, kind: &str, body: &str) -> (u16, Value, String) {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent: ureq::Agent = config.timeout_global(Some(Duration::from_secs(60))).build().into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("cookie", &self.cookie)
            .header("x-outpace-console", "1")
            .header("content-type", kind)
            .body(body.to_owned())
            .unwrap();
        let mut response = agent.run(request).unwrap();
        let cookie = response.headers().get("set-cookie").map(|value| value.to_str().unwrap().to_owned());
        let cookie = cookie.unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)), cookie)
    }

    fn get(&self, path: &str) -> Value {
        let (status, body, _) = self.send("GET", path, None);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Asks until the answer is as wanted; whoever waits for ever is ended by the test's runner.
    fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let body = self.get(path);
            if wanted(&body) {
                return body;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ctrl-C; gives the rest of stdout.
    fn interrupt(mut self) -> String {
        let killed = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert!(self.process.wait().unwrap().success(), "{rest}");
        rest
    }
}

#[test]
fn a_person_can_work_in_the_demo_while_it_runs_and_end_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("stay.json");
    let shown = Shown::start(&["--stay", "--leads", "6", "--agents", "3", "--json", file.to_str().unwrap()]);
    let trunks = shown.until("/api/v1/trunks", |trunks| trunks["items"][0]["up"] == true);
    assert_eq!(trunks["items"][0]["name"], "simulated-carrier");
    assert_eq!(shown.get("/api/v1/agents")["items"].as_array().unwrap().len(), 3);
    let own = shown.until("/api/v1/campaigns/demo", |campaign| campaign["state"] != "stopped");
    assert_eq!((&own["list"], &own["settings"]["profile"]), (&json!("demo"), &json!("lab")));

    // Another list, a second campaign over the same trunk and agents; tuned while it runs.
    assert_eq!(shown.send("POST", "/api/v1/lists", Some(&json!({ "name": "mine" }))).0, 201);
    let leads = "phone\n+12025550101\n+12025550102\nnobody\n";
    assert_eq!(shown.send_text("POST", "/api/v1/lists/mine/import", "text/csv", leads).0, 202);
    let import = shown.until("/api/v1/imports/1", |import| import["state"] != "running");
    assert_eq!((&import["accepted"], &import["rejected"]), (&json!(2), &json!(1)), "{import}");
    let mine = json!({ "name": "mine", "list": "mine", "trunk": "simulated-carrier", "caller_id": "+12125550198",
        "profile": "lab", "ring_timeout_s": 8, "attempts_max": 1 });
    assert_eq!(shown.send("POST", "/api/v1/campaigns", Some(&mine)).0, 201);
    assert_eq!(shown.send("POST", "/api/v1/campaigns/mine/start", None).0, 200);
    assert_eq!(shown.send("PATCH", "/api/v1/campaigns/mine", Some(&json!({ "limit": 0.02 }))).0, 200);
    let call = json!({ "to": "+12025550103", "trunk": "simulated-carrier", "connect": { "echo": true } });
    let (status, call, _) = shown.send("POST", "/api/v1/calls", Some(&call));
    assert_eq!(status, 201, "{call}");
    assert_eq!(shown.send("DELETE", &format!("/api/v1/calls/{}", call["id"]), None).0, 204);

    // Both lists are dialled out and everything is still there.
    for campaign in ["mine", "demo"] {
        shown.until(&format!("/api/v1/campaigns/{campaign}"), |campaign| campaign["state"] == "finished");
    }
    assert_eq!(shown.get("/api/v1/attempts")["items"].as_array().unwrap().len(), 8);
    let summary = shown.interrupt();
    assert!(summary.contains("6 leads, 3 agents"), "{summary}");
    let summary: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let outcomes = summary["outcomes"].as_object().unwrap();
    let sum: u64 = outcomes.values().filter_map(Value::as_u64).sum();
    assert_eq!((sum, &summary["attempts"], &summary["double_dialled"]), (6, &json!(6), &json!(0)), "{summary:#}");
    assert!(summary["leaked"].as_object().unwrap().values().all(|count| count == 0), "{summary:#}");
}

#[test]
fn wrong_use_is_one_line_and_exit_code_2() {
    for arguments in
        [["--driver", "rings"], ["--agents", "0"], ["--leads", "many"], ["--shard", "2"], ["--http", "here"]]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_outpace")).arg("demo").args(arguments).output().expect("starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: "), "{arguments:?}: {stderr}");
    }
}

/// Runs of the simulator that the live one is held against: 95 of 100 lie between the second and the last but one.
const RUNS: usize = 40;

/// The demo's own scenario for the simulator: what the demo does besides is written over it. Nobody takes a break, one
/// failure in four is a 503 that asks for a second of quiet, and detection errs as often as it did live.
fn as_simulated(live: &Value, agents: u32, seconds: u32) -> dialer::scenario::Scenario {
    let own = include_str!("../src/demo/scenario.toml");
    let count = |key: &str| live[key].as_u64().unwrap_or_else(|| panic!("{key} in {live:#}")) as f64;
    let lost = count("human_as_machine");
    let set = [
        ("agents", agents.to_string()),
        ("login_min", "0".to_owned()),
        ("day_hours", format!("{}", f64::from(seconds) / 3_600.0)),
        ("profile", "\"lab\"".to_owned()),
        ("agent.pause_share", "0.0".to_owned()),
        ("dial.fail", "0.09".to_owned()),
        ("trunk.max_cps", "50".to_owned()),
        ("amd.human_as_machine", format!("{}", lost / (lost + count("humans")))),
        ("amd.machine_as_human", "0.0".to_owned()),
    ];
    let set: Vec<(&str, &str)> = set.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let text = format!("{own}\n[[carrier_failure]]\nfrom_h = 0\nto_h = 24\nshare = 0.03\nretry_after_s = 1\n");
    let no_files = &mut |name: &str| Err(format!("{name}: the demo has no sample files"));
    dialer::scenario::Scenario::parse_with(&text, &set, dialer::Profiles::shipped(), no_files)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Ten minutes: `make soak`.
#[test]
#[ignore = "ten minutes of a machine that has nothing else to do"]
fn soak_a_live_campaign_lies_in_the_simulators_band() {
    const AGENTS: u32 = 20;
    const SECONDS: u32 = 600;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("demo.json");
    let status = Command::new(env!("CARGO_BIN_EXE_outpace"))
        .args(["demo", "--headless", "--leads", "12000", "--agents", &AGENTS.to_string()])
        .args(["--seconds", &SECONDS.to_string(), "--json"])
        .arg(&file)
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("the binary starts").success());
    let live: Value = serde_json::from_str(&std::fs::read_to_string(&file).expect("a summary")).expect("JSON");
    let scenario = as_simulated(&live, AGENTS, SECONDS);
    let reports: Vec<dialer::report::Report> = (1..=RUNS as u64)
        .map(|seed| {
            let options = dialer::sim::Options { seed, ..dialer::sim::Options::default() };
            dialer::sim::simulate(&scenario, &options).unwrap_or_else(|error| panic!("{error}"))
        })
        .collect();
    let mut outside = Vec::new();
    let mut hold = |what: &str, live: f64, simulated: fn(&dialer::report::Report) -> f64| {
        let mut all: Vec<f64> = reports.iter().map(simulated).collect();
        all.sort_by(f64::total_cmp);
        let (low, high) = (all[1], all[RUNS - 2]);
        println!("{what}: live {live:.4}, simulated {low:.4} to {high:.4}");
        if !(low..=high).contains(&live) {
            outside.push(what.to_owned());
        }
    };
    hold("occupancy", live["agent_occupancy"].as_f64().expect("a share"), |report| report.occupancy);
    hold("abandon rate", live["abandon_rate"].as_f64().expect("a share"), |report| report.abandon_rate);
    hold("connected", live["connected"].as_f64().expect("a count"), |report| report.connected as f64);
    hold("attempts", live["attempts"].as_f64().expect("a count"), |report| report.attempts as f64);
    assert!(outside.is_empty(), "{outside:?} lie outside the band: {live:#}");
}
