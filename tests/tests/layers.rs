//! The walls of the house: an import may only point down a floor. Reads the graph that cargo itself uses.

use std::collections::BTreeMap;
use std::process::Command;

/// Floor of each room, from docs/ARCHITECTURE.md. A new room without a floor fails the test.
const FLOORS: &[(&str, u8)] = &[
    ("outpace-base", 1),
    ("outpace-count", 1),
    ("outpace-wire", 2),
    ("outpace-codecs", 2),
    ("outpace-sip", 3),
    ("outpace-media", 3),
    ("outpace-detect", 3),
    ("outpace-desk", 3),
    ("outpace-call", 4),
    ("outpace-dialer", 4),
    ("outpace-net", 5),
    ("outpace-school", 5),
    ("outpace-store", 5),
    ("outpace-console", 5),
    ("outpace-loadtest", 6),
    ("outpace-openings", 6),
    ("outpace-floor", 6),
    ("outpace-measure", 6),
    ("outpace-server", 7),
    ("outpace-tests", 8),
    ("outpace-bench", 8),
];

/// Libraries that bring the outside world (threads, sockets, an async runtime, a database): floor 5 and up.
const OUTSIDE: &[&str] = &["tokio", "sqlx", "mio", "libc", "socket2", "io-uring", "hdrhistogram", "mimalloc", "nix"];

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--no-deps"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata starts");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

/// Breaches of the rule in a package list of `cargo metadata`, one line each.
fn breaches(metadata: &serde_json::Value) -> Vec<String> {
    let floors: BTreeMap<&str, u8> = FLOORS.iter().copied().collect();
    let mut found = Vec::new();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = text(&package["name"]);
        let Some(&floor) = floors.get(name.as_str()) else {
            found.push(format!("{name}: stands on no floor; give it one in tests/tests/layers.rs and ARCHITECTURE.md"));
            continue;
        };
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let (target, kind) = (text(&dependency["name"]), text(&dependency["kind"]));
            match floors.get(target.as_str()) {
                Some(&below) if below >= floor => {
                    found.push(format!("{name} (floor {floor}) imports {target} (floor {below}): arrows point down"));
                }
                None if floor <= 4 && kind != "dev" && OUTSIDE.contains(&target.as_str()) => {
                    found.push(format!("{name} (floor {floor}) imports {target}: floors 1-4 are sans-IO"));
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn arrows_point_down() {
    let metadata = metadata();
    assert_eq!(metadata["packages"].as_array().map(Vec::len), Some(FLOORS.len()), "a room is missing from the table");
    assert_eq!(breaches(&metadata), Vec::<String>::new());
}

/// Files of the dialer that name something, comments and tests included.
fn naming(word: &str) -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../dialer/src");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the dialer's sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).expect("a source file").contains(word) {
                let name = path.strip_prefix(&root).expect("below the root").to_string_lossy();
                found.push(name.into_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_pacer_cannot_name_the_worlds_hidden_state() {
    for hidden in ["sim::", "World", "CalleeFate", "FateKind"] {
        let pacing: Vec<String> = naming(hidden).into_iter().filter(|file| file.starts_with("pacing")).collect();
        assert_eq!(pacing, Vec::<String>::new(), "{hidden} in the pacer's rooms");
    }
    // What an oracle is told, and laws that are no mode, come from the simulator alone; both are private to the crate.
    assert_eq!(naming(".foretell("), ["sim/run.rs"]);
    assert_eq!(naming(".pace_with("), ["sim/run.rs"]);
    assert_eq!(naming(".tell_share("), ["sim/run.rs"]);
    assert_eq!(naming("pub(crate) fn tell_share("), ["dialer/simulated.rs"]);
    assert_eq!(naming("pub(crate) fn foretell("), ["dialer/simulated.rs"]);
    assert_eq!(naming("pub(crate) fn pace_with("), ["dialer/simulated.rs"]);
    assert_eq!(naming(".end_of("), ["sim/run.rs", "sim/tests.rs"]);
}

#[test]
fn a_turned_arrow_is_seen() {
    let mut metadata = metadata();
    for package in metadata["packages"].as_array_mut().expect("packages") {
        if package["name"] == "outpace-wire" {
            let list = package["dependencies"].as_array_mut().expect("dependencies");
            list.push(serde_json::json!({ "name": "outpace-call", "kind": null }));
            list.push(serde_json::json!({ "name": "tokio", "kind": null }));
        }
    }
    let found = breaches(&metadata);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("outpace-wire (floor 2) imports outpace-call (floor 4)"), "{found:?}");
}
