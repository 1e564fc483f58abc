//! The command around the simulator.

use super::*;

pub(super) fn arguments(folder: &Path, scenario: &str) -> SimulateArgs {
    let path = folder.join("small.toml");
    std::fs::write(&path, scenario).unwrap();
    SimulateArgs {
        scenario: Some(path),
        days: 2,
        seed: 3,
        policy: None,
        set: Vec::new(),
        sweep: None,
        decide_every: None,
        replay: None,
        campaign: None,
        day: None,
        json: Some(folder.join("result.json")),
        plot: Some(folder.join("result.svg")),
    }
}

/// One run of a text.
fn alone(arguments: &SimulateArgs, text: &str) -> Report {
    let source = Source::File { said: "small.toml".to_owned(), folder: PathBuf::new(), text: text.to_owned() };
    let profiles = Arc::new(Profiles::default());
    Plan { arguments, source, profiles, policy: "predictive".to_owned(), set: Vec::new() }.one(&[]).unwrap()
}

const SMALL: &str = "name = \"small & <quick>\"\nagents = 5\nday_hours = 0.5\n";

pub(super) fn result(folder: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("result.json")).unwrap()).unwrap()
}

#[test]
fn a_run_gives_the_contracts_fields_and_the_same_seed_the_same_hash() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = arguments(folder.path(), SMALL);
    run(&arguments).unwrap();
    let first = result(folder.path());
    for field in [
        "days",
        "attempts",
        "answered_by_human",
        "connected",
        "abandoned",
        "abandon_rate",
        "occupancy",
        "talk_minutes_per_agent_hour",
        "agent_wait_s",
        "days_over_limit",
        "windows_over_limit",
        "worst_window_rate",
        "decision_us",
        "events",
        "wall_s",
        "trace_hash",
        "per_day",
    ] {
        assert!(!first[field].is_null(), "{field}");
    }
    assert!(first["attempts"].as_u64().unwrap() > 10, "{first}");
    assert!(first["decision_us"]["p99"].as_f64().unwrap() > 0.0, "{first}");
    run(&arguments).unwrap();
    assert_eq!(result(folder.path())["trace_hash"], first["trace_hash"]);
    run(&SimulateArgs { seed: 4, ..arguments.clone() }).unwrap();
    assert_ne!(result(folder.path())["trace_hash"], first["trace_hash"]);

    let svg = std::fs::read_to_string(folder.path().join("result.svg")).unwrap();
    assert_eq!(svg.matches("<circle").count(), 6, "two parts of the day in three panels");
    assert_eq!(svg.matches("<polygon").count(), 3, "a band in each");
    assert!(svg.contains("small &amp; &lt;quick&gt;"));
    assert!(svg.trim_end().ends_with("</svg>"));
    // A reader's table holds what the JSON holds.
    let report = alone(&arguments, SMALL);
    let table = table::one(&report);
    assert!(table.contains(&report.trace_hash) && table.contains(&report.attempts.to_string()), "{table}");
    assert_eq!(table.lines().filter(|line| line.trim_start().starts_with(['0', '1'])).count(), 2, "{table}");
}

#[test]
fn a_sweep_runs_once_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = Some("agents=2,8".to_owned());
    run(&SimulateArgs { sweep, days: 1, ..arguments(folder.path(), SMALL) }).unwrap();
    let result = result(folder.path());
    assert_eq!(result["key"], "agents");
    let attempts = |run: usize| result["runs"][run]["report"]["attempts"].as_u64().unwrap();
    assert_eq!((&result["runs"][0]["value"], &result["runs"][1]["value"]), (&"2".into(), &"8".into()));
    assert!(attempts(1) > 2 * attempts(0), "{} and {}", attempts(0), attempts(1));
    let svg = std::fs::read_to_string(folder.path().join("result.svg")).unwrap();
    assert_eq!(svg.matches("<circle").count(), 4);
}

