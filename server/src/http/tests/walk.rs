//! Every operation with every kind of asker; everything that is refused is refused as a problem.

use super::*;
use crate::http::routes::access;
use axum::body::Body;
use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use std::net::{IpAddr, Ipv4Addr};
use tower::ServiceExt;

/// The operations of the document: method and path.
fn operations() -> Vec<(Method, String)> {
    let document = serde_json::to_value(openapi("")).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut found = Vec::new();
    for (path, item) in paths {
        for method in item.as_object().unwrap().keys() {
            found.push((Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap(), path.clone()));
        }
    }
    found
}

#[test]
fn document_and_table_name_the_same_operations() {
    let operations = operations();
    for (method, path) in &operations {
        assert!(access(method, path).is_some(), "{method} {path} has no role");
    }
    for route in ROUTES {
        let there = operations.iter().any(|(method, path)| method == route.method && path == route.path);
        assert!(there, "{} {} is in the table alone", route.method, route.path);
    }
    assert_eq!(operations.len(), ROUTES.len());
    let document = serde_json::to_value(openapi("/outpace")).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "/outpace");
    // What the file declares is what the API takes.
    let campaign = &document["components"]["schemas"]["CampaignSettings"]["properties"];
    assert!(campaign["ring_timeout_s"]["minimum"].is_number() && campaign["order"]["enum"].is_array(), "{campaign}");
}

/// The console's types and every reader of the repository take the document from here.
#[test]
fn the_committed_document_is_the_servers_own() {
    let mut document = serde_json::to_value(openapi("")).unwrap();
    document.sort_all_objects();
    let text = format!("{document:#}\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    if std::env::var_os("OUTPACE_UPDATE_DOCS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == text, "docs/openapi.json is stale: run this test with OUTPACE_UPDATE_DOCS=1");
}

#[test]
fn every_operation_refuses_strangers_and_the_wrong_role_and_lets_the_right_one_in() {
    let bench = Bench::new();
    let app = crate::http::openapi::app(bench.service.clone());
    let mut stranger = 0;
    // Each refused one from an address of its own, else the rate of failures ends the walk.
    let mut answer = |method: &Method, path: &str, token: Option<&str>| {
        stranger += 1;
        let path = path.replace("{id}", "999999").replace("{name}", "nothing").replace("{number}", "%2B19999999999");
        let mut request = axum::http::Request::builder().method(method).uri(&path);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(auth::Peer(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + stranger))));
        let response = bench.runtime.block_on(app.clone().oneshot(request)).unwrap();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        (response.status().as_u16(), kind.unwrap_or_default())
    };
    let unknown = Token::generate().unwrap();
    for (method, path) in operations() {
        let Some(Access::From(needed)) = access(&method, &path) else {
            let status = answer(&method, &path, None).0;
            assert!(![401, 403, 500].contains(&status), "{method} {path} is public: {status}");
            continue;
        };
        for token in [None, Some("op_nonsense"), Some(unknown.reveal())] {
            let (status, kind) = answer(&method, &path, token);
            assert_eq!((status, kind.as_str()), (401, "application/problem+json"), "{method} {path}");
        }
        for role in Role::ALL {
            let (status, kind) = answer(&method, &path, Some(&bench.tokens[&role]));
            if role < needed {
                assert_eq!((status, kind.as_str()), (403, "application/problem+json"), "{method} {path} as {role:?}");
            } else {
                assert!(![401, 403, 429, 500].contains(&status), "{method} {path} as {role:?}: {status}");
            }
        }
    }
}

