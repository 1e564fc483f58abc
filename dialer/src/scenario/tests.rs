use super::*;
use crate::Profiles;
use base::Seed;

fn error(text: &str) -> String {
    Scenario::parse(text).unwrap_err().to_string()
}

#[test]
fn an_empty_file_is_base_with_twenty_agents() {
    let scenario = Scenario::parse("").unwrap();
    assert_eq!((scenario.agents, scenario.day_hours, scenario.dial.human), (20, 8.0, 0.25));
    assert!((scenario.agent.talk_s.mean() - 120.0).abs() < 1e-9);
    assert!((scenario.dial.machine_ring_s.mean() - (0.25 * 1.1 + 0.75 * 19.0)).abs() < 1e-9);
    assert_eq!(scenario.stages().unwrap().len(), 1);
}

#[test]
fn unknown_keys_are_refused_with_their_place_and_the_nearest_name() {
    assert_eq!(error("agents = 3\n[dial]\nhumn = 0.3\n"), "line 3: dial.humn: unknown key; did you mean \"human\"?");
    assert_eq!(error("agnets = 3"), "line 1: agnets: unknown key; did you mean \"agents\"?");
    assert!(error("[[leave]]\nat_h = 1\nshare = 0.5\nminuts = 3").contains("did you mean \"minutes\"?"));
    assert!(error("[agent]\ntalk_s = { dist = \"lognormal\", maen = 3, cv = 1 }").contains("did you mean \"mean\"?"));
}

#[test]
fn wrong_values_are_refused_with_a_line_and_a_way_to_mend_them() {
    assert!(error("agents = \"many\"").starts_with("line 1: "));
    assert!(error("agents =").contains("not TOML"));
    assert!(error("[dial]\nhuman = 1.5").contains("no share from 0 to 1"));
    assert!(error("[dial]\nhuman = 0.9\nmachine = 0.2").contains("add up to more than 1"));
    assert!(error("profile = \"us-ftx\"").contains("did you mean \"us-ftc\"?"));
    assert!(error("timezone = \"New York\"").contains("use a name like"));
    assert!(error("first_day = \"tomorrow\"").contains("expected a date"));
    assert!(
        error("[agent]\ntalk_s = { dist = \"lognormla\", mean = 1, cv = 1 }").contains("did you mean \"lognormal\"?")
    );
    assert!(error("[agent]\ntalk_s = { dist = \"uniform\", min = 3, max = 2 }").contains("`min` is above `max`"));
    assert!(error("[agent]\ntalk_s = { dist = \"uniform\", min = -3, max = 2 }").contains("0 or more"));
    assert!(error("[dial]\nring_timeout_s = nan").contains("above 0"));
    assert!(error("agents = 10001").contains("at most 10000"));
}

#[test]
fn inbound_calls_are_checked() {
    assert!(error("[[inbound]]\ncalls_per_hr = [3]").contains("did you mean \"calls_per_hour\"?"));
    assert!(error("[[inbound]]\ncalls_per_hour = []").contains("at least one number"));
    assert!(error("[[inbound]]\nservice_level = 1.0").contains("under 1"));
    assert!(error("[[inbound]]\nwithin_s = 0").contains("above 0"));
    assert!(error("[[inbound]]\ntalk_s = { dist = \"lognormla\", mean = 1, cv = 1 }").contains("lognormal"));
    let scenario = Scenario::parse("[[inbound]]\nname = \"sales\"\ntalk_s = 90\n[[inbound]]\nreserve = 2").unwrap();
    assert_eq!((scenario.inbound[0].name.as_str(), scenario.inbound[1].reserve), ("sales", Some(2)));
}

#[test]
fn each_campaign_is_a_scenario_with_its_own_calls() {
    let text = "limit = 0.02\n[dial]\nhuman = 0.2\nbusy = 0.1\n[[change]]\nat_h = 2\nset = { \"dial.busy\" = 0.05 }\n\
                [[campaign]]\nname = \"warm\"\nlimit = 0.01\n[campaign.dial]\nhuman = 0.5\n[[campaign]]\nname = \"cold\"\n";
    let parts = Scenario::parse(text).unwrap().parts();
    let seen = |part: &Scenario| (part.name.clone(), part.limit, part.dial.human, part.dial.busy);
    assert_eq!(seen(&parts[0]), ("warm".into(), Some(0.01), 0.5, 0.1));
    assert_eq!(seen(&parts[1]), ("cold".into(), Some(0.02), 0.2, 0.1));
    assert_eq!(parts[0].stages().unwrap()[1].1.dial.busy, 0.05);
    assert_eq!(Scenario::parse("name = \"one\"").unwrap().parts()[0].name, "one");
    assert!(error("[[campaign]]\nname = \"a\"\n[campaign.dial]\nhumn = 1").contains("did you mean \"human\"?"));
    assert!(error("[[campaign]]\nname = \"a\"\n[campaign.dial]\nhuman = 3").contains("no share"));
    assert!(error("[[campaign]]\nlimit = 0.1").contains("name"));
    assert!(error(&"[[campaign]]\nname = \"a\"\n".repeat(6)).contains("at most 5"));
}

