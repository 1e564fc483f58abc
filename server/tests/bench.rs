//! `outpace bench` as a user runs it, only smaller: processes, sockets and figures are real; how fast they are is not
//! judged here.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn outpace(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_outpace")).arg("bench").args(arguments).output().expect("the binary starts")
}

fn bench(folder: &Path, arguments: &[&str]) -> Value {
    let file = folder.join("figures.json");
    let output = outpace(&[arguments, &["--json", file.to_str().expect("a path")]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    let text = std::fs::read_to_string(&file).expect("the figures were written");
    serde_json::from_str(&text).expect("the figures are JSON")
}

fn number(figures: &Value, key: &str) -> f64 {
    figures[key].as_f64().unwrap_or_else(|| panic!("{key} in {figures:#}"))
}

#[test]
fn legs_of_every_mode_carry_the_right_audio_and_allocate_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    // Where the machine has no io_uring, `ring` is refused and not measured.
    let ring = if net::BareRing::new().is_ok() { "ring" } else { "poll" };
    for (mode, driver) in [("play", "poll"), ("echo", ring), ("bridge", "poll"), ("detect", ring)] {
        let figures =
            bench(folder.path(), &["media", "--mode", mode, "--driver", driver, "--legs", "20", "--seconds", "2"]);
        assert_eq!((&figures["mode"], &figures["driver"]), (&mode.into(), &driver.into()));
        for key in ["packets_sent", "packets_received", "cpu_us_per_pair", "floor_us_per_pair", "ratio", "rss_bytes"] {
            assert!(number(&figures, key) > 0.0, "{key} in {figures:#}");
        }
        // A counter of the whole process: one packet in a thousand would show.
        assert!(number(&figures, "allocations_per_packet") < 0.001, "{figures:#}");
        let audio = &figures["audio"];
        assert!(number(audio, "right") > 500.0 && number(audio, "wrong") == 0.0, "{figures:#}");
        assert_eq!(figures["relay_delay_us"].is_object(), ["echo", "bridge"].contains(&mode), "{figures:#}");
        let leaked = figures["leaked"].as_object().expect("leaked");
        assert!(leaked.values().all(|count| count == 0), "{figures:#}");
    }
}

#[test]
fn calls_without_audio_all_succeed_and_leave_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let figures = bench(folder.path(), &["sip", "--calls", "100", "--rate", "100"]);
    assert_eq!((number(&figures, "calls"), number(&figures, "failed")), (100.0, 0.0), "{figures:#}");
    for key in ["cpu_us_per_call_uac", "cpu_us_per_call_uas", "rss_bytes_start", "rss_bytes_end"] {
        assert!(number(&figures, key) > 0.0, "{key} in {figures:#}");
    }
    let leaked = figures["leaked"].as_object().expect("leaked");
    assert!(leaked.values().all(|count| count == 0), "{figures:#}");
}

#[test]
fn what_cannot_be_measured_is_refused_in_one_line() {
    let media = |arguments: &[&str]| outpace(&[&["media"], arguments].concat());
    for (output, word) in [
        (media(&["--mode", "record", "--legs", "10"]), "--mode record is not built yet"),
        (media(&["--mode", "play", "--legs", "0"]), "--legs 0 is out of range"),
        (media(&["--mode", "bridge", "--legs", "9"]), "--legs 9 is odd"),
        (media(&["--mode", "dance", "--legs", "9"]), "dance"),
        (media(&["--mode", "detect", "--detector", "oracle", "--legs", "10"]), "oracle"),
        (outpace(&["sip", "--calls", "10", "--rate", "0"]), "--rate 0 is out of range"),
        (outpace(&["part", "brass"]), "brass is no part of a bench"),
    ] {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), error.lines().count()), (Some(2), 1), "{word}: {error}");
        assert!(error.starts_with("error: ") && error.contains(word), "{error}");
    }
}
