//! The demo's result: a table for people, the contract's JSON for programs. What the product says of itself and what
//! the carrier's own ledger saw stand side by side and must agree.

use super::DemoArgs;
use super::setting::CALLER_ID;
use crate::conductor::Spread;
use crate::failure::Failure;
use base::{CampaignId, Duration};
use dialer::Outcome;
use loadtest::ledger::Side;
use loadtest::{CalleeRecord, Ledger, Nature};
use net::EngineStats;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use store::{AttemptCloseRow, AttemptRow};

/// Verdicts that say that no person answered.
const NOT_A_PERSON: [&str; 5] = ["machine", "ivr", "screening", "fax", "sit"];

/// Longest "talk" of which the callee may have heard nothing: one jitter buffer (40 ms), two frames that the callee needs
/// to know an agent by (40 ms), a tick each way, and as much again for a busy machine.
const CROSSING_US_MAX: i64 = 200_000;

/// What the run itself measured.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// From the first call to the end of the list.
    pub(super) wall: Duration,
    /// Of the agents, of 1.
    pub(super) occupancy: f64,
    /// From the later of verdict and agent free to the agent's first packet.
    pub(super) bridge_delay: Spread,
}

pub(super) struct Summary {
    json: Value,
    faults: Vec<String>,
}

impl Summary {
    #[allow(clippy::too_many_arguments, reason = "everything that a run leaves behind, joined once")]
    pub(super) fn new(
        arguments: &DemoArgs,
        leads: usize,
        campaign: CampaignId,
        run: &Run,
        stats: &EngineStats,
        ledger: &Ledger,
        all_attempts: &[AttemptRow],
        talks: usize,
    ) -> Self {
        let attempts = all_attempts.iter().filter(|row| row.intent.campaign == campaign);
        let callees: BTreeMap<&str, &CalleeRecord> =
            ledger.records().iter().map(|record| (record.number.as_str(), record)).collect();
        let mut outcomes: BTreeMap<&str, u64> = BTreeMap::new();
        let mut lead_attempts: BTreeMap<u64, u64> = BTreeMap::new();
        let (mut humans, mut machines, mut human_as_machine, mut unclosed) = (0_u64, 0_u64, 0_u64, 0_u64);
        let mut connect_delay = Spread::default();
        let (mut not_heard, mut left, mut heard_abandoned) = (0_u64, 0_u64, 0_u64);
        let (mut closed, mut answered, mut connected, mut abandoned) = (0_u64, 0_u64, 0_u64, 0_u64);
        for row in attempts {
            *lead_attempts.entry(row.intent.lead.0).or_default() += 1;
            let Some(close) = &row.close else {
                unclosed += 1;
                continue;
            };
            closed += 1;
            answered += u64::from(close.answered_at.is_some());
            connected += u64::from(close.counted_as == "connected");
            abandoned += u64::from(close.counted_as == "abandoned");
            *outcomes.entry(close.outcome.as_str()).or_default() += 1;
            let callee = callees.get(row.intent.number.as_str());
            let taken_for_machine = close.verdict.as_deref().is_some_and(|verdict| NOT_A_PERSON.contains(&verdict));
            machines += u64::from(taken_for_machine);
            humans += u64::from(close.verdict.is_some() && !taken_for_machine);
            // Lost: whom a later sign brought to an agent, or whom an agent had whatever the verdict was, is none.
            let outcome = Outcome::named(&close.outcome);
            let lost = outcome.is_some_and(|outcome| outcome.no_person_at(close.verdict_at).is_some());
            human_as_machine += u64::from(lost && callee.is_some_and(|c| c.nature == Nature::Person));
            if close.counted_as == "connected" {
                // A machine taken for a person may not have come to the end of its greeting: no delay then.
                if callee.is_none_or(|callee| callee.agent_heard.is_none()) {
                    *if left_at_connect(close, callee) { &mut left } else { &mut not_heard } += 1;
                }
                callee.and_then(|callee| callee.connect_delay()).into_iter().for_each(|delay| connect_delay.add(delay));
            }
            let heard = callee.is_some_and(|callee| callee.agent_heard.is_some());
            heard_abandoned += u64::from(close.outcome == "abandoned" && heard);
        }
        let double_dialled = double_dialled(ledger, campaign, all_attempts);
        let undialled = (leads as u64).saturating_sub(lead_attempts.len() as u64);
        if undialled > 0 {
            outcomes.insert("not_dialled", undialled);
        }
        let counts = stats.counts();
        let lateness = stats.send_lateness_us();
        let counters = stats.counters();
        let live = abandoned + connected;
        let strict = |extra: u64| share(abandoned + extra, live + extra);
        let json = json!({
            "leads": leads,
            "agents": arguments.agents,
            "outcomes": outcomes,
            "driver": stats.driver.to_string(),
            "shards": arguments.shards,
            "seed": arguments.seed(),
            "wall_s": round(run.wall.as_secs_f64(), 3),
            "attempts": closed,
            "answered": answered,
            "humans": humans,
            "machines": machines,
            "human_as_machine": human_as_machine,
            "connected": connected,
            "left_at_connect": left,
            "abandoned": abandoned,
            "abandon_rate": round(share(abandoned, live), 5),
            "abandon_rate_strict": round(strict(human_as_machine), 5),
            "connect_delay_ms": connect_delay.to_json_ms(),
            "bridge_delay_ms": run.bridge_delay.to_json_ms(),
            "agent_occupancy": round(run.occupancy, 4),
            "agent_talks_heard": talks,
            "late_packets": counters.late_over_20ms,
            "send_lateness_us": {
                "p50": lateness.at(0.50), "p99": lateness.at(0.99), "p999": lateness.at(0.999), "max": lateness.max(),
            },
            "packets_sent": counters.media_sent,
            "packets_received": counters.media_received,
            "sched": stats.sched(),
            "leaked": {
                "calls": counts.calls, "legs": counts.legs, "ports": counts.ports_in_use, "timers": counts.timers,
            },
            "double_dialled": double_dialled,
        });
        let mut faults = Vec::new();
        let mut fault = |wrong: bool, text: String| {
            if wrong {
                faults.push(text);
            }
        };
        fault(unclosed > 0, format!("{unclosed} attempts have no outcome"));
        fault(double_dialled > 0, format!("{double_dialled} numbers were dialled again"));
        fault(not_heard > 0, format!("{not_heard} calls count as connected, but the callee heard no agent"));
        fault(
            heard_abandoned > 0,
            format!("{heard_abandoned} calls count as abandoned, but the callee heard an agent"),
        );
        let leaked = counts.calls + counts.legs + counts.ports_in_use + counts.timers;
        fault(leaked > 0, format!("{leaked} calls, legs, ports or timers were not given back"));
        for (shard, message) in &stats.failed {
            fault(true, format!("shard {shard} failed: {message}"));
        }
        Summary { json, faults }
    }

