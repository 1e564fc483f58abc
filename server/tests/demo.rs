//! `outpace demo` as a newcomer runs it, only smaller: real SIP and RTP over loopback, the books checked afterwards.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

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

#[test]
fn wrong_use_is_one_line_and_exit_code_2() {
    for arguments in [["--driver", "rings"], ["--agents", "0"], ["--leads", "many"], ["--shard", "2"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_outpace")).arg("demo").args(arguments).output().expect("starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: "), "{arguments:?}: {stderr}");
    }
}
