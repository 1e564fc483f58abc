//! Trunks, routes and settings over the API; health.

use super::*;

fn trunk(name: &str) -> Value {
    json!({ "name": name, "host": "192.0.2.1:5062", "username": "u", "password": "s3cret", "max_channels": 7 })
}

#[test]
fn a_trunk_is_made_changed_kept_and_taken_away() {
    let bench = Bench::new();
    let made = bench.post(Role::Admin, "/api/v1/trunks", &trunk("second")).is(201);
    assert_eq!(made.header("location"), "/api/v1/trunks/second");
    let made = made.json();
    assert_eq!((&made["channels_max"], &made["settings"]["host"]), (&json!(7), &json!("192.0.2.1:5062")));
    let get = |path: &str| bench.get(Role::Admin, path);
    let patch = |body: &Value| bench.send(Role::Admin, "PATCH", "/api/v1/trunks/second", Some(&body.to_string()), &[]);
    let changed = patch(&json!({ "max_channels": 3, "price_per_min": 0.01 })).is(200).json();
    assert_eq!((&changed["channels_max"], &changed["settings"]["username"]), (&json!(3), &json!("u")));
    let asked = bench.asked.lock().unwrap().iter().rfind(|asked| asked.starts_with("PutTrunk")).cloned().unwrap();
    assert!(asked.contains("Credentials"), "the password stays: {asked}");
    // Neither the password nor its hash comes out anywhere.
    for path in ["/api/v1/trunks/second", "/api/v1/trunks", "/api/v1/config", "/api/v1/audit"] {
        assert!(!get(path).is(200).text.contains("s3cret"), "{path}");
    }
    let row = bench.store.trunks(TenantId::DEFAULT).unwrap().remove(0);
    assert!(!row.config.contains("s3cret") && !row.secret.is_empty() && row.config_hash.is_empty());
    // Known at once to everything that names trunks.
    assert_eq!(get("/api/v1/config").json()["trunk"].as_array().unwrap().len(), 2);
    let call = json!({ "to": "+12125550100", "trunk": "second", "connect": { "echo": true } });
    bench.post(Role::Agent, "/api/v1/calls", &call).is(201);

    for (body, field) in [
        (json!({ "name": "x" }), "host"),
        (json!({ "name": "x", "host": "192.0.2.1", "username": "u" }), "username"),
        (json!({ "name": "x", "host": "192.0.2.1", "register": true }), "register"),
        (json!({ "name": "x", "host": "no-such-host.invalid" }), "host"),
        (json!({ "name": "x", "host": "192.0.2.1", "max_chanels": 1 }), "max_chanels"),
        (json!({ "name": "x", "host": "192.0.2.1", "transport": "tcp" }), "transport"),
    ] {
        let problem = bench.post(Role::Admin, "/api/v1/trunks", &body).is(422).json();
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    bench.post(Role::Admin, "/api/v1/trunks", &trunk("second")).is(409);
    assert_eq!(patch(&json!({ "password": null })).is(422).json()["errors"][0]["field"], "username");
    patch(&json!({ "password": null, "username": null })).is(200);
    assert!(bench.store.trunks(TenantId::DEFAULT).unwrap()[0].secret.is_empty());
    assert_eq!(patch(&json!({ "name": "third" })).is(422).json()["errors"][0]["field"], "name");
    // What cannot live is not kept.
    patch(&json!({ "max_cps": 666 })).is(409);
    assert_eq!(get("/api/v1/trunks/second").json()["settings"]["max_cps"], 10.0);
    assert!(!bench.store.trunks(TenantId::DEFAULT).unwrap()[0].config.contains("666"));

    bench.send(Role::Admin, "DELETE", "/api/v1/trunks/second", None, &[]).is(204);
    get("/api/v1/trunks/second").is(404);
    bench.post(Role::Agent, "/api/v1/calls", &call).is(422);
    assert!(bench.store.trunks(TenantId::DEFAULT).unwrap().is_empty());
}

#[test]
fn routes_are_replaced_whole_or_not_at_all() {
    let bench = Bench::with("[[route]]\nto = \"echo\"\naction = \"echo\"");
    let put = |items: Value| {
        bench.send(Role::Admin, "PUT", "/api/v1/routes", Some(&json!({ "items": items }).to_string()), &[])
    };
    let get = || bench.get(Role::Admin, "/api/v1/routes").is(200).json()["items"].clone();
    assert_eq!(get(), json!([{ "to": "echo", "action": "echo" }]));
    bench.post(Role::Admin, "/api/v1/trunks", &trunk("second")).is(201);
    std::fs::write(bench.folder.path().join("a.wav"), codecs::wav::write(&[100; 1_600]).unwrap()).unwrap();
    let wanted = json!([
        { "to": "42", "action": "play:a.wav", "from_trunk": "second" },
        { "to": "\\+1555.*", "action": "reject:486" },
    ]);
    assert_eq!(put(wanted.clone()).is(200).json()["items"], wanted);
    assert_eq!(bench.asked("SetRoutes"), 1);
    for (items, field) in [
        (json!([{ "to": "a", "action": "echo" }, { "to": "b", "action": "dance" }]), "items[1].action"),
        (json!([{ "to": "a", "action": "play:none.wav" }]), "items[0].action"),
        (json!([{ "to": "a", "action": "play:../a.wav" }]), "items[0].action"),
        (json!([{ "to": "a", "action": "echo", "from_trunk": "thrid" }]), "items[0].from_trunk"),
    ] {
        let problem = put(items).is(422).json();
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    assert_eq!((get(), bench.asked("SetRoutes")), (wanted, 1));
    assert_eq!(put(json!([])).is(200).json()["items"], json!([]));
}

#[test]
fn some_settings_change_while_the_process_runs_and_all_are_explained() {
    let bench = Bench::new();
    let table = |answer: Answer| {
        let items = answer.is(200).json()["items"].as_array().unwrap().clone();
        move |key: &str| items.iter().find(|setting| setting["key"] == key).unwrap_or_else(|| panic!("{key}")).clone()
    };
    let before = table(bench.get(Role::Admin, "/api/v1/settings"));
    assert_eq!(before("desk.wrap_up_s")["value"], 15);
    assert!(before("server.http")["restart"] == true && before("server.http")["doc"].is_string());
    let patch = |body: &str| bench.send(Role::Admin, "PATCH", "/api/v1/settings", Some(body), &[]);
    let after = table(patch("{\"wrap_up_s\":7}"));
    assert_eq!((&after("desk.wrap_up_s")["value"], &after("server.drain_s")["value"]), (&json!(7), &json!(300)));
    assert!(bench.asked.lock().unwrap().iter().any(|asked| asked.starts_with("SetLimits")));
    assert_eq!(bench.store.setting(TenantId::DEFAULT, "desk.wrap_up_s").unwrap().unwrap().value, "7");
    for (body, field) in [("{\"wrap_up_s\":-1}", "wrap_up_s"), ("{\"http\":\"x\"}", "http")] {
        assert_eq!(patch(body).is(422).json()["errors"][0]["field"], field);
    }
}

#[test]
fn health_looks_at_everything_and_says_what_to_do() {
    let bench = Bench::new();
    let health = bench.get(Role::Viewer, "/api/v1/health").is(200).json();
    assert_eq!(health["ready"], true);
    let checks = health["checks"].as_array().unwrap();
    let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["store", "spool", "trunks", "shards", "disk", "phones", "clock", "number_lists", "detection"]);
    for check in checks {
        assert!(["ok", "warn", "fail"].contains(&check["state"].as_str().unwrap()), "{check}");
        assert_eq!(check["mend"].is_null(), check["state"] == "ok", "{check}");
    }
    assert_eq!((&checks[0]["state"], &checks[2]["state"]), (&json!("ok"), &json!("ok")), "{health}");
}
