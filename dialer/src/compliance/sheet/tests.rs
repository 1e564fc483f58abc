use super::*;
use crate::compliance::{AttemptCap, Holiday, Window};

fn broken(change: impl Fn(&str) -> String) -> String {
    let text = change(include_str!("../../../profiles/fr.toml"));
    let wrong = Sheet::parse(&text, Profiles::shipped().get("strict")).unwrap_err();
    wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_file_is_whole_and_says_that_it_is_no_advice() {
    let shipped = Profiles::shipped();
    assert_eq!(shipped.iter().count(), Profile::NAMES.len());
    for name in Profile::NAMES {
        let sheet = shipped.get(name).unwrap();
        assert_eq!(sheet.in_force().name, name);
        assert!(sheet.notice.contains("not legal advice") && !sheet.title.is_empty(), "{name}");
        assert!(sheet.fields().all(|field| !field.source.is_empty()), "{name}");
        let profile = sheet.in_force();
        assert!((0.0..=0.05).contains(&profile.abandon_limit) && !profile.windows.is_empty(), "{name}: {profile:?}");
        assert!(profile.hours.iter().any(|bands| !bands.is_empty()), "{name}");
    }
    for name in ["strict", "lab"] {
        assert!(shipped.get(name).unwrap().fields().all(|field| field.verified), "{name}");
    }
}

#[test]
fn the_united_states_have_the_figures_of_their_rules() {
    let us = Profile::us_ftc();
    assert_eq!((us.abandon_limit, us.windows.as_slice(), us.version), (0.03, [Window::Days(30)].as_slice(), 2));
    assert_eq!((us.deadline, us.deadline_from), (Duration::from_secs(2), DeadlineFrom::GreetingEnd));
    assert_eq!((us.min_ring, us.recall_after_abandon_h), (Duration::from_secs(15), 72));
    assert!(us.hours.iter().all(|bands| bands == &[(8 * 60, 21 * 60)]) && us.holidays.is_empty());
    assert_eq!(us.attempts, [AttemptCap { max: 3, hours: 24 }, AttemptCap { max: 20, hours: 720 }]);
    assert_eq!((us.dnc_max_age_d, us.consent_required, us.agentless_allowed), (Some(31), false, false));
}

#[test]
fn every_field_reaches_the_profile_or_only_people_read_it() {
    let sheet = Profiles::shipped().get("strict").unwrap();
    let only_read: Vec<&str> = KEYS
        .into_iter()
        .zip(&sheet.strict)
        .filter(|(key, value)| !fill(&mut closed(String::new(), 1), key, value))
        .map(|(key, _)| key)
        .collect();
    assert_eq!(only_read, ["record_retention_d", "caller_id", "effective_from"]);
}

#[test]
fn an_unverified_field_is_strict_until_somebody_answers_for_it() {
    let mut profiles = Profiles::default();
    let strict = Profile::strict();
    let canada = profiles.get("ca-crtc").unwrap().clone();
    assert_eq!((canada.in_force().abandon_limit, &canada.in_force().hours), (0.03, &strict.hours));
    let hours = canada.fields().find(|field| field.key == "hours").unwrap();
    assert_eq!(hours.value, "mon-fri 10:00-13:00 14:00-20:00");
    assert_eq!(hours.own, "mon-fri 09:00-21:30, sat-sun 10:00-18:00");
    assert!(!hours.verified && hours.confirmed.is_none());
    let word = Confirmation { by: "Ann Smith".into(), on: "2026-11-23".into() };
    profiles.confirm("ca-crtc", "hours", &word).unwrap();
    let canada = profiles.get("ca-crtc").unwrap();
    assert_eq!(canada.in_force().hours[5], [(600, 1_080)]);
    assert_eq!(canada.fields().find(|field| field.key == "hours").unwrap().confirmed, Some(word.clone()));
    assert_eq!(canada.in_force().windows, strict.windows);
    for (name, field, word, says) in [
        ("ca-crtx", "hours", &word, "did you mean \"ca-crtc\"?"),
        ("ca-crtc", "hour", &word, "did you mean \"hours\"?"),
        ("ca-crtc", "deadline_s", &word, "needs no confirmation"),
        ("ca-crtc", "windows", &Confirmation { by: " ".into(), ..word.clone() }, "say who"),
        ("ca-crtc", "windows", &Confirmation { on: "monday".into(), ..word.clone() }, "is no day"),
    ] {
        let said = profiles.confirm(name, field, word).unwrap_err();
        assert!(said.contains(says), "{said}");
    }
}

/// What falls back must not become laxer by it: each field is made stricter than the strict profile and unverified.
#[test]
fn an_unverified_field_that_is_stricter_than_strict_is_refused() {
    let strict = include_str!("../../../profiles/strict.toml").replace("name = \"strict\"", "name = \"acme\"");
    let with = |key: &str, value: &str, verified: bool| {
        let start = strict.find(&format!("[{key}]\n")).unwrap();
        let end = strict[start + 1..].find("\n[").map_or(strict.len(), |end| start + 1 + end);
        let field = format!("[{key}]\nvalue = {value}\nsource = \"the board\"\nverified = {verified}\n");
        Profiles::default().add("acme.toml", &format!("{}{field}{}", &strict[..start], &strict[end..]))
    };
    for (key, stricter, laxer) in [
        ("abandon_limit", "0.02", "\"none\""),
        ("internal_target", "0.01", "0.05"),
        ("windows", "[\"run\"]", "[\"month\"]"),
        ("deadline_s", "1", "3"),
        ("min_ring_s", "20", "10"),
        ("max_ring_s", "40", "\"none\""),
        ("hours", "{ mon-fri = [\"08:00-12:00\"] }", "{ mon-sun = [\"08:00-21:00\"] }"),
        ("holidays", "[\"06-19\"]", "[\"12-25\"]"),
        ("attempts", "[\"1/7d\"]", "[\"3/24h\", \"20/30d\"]"),
        ("recall_after_abandon_h", "96", "24"),
        ("recall_after_machine_h", "48", "0"),
        ("dnc_max_age_d", "7", "\"none\""),
        ("reassigned_max_age_d", "7", "31"),
    ] {
        let wrong = with(key, stricter, false).unwrap_err();
        assert_eq!((wrong.len(), wrong[0].key.as_str()), (1, key), "{wrong:?}");
        assert!(wrong[0].line.is_some() && wrong[0].message.contains("say verified = true"), "{wrong:?}");
        assert_eq!(with(key, stricter, true), Ok("acme".to_owned()), "{key}");
        assert_eq!(with(key, laxer, false), Ok("acme".to_owned()), "{key}");
    }
    // Where the strict value cannot be outdone the other one may always stand there.
    for (key, laxer) in [
        ("deadline_from", "\"greeting_end\""),
        ("add_amd_false_positives", "false"),
        ("subtract_machines", "true"),
        ("recall_with_agent", "true"),
        ("message", "\"none\""),
        ("optout", "\"none\""),
        ("consent_required", "false"),
        ("agentless_allowed", "true"),
        ("agentless_consent", "false"),
    ] {
        assert_eq!(with(key, laxer, false), Ok("acme".to_owned()), "{key}");
    }
}

#[test]
fn an_own_profile_stands_beside_the_shipped_ones() {
    let text = Profiles::text("ca-crtc").unwrap().replace("name = \"ca-crtc\"", "name = \"acme\"");
    let mut profiles = Profiles::default();
    assert_eq!(profiles.add("acme.toml", &text), Ok("acme".to_owned()));
    let acme = profiles.get("acme").unwrap();
    assert_eq!((acme.file.as_deref(), acme.in_force().name.as_str()), (Some("acme.toml"), "acme"));
    assert_eq!(acme.in_force().hours, Profile::strict().hours);
    assert!(profiles.get("strict").unwrap().file.is_none() && profiles.iter().count() == Profile::NAMES.len() + 1);
    let word = Confirmation { by: "Ann Smith".into(), on: "2026-11-23".into() };
    profiles.confirm("acme", "hours", &word).unwrap();
    assert_eq!(profiles.get("acme").unwrap().in_force().hours[5], [(600, 1_080)]);
    assert_eq!(profiles.unknown("acmee"), "no profile \"acmee\"; did you mean \"acme\"?");

    let said = |profiles: &mut Profiles, text: &str| {
        let wrong = profiles.add("acme.toml", text).unwrap_err();
        wrong.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        said(&mut profiles, &text),
        ["name: \"acme\" is the profile of acme.toml already; give this one another name"]
    );
    let shipped = Profiles::text("fr").unwrap();
    assert_eq!(said(&mut profiles, shipped), ["name: \"fr\" is a shipped profile; give yours another name"]);
    // Everything that is wrong is said at once.
    let faulty = text
        .replace("[hours]", "[hourz]")
        .replace("version = 2", "version = 0")
        .replace("[windows]\nvalue", "[windows]\nvalve");
    let all = said(&mut profiles, &faulty).join("\n");
    for words in
        ["hourz: unknown field", "hours: the field is missing", "version: write a whole", "windows: unknown key"]
    {
        assert!(all.contains(words), "{words}: {all}");
    }

    let (mut now, mut raised) = (Profiles::default(), Profiles::default());
    let changed = text.replace("[recall_after_abandon_h]\nvalue = 72", "[recall_after_abandon_h]\nvalue = 96");
    assert_ne!(changed, text);
    now.add("acme.toml", &changed).unwrap();
    raised.add("acme.toml", &changed.replace("version = 2", "version = 3")).unwrap();
    let (before, now, raised) = (profiles.get("acme").unwrap(), now.get("acme").unwrap(), raised.get("acme").unwrap());
    assert!(
        before.differs_unversioned(now) && !before.differs_unversioned(raised) && !before.differs_unversioned(before)
    );
}

#[test]
fn a_measured_rate_comes_with_its_evidence() {
    let mut profiles = Profiles::default();
    profiles.estimate("uk-ofcom", 0.01, "amd-eval-2026-11").unwrap();
    let uk = &profiles.get("uk-ofcom").unwrap().in_force().denominator;
    assert_eq!((uk.amd_false_positive_rate, uk.amd_evidence.as_deref()), (Some(0.01), Some("amd-eval-2026-11")));
    assert!((uk.lost_for_each(true) - 1.0 / 99.0).abs() < 1e-12 && uk.lost_for_each(false) == 0.0);
    assert!(profiles.estimate("uk-ofcom", 0.5, "x").unwrap_err().contains("share"));
    // Also where the profile's own author was not sure of a rate.
    let text = Profiles::text("uk-ofcom").unwrap().replace("name = \"uk-ofcom\"", "name = \"acme\"");
    let (before, rate) = text.split_once("[amd_false_positive_rate]").unwrap();
    let unsure =
        format!("{before}[amd_false_positive_rate]{}", rate.replacen("verified = true", "verified = false", 1));
    assert_ne!(unsure, text);
    profiles.add("acme.toml", &unsure).unwrap();
    profiles.estimate("acme", 0.02, "amd-eval-2026-11").unwrap();
    assert_eq!(profiles.get("acme").unwrap().in_force().denominator.amd_false_positive_rate, Some(0.02));
}

#[test]
fn faults_name_their_place_and_the_nearest_word() {
    for (from, to, says) in [
        ("[hours]", "[hourz]", "hourz: unknown field; did you mean \"hours\"?"),
        ("[hours]\nvalue", "[hours]\nvalve", "hours: unknown key \"valve\"; did you mean \"value\"?"),
        ("version = 2", "version = 0", "version: write a whole number"),
        ("mon-fri = [\"10:00-13:00\"", "mon-fry = [\"10:00-13:00\"", "no day"),
        ("\"10:00-13:00\"", "\"10:00-15:00\"", "overlap"),
        ("\"10:00-13:00\"", "\"13:00-10:00\"", "is not understood"),
        ("\"easter+1\"", "\"ester+1\"", "is not understood"),
        ("\"easter+1\"", "\"05-01\"", "twice"),
        ("\"4/30d\"", "\"4 in 30\"", "is not understood"),
        ("\"days:30\"", "\"days:0\"", "is not understood"),
        ("value = 0.03", "value = 3", "a share from 0 to 1"),
        ("[deadline_from]\nvalue = \"answer\"", "[deadline_from]\nvalue = \"later\"", "\"greeting_end\""),
        ("[deadline_from]\nvalue = \"answer\"", "[deadline_from]\nvalue = \"none\"", "needs a value"),
        ("[optout]\nvalue = \"key\"", "[optout]\nvalue = \"maybe\"", "\"key\" or \"none\""),
        ("title = ", "title = \"\" #", "title: write a text"),
        ("name = \"fr\"", "name = fr", "not TOML"),
    ] {
        let said = broken(|text| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        assert!(said.contains(says), "{from} -> {to}: {said}");
    }
    let missing = broken(|text| text.replace("[caller_id]", "[caller_id_]").replace("[caller_id_]", "[title_]"));
    assert!(missing.contains("unknown field"), "{missing}");
    let said = broken(|text| text.split("[effective_from]").next().unwrap().to_string());
    assert!(said.contains("effective_from: the field is missing"), "{said}");
    let said = broken(|text| text.replace("source = \"decret 2022-1313\"", "source = \" \""));
    assert!(said.starts_with("line ") && said.contains("name the source"), "{said}");
}

#[test]
fn easter_and_what_hangs_on_it() {
    let day = |text: &str| text.parse::<Date>().unwrap();
    let on = |holiday: &str, date: &str| Holiday::named(holiday).unwrap().is_on(day(date));
    for easter in ["2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2038-04-25"] {
        assert!(on("easter", easter), "{easter}");
    }
    assert!(on("easter-2", "2026-04-03") && on("easter+39", "2026-05-14") && on("easter+50", "2026-05-25"));
    assert!(on("12-25", "2031-12-25") && !on("12-25", "2031-12-26"));
    assert!(on("2026-06-19", "2026-06-19") && !on("2026-06-19", "2027-06-19"));
    assert_eq!(Holiday::named("13-01"), None);
    assert_eq!(Holiday::named("easter+99"), None);
    assert_eq!((AttemptCap::named("3/0h"), Window::named("rolling:0h"), Window::named("month:1")), (None, None, None));
}
