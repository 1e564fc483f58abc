//! Connections as they are on the wire: event streams, slow clients, the end.

use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// An open event stream after its head.
fn open(bench: &Bench, role: Role, query: &str, last: &str) -> BufReader<TcpStream> {
    let last = if last.is_empty() { String::new() } else { format!("\r\nlast-event-id: {last}") };
    stream_of(bench, query, &format!("authorization: Bearer {}{last}", bench.tokens[&role]))
}

/// The same with other headers.
pub(super) fn open_with(bench: &Bench, headers: &str) -> BufReader<TcpStream> {
    stream_of(bench, "", headers)
}

fn stream_of(bench: &Bench, query: &str, headers: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(bench.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET /api/v1/events{query} HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.contains("200"), "{line}");
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    reader
}

/// The next numbered event: id, kind, data.
pub(super) fn next(reader: &mut BufReader<TcpStream>) -> (String, String, Value) {
    loop {
        let (id, kind, data) = any(reader);
        match id {
            Some(id) => return (id, kind, data),
            None => assert_eq!(kind, "board", "only the board has no number: {data}"),
        }
    }
}

/// The next event of any kind. Chunk sizes and empty lines are passed over.
fn any(reader: &mut BufReader<TcpStream>) -> (Option<String>, String, Value) {
    let mut parts: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the stream ended: {parts:?}");
        if let Some((name @ ("id" | "event" | "data"), value)) = line.trim_end().split_once(": ") {
            parts.insert(name.to_owned(), value.to_owned());
        } else if line == "\n" && parts.len() > 1 {
            let data = serde_json::from_str(&parts["data"]).unwrap();
            return (parts.remove("id"), parts["event"].clone(), data);
        }
    }
}

#[test]
fn events_go_on_where_a_reader_stopped() {
    let bench = Bench::new();
    bench.tell("call.ringing", json!({ "id": 1 }));
    bench.tell("call.answered", json!({ "id": 1, "to": "+12125550100" }));
    bench.tell("agent.state", json!({ "name": "ann" }));
    let mut reader = open(&bench, Role::Agent, "", "77-1");
    assert_eq!(
        next(&mut reader),
        ("77-2".to_owned(), "call.answered".to_owned(), json!({ "id": 1, "to": "+12125550100" }))
    );
    assert_eq!(next(&mut reader).0, "77-3");
    bench.tell("call.ended", json!({ "id": 1 }));
    assert_eq!(next(&mut reader).1, "call.ended");
    // Another run, or rubbish: something is lost, and the reader is told.
    for id in ["76-1", "rubbish", "77-4000"] {
        let mut reader = open(&bench, Role::Agent, "", id);
        assert_eq!(next(&mut reader).1, "reset", "{id}");
    }
    let mut viewer = open(&bench, Role::Viewer, "?kinds=call.*&after=77-0", "");
    assert_eq!(next(&mut viewer).1, "call.ringing");
    assert_eq!(next(&mut viewer).2["to"], "+1***00");
    assert_eq!(next(&mut viewer).1, "call.ended");
}

#[test]
fn the_board_comes_by_itself_without_a_number_and_only_to_who_wants_it() {
    let bench = Bench::new();
    let mut board = open(&bench, Role::Viewer, "?kinds=board", "");
    let (id, kind, first) = any(&mut board);
    assert_eq!((id, kind.as_str()), (None, "board"));
    assert_eq!(
        (&first["agents"]["ready"], &first["calls"], &first["store"]["state"]),
        (&json!(1), &json!(0), &json!("ok"))
    );
    assert_eq!(first["trunks"][0]["name"], "carrier");
    let asked = bench.get(Role::Viewer, "/api/v1/board").is(200).json();
    assert_eq!(asked.as_object().unwrap().len(), first.as_object().unwrap().len());
    // What changes is on a later board; numbered events pass by this reader.
    let call = json!({ "to": "+12125550100", "trunk": "carrier", "connect": { "echo": true } });
    bench.post(Role::Agent, "/api/v1/calls", &call).is(201);
    bench.tell("call.answered", json!({ "id": 7 }));
    loop {
        let (id, kind, data) = any(&mut board);
        assert_eq!((id, kind.as_str()), (None, "board"));
        assert!(!data.to_string().contains("2125550100"), "{data}");
        if data["calls"] == 1 {
            break;
        }
    }
    // Who resumes goes on after the last number, boards between or not; who names other kinds gets no board.
    let mut all = open(&bench, Role::Viewer, "", "77-0");
    assert_eq!(next(&mut all).0, "77-1");
    while any(&mut all).1 != "board" {}
    bench.tell("call.ended", json!({ "id": 7 }));
    assert_eq!(next(&mut all).0, "77-2");
    let mut calls = open(&bench, Role::Viewer, "?kinds=call.*&after=77-0", "");
    let kinds: Vec<String> = (0..2).map(|_| any(&mut calls).1).collect();
    assert_eq!(kinds, ["call.answered", "call.ended"]);
}

#[test]
fn streams_end_with_their_token_and_with_the_server() {
    let mut bench = Bench::new();
    let made = bench.post(Role::Admin, "/api/v1/tokens", &json!({ "name": "x", "role": "admin" })).is(201).json();
    let own = bench.tokens.insert(Role::Admin, made["token"].as_str().unwrap().to_owned()).unwrap();
    let mut withdrawn = open(&bench, Role::Admin, "", "");
    bench.tokens.insert(Role::Admin, own);
    bench.send(Role::Admin, "DELETE", &format!("/api/v1/tokens/{}", made["id"]), None, &[]).is(204);
    let mut rest = Vec::new();
    // Ends by itself within the life of a checked token.
    withdrawn.read_to_end(&mut rest).unwrap();
    let mut watching = open(&bench, Role::Viewer, "", "");
    drop(bench.stop.take());
    watching.read_to_end(&mut rest).unwrap();
}

#[test]
fn three_hundred_slow_clients_do_not_starve_a_good_one() {
    let bench = Bench::new();
    let slow: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = TcpStream::connect(bench.address).unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ").unwrap();
            stream
        })
        .collect();
    for _ in 0..20 {
        request(bench.address, "GET", "/healthz", None, &[]).is(200);
        bench.get(Role::Viewer, "/api/v1/whoami").is(200);
    }
    drop(slow);
}

#[test]
fn a_change_is_finished_when_its_sender_is_gone() {
    let bench = Bench::new();
    let body = json!({ "to": "+12125550100", "trunk": "carrier", "connect": { "echo": true } }).to_string();
    let mut stream = TcpStream::connect(bench.address).unwrap();
    let token = &bench.tokens[&Role::Agent];
    write!(
        stream,
        "POST /api/v1/calls HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nidempotency-key: gone\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    until(|| bench.asked("Originate") == 1);
    drop(stream);
    let again = || bench.send(Role::Agent, "POST", "/api/v1/calls", Some(&body), &[("idempotency-key", "gone")]);
    until(|| again().status == 201);
    assert_eq!(again().header("idempotency-replayed"), "true");
    assert_eq!(bench.asked("Originate"), 1);
}
