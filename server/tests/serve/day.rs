//! What an operator does in a day, all of it over the API: agents, a list, a campaign, changes while it runs, the end.

use crate::harness::{Database, wait_for};
use crate::stage::Stage;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

const CALLEES: &str = r#"
[dial]
human = 0.6
machine = 0.15
busy = 0.1
fail = 0.05
post_dial_s = { dist = "uniform", min = 0.02, max = 0.2 }
human_ring_s = { dist = "uniform", min = 0.1, max = 0.6 }
machine_ring_s = { dist = "uniform", min = 0.1, max = 0.6 }
[agent]
talk_s = { dist = "uniform", min = 1, max = 2 }
"#;

const AGENTS: usize = 4;
const ROWS: usize = 600;

#[test]
fn a_day_of_an_operator() {
    let stage = Stage::set(Database::Sqlite, CALLEES, AGENTS, 0, 31);
    let (site, api) = (&stage.site, &stage.api);
    // The file knows the trunk alone; everything else comes over the API and must be there after a restart.
    let trunk_only = stage.sections.split("[[agent]]").next().unwrap_or_default().to_owned();
    site.configure("drain_s = 60", &trunk_only);
    let mut product = site.start();
    product.ready();
    let (events, heard) = listen(site.http, api.token());

    // The list: rows that are no leads are given back, those that are there already are counted.
    api.change("POST", "/api/v1/lists", json!({ "name": "summer" }));
    assert_eq!(api.send("POST", "/api/v1/lists", &json!({ "name": "summer" })).0, 409);
    let (mut csv, zone) = ("Telefon,first_name,last_name,timezone\n".to_owned(), crate::harness::daytime_zone());
    for n in 0..ROWS {
        csv.push_str(&format!("+1 (212) 2{:02}-{:04},Ann,Lee{n},{zone}\n", n / 10_000, n % 10_000));
    }
    csv.push_str("12,Bad,Number,\n,Empty,Number,\n+1 (212) 200-0001,Again,Lee,\n");
    let (status, begun) = api.upload("/api/v1/lists/summer/import?map=phone=Telefon", "text/csv", &csv);
    assert_eq!(status, 202, "{begun}");
    let path = format!("/api/v1/imports/{}", begun["import"]);
    let import = wait_for("the import", || Some(api.see(&path)).filter(|import| import["state"] != "running"));
    assert_eq!(
        (&import["state"], &import["accepted"], &import["rejected"], &import["duplicates"]),
        (&json!("done"), &json!(ROWS), &json!(2), &json!(1)),
        "{import}"
    );
    let rejected = api.text(&format!("{path}/rejected.csv"));
    assert_eq!(rejected.lines().count(), 1 + 3, "{rejected}");
    assert_eq!(api.see("/api/v1/lists/summer")["leads"], ROWS);

    // Agents: made, called, ready.
    for agent in 0..AGENTS {
        let sip = format!("sip:agent{agent}@{}", stage.phones.sip());
        let made = api.change("POST", "/api/v1/agents", json!({ "name": format!("agent{agent}"), "sip": sip }));
        assert_eq!(made["state"], "logged_out", "{made}");
    }
    assert_eq!(stage.phones.book().calls.len(), 0, "nobody is called before he wants to work");
    let set = |agent: usize, state: &str| {
        api.change("POST", &format!("/api/v1/agents/agent{agent}/state"), json!({ "state": state }));
    };
    let is = |agent: usize, state: &str| {
        wait_for(&format!("agent{agent} to be {state}"), || {
            (api.see(&format!("/api/v1/agents/agent{agent}"))["state"] == state).then_some(())
        });
    };
    for agent in 0..AGENTS {
        set(agent, "ready");
    }
    (0..AGENTS).for_each(|agent| is(agent, "ready"));
    assert_eq!(stage.phones.book().up().count(), AGENTS);

    // The campaign: refused with all its faults, then made, and started.
    let (status, problem) =
        api.send("POST", "/api/v1/campaigns", &json!({ "name": "sale", "list": "summer", "mode": "magic" }));
    assert_eq!(status, 422, "{problem}");
    assert!(problem["errors"].as_array().is_some_and(|errors| errors.len() >= 3), "{problem}");
    let settings = json!({
        "name": "sale", "list": "summer", "trunk": "carrier", "caller_id": "+12125550100",
        "profile": "us-ftc", "timezone": crate::harness::daytime_zone(),
    });
    assert_eq!(api.change("POST", "/api/v1/campaigns", settings)["state"], "stopped");
    let sale = "/api/v1/campaigns/sale";
    // Its profile asks for lists of numbers; one of them names somebody of the list.
    let listed = "+12122000008";
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    for (kind, numbers) in [("reassigned", "phone\n+12122009999\n".to_owned()), ("do_not_call", format!("{listed}\n"))]
    {
        let place = format!("/api/v1/number-lists?kind={kind}&source=test&as_of={today}");
        let (status, loaded) = api.upload(&place, "text/csv", &numbers);
        assert_eq!((status, &loaded["numbers"]), (200, &json!(1)), "{loaded}");
    }
    // A number that must not be called: nobody calls it.
    let spared = "+12122000007";
    api.change("POST", "/api/v1/do-not-call", json!({ "number": spared, "reason": "asked" }));
    assert_eq!(api.change("POST", &format!("{sale}/start"), Value::Null)["state"], "running");
    wait_for("connected calls", || (api.see(sale)["outcomes"]["connected"].as_u64()? >= 5).then_some(()));

    // Tuned while it runs; what makes no sense is refused and changes nothing.
    let tuned = api.change("PATCH", sale, json!({ "limit": 0.02, "ring_timeout_s": 30 }));
    assert_eq!((&tuned["settings"]["limit"], &tuned["state"]), (&json!(0.02), &json!("running")), "{tuned}");
    assert_eq!(api.send("PATCH", sale, &json!({ "ring_timeout_s": 5 })).0, 422, "shorter than the profile allows");
    assert_eq!(api.see(sale)["settings"]["ring_timeout_s"], 30);

    // A break: after the call in hand, if there is one. The phone stays up.
    set(0, "on_break");
    is(0, "on_break");
    assert_eq!(stage.phones.book().up().count(), AGENTS);
    // Logged out: the phone is hung up. Back again: it is called.
    set(1, "logged_out");
    is(1, "logged_out");
    wait_for("the phone to be hung up", || (stage.phones.book().up().count() == AGENTS - 1).then_some(()));
    set(1, "ready");
    set(0, "ready");
    wait_for("both to work again", || (stage.phones.book().up().count() == AGENTS).then_some(()));

    // Paused: calls under way go on, none is added. A restart keeps the pause, the settings, the agents.
    assert_eq!(api.change("POST", &format!("{sale}/pause"), Value::Null)["state"], "paused");
    wait_for("the calls to end", || api.see("/api/v1/calls")["items"].as_array()?.is_empty().then_some(()));
    let invites = stage.invites();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(stage.invites(), invites, "nothing is dialled in a pause");
    let connected = api.see(sale)["ledger"][0]["connected"].clone();
    product.signal("TERM");
    assert!(product.ended().success(), "{}", product.log());
    product = site.start();
    product.ready();
    let after = api.see(sale);
    assert_eq!((&after["state"], &after["settings"]["ring_timeout_s"]), (&json!("paused"), &json!(30)), "{after}");
    assert_eq!(after["ledger"][0]["connected"], connected, "the compliance figure goes on");
    is(0, "logged_out");
    for agent in 0..AGENTS {
        set(agent, "ready");
    }
    api.change("POST", &format!("{sale}/start"), Value::Null);
    wait_for("new calls", || (stage.invites() > invites + 5).then_some(()));

    // The end of the day: stop, records, drain.
    assert_eq!(api.change("POST", &format!("{sale}/stop"), Value::Null)["state"], "stopped");
    wait_for("the calls to end", || api.see("/api/v1/calls")["items"].as_array()?.is_empty().then_some(()));
    // Their rows are on the disk some milliseconds after they have left the picture.
    let path = format!("{sale}/report");
    let report = wait_for("all rows", || Some(api.see(&path)).filter(|report| report["open"] == 0));
    let cdrs = api.see("/api/v1/cdrs?campaign=sale&limit=1000");
    assert_eq!(cdrs["items"].as_array().map(Vec::len), report["answered"].as_u64().map(|n| n as usize), "{report}");
    product.signal("TERM");
    assert!(product.ended().success(), "{}", product.log());
    drop(events);
    let heard = heard.join().expect("the reader of events");
    for kind in ["agent.state", "campaign.state", "call.dialling", "call.answered", "call.connected", "call.ended"] {
        assert!(heard.iter().any(|event| event == kind), "no event {kind} in {heard:?}");
    }

    let list = site.with_store(|store| store.find_list(crate::harness::TENANT, "summer")).expect("a store");
    let books = crate::books::Books::read(site, list.expect("the list"));
    let (calls, _) = stage.carrier.stop();
    let faults = books.faults(ROWS, &calls);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let forbidden = |number: &str| number == spared || number == listed;
    assert!(!calls.iter().any(|call| forbidden(&call.number)), "a number was called that must not be");
    assert_eq!(report["attempts"].as_u64(), Some(books.attempts.len() as u64));
}

/// Reads the kinds of all events until the server or the caller closes the stream.
fn listen(http: std::net::SocketAddr, token: &str) -> (TcpStream, std::thread::JoinHandle<Vec<String>>) {
    let mut stream = TcpStream::connect(http).expect("the API");
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nHost: {http}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("a request");
    let reader = BufReader::new(stream.try_clone().expect("a second grip"));
    let thread = std::thread::spawn(move || {
        let lines = reader.lines().map_while(Result::ok);
        lines.filter_map(|line| Some(line.strip_prefix("event: ")?.to_owned())).collect()
    });
    (stream, thread)
}
