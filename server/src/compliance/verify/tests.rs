use super::*;
use base::{AgentId, CampaignId, LeadId};
use serde_json::json;
use store::{AttemptCloseRow, AttemptIntentRow, CountedRow, EventRow, NewCampaign, NewLead, Op};

const TENANT: TenantId = TenantId::DEFAULT;
const START_US: i64 = 1_772_892_000_000_000;

fn at(ms: i64) -> WallTime {
    WallTime::from_unix_us(START_US + ms * 1_000)
}

/// A call as an engine stores it: answered at `ms`, greeting over 800 ms later, verdict 400 ms after that.
struct Call {
    attempt: u64,
    outcome: &'static str,
    counted_as: &'static str,
    /// Milliseconds after the end of the greeting until an agent was heard.
    agent_ms: Option<i64>,
}

struct Site {
    folder: tempfile::TempDir,
    store: Store,
    list: base::ListId,
    campaign: CampaignId,
    leads: Vec<LeadId>,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("outpace.db").display());
        let (store, _acks) = Store::open(&url).unwrap();
        let list = store.create_list(TENANT, "people", at(0)).unwrap();
        let lead = |n: u64| NewLead { number: format!("+1212555{n:04}"), ..NewLead::default() };
        store.import_leads(TENANT, list, (0..200).map(lead).collect(), at(0)).unwrap();
        let leads = store.leads(TENANT, list, None, 0).unwrap().into_iter().map(|row| row.lead).collect();
        let config = json!({ "profile": "us-ftc", "amd": true, "timezone": "America/New_York" }).to_string();
        let new = NewCampaign { name: "spring".to_owned(), config, config_hash: String::new(), list: Some(list) };
        let campaign = store.put_campaign(TENANT, &new, at(0)).unwrap();
        let site = Site { folder, store, list, campaign, leads };
        let state = "running".to_owned();
        site.write(Op::CampaignState(store::CampaignStateRow { tenant: TENANT, campaign, state, at: at(0) }));
        site
    }

    fn write(&self, op: Op) {
        self.store.submit(1, op).unwrap();
        self.store.flush().unwrap();
    }

    fn call(&self, call: &Call) {
        let (tenant, attempt) = (TENANT, AttemptId(call.attempt));
        let answered = call.attempt as i64 * 60_000;
        let greeting_end = answered + 800;
        let connected = call.agent_ms.map(|ms| at(greeting_end + ms));
        let ended = at(greeting_end + 20_000);
        self.write(Op::Intent(AttemptIntentRow {
            tenant,
            attempt,
            campaign: self.campaign,
            lead: self.leads[call.attempt as usize],
            attempt_number: 1,
            number: format!("+1212555{:04}", call.attempt),
            trunk: "carrier".to_owned(),
            caller_id: None,
            at: at(answered - 9_000),
            consent_allowed: true,
            consent_rule: "not-required:us-ftc".to_owned(),
            consent_proof: None,
            why: "{}".to_owned(),
        }));
        let counted_as = call.counted_as.to_owned();
        if call.counted_as != "nothing" {
            let counted_as = counted_as.clone();
            self.write(Op::Counted(CountedRow {
                tenant,
                attempt,
                counted_as,
                at: at(greeting_end + 1_900),
                rang: None,
            }));
        }
        let us = |at: WallTime| at.as_unix_us();
        self.write(Op::AttemptClose(
            AttemptCloseRow {
                tenant,
                attempt,
                outcome: call.outcome.to_owned(),
                counted_as,
                verdict: Some("human".to_owned()),
                agent: call.agent_ms.map(|_| AgentId(1)),
                cause_whose: "callee".to_owned(),
                cause_code: None,
                ringing_at: Some(at(answered - 5_000)),
                answered_at: Some(at(answered)),
                greeting_end_at: Some(at(greeting_end)),
                verdict_at: Some(at(greeting_end + 400)),
                connected_at: connected,
                ended_at: ended,
                closed_at: ended,
            },
            None,
        ));
        let body = json!({
            "ringing_us": us(at(answered - 5_000)),
            "answered_us": us(at(answered)),
            "greeting_end_us": us(at(greeting_end)),
            "verdict_us": us(at(greeting_end + 400)),
            "deadline_us": us(at(greeting_end + 2_000)),
            "clock": { "profile": "us-ftc/1", "from": "greeting_end", "within_us": 2_000_000 },
            "connected_us": connected.map(us),
            "message_us": (call.outcome == "abandoned").then(|| us(at(greeting_end + 1_900))),
            "ended_us": us(ended),
        });
        self.write(Op::Event(EventRow { tenant, attempt, at: ended, body: body.to_string() }));
    }

    fn reckon(&self, noted: Option<&str>) -> Report {
        let config = Config::parse(b"", "outpace.toml").unwrap();
        reckon(&self.store, &config, None, at(40 * 86_400_000), noted).unwrap()
    }

    fn tamper(&self, sql: &str) {
        let url = format!("sqlite:{}", self.folder.path().join("outpace.db").display());
        let guards = "DROP TRIGGER IF EXISTS attempt_close_fixed; DROP TRIGGER IF EXISTS attempt_intent_fixed;";
        store::testing::execute(&url, &format!("{guards} {sql}")).unwrap();
    }
}

fn day_of_work() -> Site {
    let site = Site::new();
    for attempt in 1..=97 {
        site.call(&Call { attempt, outcome: "connected", counted_as: "connected", agent_ms: Some(600) });
    }
    site.call(&Call { attempt: 98, outcome: "abandoned", counted_as: "abandoned", agent_ms: None });
    site.call(&Call { attempt: 99, outcome: "connected", counted_as: "abandoned", agent_ms: Some(2_001) });
    site.call(&Call { attempt: 100, outcome: "hung_up_waiting", counted_as: "lost", agent_ms: None });
    site.call(&Call { attempt: 101, outcome: "machine", counted_as: "nothing", agent_ms: None });
    site
}

