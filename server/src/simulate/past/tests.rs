//! A day of a store, from the command line.

use super::*;
use crate::simulate::replay::tests::row;
use crate::simulate::{self, SimulateArgs};
use base::{AttemptId, CampaignId, LeadId};
use jiff::Timestamp;
use store::{NewCampaign, NewLead, Op};

/// 2026-03-02 00:00 in New York.
const MIDNIGHT_S: f64 = 1_772_427_600.0;

/// A store with two hours of calls on that day: four agents, a quarter of the calls connected.
fn a_day_in(folder: &Path, campaigns: &[&str]) -> String {
    let url = format!("sqlite:{}", folder.join("a.db").display());
    let (store, _acks) = Store::open(&url).unwrap();
    let tenant = TenantId::DEFAULT;
    let list = store.create_list(tenant, "leads", WallTime::from_unix_us(0)).unwrap();
    let lead = NewLead { number: "+12125550100".to_owned(), ..NewLead::default() };
    store.import_leads(tenant, list, vec![lead], WallTime::from_unix_us(0)).unwrap();
    for name in campaigns {
        let config = format!(
            "{{\"name\":\"{name}\",\"list\":\"leads\",\"trunk\":\"carrier\",\"caller_id\":\"+12125550100\",\
             \"mode\":\"progressive\",\"agents\":[\"ann\"]}}"
        );
        let campaign = NewCampaign { name: (*name).to_owned(), config, config_hash: String::new(), list: None };
        store.put_campaign(tenant, &campaign, WallTime::from_unix_us(0)).unwrap();
    }
    let campaign = store.campaigns(tenant).unwrap()[0].campaign;
    for n in 0..800_u64 {
        let began = MIDNIGHT_S + 9.0 * 3_600.0 + n as f64 * 9.0;
        let mut row = match n % 4 {
            0 => row(began, "connected", Some(8.0), Some(1 + n / 4 % 4), 68.0),
            _ => row(began, "no_answer", None, None, 20.0),
        };
        let attempt = AttemptId(n + 1);
        (row.intent.attempt, row.intent.campaign, row.intent.lead) = (attempt, campaign, LeadId(1));
        row.intent.attempt_number = n as u32 + 1;
        let mut close = row.close.unwrap();
        close.attempt = attempt;
        close.counted_as = if n % 4 == 0 { "connected" } else { "not_counted" }.to_owned();
        store.submit(2 * n, Op::Intent(row.intent)).unwrap();
        store.submit(2 * n + 1, Op::AttemptClose(close, None)).unwrap();
    }
    store.flush().unwrap();
    store.close().unwrap();
    assert_ne!(campaign, CampaignId(0));
    url
}

fn noon() -> Timestamp {
    Timestamp::from_second(MIDNIGHT_S as i64 + 36 * 3_600).unwrap()
}

#[test]
fn yesterday_comes_out_of_a_store_as_it_was_paced() {
    let folder = tempfile::tempdir().unwrap();
    let url = a_day_in(folder.path(), &["spring"]);
    let asked = |day| read(&Wanted { store: &url, campaign: None, day }, noon());
    // Noon of the third in New York: yesterday is the second.
    let Past { replay, policy, .. } = asked(Some("yesterday")).unwrap();
    assert_eq!((replay.attempts, replay.agents, policy.as_str()), (800, 4, "progressive"));
    assert!(replay.text.contains("timezone"), "{}", replay.text);
    assert_eq!(asked(Some("2026-03-02")).unwrap().replay.text, replay.text);
    let path = url.strip_prefix("sqlite:").unwrap();
    let by_file = read(&Wanted { store: path, campaign: Some("spring"), day: Some("yesterday") }, noon()).unwrap();
    assert_eq!(by_file.replay.text, replay.text);
    let config = folder.path().join("outpace.toml");
    std::fs::write(&config, format!("[store]\nurl = \"{url}\"\n[desk]\nwrap_up_s = 7\n")).unwrap();
    let by_config = Wanted { store: config.to_str().unwrap(), campaign: None, day: Some("yesterday") };
    assert!(read(&by_config, noon()).unwrap().replay.text.contains("mean = 7.0"), "the desk's own wrap-up");

    for (day, code, word) in [
        (Some("today"), 1, "0 attempts"),
        (Some("2026-13-01"), 2, "is no date"),
        (Some("2026-03-09"), 2, "has not begun"),
    ] {
        let failure = asked(day).err().unwrap();
        assert_eq!(failure.code(), code, "{failure}");
        assert!(failure.to_string().contains(word), "{failure}");
    }
}

#[test]
fn a_store_that_is_not_there_is_not_made_and_several_campaigns_need_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("no.db");
    let failure = read(&Wanted { store: nowhere.to_str().unwrap(), campaign: None, day: None }, noon()).err().unwrap();
    assert!(failure.to_string().contains("no.db") && !nowhere.exists(), "{failure}");
    let url = a_day_in(folder.path(), &["spring", "autumn"]);
    for (campaign, word) in [(None, "spring, autumn"), (Some("winter"), "winter")] {
        let failure = read(&Wanted { store: &url, campaign, day: None }, noon()).err().unwrap();
        assert!(failure.code() == 2 && failure.to_string().contains(word), "{failure}");
    }
}

#[test]
fn a_day_with_changes_stands_beside_the_day_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let url = a_day_in(folder.path(), &["spring"]);
    let arguments = simulate::tests::arguments(folder.path(), "");
    let arguments = SimulateArgs {
        scenario: None,
        replay: Some(url),
        day: Some("2026-03-02".to_owned()),
        set: ["limit=0.02", "agents=+5", "amd.enabled=false"].map(str::to_owned).into(),
        ..arguments
    };
    simulate::run(&arguments).unwrap();
    let result = simulate::tests::result(folder.path());
    assert_eq!((&result["limit"], &result["before"]["limit"]), (&0.02.into(), &0.03.into()), "{result}");
    let connected = |side: &Value| side["connected"].as_u64().unwrap();
    assert!(connected(&result) > connected(&result["before"]), "five agents more: {result}");
    let svg = std::fs::read_to_string(folder.path().join("result.svg")).unwrap();
    assert_eq!(svg.matches("as it was").count(), 4, "three lines and the title");
    let wrong = SimulateArgs { set: vec!["agents=-4".to_owned()], ..arguments.clone() };
    assert!(simulate::run(&wrong).unwrap_err().to_string().contains("leaves no agents"));
}
