use super::*;
use base::{AttemptId, CampaignId, LeadId};
use dialer::scenario::Scenario;
use dialer::sim::Options;
use store::{AttemptCloseRow, AttemptIntentRow, TenantId};

const HOUR: f64 = 3_600.0;

fn at(seconds: f64) -> WallTime {
    WallTime::from_unix_us((seconds * 1e6) as i64)
}

/// An attempt at second `began` that rang after 2 s; the rest in seconds after it began.
pub(in crate::simulate) fn row(
    began: f64,
    outcome: &str,
    answered: Option<f64>,
    agent: Option<u64>,
    ended: f64,
) -> AttemptRow {
    let person = agent.is_some() || outcome == "abandoned";
    AttemptRow {
        intent: AttemptIntentRow {
            tenant: TenantId::DEFAULT,
            attempt: AttemptId(1),
            campaign: CampaignId(1),
            lead: LeadId(1),
            attempt_number: 1,
            number: "+12125550100".to_owned(),
            trunk: "t".to_owned(),
            caller_id: None,
            at: at(began),
            consent_allowed: true,
            consent_rule: String::new(),
            consent_proof: None,
            why: "{}".to_owned(),
        },
        close: Some(AttemptCloseRow {
            tenant: TenantId::DEFAULT,
            attempt: AttemptId(1),
            outcome: outcome.to_owned(),
            counted_as: String::new(),
            verdict: answered.map(|_| "human".to_owned()),
            agent: agent.map(AgentId),
            cause_whose: "callee".to_owned(),
            cause_code: None,
            ringing_at: (outcome != "failed").then(|| at(began + 2.0)),
            answered_at: answered.map(|after| at(began + after)),
            greeting_end_at: answered.filter(|_| person).map(|after| at(began + after + 1.0)),
            verdict_at: answered.map(|after| at(began + after + 1.5)),
            connected_at: agent.and(answered).map(|after| at(began + after + 1.6)),
            ended_at: at(began + ended),
            closed_at: at(began + ended),
        }),
        counted: None,
    }
}

fn known() -> Known {
    Known {
        profile: "lab".to_owned(),
        limit: Some(0.03),
        ring_timeout_s: 20.0,
        timezone: "Europe/London".to_owned(),
        wrap_s: 10.0,
        max_channels: 100,
        max_cps: 10.0,
    }
}

/// Two hours: four agents in the first, two in the second; a quarter of the calls find a person.
fn observed() -> Observed {
    let mut observed = Observed::new(at(HOUR));
    for n in 0..800_u64 {
        let began = HOUR + n as f64 * 9.0 + 3.0;
        let agents = if n < 400 { 4 } else { 2 };
        let row = match n % 8 {
            0 | 4 => row(began, "connected", Some(8.0), Some(1 + n / 4 % agents), 68.0),
            1 | 5 => row(began, "machine", Some(12.0), None, 15.0),
            2 => row(began, "busy", None, None, 2.0),
            3 => row(began, "failed", None, None, 0.5),
            _ => row(began, "no_answer", None, None, 20.0),
        };
        observed.add(&row);
    }
    observed
}

fn parsed(replay: &Replay) -> Scenario {
    Scenario::parse_with(&replay.text, &[], dialer::Profiles::shipped(), &mut |name| replay.load(name)).unwrap()
}

#[test]
fn a_day_becomes_its_shares_delays_and_shifts() {
    let replay = observed().replay(&known()).unwrap();
    assert_eq!((replay.attempts, replay.agents), (800, 4));
    let scenario = parsed(&replay);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-3, "{a} is not {b}");
    near(scenario.dial.human, 0.25);
    near(scenario.dial.machine, 0.25);
    near(scenario.dial.busy, 0.125);
    near(scenario.dial.fail, 0.125);
    near(scenario.dial.post_dial_s.mean(), 2.0);
    near(scenario.dial.human_ring_s.mean(), 6.0);
    near(scenario.dial.machine_ring_s.mean(), 10.0);
    near(scenario.amd.greeting_s.mean(), 1.0);
    near(scenario.amd.human_decision_s.mean(), 0.5);
    near(scenario.amd.machine_decision_s.mean(), 1.5);
    near(scenario.agent.talk_s.mean(), 58.4);
    near(scenario.agent.wrap_s.mean(), 10.0);
    assert_eq!((scenario.limit, scenario.profile.as_str(), scenario.amd.enabled), (Some(0.03), "lab", true));
    // Calls of the first hour end in the second, and those who had them were there.
    let shifts: Vec<(f64, u32)> = scenario.shift.iter().map(|shift| (shift.to_h, shift.agents)).collect();
    assert_eq!(shifts.iter().map(|(_, agents)| agents).sum::<u32>(), 4, "{shifts:?}");
    assert!((scenario.day_hours - 2.0).abs() < 0.03, "{}", scenario.day_hours);
}

