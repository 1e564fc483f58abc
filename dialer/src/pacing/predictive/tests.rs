use super::super::{AgentView, CallView, LedgerView, Marks};
use super::*;
use base::{Duration, Seed};

const RICH: LedgerView = LedgerView { limit: 0.03, answered: 10_000.0, abandoned_upper: 100.0, left: None };

fn group(ready: usize, talking: usize, wrapping: usize) -> Vec<AgentView> {
    let view = |state, age_s| AgentView { state, age_s, leaving: false };
    let mut agents = vec![view(AgentState::Ready, 10.0); ready];
    agents.extend((0..talking).map(|n| view(AgentState::Talking, 10.0 * n as f64)));
    agents.extend((0..wrapping).map(|n| view(AgentState::WrapUp, 3.0 * n as f64)));
    agents
}

fn picture<'a>(agents: &'a [AgentView], calls: &'a [CallView], ledgers: &'a [LedgerView]) -> Snapshot<'a> {
    Snapshot {
        now: Instant::from_ns(1),
        agents,
        calls,
        others: &[],
        owed: 0,
        withheld: 0,
        ceiling: f64::INFINITY,
        others_bear: u32::MAX,
        waiting: 0,
        room: 500,
        leads_left: None,
        next: &[],
        ledgers,
        plan_left: Some(Duration::from_secs(10_000)),
    }
}

fn decide(snapshot: &Snapshot<'_>) -> Decision {
    Predictive::new().decide(snapshot, &mut Seed::from_u64(1).stream("test", 0))
}

#[test]
fn a_cold_start_is_one_to_one_and_slack_opens_it() {
    let agents = group(10, 6, 4);
    let cold = [LedgerView { answered: 0.0, abandoned_upper: 0.0, ..RICH }];
    let decision = decide(&picture(&agents, &[], &cold));
    assert_eq!((decision.launch, decision.reason), (10, Reason::LedgerGuard));
    let decision = decide(&picture(&agents, &[], &[RICH]));
    assert_eq!(decision.reason, Reason::Price);
    assert!(decision.launch > 20, "{}", decision.launch);
    assert!((0.2..0.4).contains(&decision.forecast_person), "{}", decision.forecast_person);
}

#[test]
fn forecasts_rise_with_each_call_and_end_at_the_price() {
    for agents in [group(5, 3, 2), group(10, 12, 4)] {
        let decision = decide(&picture(&agents, &[], &[RICH]));
        assert_eq!(decision.forecast_no_agent.len(), decision.launch as usize);
        assert!(decision.forecast_no_agent.is_sorted());
        assert!(*decision.forecast_no_agent.last().unwrap() <= PRICE_START);
    }
}

#[test]
fn calls_under_way_persons_waiting_and_announced_leaves_hold_it_back() {
    let agents = group(4, 12, 4);
    let free = decide(&picture(&agents, &[], &[RICH])).launch;
    let ringing = vec![
        CallView {
            age_s: 6.0,
            answered_at_s: None,
            certain: false,
            forecast_no_agent: 0.02,
            foretold: None,
            marks: Marks::default(),
            early: None
        };
        15
    ];
    assert!(decide(&picture(&agents, &ringing, &[RICH])).launch < free);
    let mut waiting = picture(&agents, &[], &[RICH]);
    waiting.waiting = 3;
    assert!(decide(&waiting).launch < free);
    let mut leaving = agents.clone();
    leaving.iter_mut().filter(|agent| agent.state == AgentState::WrapUp).for_each(|agent| agent.leaving = true);
    assert!(decide(&picture(&leaving, &[], &[RICH])).launch < free);
    let mut narrow = picture(&agents, &[], &[RICH]);
    narrow.room = 2;
    assert_eq!(decide(&narrow).launch, 2);
}

#[test]
fn the_normal_and_the_exact_forecast_agree_near_the_border() {
    let agents = group(4, 6, 2);
    let calls = vec![
        CallView {
            age_s: 4.0,
            answered_at_s: None,
            certain: false,
            forecast_no_agent: 0.0,
            foretold: None,
            marks: Marks::default(),
            early: None
        };
        14
    ];
    let pacer = Predictive::new();
    let exact = pacer.balance(&picture(&agents, &calls, &[RICH]));
    assert!(exact.exact.is_some());
    let exact = exact.no_agent(&pacer.rings.fresh().density);
    let mut normal = pacer.balance(&picture(&agents, &calls, &[RICH]));
    normal.exact = None;
    assert!((exact - normal.no_agent(&pacer.rings.fresh().density)).abs() < 0.03);
}

