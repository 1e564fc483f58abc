use super::*;

fn at(ms: u64) -> Instant {
    Instant::from_ns(ms * 1_000_000)
}

fn skills(names: &[&str]) -> Skills {
    names.iter().map(|name| name.to_string()).collect()
}

fn item(id: u64, deadline_ms: u64, needed: &[&str]) -> WorkItem {
    WorkItem { id: CallId(id), skills: skills(needed), deadline: at(deadline_ms) }
}

fn drain(desk: &mut Desk) -> Vec<Output> {
    std::iter::from_fn(|| desk.poll_output()).collect()
}

fn assigned(desk: &mut Desk) -> Vec<(u64, u64)> {
    let pick = |output| match output {
        Output::Assigned { item, agent } => Some((item.0, agent.0)),
        _ => None,
    };
    drain(desk).into_iter().filter_map(pick).collect()
}

/// A desk whose agents 1..=count came ready one millisecond apart.
fn ready_desk(count: u64, wrap_up_limit: Option<Duration>) -> Desk {
    let mut desk = Desk::new(DeskConfig { wrap_up_limit });
    for id in 1..=count {
        desk.add_agent(at(0), AgentId(id), format!("agent {id}"), Skills::new()).unwrap();
        desk.set_state(at(id), AgentId(id), Wanted::Ready).unwrap();
    }
    drain(&mut desk);
    desk
}

#[test]
fn longest_idle_agent_gets_the_item_and_keeps_its_place_when_nothing_comes_of_it() {
    let mut desk = ready_desk(3, None);
    desk.offer(at(10), item(1, 2_000, &[])).unwrap();
    assert_eq!(assigned(&mut desk), [(1, 1)]);
    // The customer was gone: agent 1 is still the longest idle.
    desk.finished(at(20), AgentId(1)).unwrap();
    desk.offer(at(30), item(2, 2_000, &[])).unwrap();
    assert_eq!(assigned(&mut desk), [(2, 1)]);
    desk.connected(at(40), AgentId(1)).unwrap();
    desk.finished(at(50), AgentId(1)).unwrap();
    desk.set_state(at(60), AgentId(1), Wanted::Ready).unwrap();
    desk.offer(at(70), item(3, 2_000, &[])).unwrap();
    assert_eq!(assigned(&mut desk), [(3, 2)]);
}

#[test]
fn items_wait_by_deadline_and_expire_at_it() {
    let mut desk = ready_desk(0, None);
    desk.offer(at(0), item(1, 300, &[])).unwrap();
    desk.offer(at(0), item(2, 200, &[])).unwrap();
    desk.offer(at(0), item(3, 100, &[])).unwrap();
    assert_eq!(desk.offer(at(0), item(3, 100, &[])), Err(Reject::DuplicateItem));
    assert_eq!(desk.poll_timeout(), Some(at(100)));
    desk.handle_timeout(at(99));
    assert_eq!(drain(&mut desk), []);
    desk.handle_timeout(at(100));
    assert_eq!(drain(&mut desk), [Output::Expired { item: CallId(3) }]);
    desk.add_agent(at(150), AgentId(1), "late".into(), Skills::new()).unwrap();
    desk.set_state(at(150), AgentId(1), Wanted::Ready).unwrap();
    assert_eq!(assigned(&mut desk), [(2, 1)]);
    assert!(desk.withdraw(CallId(1)));
    assert!(!desk.withdraw(CallId(1)));
    assert_eq!((desk.waiting(), desk.poll_timeout()), (0, None));
}

#[test]
fn an_item_that_is_offered_too_late_gets_who_is_free_or_expires_at_once() {
    let mut desk = ready_desk(1, None);
    desk.offer(at(500), item(1, 500, &["french"])).unwrap();
    assert_eq!(drain(&mut desk), [Output::Expired { item: CallId(1) }], "who is free does not fit");
    desk.offer(at(510), item(2, 500, &[])).unwrap();
    assert_eq!(assigned(&mut desk), [(2, 1)]);
    desk.offer(at(520), item(3, 500, &[])).unwrap();
    assert_eq!(drain(&mut desk), [Output::Expired { item: CallId(3) }], "nobody is free");
}

#[test]
fn a_moved_deadline_counts() {
    let mut desk = ready_desk(0, None);
    desk.offer(at(0), item(1, 300, &[])).unwrap();
    assert!(desk.set_deadline(at(10), CallId(1), at(900)));
    desk.handle_timeout(at(300));
    assert_eq!(drain(&mut desk), []);
    desk.handle_timeout(at(900));
    assert_eq!(drain(&mut desk), [Output::Expired { item: CallId(1) }]);
    assert!(!desk.set_deadline(at(901), CallId(1), at(999)));
}

