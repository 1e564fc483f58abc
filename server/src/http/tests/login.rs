//! Logging in and out, accounts, and what a cookie may do.

use super::*;
use std::io::Read;
use std::sync::atomic::AtomicI64;

const HOUR_US: i64 = 3_600_000_000;

/// A bench whose wall clock is set by hand.
fn bench_at(more: &str) -> (Bench, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(wall_now().as_unix_us()));
    let read = clock.clone();
    let wall: WallClock = Arc::new(move || WallTime::from_unix_us(read.load(Ordering::Relaxed)));
    (Bench::outfitted(more, Outfit { wall, ..Outfit::default() }), clock)
}

fn account(bench: &Bench, name: &str, role: &str) {
    let body = json!({ "name": name, "role": role, "password": format!("password of {name}") });
    bench.post(Role::Admin, "/api/v1/accounts", &body).is(201);
}

fn log_in(bench: &Bench, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("user-agent", "a browser")];
    request(bench.address, "POST", "/api/v1/login", Some(&body.to_string()), &headers)
}

fn with_password(bench: &Bench, name: &str) -> Answer {
    log_in(bench, &json!({ "name": name, "password": format!("password of {name}") }))
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// A request of the console.
fn by_cookie(bench: &Bench, cookie: &str, method: &str, path: &str, body: Option<&str>) -> Answer {
    let mut headers = vec![("cookie", cookie), ("x-outpace-console", "1")];
    if body.is_some() {
        headers.push(("content-type", "application/json"));
    }
    request(bench.address, method, path, body, &headers)
}

fn opens(bench: &Bench, cookie: &str) -> bool {
    match by_cookie(bench, cookie, "GET", "/api/v1/whoami", None).status {
        200 => true,
        401 => false,
        status => panic!("{status}"),
    }
}

#[test]
fn a_token_and_a_password_both_log_in() {
    let bench = Bench::new();
    let by_token = log_in(&bench, &json!({ "token": bench.tokens[&Role::Supervisor] })).is(200);
    let who = by_token.json();
    assert_eq!((who["name"].as_str(), who["role"].as_str()), (Some("supervisor"), Some("supervisor")));
    assert_eq!((&who["kind"], &who["demo"], &who["agent"]), (&json!("token"), &json!(false), &Value::Null));
    assert!(who["expires_us"].is_number() && who["version"].is_string());
    let set = by_token.header("set-cookie");
    for part in ["outpace_login=ol_", "HttpOnly", "SameSite=Strict", "Path=/;", "Max-Age=604800"] {
        assert!(set.contains(part), "{part}: {set}");
    }
    assert!(!set.contains("Secure"), "{set}");
    account(&bench, "ann", "viewer");
    let by_password = with_password(&bench, "ann").is(200);
    assert_eq!(by_password.json()["kind"], "account");
    for answer in [by_token, by_password] {
        let who = by_cookie(&bench, &cookie(&answer), "GET", "/api/v1/whoami", None).is(200).json();
        assert_eq!(who, answer.json());
    }
    assert_eq!(bench.get(Role::Viewer, "/api/v1/whoami").is(200).json()["expires_us"], Value::Null);
    bench.store.flush().unwrap();
    let audit = bench.get(Role::Admin, "/api/v1/audit").json();
    let login = |entry: &&Value| entry["action"] == "POST /api/v1/login" && entry["who"] == "ann";
    assert_eq!(audit["items"].as_array().unwrap().iter().filter(login).count(), 1, "{audit}");
    assert!(!audit.to_string().contains("password of"));
}

#[test]
fn the_cookie_keeps_to_its_path_and_to_https_if_it_is_told() {
    let bench = Bench::with("base_path = \"/outpace\"\nsecure_cookie = true");
    let body = json!({ "token": bench.tokens[&Role::Viewer] }).to_string();
    let headers = [("content-type", "application/json")];
    let answer = request(bench.address, "POST", "/outpace/api/v1/login", Some(&body), &headers).is(200);
    let set = answer.header("set-cookie");
    assert!(set.contains("Path=/outpace;") && set.ends_with("; Secure"), "{set}");
    // Links lead to where they were found.
    bench.post(Role::Admin, "/outpace/api/v1/do-not-call", &json!({ "number": "+12125550100", "reason": "x" })).is(204);
    let page = bench.get(Role::Admin, "/outpace/api/v1/do-not-call?limit=1").is(200).json();
    let next = page["next"].as_str().unwrap_or_default();
    assert!(next.starts_with("/outpace/api/v1/do-not-call?"), "{page}");
    bench.get(Role::Admin, next).is(200);
}

#[test]
fn what_is_wrong_is_answered_alike_and_slowed() {
    let bench = Bench::new();
    account(&bench, "ann", "viewer");
    let wrong = |name: &str, password: &str| log_in(&bench, &json!({ "name": name, "password": password }));
    let (one, two) = (wrong("ann", "password of bob").is(401), wrong("nobody", "password of bob").is(401));
    assert_eq!(one.text, two.text);
    assert!(one.header("set-cookie").is_empty());
    bench.send(Role::Admin, "PATCH", "/api/v1/accounts/ann", Some("{\"disabled\":true}"), &[]).is(200);
    assert_eq!(with_password(&bench, "ann").is(401).text, one.text);
    bench.send(Role::Admin, "PATCH", "/api/v1/accounts/ann", Some("{\"disabled\":false}"), &[]).is(200);
    with_password(&bench, "ann").is(200);
    for body in [
        json!({}),
        json!({ "name": "ann" }),
        json!({ "token": "op_x", "name": "ann", "password": "x" }),
        json!({ "name": "ann", "password": "x", "remember": true }),
    ] {
        log_in(&bench, &body).is(422);
    }
    log_in(&bench, &json!({ "token": "op_x" })).is(401);
    let statuses: Vec<u16> = (0..LOGIN_NAME_RATE.burst as u32 + 5).map(|_| wrong("ann", "guess").status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    // Whoever holds the name waits too, another name does not.
    with_password(&bench, "ann").is(429);
    account(&bench, "bob", "viewer");
    with_password(&bench, "bob").is(200);
}

#[test]
fn a_cookie_alone_changes_nothing() {
    let bench = Bench::new();
    account(&bench, "ann", "admin");
    let cookie = cookie(&with_password(&bench, "ann").is(200));
    let body = json!({ "to": "+12125550100", "trunk": "carrier", "connect": { "echo": true } }).to_string();
    let place = |headers: &[(&str, &str)]| {
        let mut all = vec![("cookie", cookie.as_str()), ("content-type", "application/json")];
        all.extend_from_slice(headers);
        request(bench.address, "POST", "/api/v1/calls", Some(&body), &all).status
    };
    assert_eq!(place(&[]), 403);
    assert_eq!(place(&[("x-outpace-console", "0"), ("origin", "http://127.0.0.1:8080")]), 403);
    assert_eq!(bench.asked("Originate"), 0);
    assert_eq!(place(&[("x-outpace-console", "1")]), 201);
    // A bearer token counts before the cookie and needs no such header.
    let token = format!("Bearer {}", bench.tokens[&Role::Viewer]);
    assert_eq!(place(&[("authorization", &token), ("x-outpace-console", "1")]), 403);
    assert_eq!(place(&[("authorization", &format!("Bearer {}", bench.tokens[&Role::Agent]))]), 201);
    // Every operation that changes something, by every method.
    for route in ROUTES.iter().filter(|route| route.method != "GET" && route.access != Access::Public) {
        let path = route.path.replace("{id}", "1").replace("{name}", "x").replace("{number}", "1");
        let answer = request(bench.address, route.method, &path, None, &[("cookie", &cookie)]);
        assert_eq!(answer.status, 403, "{} {}", route.method, route.path);
    }
}

#[test]
fn logins_end_by_idleness_by_age_and_survive_a_restart() {
    let (mut bench, clock) = bench_at("");
    account(&bench, "ann", "viewer");
    let idle = cookie(&with_password(&bench, "ann").is(200));
    let used = cookie(&with_password(&bench, "ann").is(200));
    let wall: WallClock = {
        let read = clock.clone();
        Arc::new(move || WallTime::from_unix_us(read.load(Ordering::Relaxed)))
    };
    bench.serve_again(Outfit { wall, ..Outfit::default() });
    assert!(opens(&bench, &idle) && opens(&bench, &used));
    clock.fetch_add(11 * HOUR_US, Ordering::Relaxed);
    assert!(opens(&bench, &used));
    clock.fetch_add(HOUR_US, Ordering::Relaxed);
    let over = by_cookie(&bench, &idle, "GET", "/api/v1/whoami", None).is(401);
    assert!(over.header("set-cookie").starts_with("outpace_login=;"), "{over:?}");
    // Used every ten hours, and still no older than seven days.
    let mut hours = 12;
    while hours < 7 * 24 - 10 {
        assert!(opens(&bench, &used), "after {hours} hours");
        clock.fetch_add(10 * HOUR_US, Ordering::Relaxed);
        hours += 10;
    }
    assert!(opens(&bench, &used), "after {hours} hours");
    clock.fetch_add((7 * 24 - hours) * HOUR_US, Ordering::Relaxed);
    assert!(!opens(&bench, &used));
}

#[test]
fn a_stream_that_stays_open_is_no_use_of_its_login() {
    let (bench, clock) = bench_at("");
    account(&bench, "ann", "viewer");
    let cookie = cookie(&with_password(&bench, "ann").is(200));
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("cookie", cookie.parse().unwrap());
    let shown = crate::http::auth::Credential::of(&headers).unwrap();
    let from = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    let looks = || bench.runtime.block_on(bench.service.holder(&shown, from, false)).is_ok();
    for hour in 0..12 {
        assert!(looks(), "after {hour} hours");
        clock.fetch_add(HOUR_US, Ordering::Relaxed);
    }
    assert!(!looks() && !opens(&bench, &cookie));
}

#[test]
fn logging_out_ends_one_login_and_everywhere_ends_all_with_their_streams() {
    let bench = Bench::new();
    account(&bench, "ann", "viewer");
    account(&bench, "bob", "viewer");
    let logins: Vec<String> = (0..3).map(|_| cookie(&with_password(&bench, "ann").is(200))).collect();
    let other = cookie(&with_password(&bench, "bob").is(200));
    let listed = by_cookie(&bench, &logins[0], "GET", "/api/v1/logins", None).is(200).json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    assert!(items.iter().all(|login| login["client"] == "a browser" && login["created_us"].is_number()));
    assert_eq!(items.iter().filter(|login| login["current"] == true).count(), 1);
    assert_eq!(items[2]["current"], true, "newest first: {listed}");

    let out = by_cookie(&bench, &logins[0], "POST", "/api/v1/logout", None).is(204);
    assert!(out.header("set-cookie").starts_with("outpace_login=; HttpOnly"));
    assert!(!opens(&bench, &logins[0]) && opens(&bench, &logins[1]));
    let id = |login: &Value| format!("/api/v1/logins/{}", login["id"]);
    by_cookie(&bench, &other, "DELETE", &id(&items[1]), None).is(404);
    let mut streams = [streams::open_with(&bench, &format!("cookie: {}", logins[1])), {
        streams::open_with(&bench, &format!("cookie: {}", logins[2]))
    }];
    let mut others = streams::open_with(&bench, &format!("cookie: {other}"));
    by_cookie(&bench, &logins[1], "DELETE", &id(&items[1]), None).is(204);
    assert!(!opens(&bench, &logins[1]));
    let mut rest = Vec::new();
    streams[0].read_to_end(&mut rest).unwrap();
    by_cookie(&bench, &logins[2], "DELETE", "/api/v1/logins", None).is(204);
    streams[1].read_to_end(&mut rest).unwrap();
    assert!(!opens(&bench, &logins[2]) && opens(&bench, &other));
    bench.tell("call.ringing", json!({ "id": 1 }));
    assert_eq!(streams::next(&mut others).1, "call.ringing");
}

#[test]
fn a_login_of_a_token_dies_with_it() {
    let bench = Bench::new();
    let made = bench.post(Role::Admin, "/api/v1/tokens", &json!({ "name": "x", "role": "viewer" })).is(201).json();
    let cookie = cookie(&log_in(&bench, &json!({ "token": made["token"] })).is(200));
    assert!(opens(&bench, &cookie));
    bench.send(Role::Admin, "DELETE", &format!("/api/v1/tokens/{}", made["id"]), None, &[]).is(204);
    assert!(!opens(&bench, &cookie));
}

#[test]
fn what_changes_an_account_ends_its_logins() {
    let bench = Bench::new();
    account(&bench, "ann", "viewer");
    for change in ["{\"role\":\"agent\"}", "{\"password\":\"password of ann\"}", "{\"disabled\":true}"] {
        bench.send(Role::Admin, "PATCH", "/api/v1/accounts/ann", Some("{\"disabled\":false}"), &[]).is(200);
        let cookie = cookie(&with_password(&bench, "ann").is(200));
        bench.send(Role::Admin, "PATCH", "/api/v1/accounts/ann", Some(change), &[]).is(200);
        assert!(!opens(&bench, &cookie), "{change}");
    }
    let listed = bench.get(Role::Admin, "/api/v1/accounts").is(200);
    assert_eq!(listed.json()["items"][0]["disabled"], true);
    assert!(!listed.text.contains("argon2"), "{}", listed.text);
    for (body, field) in [
        (json!({ "name": "bob", "role": "viewer", "password": "short" }), "password"),
        (json!({ "name": "b b", "role": "viewer", "password": "long enough" }), "name"),
        (json!({ "name": "bob", "role": "root", "password": "long enough" }), "role"),
        (json!({ "name": "bob", "role": "agent", "password": "long enough", "agent": "zoe" }), "agent"),
    ] {
        let problem = bench.post(Role::Admin, "/api/v1/accounts", &body).is(422).json();
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    bench
        .post(Role::Admin, "/api/v1/accounts", &json!({ "name": "ann", "role": "viewer", "password": "long enough" }))
        .is(409);
    bench.send(Role::Admin, "DELETE", "/api/v1/accounts/ann", None, &[]).is(204);
    with_password(&bench, "ann").is(401);
    account(&bench, "ann", "viewer");
}

#[test]
fn ones_own_password_is_changed_with_the_old_one() {
    let bench = Bench::new();
    account(&bench, "ann", "viewer");
    let (here, there) = (cookie(&with_password(&bench, "ann").is(200)), cookie(&with_password(&bench, "ann").is(200)));
    let change = |old: &str, new: &str| {
        let body = json!({ "old": old, "new": new }).to_string();
        by_cookie(&bench, &here, "POST", "/api/v1/account/password", Some(&body))
    };
    assert_eq!(change("wrong", "long enough").is(422).json()["errors"][0]["field"], "old");
    assert_eq!(change("password of ann", "short").is(422).json()["errors"][0]["field"], "new");
    let changed = change("password of ann", "long enough").is(204);
    assert!(!opens(&bench, &here) && !opens(&bench, &there) && opens(&bench, &cookie(&changed)));
    with_password(&bench, "ann").is(401);
    log_in(&bench, &json!({ "name": "ann", "password": "long enough" })).is(200);
    let body = json!({ "old": "x", "new": "long enough" });
    bench.post(Role::Viewer, "/api/v1/account/password", &body).is(409);
}

#[test]
fn the_last_admin_stays() {
    let bench = Bench::new();
    account(&bench, "ann", "admin");
    let tokens = bench.get(Role::Admin, "/api/v1/tokens").json();
    let token =
        tokens["items"].as_array().unwrap().iter().find(|token| token["role"] == "admin").unwrap()["id"].clone();
    let ann = cookie(&with_password(&bench, "ann").is(200));
    // Two ways in: one may go, then the other may not.
    by_cookie(&bench, &ann, "DELETE", &format!("/api/v1/tokens/{token}"), None).is(204);
    for (method, body) in
        [("DELETE", None), ("PATCH", Some("{\"role\":\"viewer\"}")), ("PATCH", Some("{\"disabled\":true}"))]
    {
        by_cookie(&bench, &ann, method, "/api/v1/accounts/ann", body).is(409);
    }
    let body = json!({ "name": "bob", "role": "admin", "password": "password of bob" }).to_string();
    by_cookie(&bench, &ann, "POST", "/api/v1/accounts", Some(&body)).is(201);
    by_cookie(&bench, &ann, "PATCH", "/api/v1/accounts/ann", Some("{\"role\":\"viewer\"}")).is(200);
    assert!(!opens(&bench, &ann));
}

#[test]
fn an_agent_promises_for_nobody_else_and_for_leads_of_every_list_of_the_campaign() {
    let bench = Bench::new();
    let new = json!({ "name": "zoe", "sip": "sip:zoe@127.0.0.1:5090", "password": "password of zoe" });
    bench.post(Role::Supervisor, "/api/v1/agents", &new).is(201);
    let zoe = cookie(&with_password(&bench, "zoe").is(200));
    for (list, number) in [("main", "+12125550100"), ("gold", "+12125550101"), ("other", "+12125550102")] {
        bench.post(Role::Supervisor, "/api/v1/lists", &json!({ "name": list })).is(201);
        let list = bench.store.find_list(TenantId::DEFAULT, list).unwrap().unwrap();
        let lead = store::NewLead { number: number.to_owned(), ..store::NewLead::default() };
        bench.store.import_leads(TenantId::DEFAULT, list, vec![lead], wall_now()).unwrap();
    }
    let campaign = json!({
        "name": "spring", "list": "main", "mix": "gold:3", "trunk": "carrier", "caller_id": "+12125550100",
        "profile": "lab", "timezone": "America/New_York",
    });
    bench.post(Role::Supervisor, "/api/v1/campaigns", &campaign).is(201);
    let at = jiff::Timestamp::from_microsecond(wall_now().as_unix_us() + 3_600_000_000).unwrap().to_string();
    let promise = |lead: u64, agent: Option<&str>| {
        let body = json!({ "lead": lead, "campaign": "spring", "at": at, "agent": agent }).to_string();
        by_cookie(&bench, &zoe, "POST", "/api/v1/callbacks", Some(&body)).status
    };
    assert_eq!((promise(1, Some("zoe")), promise(1, None), promise(1, Some("ann"))), (201, 201, 403));
    assert_eq!((promise(2, None), promise(3, None)), (201, 422), "a list of the mix, and one that is not dialled");
    let body = json!({ "lead": 1, "campaign": "spring", "at": at, "agent": "zoe" });
    bench.post(Role::Supervisor, "/api/v1/callbacks", &body).is(201);
}

#[test]
fn an_agents_password_makes_the_agents_account_which_sets_its_own_state_alone() {
    let bench = Bench::new();
    let new = json!({ "name": "zoe", "sip": "sip:zoe@127.0.0.1:5090", "password": "password of zoe" });
    let made = bench.post(Role::Supervisor, "/api/v1/agents", &new).is(201);
    assert!(!made.text.contains("password"), "{}", made.text);
    let who = with_password(&bench, "zoe").is(200);
    assert_eq!((&who.json()["role"], &who.json()["agent"]), (&json!("agent"), &json!("zoe")));
    let zoe = cookie(&who);
    let state = |agent: &str| {
        let path = format!("/api/v1/agents/{agent}/state");
        by_cookie(&bench, &zoe, "POST", &path, Some("{\"state\":\"ready\"}")).status
    };
    bench.post(Role::Supervisor, "/api/v1/agents", &json!({ "name": "kim" })).is(201);
    assert_eq!((state("zoe"), state("kim")), (200, 403));
    let call = |connect: Value| {
        let body = json!({ "to": "+12125550100", "trunk": "carrier", "connect": connect }).to_string();
        by_cookie(&bench, &zoe, "POST", "/api/v1/calls", Some(&body)).status
    };
    assert_eq!((call(json!({ "agent": "kim" })), call(json!({ "echo": true }))), (403, 201));
    let others = bench.service.control.snapshot().calls.values().next().unwrap().id;
    assert_eq!(by_cookie(&bench, &zoe, "DELETE", &format!("/api/v1/calls/{others}"), None).status, 403);
    let said = json!({ "code": "sale", "agent": "kim" }).to_string();
    assert_eq!(by_cookie(&bench, &zoe, "POST", "/api/v1/attempts/1/disposition", Some(&said)).status, 403);
    let listed =
        json!({ "to": "+12125550100", "trunk": "carrier", "connect": { "echo": true }, "despite_do_not_call": true });
    assert_eq!(by_cookie(&bench, &zoe, "POST", "/api/v1/calls", Some(&listed.to_string())).status, 403);
    bench.post(Role::Agent, "/api/v1/agents/kim/state", &json!({ "state": "ready" })).is(200);
    let patch = |body: &str| bench.send(Role::Supervisor, "PATCH", "/api/v1/agents/zoe", Some(body), &[]);
    assert!(patch("{\"skills\":[\"sales\"]}").is(200).text.contains("sales"));
    assert!(opens(&bench, &zoe), "other settings leave the account alone");
    patch("{\"password\":\"another password\"}").is(200);
    assert!(!opens(&bench, &zoe));
    with_password(&bench, "zoe").is(401);
    log_in(&bench, &json!({ "name": "zoe", "password": "another password" })).is(200);
    assert_eq!(patch("{\"password\":\"short\"}").is(422).json()["errors"][0]["field"], "password");
    patch("{\"password\":7}").is(422);
    patch("{\"password\":null}").is(200);
    log_in(&bench, &json!({ "name": "zoe", "password": "another password" })).is(401);
    // A supervisor gets no hold of an admin's account by naming an agent after it.
    account(&bench, "root", "admin");
    let new = json!({ "name": "root", "password": "password of zoe" });
    assert_eq!(bench.post(Role::Supervisor, "/api/v1/agents", &new).is(422).json()["errors"][0]["field"], "password");
    with_password(&bench, "root").is(200);
    patch("{\"password\":\"password of zoe\"}").is(200);
    let zoe = cookie(&with_password(&bench, "zoe").is(200));
    bench.send(Role::Admin, "DELETE", "/api/v1/agents/zoe", None, &[]).is(204);
    assert!(!opens(&bench, &zoe));
    with_password(&bench, "zoe").is(401);
}
