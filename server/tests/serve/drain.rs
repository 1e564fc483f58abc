//! Signals: SIGTERM drains, a second one hurries, SIGHUP reads the configuration anew.

use crate::harness::{Database, LIST, wait_for};
use crate::stage::Stage;
use crate::witness;
use base::{Duration, Instant};
use dialer::Outcome;
use loadtest::ledger::Side;
use net::Clock;
use sip::Whose;

const AGENTS: usize = 8;
const LEADS: usize = 2_000;

/// Persons who talk for a while.
const TALKERS: &str = r#"
[dial]
human = 0.75
machine = 0.05
busy = 0.05
fail = 0
post_dial_s = { dist = "uniform", min = 0.05, max = 0.2 }
human_ring_s = { dist = "uniform", min = 0.2, max = 1 }
machine_ring_s = { dist = "uniform", min = 0.2, max = 1 }
[agent]
talk_s = { dist = "uniform", min = 5, max = 9 }
"#;

/// The same, for hours.
const ENDLESS: &str = r#"
[dial]
human = 0.75
machine = 0
busy = 0.05
fail = 0
post_dial_s = { dist = "uniform", min = 0.05, max = 0.2 }
human_ring_s = { dist = "uniform", min = 0.2, max = 1 }
[agent]
talk_s = { dist = "constant", value = 7200 }
"#;

/// An INVITE that had left when the signal came may arrive so much later.
const ON_THE_WAY: Duration = Duration::from_ms(500);

#[test]
fn sigterm_starts_no_call_and_lets_the_running_ones_end() {
    let stage = Stage::set(Database::Sqlite, TALKERS, AGENTS, LEADS, 11);
    let mut product = stage.run(AGENTS / 2);
    let told = Clock::new().now();
    product.signal("TERM");
    wait_for("the API to say that it drains", || (stage.api.get("/readyz").0 == 503).then_some(()));
    let (status, refusal) = stage.api.send("POST", "/api/v1/campaigns/spring/start", &serde_json::Value::Null);
    assert_eq!(status, 503, "{refusal}");
    assert!(product.ended().success(), "{}", product.log());
    let ended = stage.end();
    ended.fits();
    let late: Vec<_> = ended.calls.iter().filter(|call| call.invited > told + ON_THE_WAY).collect();
    assert!(late.is_empty(), "INVITEs after SIGTERM: {late:?}");
    let records = ended.carrier.ledger().records();
    let cut: Vec<_> = records.iter().filter(|r| r.agent_heard.is_some() && r.ended_by != Some(Side::Callee)).collect();
    assert!(cut.is_empty(), "talks that were cut: {cut:?}");
    assert_eq!(ended.books.outcome(Outcome::Unknown), 0);
    assert!(ended.agent_calls.iter().all(|call| matches!(call.ended, Some((_, Whose::Peer)))), "phones are hung up");
}

#[test]
fn a_second_sigterm_hangs_up() {
    let stage = Stage::set(Database::Sqlite, ENDLESS, AGENTS, LEADS, 12);
    let mut product = stage.run(AGENTS / 2);
    product.signal("TERM");
    wait_for("the API to say that it drains", || (stage.api.get("/readyz").0 == 503).then_some(()));
    assert!(product.runs(), "nobody hangs up, so it waits");
    product.signal("TERM");
    assert!(product.ended().success(), "{}", product.log());
    let ended = stage.end();
    ended.fits();
    let up: Vec<_> = ended.calls.iter().filter(|call| call.acked.is_some()).collect();
    assert!(up.len() >= AGENTS / 2);
    for call in up {
        assert!(matches!(call.ended, Some((_, Whose::Peer))), "no BYE: {call:?}");
    }
}

/// Waits until nothing has been dialled for two seconds; with free agents that is no chance.
fn quiet(stage: &Stage) {
    let clock = Clock::new();
    wait_for("dialling to stop", || {
        let last = stage.carrier.book().calls.last().map_or(Instant::ZERO, |call| call.invited);
        (clock.now().since(last) > Duration::from_secs(2)).then_some(())
    });
}