#[test]
fn too_little_is_refused_and_other_days_are_passed_over() {
    let mut little = Observed::new(at(0.0));
    for n in 0..199 {
        little.add(&row(f64::from(n), "connected", Some(8.0), Some(1), 60.0));
    }
    for n in 0..900 {
        little.add(&row(25.0 * HOUR + f64::from(n), "no_answer", None, None, 20.0));
        little.add(&row(f64::from(n), "cancelled", None, None, 1.0));
    }
    assert_eq!(little.replay(&known()).unwrap_err(), TooLittle { attempts: 199, connected: 199 });
    let mut nobody = Observed::new(at(0.0));
    for n in 0..300 {
        nobody.add(&row(f64::from(n), "no_answer", None, None, 20.0));
    }
    assert_eq!(nobody.replay(&known()).unwrap_err(), TooLittle { attempts: 300, connected: 0 });
}

#[test]
fn what_if_changes_one_thing_and_leaves_the_rest() {
    let replay = observed().replay(&known()).unwrap();
    let other = replay
        .clone()
        .under("limit = 0.01\n[amd]\nenabled = false\n[agent]\ntalk_s = { dist = \"constant\", value = 9 }");
    let other = parsed(&other.unwrap());
    assert_eq!((other.limit, other.amd.enabled, other.agent.talk_s.mean()), (Some(0.01), false, 9.0));
    assert!((other.dial.human - 0.25).abs() < 1e-3 && (other.agent.wrap_s.mean() - 10.0).abs() < 1e-3);
    let agents = |scenario: &Scenario| scenario.shift.iter().map(|shift| shift.agents).sum::<u32>();
    assert_eq!(agents(&parsed(&replay.clone().with_agents(9).unwrap())), 9);
    assert_eq!(parsed(&replay.clone().under("agents = 7").unwrap()).agents, 7);
    assert!(replay.under("limit = ").is_err());
}

#[test]
fn shifts_cover_each_hour_with_the_agents_that_it_had() {
    for present in [vec![3, 3, 5, 2, 0, 1], vec![0, 2, 0], vec![]] {
        let found = shifts(&present);
        for (hour, count) in present.iter().enumerate() {
            let there = found.iter().filter(|(from, to, _)| (*from..*to).contains(&hour)).map(|(.., n)| n).sum::<u32>();
            assert_eq!(there as usize, *count, "{present:?} at {hour}: {found:?}");
        }
    }
}

#[test]
fn a_replayed_day_runs_and_looks_like_the_day() {
    let replay = observed().replay(&known()).unwrap();
    let options = Options { days: 4, seed: 3, policy: "progressive".to_owned(), ..Options::default() };
    let report = dialer::sim::simulate(&parsed(&replay), &options).unwrap();
    let rate = report.answered_by_human as f64 / report.attempts as f64;
    assert!((rate - 0.25).abs() < 0.04, "{rate}");
    let talk_s = report.talk_minutes_per_agent_hour;
    assert!(report.connected > 200 && talk_s > 5.0, "{report:?}");
}

#[test]
fn many_samples_are_a_fair_choice() {
    let mut samples = Samples::new("test");
    let all = 5 * SAMPLES_MAX;
    for n in 0..all {
        samples.add(Some(at(0.0)), Some(at(n as f64 / all as f64 * 100.0)));
    }
    let mean = samples.kept.iter().sum::<f64>() / samples.kept.len() as f64;
    assert!(samples.kept.len() == SAMPLES_MAX && (mean - 50.0).abs() < 1.0, "{mean}");
    samples.add(Some(at(5.0)), Some(at(1.0)));
    samples.add(None, Some(at(1.0)));
    assert_eq!(samples.seen, all as u64);
}
