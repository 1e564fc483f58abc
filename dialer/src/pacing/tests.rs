use super::guard::{Guard, Leeway};
use super::*;
use base::Seed;

fn agents(ready: usize, talking: usize) -> Vec<AgentView> {
    let view = |state| AgentView { state, age_s: 10.0, leaving: false };
    let mut agents = vec![view(AgentState::Ready); ready];
    agents.extend(vec![view(AgentState::Talking); talking]);
    agents
}

fn calls(count: usize) -> Vec<CallView> {
    vec![
        CallView {
            age_s: 5.0,
            answered_at_s: None,
            certain: false,
            forecast_no_agent: 0.0,
            foretold: None,
            marks: Marks::default(),
            early: None
        };
        count
    ]
}

const RICH: LedgerView = LedgerView { limit: 0.03, answered: 10_000.0, abandoned_upper: 0.0, left: None };

fn snapshot<'a>(agents: &'a [AgentView], calls: &'a [CallView], ledgers: &'a [LedgerView]) -> Snapshot<'a> {
    let now = Instant::from_ns(1_000_000_000);
    Snapshot {
        now,
        agents,
        calls,
        others: &[],
        owed: 0,
        withheld: 0,
        ceiling: f64::INFINITY,
        others_bear: u32::MAX,
        waiting: 0,
        room: 100,
        leads_left: None,
        next: &[],
        ledgers,
        plan_left: None,
    }
}

fn decide(pacer: &mut dyn Pacer, snapshot: &Snapshot<'_>) -> Decision {
    pacer.decide(snapshot, &mut Seed::from_u64(1).stream("test", 0))
}

#[test]
fn progressive_is_one_call_for_one_free_agent() {
    let agents = agents(5, 3);
    let ringing = calls(2);
    let mut picture = snapshot(&agents, &ringing, &[RICH]);
    assert_eq!(decide(&mut Progressive, &picture).launch, 3);
    picture.waiting = 1;
    assert_eq!(decide(&mut Progressive, &picture).launch, 2);
    picture.room = 1;
    assert_eq!(decide(&mut Progressive, &picture).launch, 1);
    let many = calls(9);
    assert_eq!(decide(&mut Progressive, &snapshot(&agents, &many, &[RICH])).launch, 0);
}

#[test]
fn a_ratio_keeps_its_lines_until_the_ledger_is_spent() {
    let agents = agents(4, 6);
    let ringing = calls(3);
    let picture = snapshot(&agents, &ringing, &[RICH]);
    // 1.5 lines for each of ten agents, less six talks and three calls.
    let decision = decide(&mut Ratio::new(1.5), &picture);
    assert_eq!((decision.launch, decision.reason), (6, Reason::Ratio));
    let spent = [LedgerView { answered: 100.0, abandoned_upper: 3.0, ..RICH }];
    let decision = decide(&mut Ratio::new(1.5), &snapshot(&agents, &ringing, &spent));
    assert_eq!((decision.launch, decision.reason), (1, Reason::LedgerGuard));
}

#[test]
fn the_guard_opens_only_with_evidence_and_keeps_more_in_reserve_for_small_groups() {
    let large = agents(8, 0);
    let small = agents(7, 0);
    let open = |agents: &[AgentView], answered: f64, abandoned_upper: f64, pending: f64| {
        let left = Some(Duration::from_secs(1_000));
        let ledgers = [LedgerView { limit: 0.03, answered, abandoned_upper, left }];
        is_open(Guard::new().leeway(&snapshot(agents, &[], &ledgers), pending, pending))
    };
    assert!(!open(&large, 0.0, 0.0, 0.0));
    assert!(!open(&large, 33.0, 0.0, 0.0));
    assert!(open(&large, 100.0, 0.0, 0.0));
    assert!(!open(&small, 60.0, 0.0, 0.0) && open(&small, 100.0, 0.0, 0.0));
    // Two abandoned of a hundred leave one; calls that may be abandoned count in advance.
    assert!(!open(&large, 100.0, 2.1, 0.0));
    assert!(!open(&large, 100.0, 0.0, 1.5));
}

fn is_open(leeway: Leeway) -> bool {
    matches!(leeway, Leeway::Open { .. })
}

#[test]
fn the_reserve_is_for_calls_that_are_sure_of_an_agent() {
    let agents = agents(7, 0);
    let leeway = |abandoned_upper, left| {
        let ledgers = [LedgerView { limit: 0.03, answered: 200.0, abandoned_upper, left }];
        Guard::new().leeway(&snapshot(&agents, &[], &ledgers), 0.0, 0.0)
    };
    let day = Some(Duration::from_secs(1_000));
    assert!(is_open(leeway(3.0, day)) && is_open(leeway(3.0, None)));
    assert_eq!(leeway(4.5, day), Leeway::Reserve { tight: false, bears: 1 });
    assert_eq!(leeway(5.5, day), Leeway::Reserve { tight: true, bears: 0 });
    assert_eq!(leeway(5.5, None), Leeway::Reserve { tight: true, bears: 0 }, "a run may end with the next abandonment");
    assert_eq!(leeway(6.0, None), Leeway::None);
    // Seven idle agents: a few calls more than agents, each nearly sure to find one.
    let decision = |abandoned_upper| {
        let ledgers = [LedgerView { limit: 0.03, answered: 200.0, abandoned_upper, left: day }];
        decide(&mut Predictive::new(), &snapshot(&agents, &[], &ledgers))
    };
    let (loose, tight) = (decision(4.5), decision(5.5));
    assert_eq!(loose.reason, Reason::LedgerReserve);
    assert!(loose.launch > tight.launch && tight.launch >= 7 && loose.launch < 16, "{loose:?} {tight:?}");
    assert!(loose.forecast_no_agent.iter().all(|chance| *chance <= 0.004), "{loose:?}");
}

#[test]
fn all_windows_bind() {
    let agents = agents(10, 0);
    let tight = LedgerView { limit: 0.03, answered: 50.0, abandoned_upper: 1.0, left: None };
    assert!(is_open(Guard::new().leeway(&snapshot(&agents, &[], &[RICH]), 0.0, 0.0)));
    assert!(!is_open(Guard::new().leeway(&snapshot(&agents, &[], &[RICH, tight]), 0.0, 0.0)));
}

#[test]
fn the_rest_of_a_planned_day_gives_credit_and_a_running_out_list_takes_it_back() {
    let agents = agents(10, 10);
    let day = [LedgerView { left: Some(Duration::from_secs(20_000)), answered: 20.0, ..RICH }];
    let mut guard = Guard::new();
    let mut picture = snapshot(&agents, &[], &day);
    // Ten answers in ten minutes are seen.
    for second in 0..600_u64 {
        picture.now = Instant::from_ns(second * 1_000_000_000);
        let how = if second % 60 == 0 { RingEnd::Person } else { RingEnd::Other };
        guard.observe(picture.now, Observation::RingOver { age_s: 10.0, how, marks: Marks::default() });
        guard.leeway(&picture, 0.0, 0.0);
    }
    assert!(!is_open(guard.leeway(&picture, 0.0, 0.0)), "nobody has said how long the agents stay");
    picture.plan_left = Some(Duration::from_secs(18_000));
    assert!(is_open(guard.leeway(&picture, 0.0, 0.0)));
    picture.leads_left = Some(30);
    assert!(!is_open(guard.leeway(&picture, 0.0, 0.0)));
}
