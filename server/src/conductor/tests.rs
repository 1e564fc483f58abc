//! The conductor alone: shards and store are played by hand, one event at a time.

use super::*;
use crate::control::api::{AgentWish, Refusal, Reply, Request};
use base::{Duration, LeadId, PlayId, Seed, WallTime};
use call::Originate;
use dialer::{CampaignConfig, DialerConfig, Lead, Mode, Number, Profile, RetryRules};

mod amd;
mod answers;

const AGENT: AgentId = AgentId(1);

struct Bench {
    conductor: Conductor,
    now: Instant,
    commands: Vec<Command>,
    rows: Vec<store::Op>,
    intents: Vec<u64>,
    told: Vec<(&'static str, serde_json::Value)>,
}

impl Bench {
    /// One agent whose phone is being called, two leads to dial 1:1, no detection.
    fn new() -> Bench {
        let now = Instant::ZERO + Duration::from_secs(1);
        let anchor = WallAnchor { instant: now, wall: WallTime::from_unix_us(1_772_460_000_000_000) };
        let config = ConductorConfig {
            tenant: TenantId::DEFAULT,
            shards: 1,
            domain: "192.0.2.1:5060".into(),
            detection: detect::DetectorConfig::Classic(detect::ClassicConfig::default()).into(),
            messages: BTreeMap::new(),
            recordings: detect::Recordings::default(),
            first_call: 1,
        };
        let wrap_up_limit = Some(Duration::from_secs(1));
        let dialer = Dialer::new(DialerConfig { wrap_up_limit, ..DialerConfig::default() }, Seed::from_u64(1), anchor);
        let conductor = Conductor::new(config, dialer, anchor);
        let mut bench =
            Bench { conductor, now, commands: Vec::new(), rows: Vec::new(), intents: Vec::new(), told: Vec::new() };
        let remote = SocketAddr::from(([192, 0, 2, 2], 5060));
        let trunk = Trunk {
            name: "trunk".into(),
            remote,
            domain: "192.0.2.2".into(),
            credentials: None,
            laws: vec![Law::Mu],
            max_channels: 10,
            max_cps: 10.0,
            nat: false,
            register: false,
            ping: Duration::ZERO,
        };
        bench.conductor.put_trunk(now, TrunkId(1), trunk);
        let campaign = CampaignId(1);
        let config = CampaignConfig {
            mode: Mode::Progressive,
            amd: dialer::AmdRules::OFF,
            profile: Profile::lab(),
            ring_timeout: Duration::from_secs(20),
            retry: RetryRules::none(),
            ..CampaignConfig::new("test", TrunkId(1), "+12125550199")
        };
        bench.conductor.handle_input(now, Input::AddCampaign { campaign, config: Box::new(config) });
        let lead = |id| Lead::new(LeadId(id), Number::parse(&format!("+1212555010{id}")).expect("a number"));
        bench.conductor.handle_input(now, Input::AddLeads { campaign, leads: vec![lead(1), lead(2)] });
        let line = AgentPhone { uri: "sip:ann@192.0.2.3".into(), remote };
        bench.conductor.add_agent(now, AGENT, "ann", Some(line), desk::Skills::new());
        bench.conductor.set_agent(now, AGENT, AgentWish::Ready).expect("an agent with a phone");
        bench.conductor.handle_input(now, Input::Start { campaign });
        bench.drain();
        bench
    }

    fn drain(&mut self) {
        while let Some(output) = self.conductor.poll_output() {
            match output {
                Output::Command(_, command) => self.commands.push(command),
                Output::Store(token, op) => {
                    if matches!(*op, store::Op::Intent(_)) {
                        self.intents.push(token);
                    }
                    self.rows.push(*op);
                }
                Output::Tell(kind, data) => self.told.push((kind, data)),
                _ => {}
            }
        }
    }

    fn event(&mut self, event: Event) {
        self.conductor.handle_event(self.now, ShardId(0), event);
        self.drain();
    }

    fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds * 4 {
            self.now += Duration::from_ms(250);
            self.conductor.handle_timeout(self.now);
            self.drain();
        }
    }

    /// The store answers the oldest intent.
    fn intent(&mut self, result: Result<(), store::StoreError>) {
        let token = self.intents.remove(0);
        self.conductor.handle_ack(self.now, token, result);
        self.drain();
    }

    fn answered(&mut self, leg: LegId) {
        let dialog = Box::new(sip::DialogIdentity {
            call_id: "s0-x".into(),
            local_uri: "sip:a@192.0.2.1".into(),
            local_tag: "l".into(),
            remote_uri: "sip:b@192.0.2.2".into(),
            remote_tag: "r".into(),
            remote_target: "sip:b@192.0.2.2".into(),
            route_set: Vec::new(),
            local_cseq: 1,
            peer: SocketAddr::from(([192, 0, 2, 2], 5060)),
        });
        self.event(Event::Answered { leg, at: self.now, law: Law::Mu, dialog });
    }

    fn ended(&mut self, leg: LegId) {
        let cause = sip::Cause::new(None, sip::Cause::BYE, sip::Whose::Peer);
        self.event(Event::Ended { leg, cause, answered: true, media: None });
    }

    /// The only call as the API shows it, and the codes of what happened in it.
    fn detail(&mut self) -> (crate::control::views::CallView, Vec<String>) {
        let picture = self.conductor.picture(self.now, crate::control::views::StoreView::default());
        let calls: Vec<u64> = picture.calls.keys().copied().collect();
        let [call] = calls[..] else { panic!("one call: {calls:?}") };
        let asked = self.conductor.handle_request(self.now, Request::ShowCall(CallId(call)));
        let Answer::Now(Ok(Reply::CallDetail(detail))) = asked else { panic!("{asked:?}") };
        self.drain();
        let codes = detail.timeline.iter().map(|entry| entry.what.to_string());
        (detail.call, codes.collect())
    }

    /// Legs placed since the last look, in order.
    fn placed(&mut self) -> Vec<LegId> {
        let legs = self.commands.iter().filter_map(|command| match command {
            Command::Originate(originate) => Some(Originate::clone(originate).leg),
            _ => None,
        });
        let legs = legs.collect();
        self.commands.retain(|command| !matches!(command, Command::Originate(_)));
        legs
    }

    fn bridged(&self) -> Vec<(LegId, LegId)> {
        let pairs = self.commands.iter().filter_map(|command| match command {
            Command::Bridge { leg, with, .. } => Some((*leg, *with)),
            _ => None,
        });
        pairs.collect()
    }

    fn unbridged(&self) -> Vec<LegId> {
        let legs = self.commands.iter().filter_map(|command| match command {
            Command::Unbridge { leg } => Some(*leg),
            _ => None,
        });
        legs.collect()
    }

    /// Dials the next lead and connects it with the agent on `phone`; the customer's leg.
    fn connect(&mut self, phone: LegId) -> LegId {
        self.intent(Ok(()));
        let placed = self.placed();
        let [customer] = placed[..] else { panic!("one call for one agent: {placed:?}") };
        self.answered(customer);
        assert_eq!(self.bridged(), [(customer, phone), (phone, customer)]);
        self.event(Event::BridgeAudio { leg: customer, with: phone, at: self.now });
        self.commands.clear();
        customer
    }
}

