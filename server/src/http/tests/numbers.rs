//! Lists of numbers that are longer than any other body, and those that break off.

use super::*;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

/// What stands behind the number of a line is passed over, so that long lines make a long body of few numbers.
const LONG_BYTES: usize = 5_000;

const PLACE: &str = "/api/v1/number-lists?kind=do_not_call&source=ftc&as_of=2026-01-02";

/// A load whose parts are sent one by one.
struct Sender(TcpStream);

impl Sender {
    fn begin(bench: &Bench) -> Sender {
        let mut line = TcpStream::connect(bench.address).unwrap();
        line.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let token = &bench.tokens[&Role::Supervisor];
        write!(
            line,
            "POST {PLACE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: text/csv\r\n\
             connection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        .unwrap();
        Sender(line)
    }

    fn part(&mut self, text: &str) {
        write!(self.0, "{:x}\r\n{text}\r\n", text.len()).unwrap();
    }

    /// The whole answer, head and all.
    fn end(mut self) -> String {
        write!(self.0, "0\r\n\r\n").unwrap();
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// So many lines of this many bytes, each with a number of its own.
fn lines(from: usize, to: usize, bytes: usize) -> String {
    let rest = "x".repeat(bytes - 14);
    (from..to).map(|n| format!("+1212{:07},{rest}\n", 2_000_000 + n)).collect()
}

fn loads(bench: &Bench) -> Vec<Value> {
    bench.get(Role::Viewer, "/api/v1/number-lists/loads").is(200).json()["items"].as_array().unwrap().clone()
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_list_longer_than_any_other_body_comes_in_part_by_part() {
    let bench = Bench::new();
    let mut sender = Sender::begin(&bench);
    let (step, steps) = (1_000, UPLOAD_BYTES_MAX / (LONG_BYTES * 1_000) + 2);
    // From the last to the first: the order of the file is nobody's business.
    for at in (0..steps).rev() {
        sender.part(&lines(at * step, (at + 1) * step, LONG_BYTES));
    }
    let answer = sender.end();
    let numbers = steps * step;
    assert!(numbers * LONG_BYTES > UPLOAD_BYTES_MAX && answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(&format!("{{\"numbers\":{numbers},\"rejected\":0")), "{answer}");
    let listed = |n: usize| {
        !bench.store.screened(TenantId::DEFAULT, &[format!("+1212{:07}", 2_000_000 + n)]).unwrap().is_empty()
    };
    assert!(listed(0) && listed(step) && listed(numbers - 1) && !listed(numbers));
    assert!(loads(&bench).is_empty());
}

#[test]
fn a_list_that_breaks_off_leaves_the_one_before() {
    let bench = Bench::new();
    let load = |body: &str| bench.send(Role::Supervisor, "POST", PLACE, Some(body), &[("content-type", "text/csv")]);
    load("+12125550100\n").is(200);
    let in_force = || {
        let lists = bench.get(Role::Viewer, "/api/v1/number-lists").is(200).json();
        lists["items"].as_array().unwrap().iter().map(|list| list["numbers"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let mut sender = Sender::begin(&bench);
    sender.part(&lines(0, 10_000, 20));
    let seen = wait_for("the lines to be read", || loads(&bench).pop().filter(|load| load["lines"] == 10_000));
    assert_eq!((&seen["state"], &seen["numbers"], &seen["stored"]), (&"receiving".into(), &10_000.into(), &0.into()));
    assert_eq!((&seen["source"], &seen["bytes"], &seen["bytes_total"]), (&"ftc".into(), &200_000.into(), &Value::Null));
    // One at a time, whoever asks; and the list before counts on.
    let other = load("+12125550101\n").is(429);
    assert_eq!(other.header("retry-after"), "10");
    assert_eq!(in_force(), [1]);
    sender.0.shutdown(Shutdown::Both).unwrap();
    wait_for("the load to be given up", || loads(&bench).is_empty().then_some(()));
    assert_eq!(in_force(), [1]);
    assert_eq!(bench.store.screened(TenantId::DEFAULT, &["+12125550100".to_owned()]).unwrap().len(), 1);

    // The wrong column is refused, and the next file comes in.
    let refused = load("name\nAnn\nBob\n").is(422);
    assert!(refused.text.contains("0 numbers and 3 lines without one"), "{refused:?}");
    assert_eq!(load("+12125550102\n+12125550103\n").is(200).json()["numbers"], 2);
    assert_eq!(in_force(), [2]);
    // A key stands for source and day, so the second body is not even read.
    let key = [("content-type", "text/csv"), ("idempotency-key", "once")];
    let first = bench.send(Role::Supervisor, "POST", PLACE, Some(&lines(0, 2_000, 20)), &key).is(200);
    let again = bench.send(Role::Supervisor, "POST", PLACE, Some("+12125550102\n"), &key).is(200);
    assert_eq!((first.json(), again.header("idempotency-replayed")), (again.json(), "true"));
    assert_eq!(in_force(), [2_000]);
}

#[test]
fn a_source_is_taken_out_of_force() {
    let bench = Bench::new();
    let load = |body: &str| bench.send(Role::Supervisor, "POST", PLACE, Some(body), &[("content-type", "text/csv")]);
    load("+12125550100\n").is(200);
    let remove = |kind: &str, source: &str| {
        bench.send(Role::Supervisor, "DELETE", &format!("/api/v1/number-lists/{kind}/{source}"), None, &[])
    };
    for (kind, source) in [("reassigned", "ftc"), ("do_not_call", "fcc"), ("other", "ftc")] {
        remove(kind, source).is(404);
    }
    remove("do_not_call", "ftc").is(204);
    assert!(bench.store.screened(TenantId::DEFAULT, &["+12125550100".to_owned()]).unwrap().is_empty());
    assert_eq!(bench.get(Role::Viewer, "/api/v1/number-lists").is(200).json()["items"], json!([]));
    remove("do_not_call", "ftc").is(404);
}