#[test]
fn the_price_follows_the_target_and_real_abandonments_lower_the_target() {
    let agents = group(10, 10, 0);
    let snapshot = picture(&agents, &[], &[RICH]);
    let mut pacer = Predictive::new();
    let mut stream = Seed::from_u64(1).stream("test", 0);
    pacer.decide(&snapshot, &mut stream);
    let target = pacer.target.unwrap();
    let price = pacer.price;
    pacer.observe(snapshot.now, Observation::Launched { forecast_no_agent: 0.0 });
    assert!(pacer.price > price);
    for _ in 0..9 {
        pacer.observe(snapshot.now, Observation::Launched { forecast_no_agent: 2.0 * target });
    }
    assert!(pacer.price < price);
    for _ in 0..200 {
        pacer.observe(snapshot.now, Observation::Resolved { forecast_no_agent: 0.02, abandoned: true });
    }
    pacer.decide(&snapshot, &mut stream);
    assert!(pacer.target.unwrap() < target / 2.0);
}

#[test]
fn a_call_that_is_certain_to_be_offered_takes_an_agent_and_is_no_news_of_the_answer_rate() {
    let pacer = Predictive::new();
    let call = CallView {
        age_s: 12.0,
        answered_at_s: Some(6.0),
        certain: true,
        forecast_no_agent: 0.0,
        foretold: None,
        marks: Marks::default(),
        early: None,
    };
    assert_eq!(pacer.prospect(Instant::from_ns(1), &call), ([1.0; TAUS_S.len()], 1.0));
    assert_eq!(pacer.person_share(&call), None);
    let undecided = CallView { certain: false, ..call };
    assert!(pacer.prospect(Instant::from_ns(1), &undecided).1 < 1.0 && pacer.person_share(&undecided).is_some());
}

#[test]
fn a_rise_of_the_answer_rate_is_seen_within_a_minute() {
    let agents = group(20, 20, 0);
    let calls: Vec<CallView> = (0..40)
        .map(|n| CallView {
            age_s: f64::from(n % 20),
            answered_at_s: None,
            certain: false,
            forecast_no_agent: 0.0,
            foretold: None,
            marks: Marks::default(),
            early: None,
        })
        .collect();
    let mut pacer = Predictive::new();
    let mut stream = Seed::from_u64(1).stream("test", 0);
    let start = Instant::from_ns(1);
    // Long experience: 30 % of persons, spread over 3 to 22 s.
    for n in 0..3_000_u32 {
        let person = n % 10 < 3;
        let (age_s, how) = if person { (3.0 + f64::from(n % 19), RingEnd::Person) } else { (27.0, RingEnd::Other) };
        pacer.observe(start, Observation::RingOver { age_s, how, marks: Marks::default() });
    }
    (pacer.level, pacer.seen) = (Level::new(), 0.0);
    let mut before = 0.0_f64;
    for second in 1..60_u64 {
        let mut snapshot = picture(&agents, &calls, &[RICH]);
        snapshot.now = Instant::from_ns(second * 1_000_000_000);
        pacer.decide(&snapshot, &mut stream);
        if second == 1 {
            before = pacer.rings.fresh().ever(0.0, pacer.multiplier);
        }
        // About 0.6 answers a second would be as before; there are two.
        for n in 0..2 {
            let age_s = 3.0 + (second * 2 + n) as f64 % 19.0;
            pacer.observe(snapshot.now, Observation::RingOver { age_s, how: RingEnd::Person, marks: Marks::default() });
        }
    }
    assert!((before - 0.3).abs() < 0.03, "{before}");
    assert!(pacer.multiplier > 1.7, "{}", pacer.multiplier);
    let after = pacer.rings.fresh().ever(0.0, pacer.multiplier);
    assert!(after > 0.45, "{after}");
}
