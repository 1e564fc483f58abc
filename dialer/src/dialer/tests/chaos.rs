//! Any inputs in any order: nothing panics, and the books balance at the end.

use super::*;
use crate::amd::AmdMode;
use crate::io::LedgerEntry;
use crate::lead::Callback;
use crate::policies::{
    HelloThen, MessageAfter, OnIvr, OnMachine, OnScreening, OnSilence, Policies, Revision, SitMeaning,
};
use base::CallId;

const CAMPAIGNS: u64 = 2;
const AGENTS: u64 = 5;
const LEADS: u64 = 40;

fn some_config(chance: &mut Stream) -> Box<CampaignConfig> {
    let mut config = config();
    config.mode = every_mode()[chance.below(5) as usize];
    config.skipped.times = chance.below(3) as u32;
    config.recording = (chance.below(4) > 0).then(recording);
    config.policies = some_policies(chance);
    config.trunk = TrunkId(1 + chance.below(3));
    let mode = match chance.below(8) {
        0..3 => AmdMode::Off,
        3 => AmdMode::Shadow,
        4 => AmdMode::Sample,
        _ => AmdMode::On,
    };
    config.amd = AmdRules { mode, audit_share: 0.05 };
    config.retry = if chance.below(2) == 0 { RetryRules::none() } else { RetryRules::default() };
    config.profile.consent_required = chance.below(4) == 0;
    config.timezone = ["America/New_York", "Asia/Tokyo", "Nowhere/At_All"][chance.below(3) as usize].into();
    if chance.below(3) == 0 {
        config.profile.hours = Profile::strict().hours;
        config.windows = Some(Profile::strict().windows);
    }
    Box::new(config)
}

fn some_policies(chance: &mut Stream) -> Policies {
    let mut one = |n: u64| chance.below(n) == 0;
    let (recording, wait) = (recording(), Duration::from_secs(100));
    let short = Recording { message: "short".into(), max: Duration::from_secs(5) };
    let after = if one(2) { MessageAfter::Beep } else { MessageAfter::GreetingEnd };
    let then = if one(2) { HelloThen::Agent } else { HelloThen::HangUp };
    Policies {
        machine: if one(2) { OnMachine::HangUp } else { OnMachine::Message { recording, after, wait } },
        ivr: if one(2) { OnIvr::HangUp } else { OnIvr::Agent },
        screening: match one(3) {
            true => OnScreening::HangUp,
            false => OnScreening::Identify { recording: short.clone(), wait },
        },
        silence: if one(3) {
            OnSilence::Agent
        } else {
            OnSilence::Hello { recording: short, wait: Duration::from_secs(8), then }
        },
        fax_marks: one(2),
        sit_by_meaning: one(2),
    }
}

/// Any of the inputs about campaigns, leads and people.
fn some_order(bench: &Bench, chance: &mut Stream) -> Input {
    let campaign = CampaignId(1 + chance.below(CAMPAIGNS));
    let agent = AgentId(1 + chance.below(AGENTS));
    let number = lead(1 + chance.below(LEADS)).number;
    let now_us = bench.dialer.wall_at(bench.now).as_unix_us();
    let ago = WallTime::from_unix_us(now_us - chance.below(40 * 86_400_000_000) as i64);
    match chance.below(29) {
        26 => Input::PutInbound { kind: chance.below(3) as u32, config: Box::new(some_inbound(chance)) },
        27 => Input::InboundArrived { kind: chance.below(3) as u32, item: CallId(1 << 41 | chance.below(50)) },
        28 => Input::InboundLeft { item: CallId(1 << 41 | chance.below(50)) },
        24 => Input::PreviewAccept { agent, lead: shown(bench, agent, chance) },
        25 => Input::PreviewSkip { agent, lead: shown(bench, agent, chance) },
        0 => Input::AddCampaign { campaign, config: some_config(chance) },
        1 | 2 => Input::Configure { campaign, config: some_config(chance) },
        3 => Input::RemoveCampaign { campaign },
        4..=6 => {
            let some = Lead {
                consent: (chance.below(2) == 0).then(|| "form".into()),
                attempts_made: chance.below(3) as u32,
                last_attempt: (chance.below(3) == 0).then_some(ago),
                callback: (chance.below(4) == 0).then(|| Callback {
                    at: WallTime::from_unix_us(now_us + chance.below(100_000_000) as i64),
                    agent: (chance.below(2) == 0).then_some(agent),
                }),
                last_outcome: (chance.below(3) == 0)
                    .then(|| Outcome::ALL[chance.below(Outcome::ALL.len() as u64) as usize]),
                ..lead(1 + chance.below(LEADS))
            };
            let leads = (0..5).map(|n| Lead {
                lead: LeadId(some.lead.0 + n),
                number: lead(some.lead.0 + n).number,
                ..some.clone()
            });
            Input::AddLeads { campaign, leads: leads.collect() }
        }
        7 | 8 => Input::Start { campaign },
        9 => Input::Pause { campaign },
        10 => Input::Stop { campaign },
        11 => Input::AddAgent { agent, name: "any".into(), skills: Skills::new() },
        12..=14 => Input::AgentReady { agent },
        15 => Input::AgentBreak { agent, announced: chance.below(2) == 0 },
        16 => Input::AgentLoggedOut { agent },
        17 => Input::RemoveAgent { agent },
        // As whoever places calls by hand names them: no attempt has such a number.
        18 => Input::ReserveAgent { agent, item: CallId(1 << 40 | chance.below(1 << 20)) },
        19 => Input::ItemConnected { agent },
        20 => Input::ItemFinished { agent },
        21 => Input::Hold { on: chance.below(3) == 0 },
        22 => match chance.below(4) {
            0 => Input::DoNotCall { number },
            1 => Input::LiftDoNotCall { number },
            2 => Input::Reconsider { campaign },
            _ => Input::History { number, attempts: vec![ago, ago], abandoned: Some(ago), machine: None },
        },
        _ => match chance.below(3) {
            0 => Input::TrunkRoom {
                trunk: TrunkId(1 + chance.below(3)),
                channels: chance.below(20) as u32,
                cps: chance.below(10) as f64,
            },
            1 => Input::WallClock { anchor: WallAnchor { instant: bench.now, wall: ago } },
            _ => {
                let attempt = AttemptId(chance.below(50));
                let rang = attempt.0.is_multiple_of(2).then(|| Duration::from_secs(attempt.0));
                let counted_as = CountedAs::Connected;
                let entry = LedgerEntry { attempt, at: ago, counted_as, person: Some(false), rang };
                Input::RestoreLedger { campaign, began: ago, entries: vec![entry; 2] }
            }
        },
    }
}