#[test]
fn skills_must_all_be_there_and_do_not_block_those_behind() {
    let mut desk = Desk::new(DeskConfig::default());
    desk.add_agent(at(0), AgentId(1), "a".into(), skills(&["en"])).unwrap();
    desk.add_agent(at(0), AgentId(2), "b".into(), skills(&["en", "fr"])).unwrap();
    desk.set_state(at(1), AgentId(1), Wanted::Ready).unwrap();
    desk.offer(at(2), item(1, 1_000, &["en", "fr"])).unwrap();
    desk.offer(at(3), item(2, 2_000, &["en"])).unwrap();
    assert_eq!(assigned(&mut desk), [(2, 1)]);
    desk.set_state(at(4), AgentId(2), Wanted::Ready).unwrap();
    assert_eq!(assigned(&mut desk), [(1, 2)]);
}

#[test]
fn wrap_up_ends_at_its_limit_or_earlier_by_the_agent() {
    let mut desk = ready_desk(2, Some(Duration::from_ms(3_000)));
    for call in [1, 2] {
        desk.offer(at(10), item(call, 2_000, &[])).unwrap();
        desk.connected(at(20), AgentId(call)).unwrap();
        desk.finished(at(100), AgentId(call)).unwrap();
    }
    desk.set_state(at(200), AgentId(2), Wanted::Ready).unwrap();
    assert_eq!(desk.agent(AgentId(2)).unwrap().state(), AgentState::Ready);
    assert_eq!(desk.poll_timeout(), Some(at(3_100)));
    desk.handle_timeout(at(3_100));
    assert_eq!(desk.agent(AgentId(1)).unwrap().state(), AgentState::Ready);
    assert_eq!(desk.poll_timeout(), None);
}

#[test]
fn an_announced_leave_waits_for_the_call_and_its_wrap_up() {
    let mut desk = ready_desk(1, Some(Duration::from_ms(1_000)));
    desk.offer(at(10), item(1, 2_000, &[])).unwrap();
    desk.connected(at(20), AgentId(1)).unwrap();
    desk.set_state(at(30), AgentId(1), Wanted::OnBreak { announced: true }).unwrap();
    assert!(desk.agent(AgentId(1)).unwrap().leaving());
    assert_eq!(desk.agent(AgentId(1)).unwrap().state(), AgentState::Talking);
    desk.finished(at(100), AgentId(1)).unwrap();
    assert_eq!(desk.agent(AgentId(1)).unwrap().state(), AgentState::WrapUp);
    desk.handle_timeout(at(1_100));
    assert_eq!(desk.agent(AgentId(1)).unwrap().state(), AgentState::OnBreak);
    assert!(!desk.agent(AgentId(1)).unwrap().leaving());
}

#[test]
fn a_lost_phone_loses_the_item_in_hand_at_once() {
    let mut desk = ready_desk(1, None);
    desk.offer(at(10), item(1, 2_000, &[])).unwrap();
    desk.connected(at(20), AgentId(1)).unwrap();
    drain(&mut desk);
    desk.set_state(at(30), AgentId(1), Wanted::LoggedOut { announced: false }).unwrap();
    let lost = Output::Lost { item: CallId(1), agent: AgentId(1) };
    let changed = Output::AgentChanged { agent: AgentId(1), state: AgentState::LoggedOut };
    assert_eq!(drain(&mut desk), [changed, lost]);
    assert_eq!(desk.finished(at(40), AgentId(1)), Err(Reject::WrongState));
    assert_eq!(desk.connected(at(40), AgentId(9)), Err(Reject::UnknownAgent));
}

#[test]
fn agent_time_adds_up_and_gives_occupancy() {
    let mut desk = Desk::new(DeskConfig::default());
    desk.add_agent(at(0), AgentId(1), "a".into(), Skills::new()).unwrap();
    desk.set_state(at(1_000), AgentId(1), Wanted::Ready).unwrap();
    desk.offer(at(3_000), item(1, 9_000, &[])).unwrap();
    desk.connected(at(4_000), AgentId(1)).unwrap();
    desk.finished(at(8_000), AgentId(1)).unwrap();
    desk.set_state(at(10_000), AgentId(1), Wanted::OnBreak { announced: false }).unwrap();
    let times = desk.agent(AgentId(1)).unwrap().times(at(15_000));
    assert_eq!(times.total(), Duration::from_ms(15_000));
    assert_eq!(times.worked(), Duration::from_ms(9_000));
    assert_eq!(times.busy(), Duration::from_ms(6_000));
    assert!((times.occupancy() - 6.0 / 9.0).abs() < 1e-12);
    assert_eq!(desk.times(at(15_000)), times);
    assert_eq!(desk.working(), 0);
}