#[test]
fn everything_that_is_refused_is_a_problem() {
    let bench = Bench::new();
    let send = |method: &str, path: &str, body: Option<&str>, headers: &[(&str, &str)]| {
        bench.send(Role::Admin, method, path, body, headers)
    };
    for (answer, status) in [
        (send("GET", "/nowhere.txt", None, &[]), 404),
        (send("POST", "/nowhere", None, &[]), 404),
        (send("GET", "/api/v1/nowhere", None, &[]), 404),
        (send("DELETE", "/api/v1/whoami", None, &[]), 405),
        (send("POST", "/api/v1/calls", Some("{"), &[]), 400),
        (send("POST", "/api/v1/calls", Some("{}"), &[]), 422),
        (send("POST", "/api/v1/calls", Some("{}"), &[("content-type", "text/plain")]), 415),
        (send("POST", "/api/v1/calls", Some(&" ".repeat(BODY_BYTES_MAX + 1)), &[]), 413),
        (send("GET", "/api/v1/calls?stat=x", None, &[]), 422),
        (send("GET", "/api/v1/calls/x", None, &[]), 404),
        (send("GET", "/api/v1/attempts?from=yesterday", None, &[]), 422),
        (send("GET", "/api/v1/cdrs?limit=100000", None, &[]), 422),
        (send("GET", "/api/v1/recordings", None, &[]), 501),
        (send("DELETE", "/api/v1/calls/1", None, &[("idempotency-key", "")]), 422),
    ] {
        let answer = answer.is(status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
    }
    let wrong = send("GET", "/api/v1/calls?stat=x", None, &[]).json();
    assert_eq!(wrong["errors"][0]["mend"], "did you mean \"state\"?");
}

#[test]
fn a_panic_in_a_handler_is_a_problem_and_ends_nothing_else() {
    let app = axum::Router::new()
        .route(
            "/",
            axum::routing::get(|| async {
                if true {
                    panic!("planted")
                }
            }),
        )
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(crate::http::openapi::panicked));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let request = axum::http::Request::builder().uri("/").body(Body::empty()).unwrap();
    let response = runtime.block_on(app.oneshot(request)).unwrap();
    assert_eq!(response.status().as_u16(), 500);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}

#[test]
fn an_address_that_guesses_is_slowed_and_holders_of_tokens_are_not() {
    let bench = Bench::new();
    bench.get(Role::Viewer, "/api/v1/whoami").is(200);
    let guess = || request(bench.address, "GET", "/api/v1/whoami", None, &[("authorization", "Bearer op_x")]);
    let statuses: Vec<u16> = (0..STRANGER_RATE.burst as u32 + 20).map(|_| guess().status).collect();
    assert_eq!(statuses[0], 401);
    assert!(statuses.contains(&429), "{statuses:?}");
    bench.get(Role::Viewer, "/api/v1/whoami").is(200);
}

#[test]
fn health_metrics_home_and_document_need_no_token_and_stand_below_the_base_path() {
    let bench = Bench::with("base_path = \"/outpace\"");
    let get = |path: &str| request(bench.address, "GET", path, None, &[]);
    assert_eq!(get("/outpace/healthz").is(200).json()["alive"], true);
    assert_eq!(get("/outpace/readyz").is(200).json()["ready"], true);
    get("/outpace").is(200);
    assert_eq!(get("/outpace/api/openapi.json").is(200).json()["openapi"], "3.1.0");
    get("/healthz").is(404);
    let place = bench
        .post(
            Role::Agent,
            "/outpace/api/v1/calls",
            &json!({ "to": "+12125550100", "trunk": "carrier", "connect": { "echo": true } }),
        )
        .is(201);
    assert_eq!(place.header("location"), "/outpace/api/v1/calls/7");
    let metrics = get("/outpace/metrics").is(200);
    for name in [
        "outpace_http_answers_total{method=\"GET\",path=\"/healthz\",status=\"200\"} 1",
        "outpace_calls{state=\"dialling\"} 1",
        "outpace_trunk_channels_max{trunk=\"carrier\"} 100",
        "outpace_store_ok 1",
    ] {
        assert!(metrics.text.contains(name), "{name}: {}", metrics.text);
    }
    assert!(!metrics.text.contains("2125550100"));
}