#[test]
fn changes_make_stages_and_overrides_win() {
    let text = "[dial]\nhuman = 0.15\n[[change]]\nat_h = 4.0\nset = { \"dial.human\" = 0.30, \"agent.talk_s\" = 60 }\n";
    let scenario = Scenario::parse(text).unwrap();
    let stages = scenario.stages().unwrap();
    assert_eq!(stages.len(), 2);
    assert_eq!((stages[0].1.dial.human, stages[1].1.dial.human), (0.15, 0.30));
    assert_eq!((stages[1].0, stages[1].1.agent.talk_s.mean()), (4.0, 60.0));
    // What the change does not name stays as the file has it.
    assert_eq!(stages[1].1.dial.machine, 0.27);
    let none = &mut |_: &str| Err("no files".to_string());
    let overridden =
        Scenario::parse_with(text, &[("dial.human", "0.2"), ("name", "mine")], Profiles::shipped(), none).unwrap();
    assert_eq!((overridden.dial.human, overridden.name.as_str()), (0.2, "mine"));
    let wrong =
        Scenario::parse_with(text, &[("dial.humam", "0.2")], Profiles::shipped(), none).unwrap_err().to_string();
    assert!(wrong.contains("did you mean \"human\"?"), "{wrong}");
    assert!(error("[[change]]\nat_h = 1\nset = { \"agents\" = 3 }").contains("only keys of"));
    assert!(error("[[change]]\nat_h = 1\nset = { \"dial.ring_timeout_s\" = 3 }").contains("cannot change"));
}

#[test]
fn sample_files_are_asked_for_and_checked() {
    let text = "[agent]\ntalk_s = { dist = \"empirical\", file = \"talk.txt\" }";
    let mut asked = Vec::new();
    let scenario = Scenario::parse_with(text, &[], Profiles::shipped(), &mut |name| {
        asked.push(name.to_string());
        Ok("10\n20.5\n\n30\n".into())
    });
    assert_eq!(asked, ["talk.txt"]);
    assert_eq!(scenario.unwrap().agent.talk_s, Dist::Empirical(vec![10.0, 20.5, 30.0]));
    let bad =
        Scenario::parse_with(text, &[], Profiles::shipped(), &mut |_| Ok("10\nlong\n".into())).unwrap_err().to_string();
    assert!(bad.contains("talk.txt, line 2: \"long\" is no number"), "{bad}");
    assert!(error(text).contains("cannot be read here"));
}

#[test]
fn a_profile_is_a_known_name_or_a_file() {
    let own = Profiles::text("lab").unwrap().replace("name = \"lab\"", "name = \"acme\"");
    let own = own.replace("[abandon_limit]\nvalue = 0.03", "[abandon_limit]\nvalue = 0.015");
    let load = &mut |name: &str| if name == "acme.toml" { Ok(own.clone()) } else { Err(format!("{name}: not there")) };
    let read = |profile: &str, profiles: &Profiles, load: &mut dyn FnMut(&str) -> Result<String, String>| {
        let scenario = Scenario::parse_with(&format!("profile = {profile:?}"), &[], profiles, load)?;
        let config = scenario.campaign_config(crate::Mode::Progressive).map(|config| config.profile);
        config.map_err(|error| ScenarioError { line: None, key: String::new(), message: error.to_string() })
    };
    let mut known = Profiles::default();
    known.add("acme.toml", &own).unwrap();
    let named = read("acme", &known, load).unwrap();
    assert_eq!((named.name.as_str(), named.abandon_limit), ("acme", 0.015));
    assert_eq!(read("acme.toml", Profiles::shipped(), load), Ok(named));
    let wrong = |profile: &str, own: &str| {
        let load = &mut |_: &str| Ok(own.to_owned());
        read(profile, Profiles::shipped(), load).unwrap_err().to_string()
    };
    assert!(wrong("us-ftx", "").contains("profile: no profile \"us-ftx\"; did you mean \"us-ftc\"?"));
    assert!(read("mine.toml", Profiles::shipped(), load).unwrap_err().to_string().contains("mine.toml: not there"));
    assert!(wrong("mine.toml", "name = \"x\"").contains("mine.toml: title: write a text"));
    assert!(wrong("mine.toml", Profiles::text("fr").unwrap()).contains("give yours another name"));
}

#[test]
fn draws_have_their_means() {
    let parts = "{ dist = \"mix\", parts = [ { weight = 1, dist = \"exponential\", mean = 4 }, { weight = 3, dist = \"constant\", value = 8 } ] }";
    for (text, mean) in [
        ("{ dist = \"lognormal\", mean = 120, cv = 1.1 }", 120.0),
        ("{ dist = \"exponential\", mean = 5 }", 5.0),
        ("{ dist = \"uniform\", min = 2, max = 6 }", 4.0),
        ("7.5", 7.5),
        (parts, 7.0),
    ] {
        let scenario = Scenario::parse(&format!("[agent]\ntalk_s = {text}")).unwrap();
        let mut stream = Seed::from_u64(3).stream("draws", 0);
        let count = 40_000;
        let sum: f64 = (0..count).map(|_| scenario.agent.talk_s.sample(&mut stream)).sum();
        // Lognormal with cv 1.1: standard error 0.55 %; four of them.
        assert!((sum / f64::from(count) / mean - 1.0).abs() < 0.022, "{text}: {}", sum / f64::from(count));
        assert!((scenario.agent.talk_s.mean() / mean - 1.0).abs() < 1e-9);
    }
}