#[test]
fn sighup_changes_what_can_change_and_a_faulty_file_changes_nothing() {
    let stage = Stage::set(Database::Sqlite, TALKERS, AGENTS, LEADS, 13);
    let (site, api) = (&stage.site, &stage.api);
    let mut product = stage.run(AGENTS / 2);

    // A faulty file: told in the log, and nothing changes.
    let before = api.see("/api/v1/config");
    site.configure("drain_s = 60", &format!("{}[[campaign]]\nname = \"spring\"\n", stage.sections));
    product.signal("HUP");
    product.logs("the configuration stays as it was");
    assert_eq!(api.see("/api/v1/config"), before);
    let invites = stage.invites();
    wait_for("dialling to go on", || (stage.invites() > invites).then_some(()));

    // A smaller trunk, another campaign setting, a second campaign, one agent more.
    let two = stage.sections.replace("max_channels = 200", "max_channels = 2");
    let more = "ring_timeout_s = 33";
    let second = format!(
        "[[campaign]]\nname = \"autumn\"\nlist = \"{LIST}\"\ntrunk = \"carrier\"\ncaller_id = \"+12125550101\"\n\
         [[agent]]\nname = \"late\"\nsip = \"sip:agent0@{}\"\n",
        stage.phones.sip()
    );
    site.configure("drain_s = 60", &format!("{two}{}{second}", witness::campaign(more)));
    product.signal("HUP");
    product.logs("the configuration was read anew");
    assert_eq!(api.campaign()["settings"]["ring_timeout_s"], 33);
    assert_eq!(api.campaign()["state"], "running", "a reload starts and stops nothing");
    assert_eq!(api.see("/api/v1/campaigns/autumn")["state"], "stopped");
    assert_eq!(api.see("/api/v1/agents/late")["state"], "logged_out");
    let trunks = api.see("/api/v1/trunks");
    assert_eq!(trunks["items"][0]["channels_max"], 2, "{trunks}");
    // Calls over the new limit end by themselves; from then on there are two at most. The carrier may still see one that
    // has just been hung up.
    let channels = || api.see("/api/v1/trunks")["items"][0]["channels"].as_u64();
    wait_for("the trunk to empty", || (channels()? <= 2).then_some(()));
    let invites = stage.invites();
    wait_for("new calls", || {
        assert!(channels()? <= 2, "the trunk is fuller than it may be");
        let open = stage.carrier.book().calls.iter().skip(invites).filter(|call| call.ended.is_none()).count();
        assert!(open <= 3, "{open} calls over a trunk of two");
        (stage.invites() > invites + 3).then_some(())
    });

    // The campaign is taken out of the file: its calls end, and nothing is dialled.
    site.configure("drain_s = 60", &two);
    product.signal("HUP");
    wait_for("the campaign to be stopped", || {
        let (status, campaign) = api.get("/api/v1/campaigns/spring");
        (status == 404 || campaign["state"] == "stopped").then_some(())
    });
    quiet(&stage);
    product.signal("TERM");
    assert!(product.ended().success(), "{}", product.log());
    stage.end().fits();
}

/// The rules of the lab under a name of the operator's, with these hours, limit and version.
fn own_profile(hours: &str, limit: &str, version: u32) -> String {
    let text = dialer::Profiles::text("lab").expect("it is shipped").replace("name = \"lab\"", "name = \"acme\"");
    let text = text.replace("{ mon-sun = [\"00:00-24:00\"] }", hours).replacen("value = 0.03", limit, 1);
    text.replace("version = 2", &format!("version = {version}"))
}

#[test]
fn an_own_profile_rules_a_campaign_and_is_read_anew() {
    let stage = Stage::set(Database::Sqlite, TALKERS, 2, 200, 15);
    let (site, api) = (&stage.site, &stage.api);
    let rules = |text: String| std::fs::write(site.folder().join("acme.toml"), text).expect("own folder");
    let day = "{ mon-sun = [\"00:00-24:00\"] }";
    rules(own_profile("{}", "value = 0.015", 1));
    let campaign = witness::campaign("").replace("us-ftc", "acme");
    let own = "[[profile]]\nname = \"acme\"\nfile = \"acme.toml\"\n";
    site.configure("drain_s = 60", &format!("{own}{}{campaign}", stage.sections));
    let mut product = site.start();
    product.ready();
    let profiles = api.see("/api/v1/profiles");
    let acme = profiles["items"].as_array().expect("a page").iter().find(|profile| profile["name"] == "acme");
    assert_eq!(acme.map(|acme| &acme["file"]), Some(&"acme.toml".into()), "{profiles}");

    // It has no calling hours at all: nobody is dialled.
    api.drive("start");
    wait_for("the campaign to have no lead that may be called", || {
        (api.campaign()["why_code"] == "no_leads").then_some(())
    });
    assert_eq!(stage.invites(), 0);
    assert_eq!(api.campaign()["ledger"][0]["limit"], 0.015);

    // A broken file changes nothing; hours and another limit hold from the reload on, for calls that are still to be made.
    rules(own_profile("{ mon-sun = [\"25:00-26:00\"] }", "value = 0.01", 2));
    product.signal("HUP");
    product.logs("acme.toml: line");
    assert_eq!((stage.invites(), &api.campaign()["ledger"][0]["limit"]), (0, &0.015.into()));
    rules(own_profile(day, "value = 0.01", 1));
    product.signal("HUP");
    product.logs("is still version 1: raise it");
    wait_for("calls under the new rules", || (stage.invites() > 3).then_some(()));
    assert_eq!(api.campaign()["ledger"][0]["limit"], 0.01);
    product.signal("TERM");
    assert!(product.ended().success(), "{}", product.log());
    let ended = stage.end();
    ended.fits();
}

#[test]
fn a_second_process_on_the_same_folder_is_refused() {
    let stage = Stage::set(Database::Sqlite, TALKERS, 1, 10, 14);
    let mut first = stage.site.start();
    first.ready();
    let mut second = stage.site.start();
    let status = second.ended();
    assert_eq!(status.code(), Some(1), "{}", second.log());
    assert!(second.log().contains("another outpace serves this data folder"), "{}", second.log());
    assert!(first.runs());
    first.signal("TERM");
    assert!(first.ended().success(), "{}", first.log());
}