    /// What went wrong that must not, in one line; `None` for a sound run.
    pub(super) fn fault(&self) -> Option<String> {
        (!self.faults.is_empty()).then(|| format!("the demo's books do not balance: {}", self.faults.join("; ")))
    }

    /// The table.
    pub(super) fn print(&self) {
        let json = &self.json;
        let percent = |key: &str| format!("{:.2} %", json[key].as_f64().unwrap_or(0.0) * 100.0);
        let spread = |key: &str, unit: &str| {
            let part = |name: &str| json[key][name].as_f64().unwrap_or(0.0);
            format!("{:.0} / {:.0} / {:.0} {unit}", part("p50"), part("p99"), part("max"))
        };
        let row = |name: &str, value: String| println!("  {name:<34}{value}");
        println!(
            "\nOutpace demo, seed {}: {} leads, {} agents, {} s",
            json["seed"], json["leads"], json["agents"], json["wall_s"]
        );
        println!("\n  Outcomes");
        for (outcome, count) in json["outcomes"].as_object().into_iter().flatten() {
            println!("    {:<32}{count}", outcome.replace('_', " "));
        }
        println!();
        row("Answered", json["answered"].to_string());
        row("Persons / machines (as detected)", format!("{} / {}", json["humans"], json["machines"]));
        row("Persons taken for machines", json["human_as_machine"].to_string());
        row("Connected / abandoned", format!("{} / {}", json["connected"], json["abandoned"]));
        row("Abandon rate (limit 3 %)", percent("abandon_rate"));
        row("Agent occupancy", percent("agent_occupancy"));
        println!();
        row("Greeting end to agent's voice", spread("connect_delay_ms", "ms (p50 / p99 / max)"));
        row("Verdict and agent to bridge", spread("bridge_delay_ms", "ms (p50 / p99 / max)"));
        row("Send lateness", spread("send_lateness_us", "µs (p50 / p99 / max)"));
        row("Packets sent / received", format!("{} / {}", json["packets_sent"], json["packets_received"]));
        row("Dialled twice / leaked", format!("{} / {}", json["double_dialled"], leaked(&json["leaked"])));
        println!();
    }

    /// The JSON file.
    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = format!("{:#}\n", self.json);
        std::fs::write(path, text).map_err(|e| Failure::io(&path.display().to_string(), e))
    }
}

/// Calls of the demo's own number to somebody beyond what should be: one of the demo's campaign, which dials nobody twice,
/// and one for each attempt of another campaign that somebody made meanwhile. Whoever dials a number by hand over the API
/// shows another number, or none.
fn double_dialled(ledger: &Ledger, campaign: CampaignId, attempts: &[AttemptRow]) -> u64 {
    let (mut own, mut meant, mut made): (BTreeSet<&str>, BTreeMap<&str, u64>, BTreeMap<&str, u64>) = Default::default();
    for row in attempts {
        let first = row.intent.campaign != campaign || own.insert(&row.intent.number);
        *meant.entry(&row.intent.number).or_default() += u64::from(first);
    }
    for record in ledger.records().iter().filter(|record| record.caller == CALLER_ID) {
        *made.entry(&record.number).or_default() += 1;
    }
    made.into_iter().map(|(number, made)| made.saturating_sub(meant.get(number).copied().unwrap_or(0))).sum()
}

/// A person whose patience ended in the very moment in which the agent came on: our first packet and the BYE passed each
/// other. It counts as connected, for the agent was there in time; longer silence would be a fault of ours.
fn left_at_connect(close: &AttemptCloseRow, callee: Option<&&CalleeRecord>) -> bool {
    let talk_us = close.connected_at.map_or(i64::MAX, |at| close.ended_at.as_unix_us() - at.as_unix_us());
    talk_us <= CROSSING_US_MAX && callee.is_some_and(|callee| callee.ended_by == Some(Side::Callee))
}

fn leaked(value: &Value) -> u64 {
    value.as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum()
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