#[test]
fn seeds_run_side_by_side_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = SimulateArgs { days: 1, ..arguments(folder.path(), SMALL) };
    let hashes: Vec<String> =
        [7, 5, 9, 6].map(|seed| alone(&SimulateArgs { seed, ..arguments.clone() }, SMALL).trace_hash).into();
    run(&SimulateArgs { sweep: Some("seed=7,5,9,6".to_owned()), ..arguments.clone() }).unwrap();
    let result = result(folder.path());
    let swept: Vec<&str> = (0..4).map(|run| result["runs"][run]["report"]["trace_hash"].as_str().unwrap()).collect();
    assert_eq!(swept, hashes);
    let failure = run(&SimulateArgs { sweep: Some("seed=1,x".to_owned()), ..arguments }).unwrap_err();
    assert!(failure.to_string().contains("seed=x"), "{failure}");
}

#[test]
fn sweeps_are_split_at_their_own_commas_only() {
    assert_eq!(parse_sweep("agents=10, 20").unwrap(), ("agents", vec!["10", "20"]));
    let text = "dial.post_dial_s={ dist = \"constant\", value = 1 },{ dist = \"uniform\", min = 0, max = 1 }";
    assert_eq!(parse_sweep(text).unwrap().1.len(), 2);
    assert_eq!(parse_sweep("profile=\"a,b\",\"c\"").unwrap().1, ["\"a,b\"", "\"c\""]);
    for wrong in ["agents", "agents=", "=1", "agents=1,,2"] {
        assert_eq!(parse_sweep(wrong).unwrap_err().code(), 2, "{wrong}");
    }
    assert!(parse_sweep(&format!("a={}", vec!["1"; SWEEP_MAX + 1].join(","))).is_err());
}

#[test]
fn wrong_use_is_said_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let good = arguments(folder.path(), SMALL);
    let cases = [
        (SimulateArgs { replay: Some("no/a.db".into()), ..good.clone() }, 1, "no/a.db"),
        (SimulateArgs { scenario: None, ..good.clone() }, 2, "no scenario"),
        (SimulateArgs { set: vec!["limit".into()], ..good.clone() }, 2, "--set \"limit\""),
        (SimulateArgs { set: vec!["limt=1".into()], ..good.clone() }, 2, "limit"),
        (SimulateArgs { policy: Some("psychic".to_owned()), ..good.clone() }, 2, "psychic"),
        (SimulateArgs { policy: Some("ratio:99".to_owned()), ..good.clone() }, 2, "ratio"),
        (SimulateArgs { days: 0, ..good.clone() }, 2, "days"),
        (SimulateArgs { decide_every: Some(0), ..good.clone() }, 2, "decide"),
        (SimulateArgs { sweep: Some("agnets=1".to_owned()), ..good.clone() }, 2, "agents"),
        (SimulateArgs { scenario: Some(folder.path().join("nowhere.toml")), ..good.clone() }, 1, "nowhere.toml"),
        (
            SimulateArgs { json: Some(folder.path().join("no/such/folder.json")), days: 1, ..good.clone() },
            1,
            "folder.json",
        ),
    ];
    for (arguments, code, word) in cases {
        let failure = run(&arguments).unwrap_err();
        assert_eq!(failure.code(), code, "{failure}");
        assert!(failure.to_string().contains(word), "{failure}");
    }
    std::fs::write(good.scenario.as_ref().unwrap(), "agents = 5\nagnets = 6\n").unwrap();
    let failure = run(&good).unwrap_err();
    assert_eq!(failure.code(), 2);
    assert!(failure.to_string().contains("small.toml:2"), "{failure}");
}

#[test]
fn sample_files_are_read_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("talk.txt"), "30\n60\n90\n").unwrap();
    let scenario = format!("{SMALL}[agent]\ntalk_s = {{ dist = \"empirical\", file = \"talk.txt\" }}\n");
    run(&SimulateArgs { days: 1, ..arguments(folder.path(), &scenario) }).unwrap();
    assert!(result(folder.path())["connected"].as_u64().unwrap() > 0);
    std::fs::remove_file(folder.path().join("talk.txt")).unwrap();
    let failure = run(&SimulateArgs { days: 1, ..arguments(folder.path(), &scenario) }).unwrap_err();
    assert!(failure.to_string().contains("talk.txt"), "{failure}");
}