#[test]
fn limits_refuse_and_do_not_panic() {
    let mut desk = Desk::new(DeskConfig::default());
    let many: Skills = (0..=SKILLS_MAX).map(|n| n.to_string()).collect();
    assert_eq!(desk.add_agent(at(0), AgentId(1), "a".into(), many), Err(Reject::Full));
    desk.add_agent(at(0), AgentId(1), "a".into(), Skills::new()).unwrap();
    assert_eq!(desk.add_agent(at(0), AgentId(1), "a".into(), Skills::new()), Err(Reject::DuplicateAgent));
    for id in 0..ITEMS_MAX as u64 {
        desk.offer(at(0), item(id, 1_000, &[])).unwrap();
    }
    assert_eq!(desk.offer(at(0), item(u64::MAX, 1_000, &[])), Err(Reject::Full));
}

#[test]
fn new_skills_bring_the_item_that_waited_for_them() {
    let mut desk = ready_desk(1, None);
    desk.offer(at(10), item(1, 2_000, &["french"])).unwrap();
    assert_eq!(assigned(&mut desk), []);
    desk.set_skills(at(20), AgentId(1), skills(&["french"])).unwrap();
    assert_eq!(assigned(&mut desk), [(1, 1)]);
    let many: Skills = (0..=SKILLS_MAX).map(|n| n.to_string()).collect();
    assert_eq!(desk.set_skills(at(30), AgentId(1), many), Err(Reject::Full));
    assert_eq!(desk.set_skills(at(30), AgentId(9), Skills::new()), Err(Reject::UnknownAgent));
}

#[test]
fn a_removed_agent_gets_nothing_more_and_leaves_its_times() {
    let mut desk = ready_desk(2, Some(Duration::from_ms(1_000)));
    desk.offer(at(1_000), item(1, 9_000, &[])).unwrap();
    desk.connected(at(1_000), AgentId(1)).unwrap();
    assert_eq!(desk.remove_agent(at(1_500), AgentId(1)), Err(Reject::WrongState));
    desk.finished(at(2_000), AgentId(1)).unwrap();
    let before = desk.times(at(2_500));
    drain(&mut desk);
    // In the middle of a wrap-up, whose limit must not fire any more.
    desk.remove_agent(at(2_500), AgentId(1)).unwrap();
    assert_eq!(drain(&mut desk), [Output::AgentChanged { agent: AgentId(1), state: AgentState::LoggedOut }]);
    assert_eq!((desk.times(at(2_500)), desk.poll_timeout()), (before, None));
    desk.remove_agent(at(2_500), AgentId(2)).unwrap();
    drain(&mut desk);
    desk.offer(at(2_600), item(2, 9_000, &[])).unwrap();
    assert_eq!((drain(&mut desk), desk.ready(), desk.working()), (vec![], 0, 0));
    assert_eq!(desk.remove_agent(at(2_700), AgentId(2)), Err(Reject::UnknownAgent));
    desk.add_agent(at(3_000), AgentId(1), "again".into(), Skills::new()).unwrap();
    assert_eq!(desk.times(at(3_000)).total(), before.total());
}

#[test]
fn a_call_placed_by_hand_takes_its_agent_out_of_the_routing() {
    let mut desk = ready_desk(1, Some(Duration::from_ms(1_000)));
    desk.reserve(at(10), AgentId(1), CallId(7)).unwrap();
    assert_eq!(drain(&mut desk), [Output::AgentChanged { agent: AgentId(1), state: AgentState::Reserved }]);
    desk.offer(at(20), item(8, 900, &[])).unwrap();
    assert_eq!(desk.reserve(at(30), AgentId(1), CallId(9)), Err(Reject::WrongState));
    assert_eq!(desk.reserve(at(30), AgentId(1), CallId(7)), Err(Reject::DuplicateItem));
    assert_eq!(desk.reserve(at(30), AgentId(1), CallId(8)), Err(Reject::DuplicateItem));
    assert_eq!(desk.reserve(at(30), AgentId(2), CallId(9)), Err(Reject::UnknownAgent));
    desk.connected(at(40), AgentId(1)).unwrap();
    assert_eq!(desk.agent(AgentId(1)).unwrap().item(), Some(CallId(7)));
    drain(&mut desk);
    desk.set_state(at(50), AgentId(1), Wanted::LoggedOut { announced: false }).unwrap();
    assert!(drain(&mut desk).contains(&Output::Lost { item: CallId(7), agent: AgentId(1) }));
}
