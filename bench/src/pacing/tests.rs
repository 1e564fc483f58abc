use super::*;

#[test]
fn every_scenario_of_the_plan_is_read_and_named() {
    for size in [Size::Quick, Size::Full] {
        let rows = plan::stress(size);
        let names: std::collections::BTreeSet<(&str, u32)> =
            rows.iter().map(|row| (row.scenario.name.as_str(), row.scenario.agents)).collect();
        assert_eq!(names.len(), if size == Size::Full { 32 } else { 16 }, "each has its own name, none is the default");
        assert!(!names.contains(&("base", 20)));
    }
    for (row, entry) in plan::study(Size::Full).iter().zip(plan::STUDY) {
        assert_eq!((row.scenario.agents, row.policy.as_str(), row.every_ms), (entry.agents, entry.policy, Some(1_000)));
    }
    assert_eq!((plan::study(Size::Quick).len(), plan::study(Size::Full).len()), (5, 6));
    assert_eq!(plan::one_to_one(3.0).name, "1:1 with 20 agents", "the scenario was read");
    let lines = plan::stress(Size::Full).into_iter().filter(|row| row.scenario.name == "few-lines");
    assert_eq!(lines.map(|row| row.scenario.trunk.max_channels).collect::<Vec<_>>(), [32, 320]);
    let full = plan::laws(Size::Full);
    assert_eq!((full.len(), full[0].days, full[0].limit()), (45, 1_000, 0.03));
    let limits: Vec<f64> = plan::limits(Size::Quick).iter().map(Row::limit).collect();
    assert_eq!(limits, [0.005, 0.01, 0.02, 0.03, 0.05, 0.1]);
}

fn short(days: u32) -> Row {
    let scenario = Scenario::parse("agents = 4\nday_hours = 0.4\nlogin_min = 0").expect("a scenario");
    Row::new(scenario, "predictive", days)
}

#[test]
fn days_are_put_together_whatever_the_threads() {
    let one = measure("test", &[short(33), short(2)], 5, 1).expect("runs");
    let two = measure("test", &[short(33), short(2)], 5, 3).expect("runs");
    let calm = |rows: &[Measured]| {
        let still = |row: &Measured| Measured { cpu_s_per_day: 0.0, decision_p99_us: 0.0, ..row.clone() };
        rows.iter().map(still).collect::<Vec<_>>()
    };
    assert_eq!(calm(&one), calm(&two));
    assert_eq!((one[0].days, one[1].days), (33, 2));
    assert!(one[0].occupancy > 0.2 && one[0].occupancy_error > 0.0 && one[0].cpu_s_per_day > 0.0);
    assert!(measure("test", &[Row::new(Scenario::default(), "psychic", 1)], 5, 1).is_err());
}

#[test]
fn the_gate_sees_what_is_beyond_the_noise() {
    let row = |occupancy: f64, days_over_limit: u32| Measured {
        policy: "predictive".to_owned(),
        agents: 20,
        occupancy,
        occupancy_error: 0.003,
        days_over_limit,
        ..Measured::default()
    };
    let committed = [row(0.864, 0)];
    assert_eq!(judge(&row(0.86, 0), &committed), None);
    assert!(judge(&row(0.84, 0), &committed).expect("a fault").contains("run make pacing"));
    assert!(judge(&row(0.89, 0), &committed).is_some(), "better is news too");
    assert!(judge(&row(0.864, 1), &committed).expect("a fault").contains("over the limit"));
    assert!(judge(&Measured { agents: 7, ..row(0.864, 0) }, &committed).is_some());
}

#[test]
fn the_page_says_what_the_results_hold() {
    let measured = measure("test", &[short(2)], 5, 1).expect("runs");
    let results = Results {
        date: "2026-01-02".to_owned(),
        machine: Machine::default(),
        seed: 5,
        set: "quick".to_owned(),
        laws: measured.clone(),
        limits: measured.clone(),
        stress: measured.clone(),
        study: vec![Measured { agents: 3, ..measured[0].clone() }],
        queues: vec![Check {
            case: "M/M/1".to_owned(),
            what: "lost".to_owned(),
            days: 2,
            simulated: 0.5,
            error: 0.01,
            theory: 0.48,
            commit: String::new(),
        }],
        small_worlds: vec![Small { optimum: 0.9, measured: measured[0].clone() }],
    };
    let mut results = results;
    results.stamp();
    let folder = tempfile::tempdir().expect("a folder");
    let (json, page) = (folder.path().join("pacing.json"), folder.path().join("pacing.md"));
    write_json(&json, &results).expect("written");
    redraw(&json, &page).expect("drawn");
    let text = std::fs::read_to_string(&page).expect("read");
    let occupancy = format!("{:.2} ± {:.2}", 100.0 * measured[0].occupancy, 100.0 * measured[0].occupancy_error);
    assert_eq!(text.matches(&occupancy).count(), 5, "{text}");
    assert!(text.contains(&format!("| predictive | 3 | 2 | {occupancy} |")) && text.contains("| 72.2 |"), "{text}");
    assert!(text.contains("| M/M/1 | 2 | lost | 0.50000 | 0.01000 | 0.48000 | +2.0 |"), "{text}");
    for file in ["agents.svg", "limit.svg"] {
        assert!(text.contains(&format!("(pacing/{file})")));
        let svg = std::fs::read_to_string(folder.path().join("pacing").join(file)).expect("drawn");
        assert!(svg.contains("<circle") && svg.trim_end().ends_with("</svg>"));
    }
    // A part that is measured alone takes its place, and the rest says of which commit it is.
    results.machine.commit = "old".to_owned();
    results.laws.iter_mut().for_each(|row| row.commit = String::new());
    let mut anew = Results { laws: Vec::new(), limits: Vec::new(), small_worlds: Vec::new(), ..results.clone() };
    anew.machine.commit = "new".to_owned();
    anew.stress[0].occupancy = 0.5;
    anew.stress.iter_mut().for_each(|row| row.commit = String::new());
    anew.stamp();
    let both = part::among(results.clone(), anew.clone()).expect("the same days");
    assert_eq!((both.laws.len(), both.stress.len(), both.machine.commit.as_str()), (1, 1, "new"));
    assert_eq!((both.laws[0].commit.as_str(), both.stress[0].commit.as_str()), ("old", "new"));
    assert_eq!(both.stress[0].occupancy, 0.5);
    write_json(&json, &both).expect("written");
    redraw(&json, &page).expect("drawn");
    let text = std::fs::read_to_string(&page).expect("read");
    assert!(text.contains("| predictive (old) |") && !text.contains("(new) |"), "{text}");
    assert!(part::among(results, Results { seed: 6, ..anew }).is_err(), "other days");
}
