//! The records of a campaign beside a packet capture of it.

use crate::capture::{Audio, Capture, WireCall};
use crate::harness::{CAMPAIGN, Database, TENANT, wait_for};
use crate::stage::Stage;
use codecs::g711::Law;
use serde_json::Value;
use std::collections::BTreeMap;
use store::AttemptRow;

/// People who speak and wait; one agent for many of them, so that some are abandoned.
const CALLEES: &str = r#"
[dial]
human = 1.0
machine = 0.0
busy = 0.0
fail = 0.0
post_dial_s = { dist = "uniform", min = 0.02, max = 0.2 }
human_ring_s = { dist = "uniform", min = 0.1, max = 0.8 }
[customer]
hang_up_rate = 0.0
[agent]
talk_s = { dist = "uniform", min = 2, max = 4 }
"#;
const LEADS: usize = 200;
/// So many persons connected and so many abandoned are compared at least.
const EACH: u64 = 3;
/// How far a record may stand from the wire.
const APART_US: i64 = 5_000;
/// Mean absolute sample from which a frame is voice: `silence_threshold` of the published rules.
const VOICE: u32 = 256;
/// A voice that pauses for so long has ended: `after_greeting_silence` of the published rules.
const PAUSE_US: i64 = 800_000;

/// A machine that has other things to do takes the engine's thread away now and then: one moment in ten may be late.
#[test]
fn the_records_say_what_was_on_the_wire() {
    // Beside other tests 2 of 18 and 3 of 24 moments were further apart, alone none: the soak is strict.
    compare(EACH, 6);
}

#[test]
#[ignore = "every moment, on a machine that has nothing else to do"]
fn soak_every_record_says_what_was_on_the_wire() {
    compare(4 * EACH, 1_000);
}

/// At least so many persons of each kind; at most one moment in `crowded` further apart than [`APART_US`].
fn compare(each: u64, crowded: usize) {
    let stage = Stage::set(Database::Sqlite, CALLEES, 1, LEADS, 77);
    let site = &stage.site;
    let message = loadtest::SpeechBank::load(&[loadtest::speech::Source::Babble]).expect("always there");
    let message = message.announcement(&mut base::Seed::from_u64(3).stream("message", 0));
    std::fs::write(site.folder().join("message.wav"), codecs::wav::write(&message.samples).expect("a WAV file"))
        .expect("own folder");
    let campaign =
        crate::witness::campaign("mode = \"power\"\nratio = 4.0\nlimit = 0.9\nsafe_harbour = \"message.wav\"\n");
    let campaign = campaign.replace("profile = \"us-ftc\"", "profile = \"lab\"");
    site.configure("drain_s = 60", &format!("{}{campaign}", stage.sections));
    let Some(capture) = Capture::start(site.folder().join("wire.pcap")) else {
        eprintln!("skipped: this account may not capture packets");
        return;
    };
    let product = stage.run(1);
    let state = || stage.api.see(&format!("/api/v1/campaigns/{CAMPAIGN}"));
    let counts = || {
        let now = state();
        ["connected", "abandoned", "attempts_open"].map(|field| now[field].as_u64().unwrap_or_default())
    };
    wait_for("agents and messages to be heard", || {
        let [connected, abandoned, _] = counts();
        (connected >= each && abandoned >= each).then_some(())
    });
    stage.api.drive("pause");
    wait_for("the calls to end", || (counts()[2] == 0).then_some(()));
    product.signal("TERM");
    let mut product = product;
    product.ended();
    let report: Value =
        serde_json::from_str(&site.run(&["compliance", "verify", "--json", "--config"])).expect("a report");
    let attempts = site.with_store(|store| store.attempts(TENANT, store::Filter::default()).expect("attempts"));
    let calls = capture.calls();

    let abandoned: BTreeMap<u64, &Value> = report["campaigns"][0]["abandoned_calls"]
        .as_array()
        .expect("abandoned calls")
        .iter()
        .map(|line| (line["attempt"].as_u64().expect("an id"), line))
        .collect();
    let mut faults = Vec::new();
    let (mut connects, mut messages) = (0, 0);
    for row in &attempts {
        let Some(call) = calls.get(&row.intent.number) else { continue };
        let number = &row.intent.number;
        let mut compare = |what: &str, record: Option<i64>, wire: Option<i64>| match (record, wire) {
            (Some(record), Some(wire)) if (record - wire).abs() <= APART_US => true,
            (None, None) => false,
            (record, wire) => {
                let apart = record.zip(wire).map(|(record, wire)| record - wire);
                faults.push(format!("{number} {what}: record {record:?}, wire {wire:?}, {apart:?} us apart"));
                true
            }
        };
        // Before an agent or the message is heard the line is digitally silent.
        let heard = call.heard.iter().find(|audio| !is_silence(audio)).map(|audio| audio.at_us);
        compare("greeting end", greeting_end(row), spoke_until(call, row));
        match abandoned.get(&row.intent.attempt.0) {
            Some(line) => {
                let told = line["message_us"].as_i64().or(line["connected_us"].as_i64());
                messages += u64::from(compare("message", told, heard));
            }
            None => {
                let connected = row.close.as_ref().and_then(|close| close.connected_at);
                connects += u64::from(compare("agent", connected.map(base::WallTime::as_unix_us), heard));
            }
        }
    }
    assert!(connects >= each && messages >= each, "{connects} connected, {messages} messages");
    let moments = 2 * (connects + messages) as usize;
    assert!(faults.len() <= moments / crowded, "{} of {moments}\n{}", faults.len(), faults.join("\n"));
}

fn greeting_end(row: &AttemptRow) -> Option<i64> {
    row.close.as_ref()?.greeting_end_at.map(base::WallTime::as_unix_us)
}

/// The arrival of the last packet with voice before the first long pause; `None` when the records have none either.
fn spoke_until(call: &WireCall, row: &AttemptRow) -> Option<i64> {
    greeting_end(row)?;
    let voice: Vec<i64> = call.said.iter().filter(|audio| is_voice(audio)).map(|audio| audio.at_us).collect();
    let pause = voice.windows(2).find(|pair| pair[1] - pair[0] >= PAUSE_US).map(|pair| pair[0]);
    pause.or(voice.last().copied())
}

/// Nothing but the two zeros of µ-law (ITU-T G.711, table 2a).
fn is_silence(audio: &Audio) -> bool {
    audio.payload.iter().all(|byte| matches!(byte, 0xff | 0x7f))
}

fn is_voice(audio: &Audio) -> bool {
    let sum: u32 = audio.payload.iter().map(|byte| u32::from(Law::Mu.decode(*byte).unsigned_abs())).sum();
    sum / audio.payload.len() as u32 >= VOICE
}