fn some_inbound(chance: &mut Stream) -> crate::InboundConfig {
    crate::InboundConfig {
        name: "any".into(),
        skills: Skills::new(),
        service_level: 0.8,
        within: Duration::from_secs(20),
        reserve: (chance.below(2) == 0).then(|| chance.below(4) as u32),
        give_up: Duration::from_secs(30 + chance.below(100)),
    }
}

/// The lead that an agent looks at, or sometimes another.
fn shown(bench: &Bench, agent: AgentId, chance: &mut Stream) -> LeadId {
    let offer = bench.dialer.offers.get(&agent).filter(|_| chance.below(4) > 0);
    offer.map_or(LeadId(chance.below(LEADS)), |offer| offer.lead)
}

/// Something the world could say of an attempt that is under way (or has just ended).
fn some_news(bench: &Bench, chance: &mut Stream) -> Option<Input> {
    let under_way: Vec<AttemptId> = bench.dialer.attempts.keys().copied().collect();
    let attempt = *under_way.get(chance.below(under_way.len().max(1) as u64) as usize)?;
    let agent = bench.dialer.attempts[&attempt].agent.unwrap_or(AgentId(1));
    // What is waited for is rare enough, and a message is left by five kinds of news in the right order: it often comes.
    let any = chance.below(22);
    let news = match bench.dialer.attempts[&attempt].phase {
        _ if chance.below(2) == 0 => any,
        Phase::Answered => 9,
        Phase::Machine | Phase::Screening | Phase::Asked => 16,
        Phase::Message => 19 + chance.below(2),
        _ => any,
    };
    Some(match news {
        0..=3 => Input::IntentDurable { attempt },
        4 => {
            if attempt.0.is_multiple_of(5) {
                Input::LeadElsewhere { attempt }
            } else {
                Input::IntentDeferred { attempt }
            }
        }
        5 => Input::IntentRefused { attempt },
        6 => Input::Progress { attempt, early_media: false },
        7 | 8 => Input::Answered { attempt },
        9 | 10 => {
            let verdict = [
                AmdVerdict::Human,
                AmdVerdict::Human,
                AmdVerdict::Machine,
                AmdVerdict::Machine,
                AmdVerdict::Silence,
                AmdVerdict::Screening,
                AmdVerdict::Ivr,
                AmdVerdict::Fax,
                AmdVerdict::Sit(SitMeaning::Vacant),
            ][chance.below(9) as usize];
            Input::Verdict { attempt, verdict, greeting_end: Some(bench.now.before(Duration::from_ms(300))) }
        }
        11 | 12 | 21 => Input::Connected { attempt, agent },
        16..=18 => {
            let revision = [
                Revision::GreetingEnd,
                Revision::BeepEnd,
                Revision::Person,
                Revision::Machine,
                Revision::Fax,
                Revision::Sit(SitMeaning::Other),
            ][chance.below(6) as usize];
            Input::Revised { attempt, revision, at: bench.now }
        }
        19 => Input::MessageBegan { attempt, at: bench.now },
        20 => Input::MessageEnded { attempt },
        13 => Input::Disposition { campaign: CampaignId(1), attempt, person: chance.below(2) == 0 },
        _ => Input::Ended { attempt, cause: some_end(chance) },
    })
}