#[test]
fn a_late_end_does_not_part_the_agents_next_call() {
    let mut bench = Bench::new();
    let placed = bench.placed();
    let [first_phone] = placed[..] else { panic!("the agent's phone is called: {placed:?}") };
    bench.answered(first_phone);
    let first = bench.connect(first_phone);

    // The phone is lost in mid-call, called again, and takes the next customer before the first leg's end is known.
    bench.ended(first_phone);
    assert!(bench.commands.iter().any(|command| matches!(command, Command::Hangup { leg, .. } if *leg == first)));
    bench.wait(6);
    let placed = bench.placed();
    let [second_phone] = placed[..] else { panic!("the phone is called again: {placed:?}") };
    assert_ne!(second_phone, first_phone);
    bench.answered(second_phone);
    bench.commands.clear();
    let second = bench.connect(second_phone);

    // A packet of the first agent's leg that was on its way counts for nobody.
    bench.event(Event::BridgeAudio { leg: second, with: first_phone, at: bench.now });
    bench.ended(first);
    assert_eq!(bench.unbridged(), []);
    bench.ended(second);
    assert_eq!(bench.unbridged(), [second_phone]);
    assert_eq!(bench.conductor.figures().connected, 2);
}

#[test]
fn a_key_during_the_message_puts_the_number_on_the_list() {
    let mut bench = Bench::new();
    let samples = media::playout::Prompt::from_samples(&[0; 16_000]);
    bench.conductor.config.messages.insert("safe-harbour".into(), std::sync::Arc::new(samples));
    let phone = bench.placed()[0];
    bench.answered(phone);
    bench.intent(Ok(()));
    let customer = bench.placed()[0];
    // The only agent goes home while it rings: nobody is there in time.
    bench.ended(phone);
    bench.answered(customer);
    bench.event(Event::Digit { leg: customer, digit: '1' });
    let suppressed = |bench: &Bench| bench.rows.iter().filter(|row| matches!(row, store::Op::Suppress(_))).count();
    assert_eq!(suppressed(&bench), 0, "no message yet: the key means nothing");
    bench.commands.clear();
    bench.wait(2);
    assert!(bench.commands.iter().any(|command| matches!(command, Command::Play { leg, .. } if *leg == customer)));
    for _ in 0..3 {
        bench.event(Event::Digit { leg: customer, digit: '9' });
    }
    assert!(bench.commands.iter().any(|command| matches!(command, Command::Hangup { leg, .. } if *leg == customer)));
    let row = bench.rows.iter().find_map(|row| match row {
        store::Op::Suppress(row) => Some((row.number.as_str(), row.reason.as_str(), row.action)),
        _ => None,
    });
    assert_eq!(row, Some(("+12125550101", "opted out", store::Action::Add)));
    assert_eq!(suppressed(&bench), 1);
}

fn configure(bench: &mut Bench, mode: Mode) {
    let config = CampaignConfig {
        mode,
        amd: dialer::AmdRules::OFF,
        profile: Profile::lab(),
        ring_timeout: Duration::from_secs(20),
        retry: RetryRules::none(),
        recording: Some(dialer::Recording { message: "notice".into(), max: Duration::from_secs(30) }),
        ..CampaignConfig::new("test", TrunkId(1), "+12125550199")
    };
    bench.conductor.handle_input(bench.now, Input::Configure { campaign: CampaignId(1), config: Box::new(config) });
    bench.drain();
}