#[test]
fn an_honest_store_gives_its_figures_again() {
    let site = day_of_work();
    let report = site.reckon(None);
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let spring = &report.campaigns[0];
    assert_eq!((spring.attempts, spring.clocks, spring.without_clock), (101, 101, 0));
    let first = &spring.windows[0];
    assert_eq!((first.window.as_str(), first.connected, first.abandoned, first.lost), ("days:30", 97, 2, 1));
    assert!((first.legal_rate - 2.0 / 99.0).abs() < 1e-12 && !first.over_limit && first.until_us.is_some());
    assert!((first.strict_rate - 3.0 / 100.0).abs() < 1e-12);
    let calls: Vec<u64> = spring.abandoned_calls.iter().map(|call| call.attempt).collect();
    assert_eq!(calls, [98, 99]);
    let told = text(&report);
    assert!(told.contains("2.02 % of 3.00 %, strict 3.00 %"), "{told}");
    assert!(told.contains("abandoned 98: answered 2026-03-07T15:38:00.000Z, ms after it: greeting end 800.0, verdict 1200.0, deadline 2800.0, message 2700.0, agent -"), "{told}");
    // The head of today is in tomorrow's chain.
    let noted = report.head;
    site.call(&Call { attempt: 102, outcome: "machine", counted_as: "nothing", agent_ms: None });
    assert_eq!(site.reckon(Some(&noted)).faults_total, 0);
    let other = site.reckon(Some(&"f".repeat(64)));
    assert!(other.faults[0].what.contains("is not in the chain"), "{other:?}");
}

#[test]
fn a_campaign_whose_profile_is_gone_keeps_no_other_from_being_verified() {
    let site = day_of_work();
    for (name, settings) in
        [("autumn", json!({ "profile": "acme" })), ("winter", json!({ "timezone": "Nowhere/Nothing" }))]
    {
        let new = NewCampaign {
            name: name.to_owned(),
            config: settings.to_string(),
            config_hash: String::new(),
            list: Some(site.list),
        };
        let campaign = site.store.put_campaign(TENANT, &new, at(0)).unwrap();
        let state = "running".to_owned();
        site.write(Op::CampaignState(store::CampaignStateRow { tenant: TENANT, campaign, state, at: at(0) }));
    }
    let report = site.reckon(None);
    let verified: Vec<&str> = report.campaigns.iter().map(|campaign| campaign.campaign.as_str()).collect();
    assert_eq!((verified, report.campaigns[0].attempts, report.faults_total), (vec!["spring"], 101, 2));
    let told = text(&report);
    assert!(told.contains("wrong: campaign autumn: nothing was verified: no profile \"acme\""), "{told}");
    assert!(told.contains("wrong: campaign winter: nothing was verified: "), "{told}");
}

#[test]
fn one_altered_record_makes_it_fail() {
    for (sql, attempt, words) in [
        ("UPDATE attempt SET counted_as = 'connected' WHERE attempt_id = 98", 98, "its moments make it abandoned"),
        ("UPDATE attempt SET counted_as = 'nothing', counted_us = NULL WHERE attempt_id = 98", 98, "the count is gone"),
        ("UPDATE attempt SET connected_us = connected_us - 1000 WHERE attempt_id = 99", 99, "differ in connected_us"),
        (
            "UPDATE attempt SET greeting_end_us = greeting_end_us + 1000000 WHERE attempt_id = 98",
            98,
            "off the rule of us-ftc/1",
        ),
        (
            "UPDATE attempt_event SET body = replace(body, '2000000', '3000000') WHERE attempt_id = 98",
            98,
            "off the rule",
        ),
        (
            "UPDATE attempt SET consent_rule = 'consent-on-file' WHERE attempt_id = 5",
            5,
            "the intent is not what was written",
        ),
        ("UPDATE attempt SET outcome = 'busy' WHERE attempt_id = 7", 7, "its moments make it nothing"),
        (
            "UPDATE attempt SET outcome = 'hung_up_early', verdict = 'silence' WHERE attempt_id = 101",
            101,
            "its moments make it lost, and it is counted as nothing",
        ),
        ("UPDATE attempt SET outcome = 'gone' WHERE attempt_id = 7", 7, "is no outcome"),
        ("UPDATE attempt SET ended_us = answered_us - 1 WHERE attempt_id = 7", 7, "out of order"),
    ] {
        let site = day_of_work();
        site.tamper(sql);
        let report = site.reckon(None);
        let told = report.faults.iter().any(|fault| fault.attempt == attempt && fault.what.contains(words));
        assert!(told, "{sql}: {:?}", report.faults);
        assert!(text(&report).contains(&format!("wrong: attempt {attempt}")));
    }
}

#[test]
fn the_command_fails_with_code_1_when_something_does_not_add_up() {
    let site = day_of_work();
    let config = site.folder.path().join("outpace.toml");
    std::fs::write(&config, format!("[server]\ndata_dir = {:?}\n", site.folder.path().display().to_string())).unwrap();
    let arguments = VerifyArgs { config, from: None, to: None, head: None, json: true };
    verify(&arguments).unwrap();
    site.tamper("UPDATE attempt SET counted_us = counted_us + 1 WHERE attempt_id = 3");
    let failure = verify(&VerifyArgs { json: false, ..arguments }).unwrap_err();
    assert_eq!(failure.code(), 1);
    assert!(failure.to_string().contains("do not add up"), "{failure}");
}