fn some_end(chance: &mut Stream) -> EndCause {
    let whose = [Party::Carrier, Party::Callee, Party::Us][chance.below(3) as usize];
    let code = [None, Some(503), Some(486), Some(404), Some(487)][chance.below(5) as usize];
    EndCause { whose, code, retry_after_s: (chance.below(3) == 0).then_some(20) }
}

#[test]
fn whatever_comes_in_the_books_balance() {
    let (mut attempts, mut counted, mut offered, mut messages) = (0, 0, 0, 0);
    let (mut left, mut came_alive) = (0, 0);
    for case in 0..900 {
        let mut chance = Seed::from_u64(case).stream("chaos", 0);
        let first = CampaignConfig { policies: some_policies(&mut chance), ..config() };
        let mut bench = Bench::new(2, 10, first);
        for _ in 0..400 {
            bench.pass_ms(chance.below(4_000));
            let input = match chance.below(3) {
                0 => some_order(&bench, &mut chance),
                _ => some_news(&bench, &mut chance).unwrap_or_else(|| some_order(&bench, &mut chance)),
            };
            bench.tell(input);
            let open: usize = bench.dialer.campaigns.values().map(|campaign| campaign.open_attempts as usize).sum();
            assert_eq!(open, bench.dialer.open_attempts(), "case {case}");
            assert_eq!(bench.dialer.live_numbers.len(), open + bench.dialer.offers.len(), "case {case}");
            let shown: usize = bench.dialer.campaigns.values().map(|campaign| campaign.list.counts().offered).sum();
            assert_eq!(shown, bench.dialer.offers.len(), "case {case}");
        }
        for id in 1..=CAMPAIGNS {
            bench.tell(Input::Stop { campaign: CampaignId(id) });
        }
        bench.commit();
        let under_way: Vec<AttemptId> = bench.dialer.attempts.keys().copied().collect();
        for attempt in under_way {
            bench.tell(Input::Ended { attempt, cause: some_end(&mut chance) });
        }
        assert_eq!(bench.dialer.open_attempts(), 0, "case {case}");
        assert!(bench.dialer.trunks.values().all(|trunk| trunk.in_use() == 0), "case {case}");
        assert!(bench.dialer.offers.is_empty(), "case {case}");
        assert!(bench.dialer.waits.is_empty() && bench.dialer.message_ends.is_empty(), "case {case}");
        // Each intent is closed once, and counted once at most, as its record says.
        let mut books: BTreeMap<AttemptId, (u32, u32, Option<Instant>)> = BTreeMap::new();
        for output in &bench.said {
            match output {
                Output::RecordIntent(intent) => {
                    assert_eq!(books.insert(intent.attempt, (0, 0, None)), None, "case {case}");
                    attempts += 1;
                }
                Output::Counted { attempt, at, .. } => {
                    let book = books.get_mut(attempt).expect("counted after its intent");
                    (book.1, book.2) = (book.1 + 1, Some(*at));
                    counted += 1;
                }
                Output::Offered { .. } => offered += 1,
                Output::AttemptClosed(record) => {
                    messages += u32::from(record.outcome == Outcome::Message);
                    left += u32::from(record.outcome == Outcome::MessageLeft);
                    came_alive += u32::from(record.times.live.is_some());
                    let book = books.get_mut(&record.attempt).expect("closed after its intent");
                    book.0 += 1;
                    assert_eq!(record.counted_at, book.2, "case {case}");
                    assert_eq!(record.counted_as == CountedAs::Nothing, book.1 == 0, "case {case}");
                }
                _ => {}
            }
        }
        assert!(books.values().all(|(closed, counts, _)| *closed == 1 && *counts <= 1), "case {case}");
        // No agent is left with a call, except those placed by hand.
        for (id, agent) in bench.dialer.desk().agents() {
            assert_eq!(agent.item(), bench.dialer.by_hand.get(&id).copied(), "case {case}");
        }
        let working = bench
            .dialer
            .desk()
            .agents()
            .filter(|(_, agent)| !matches!(agent.state(), AgentState::LoggedOut | AgentState::OnBreak));
        assert_eq!(working.count(), bench.dialer.desk().working(), "case {case}");
    }
    assert!(attempts > 2_500 && counted > 100, "{attempts} attempts, {counted} counted: too tame");
    assert!(left > 3 && came_alive > 5, "{left} messages left, {came_alive} came alive: too tame");
    assert!(offered > 50 && messages > 50, "{offered} shown, {messages} heard a message: too tame");
}
