use super::*;
use crate::pacing::{AgentView, CallView, LedgerView, Marks, Pacer, RingEnd};
use base::{Instant, Seed};
use desk::AgentState;

const LEDGER: LedgerView =
    LedgerView { limit: 0.03, answered: 0.0, abandoned_upper: 0.0, left: Some(Duration::from_secs(9_000)) };

fn agents(ready: usize, talking: usize, wrap_up: usize) -> Vec<AgentView> {
    let view = |state| AgentView { state, age_s: 10.0, leaving: false };
    let mut agents = vec![view(AgentState::Ready); ready];
    agents.extend(vec![view(AgentState::Talking); talking]);
    agents.extend(vec![view(AgentState::WrapUp); wrap_up]);
    agents
}

/// The launches of one look at `at_s` with so many calls ringing.
fn look(pacer: &mut dyn Pacer, at_s: f64, agents: &[AgentView], ringing: usize) -> u32 {
    let call = CallView {
        age_s: 5.0,
        answered_at_s: None,
        certain: false,
        forecast_no_agent: 0.0,
        foretold: None,
        marks: Marks::default(),
        early: None,
    };
    let snapshot = Snapshot {
        now: Instant::ZERO + Duration::from_secs_f64(at_s),
        agents,
        calls: &vec![call; ringing],
        others: &[],
        owed: 0,
        withheld: 0,
        ceiling: f64::INFINITY,
        others_bear: u32::MAX,
        waiting: 0,
        room: 100,
        leads_left: None,
        next: &[],
        ledgers: &[LEDGER],
        plan_left: Some(Duration::from_secs(4 * 3_600)),
    };
    let decision = pacer.decide(&snapshot, &mut Seed::from_u64(1).stream("test", 0));
    assert_eq!((decision.forecast_no_agent.len() as u32, decision.reason), (decision.launch, Reason::ComparedLaw));
    decision.launch
}

fn resolve(pacer: &mut dyn Pacer, connected: u32, abandoned: u32) {
    for index in 0..connected + abandoned {
        let observation = Observation::Resolved { forecast_no_agent: 0.0, abandoned: index >= connected };
        pacer.observe(Instant::ZERO, observation);
    }
}

#[test]
fn a_fixed_ratio_looks_every_two_and_a_half_seconds_and_knows_no_limit() {
    let mut pacer = FixedRatio::new(1.5);
    resolve(&mut pacer, 0, 50);
    // 1.5 × (4 ready + 6 in call) − 6 − 3 ringing.
    assert_eq!(look(&mut pacer, 0.0, &agents(4, 6, 2), 3), 6);
    assert_eq!(look(&mut pacer, 2.4, &agents(4, 6, 2), 3), 0);
    assert_eq!(look(&mut pacer, 2.5, &agents(4, 6, 2), 9), 0);
    assert_eq!(look(&mut pacer, 5.0, &agents(4, 6, 2), 8), 1);
}

#[test]
fn adaptive_levels_climb_with_idle_agents_and_fall_over_the_limit_each_in_its_way() {
    let crew = agents(10, 10, 0);
    // Half the agents are ready: × 1.5 every 15 s, at most 3. 20 agents, 10 of them in a call.
    let climb = |over| {
        let mut pacer = Adapt::new(over);
        let launches: Vec<u32> = (0..5).map(|step| look(&mut pacer, 15.0 * f64::from(step), &crew, 0)).collect();
        assert_eq!(launches, [20, 35, 50, 50, 50]);
        pacer
    };
    // 4 % of today's answers at the next reading: 1, 1.5 (half of 3 × 1, no agent is ready), 3 × 4 h ÷ 10.
    let busy = agents(0, 20, 0);
    for (over, wanted) in [(OverLimit::Hard, 0), (OverLimit::Average, 10), (OverLimit::Tapered, 4)] {
        let mut pacer = climb(over);
        resolve(&mut pacer, 96, 4);
        assert_eq!(look(&mut pacer, 121.0, &busy, 0), wanted, "{over:?}");
    }
    // Under the limit in the day, over half in the minute.
    let mut pacer = climb(OverLimit::Hard);
    resolve(&mut pacer, 1_000, 0);
    look(&mut pacer, 121.0, &busy, 0);
    resolve(&mut pacer, 1, 2);
    assert_eq!(look(&mut pacer, 182.0, &busy, 0), 10, "3 ÷ 2 lines for 20 agents less 20 calls");
}

#[test]
fn a_new_window_forgets_the_day() {
    let mut today = Today::default();
    let window = |seconds| LedgerView { left: Some(Duration::from_secs(seconds)), ..LEDGER };
    let roll = |today: &mut Today, seconds| {
        let ledgers = [window(seconds)];
        today.roll(&Snapshot {
            now: Instant::ZERO,
            agents: &[],
            calls: &[],
            others: &[],
            owed: 0,
            withheld: 0,
            ceiling: f64::INFINITY,
            others_bear: u32::MAX,
            waiting: 0,
            room: 0,
            leads_left: None,
            next: &[],
            ledgers: &ledgers,
            plan_left: None,
        });
    };
    roll(&mut today, 500);
    for abandoned in [true, false, false, false] {
        today.observe(&Observation::Resolved { forecast_no_agent: 0.0, abandoned });
    }
    roll(&mut today, 20);
    assert_eq!((today.answers(), today.share()), (4, 0.25));
    roll(&mut today, 86_400);
    assert_eq!((today.answers(), today.share()), (0, 0.0));
}

#[test]
fn the_pid_corrects_after_seventy_answers_and_counts_wrap_up_half() {
    let mut pacer = Pid::default();
    let crew = agents(6, 10, 8);
    assert_eq!(look(&mut pacer, 0.0, &crew, 3), 7, "6 + 8 ÷ 2 − 3");
    resolve(&mut pacer, 69, 0);
    assert_eq!(look(&mut pacer, 61.0, &crew, 3), 7);
    for round in 0..8 {
        resolve(&mut pacer, 70, 0);
        look(&mut pacer, 122.0 + 61.0 * f64::from(round), &crew, 3);
    }
    let many = look(&mut pacer, 700.0, &crew, 3);
    assert!(many > 9, "nobody was abandoned: {many}");
    resolve(&mut pacer, 60, 10);
    assert!(look(&mut pacer, 800.0, &crew, 3) < many, "14 % were abandoned");
}

#[test]
fn mean_value_weighs_agents_soon_free_against_answers_soon() {
    let mut pacer = MeanValue::default();
    let crew = agents(4, 8, 0);
    let first = look(&mut pacer, 0.0, &crew, 0);
    // 4 idle and 8 × 12 ÷ 145 soon free, for answers of three in ten, a first trim of 3 % upward.
    assert_eq!(first, ((4.0 + 8.0 * 12.0 / 145.0) * 0.03_f64.exp() / 0.3) as u32);
    assert_eq!(look(&mut pacer, 0.5, &crew, 0), 0, "it looks once a second");
    for _ in 0..600 {
        pacer
            .observe(Instant::ZERO, Observation::RingOver { age_s: 9.0, how: RingEnd::Other, marks: Marks::default() });
    }
    assert!(look(&mut pacer, 1.5, &crew, 0) > 3 * first, "fewer answers, more calls");
    resolve(&mut pacer, 50, 50);
    let before = look(&mut pacer, 61.0, &crew, 0);
    for minute in 2..12 {
        look(&mut pacer, 60.0 * f64::from(minute) + 2.0, &crew, 0);
    }
    assert!(look(&mut pacer, 800.0, &crew, 0) < before, "far over the limit");
}