#[test]
fn without_agents_a_person_hears_the_recording_and_a_key_opts_out() {
    let mut bench = Bench::new();
    bench.placed();
    let samples = media::playout::Prompt::from_samples(&[0; 16_000]);
    bench.conductor.config.messages.insert("notice".into(), std::sync::Arc::new(samples));
    configure(&mut bench, Mode::Agentless(dialer::Flow { channels: Some(2), calls_per_s: None }));
    // Nobody's phone is up: both leads are dialled.
    bench.intent(Ok(()));
    bench.intent(Ok(()));
    let customers = bench.placed();
    bench.answered(customers[0]);
    let plays = |bench: &Bench, leg: LegId| {
        bench.commands.iter().any(|command| matches!(command, Command::Play { leg: other, .. } if *other == leg))
    };
    assert!(plays(&bench, customers[0]) && !plays(&bench, customers[1]));
    bench.event(Event::Digit { leg: customers[0], digit: '9' });
    bench.ended(customers[0]);
    bench.answered(customers[1]);
    bench.event(Event::PlayEnded { leg: customers[1], play: base::PlayId(1), at: bench.now });
    bench.ended(customers[1]);
    let suppressed: Vec<&str> = bench
        .rows
        .iter()
        .filter_map(|row| if let store::Op::Suppress(row) = row { Some(row.number.as_str()) } else { None })
        .collect();
    let opt_out = Profile::lab().opt_out_key;
    assert_eq!(suppressed, if opt_out { vec!["+12125550101"] } else { vec![] });
    let closed: Vec<(&str, &str)> = bench
        .rows
        .iter()
        .filter_map(|row| match row {
            store::Op::AttemptClose(row, _) => Some((row.outcome.as_str(), row.counted_as.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(closed, [("message", "nothing"), ("message", "nothing")]);
    assert!(!bench.rows.iter().any(|row| matches!(row, store::Op::Counted(_))));
}

#[test]
fn an_agent_sees_a_lead_skips_it_and_accepts_the_next() {
    let mut bench = Bench::new();
    let phone = bench.placed()[0];
    let preview = dialer::Preview { timer: Duration::from_secs(30), then: dialer::PreviewEnd::Skip };
    configure(&mut bench, Mode::Preview(preview));
    bench.answered(phone);
    assert!(bench.intents.is_empty(), "nothing is dialled before the agent has looked");
    let offer = |bench: &Bench| bench.conductor.agent_view(bench.now, AGENT).and_then(|view| view.offer);
    let first = offer(&bench).expect("a lead is shown");
    assert_eq!((first.lead, first.then), (1, "skip"));
    let ask = |bench: &mut Bench, lead, choice| {
        let request = Request::Preview { agent: AGENT, lead: LeadId(lead), choice };
        let answer = bench.conductor.handle_request(bench.now, request);
        bench.drain();
        match answer {
            Answer::Now(Ok(Reply::Preview(how, view))) => Ok((how.name(), view.offer.map(|offer| offer.lead))),
            Answer::Now(Err(refusal)) => Err(refusal.to_string()),
            other => panic!("{other:?}"),
        }
    };
    let skip = crate::control::api::PreviewChoice::Skip("called yesterday".to_owned());
    assert!(ask(&mut bench, 2, skip.clone()).unwrap_err().contains("not shown"));
    assert_eq!(ask(&mut bench, 1, skip), Ok(("skipped", Some(2))));
    let over = bench.told.iter().find(|(kind, _)| *kind == "agent.offer_over").expect("it is told");
    assert_eq!(
        (&over.1["reason"], &over.1["how"], &over.1["lead"]),
        (&"called yesterday".into(), &"skipped".into(), &1.into())
    );
    assert!(bench.told.iter().any(|(kind, data)| *kind == "agent.offer" && data["offer"]["lead"] == 2));
    assert_eq!(ask(&mut bench, 2, crate::control::api::PreviewChoice::Accept), Ok(("accepted", None)));
    bench.intent(Ok(()));
    let customer = bench.placed()[0];
    bench.commands.clear();
    bench.answered(customer);
    assert!(bench.commands.iter().any(|command| matches!(command, Command::Bridge { leg, .. } if *leg == customer)));
}

#[test]
fn a_promised_call_marks_its_promise_kept() {
    let mut bench = Bench::new();
    let phone = bench.placed()[0];
    bench.conductor.handle_input(bench.now, Input::Pause { campaign: CampaignId(1) });
    bench.answered(phone);
    bench.intents.clear();
    let at = bench.conductor.anchor().wall_at(bench.now + Duration::from_secs(5));
    let number = Number::parse("+12125550101").expect("a number");
    let callback = Some(dialer::Callback { at, agent: Some(AGENT) });
    let leads = vec![Lead { callback, ..Lead::new(LeadId(1), number) }];
    bench.conductor.handle_input(bench.now, Input::AddLeads { campaign: CampaignId(1), leads });
    let kept = |bench: &Bench| {
        let lead = |row: &store::Op| if let store::Op::CallbackDone(row) = row { Some(row.lead.0) } else { None };
        bench.rows.iter().filter_map(lead).collect::<Vec<_>>()
    };
    assert!(kept(&bench).is_empty());
    bench.conductor.handle_input(bench.now, Input::Start { campaign: CampaignId(1) });
    bench.drain();
    bench.wait(120);
    while !bench.intents.is_empty() {
        bench.intent(Ok(()));
        for leg in bench.placed() {
            bench.ended(leg);
        }
        bench.wait(10);
    }
    assert_eq!(kept(&bench), [1]);
}

#[test]
fn an_intent_that_the_store_refuses_is_never_dialled_and_leaves_no_row() {
    let kinds = [store::ErrorKind::DiskFull, store::ErrorKind::Busy, store::ErrorKind::Away, store::ErrorKind::Rule];
    for kind in kinds {
        let mut bench = Bench::new();
        let phone = bench.placed()[0];
        bench.answered(phone);
        let error = store::StoreError { kind, what: "no".into(), place: "store".into(), mend: "wait".into() };
        bench.intent(Err(error));
        assert_eq!(bench.placed(), []);
        assert!(!bench.rows.iter().any(|row| matches!(row, store::Op::AttemptClose(..))), "{:?}", bench.rows);
        assert_eq!(bench.conductor.figures().attempts, 0);
        bench.wait(90);
        // A store that has no room now is asked again; one that calls the row wrong has paused the campaign.
        let again = usize::from(kind != store::ErrorKind::Rule);
        assert_eq!((bench.placed(), bench.intents.len()), (vec![], again), "{kind:?}");
    }
}

#[test]
fn a_call_shows_what_happened_and_what_is_heard_and_its_cdr_keeps_it() {
    let mut bench = Bench::new();
    let phone = bench.placed()[0];
    bench.answered(phone);
    assert!(!bench.commands.iter().any(|command| matches!(command, Command::Watch { .. })), "nobody looks at a phone");
    bench.intent(Ok(()));
    let customer = bench.placed()[0];
    bench.wait(1);
    bench.event(Event::Progress { leg: customer, code: 180, early_media: false });
    bench.event(Event::Progress { leg: customer, code: 183, early_media: true });
    let (call, told) = bench.detail();
    assert_eq!((call.state, call.codec, call.quality), ("ringing", None, None));
    assert_eq!(told, ["began", "ringing", "early_media"]);

    bench.answered(customer);
    assert!(bench.commands.iter().any(|command| matches!(command, Command::Watch { leg } if *leg == customer)));
    bench.event(Event::BridgeAudio { leg: customer, with: phone, at: bench.now });
    bench.event(Event::Digit { leg: customer, digit: '7' });
    bench.event(Event::Held { leg: customer, on: true });
    bench.event(Event::Held { leg: customer, on: false });
    let media = media::session::Stats {
        packets_received: 250,
        packets_sent: 251,
        loss: 0.02,
        jitter_ms: 3.5,
        mos: 3.4,
        rtt_ms: Some(40.0),
        ..media::session::Stats::default()
    };
    bench.event(Event::Quality { leg: customer, law: Law::Mu, media });
    let (call, told) = bench.detail();
    let seen = call.quality.expect("what was heard");
    assert_eq!((call.state, call.codec, call.connected_us.is_some()), ("connected", Some("PCMU"), true));
    assert_eq!((seen.loss, seen.jitter_ms, seen.mos, seen.rtt_ms), (0.02, 3.5, 3.4, Some(40.0)));
    assert_eq!((seen.packets_received, seen.packets_sent, seen.remote_loss), (250, 251, 0.0));
    let until_now =
        ["began", "ringing", "early_media", "answered", "agent_reserved", "bridged", "digit", "held", "resumed"];
    assert_eq!(told, until_now);

    // The far end changes the law and falls silent: the latest look counts, and nothing heard is the worst score.
    bench.event(Event::Quality { leg: customer, law: Law::A, media: media::session::Stats::default() });
    let (call, _) = bench.detail();
    assert_eq!((call.codec, call.quality.map(|quality| quality.mos)), (Some("PCMA"), Some(1.0)));

    bench.ended(phone);
    let (_, told) = bench.detail();
    assert_eq!(told[until_now.len()..], ["unbridged", "hang_up"]);
    bench.ended(customer);
    let close = bench.rows.iter().find_map(|row| match row {
        store::Op::CdrClose(close) => close.timeline.as_deref(),
        _ => None,
    });
    let kept: serde_json::Value = serde_json::from_str(close.expect("a CDR with a timeline")).expect("JSON");
    let kept = kept.as_array().expect("entries");
    assert_eq!((kept.len(), &kept[kept.len() - 1]["what"]), (until_now.len() + 3, &serde_json::json!("ended")));
    assert_eq!((&kept[4]["detail"], &kept[6]["detail"]), (&serde_json::json!("ann"), &serde_json::Value::Null));
    assert_eq!(kept[kept.len() - 1]["detail"], "callee");
    let picture = bench.conductor.picture(bench.now, crate::control::views::StoreView::default());
    assert_eq!((picture.calls.len(), picture.calls_begun), (0, 1));
}

#[test]
fn why_a_call_was_launched_is_told_with_what_the_decision_saw() {
    let mut bench = Bench::new();
    let phone = bench.placed()[0];
    bench.answered(phone);
    let customer = bench.connect(phone);
    let campaign = bench.conductor.dialer.snapshot(bench.now).campaigns[0].campaign;
    let asked = |bench: &mut Bench, at, limit| {
        let campaign = CampaignId(campaign);
        match bench.conductor.handle_request(bench.now, Request::ShowDecisions { campaign, at, limit }) {
            Answer::Now(Ok(Reply::Decisions(decisions))) => *decisions,
            other => panic!("{other:?}"),
        }
    };
    let now = bench.conductor.anchor().wall_at(bench.now);
    let all = asked(&mut bench, now, 500);
    let launched: Vec<_> = all.items.iter().filter(|decision| decision.launched > 0).collect();
    let [decision] = launched[..] else { panic!("one call for one agent: {:?}", all.items) };
    assert_eq!((decision.launched, decision.agents.idle, decision.calls.ringing), (1, 1, 0));
    assert!(decision.room.calls >= 1 && !decision.why.is_empty(), "{decision:?}");
    assert_eq!(decision.ledgers.len(), bench.conductor.dialer.snapshot(bench.now).campaigns[0].ledger.len());
    assert_eq!((all.oldest_us, all.newest_us), (Some(all.items[0].at_us), all.items.last().map(|last| last.at_us)));
    // The moment that it was told with finds it; half of what is asked for comes from after the moment.
    let found = asked(&mut bench, base::WallTime::from_unix_us(decision.at_us), 1);
    assert_eq!(found.items.iter().map(|found| found.at_us).collect::<Vec<_>>(), [decision.at_us]);
    let before = asked(&mut bench, base::WallTime::from_unix_us(0), 500);
    assert_eq!(before.items.len(), all.items.len(), "all of them came after 1970");

    bench.ended(customer);
    let shown = bench.conductor.handle_request(bench.now, Request::ShowCalibration(CampaignId(campaign)));
    let Answer::Now(Ok(Reply::Calibration(calibration))) = shown else { panic!("{shown:?}") };
    assert_eq!(calibration.bins.iter().map(|bin| bin.persons).sum::<u64>(), 1);
    assert_eq!((calibration.bins[0].from, calibration.bins[9].to), (0.0, 1.0));
    let nobody = Request::ShowCalibration(CampaignId(99));
    assert!(matches!(bench.conductor.handle_request(bench.now, nobody), Answer::Now(Err(Refusal::NotFound { .. }))));
}

#[test]
fn the_end_of_a_placed_call_that_nobody_answered_says_why() {
    let mut bench = Bench::new();
    bench.commands.clear();
    let call = crate::control::api::NewCall {
        to: "+12125550107".into(),
        trunk: "trunk".into(),
        caller_id: None,
        connect: crate::control::api::Connect::Echo,
        despite_do_not_call: false,
    };
    let number = dialer::Number::parse(&call.to).unwrap();
    bench.conductor.handle_input(bench.now, Input::DoNotCall { number });
    let asked = bench.conductor.handle_request(bench.now, Request::Originate(call.clone()));
    assert!(matches!(asked, Answer::Now(Err(crate::control::Refusal::Conflict { .. }))), "{asked:?}");
    let call = crate::control::api::NewCall { despite_do_not_call: true, ..call };
    let asked = bench.conductor.handle_request(bench.now, Request::Originate(call));
    assert!(matches!(asked, Answer::Now(Ok(Reply::Call(_)))), "{asked:?}");
    bench.drain();
    let leg = bench.placed()[0];
    bench.event(Event::Progress { leg, code: 180, early_media: false });
    let cause = sip::Cause::new(Some(486), "busy", sip::Whose::Peer);
    bench.event(Event::Ended { leg, cause, answered: false, media: None });
    assert!(!bench.rows.iter().any(|row| matches!(row, store::Op::CdrClose(_))), "it has no record");
    let (kind, told) = bench.told.last().expect("an event");
    let timeline = told["timeline"].as_array().expect("entries");
    let codes: Vec<&str> = timeline.iter().filter_map(|entry| entry["what"].as_str()).collect();
    assert_eq!((*kind, codes), ("call.ended", vec!["began", "ringing", "ended"]));
    assert_eq!(timeline[2]["detail"], "callee 486");
}

#[test]
fn a_trunk_goes_only_when_nothing_uses_it_and_takes_its_registration_along() {
    let mut bench = Bench::new();
    let now = bench.now;
    let trunk = |name: &str, ping| Trunk {
        name: name.into(),
        remote: SocketAddr::from(([192, 0, 2, 9], 5060)),
        domain: "192.0.2.9".into(),
        credentials: Some(sip::Credentials { username: "u".into(), password: "p".into(), realm: None }),
        laws: vec![Law::Mu],
        max_channels: 10,
        max_cps: 10.0,
        nat: false,
        register: true,
        ping,
    };
    let ask = |bench: &mut Bench, request| match bench.conductor.handle_request(now, request) {
        Answer::Now(answer) => {
            bench.drain();
            answer
        }
        Answer::OnDisk(..) => panic!("nothing of this waits for a row"),
    };
    let settings = Box::new(trunk("second", Duration::from_secs(30)));
    let made = ask(&mut bench, Request::PutTrunk { trunk: TrunkId(2), settings });
    assert!(matches!(&made, Ok(Reply::Trunk(view)) if view.registered == Some(false)), "{made:?}");
    let conflict = |answer: Result<Reply, crate::control::Refusal>, word: &str| {
        let told = answer.expect_err("it is in use").to_string();
        assert!(told.contains(word), "{told}");
    };
    let to = crate::config::CalledPattern::Exact("echo".into());
    let route = InboundRoute { to, from_trunk: Some(TrunkId(2)), action: InboundAction::Echo };
    ask(&mut bench, Request::SetRoutes(vec![route])).expect("routes");
    conflict(ask(&mut bench, Request::RemoveTrunk(TrunkId(2))), "route");
    ask(&mut bench, Request::SetRoutes(Vec::new())).expect("no routes");
    bench.commands.clear();
    ask(&mut bench, Request::RemoveTrunk(TrunkId(2))).expect("nothing uses it");
    let gone = |command: &Command| matches!(command, Command::Unregister { trunk: TrunkId(2) });
    let unasked =
        |command: &Command| matches!(command, Command::Ping { trunk: TrunkId(2), every, .. } if every.is_zero());
    assert!(bench.commands.iter().any(gone) && bench.commands.iter().any(unasked), "{:?}", bench.commands);
    assert!(ask(&mut bench, Request::RemoveTrunk(TrunkId(2))).is_err());
}
