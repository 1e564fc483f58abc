//! The server goes away in every way: nothing that was acknowledged is lost, nothing is written twice.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::*;

/// A bound for what must happen some time; nothing is measured by it.
const LONG: Duration = Duration::from_secs(90);

fn spooling(folder: &Path, spool_ops_max: u64) -> OpenOptions {
    OpenOptions { spool_dir: Some(folder.to_owned()), spool_ops_max, as_it_is: false }
}

/// A server of its own, a spool folder, and a store with leads over both.
struct Bench {
    store: Store,
    acks: Receiver<Ack>,
    campaign: CampaignId,
    list: ListId,
    folder: tempfile::TempDir,
    server: Postgres,
}

fn bench(leads: usize, spool_ops_max: u64) -> Bench {
    let server = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let (store, acks) = Store::open_with(&server.url(), spooling(folder.path(), spool_ops_max)).unwrap();
    let campaign = store.ensure_campaign(TENANT, "spring", at(0)).unwrap();
    let list = store.create_list(TENANT, "people", at(0)).unwrap();
    for batch in new_leads(0..leads).chunks(IMPORT_BATCH_MAX) {
        store.import_leads(TENANT, list, batch.to_vec(), at(0)).unwrap();
    }
    Bench { store, acks, campaign, list, folder, server }
}

/// A row that nothing keeps from being written twice but the store's own care.
fn consent_of(n: u64) -> Op {
    Op::Consent(ConsentRow {
        tenant: TENANT,
        number: number(n as usize),
        action: Action::Add,
        scope: "marketing".to_owned(),
        source: "test".to_owned(),
        proof: None,
        at: at(n as i64),
    })
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !done() {
        assert!(begun.elapsed() < LONG, "it never came to: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn is_away(store: &Store) -> bool {
    matches!(store.health(), Health::Away { .. })
}

/// Submits op `n` of the stream and gives its ack's result.
fn put(b: &Bench, n: u64, op: Op) -> Result<(), StoreError> {
    b.store.submit(n, op).unwrap();
    let ack = b.acks.recv_timeout(LONG).unwrap();
    assert_eq!(ack.token, n);
    ack.result
}

/// The database's rows: each consent and each attempt exactly once.
fn assert_once(server: &Postgres, consents: u64, attempts: u64) {
    let same = |what: &str, table: &str, column: &str, count: u64| {
        let sql = format!(
            "DO $$ BEGIN IF (SELECT COUNT(*) FROM {table}) <> {count} OR \
             (SELECT COUNT(DISTINCT {column}) FROM {table}) <> {count} THEN \
             RAISE EXCEPTION '% rows, % different', (SELECT COUNT(*) FROM {table}), \
             (SELECT COUNT(DISTINCT {column}) FROM {table}); END IF; END $$"
        );
        server.execute_in("outpace", &sql).unwrap_or_else(|error| panic!("{what}, {count} wanted: {error}"));
    };
    same("consents", "consent", "number", consents);
    same("attempts", "attempt", "attempt_id", attempts);
}

#[test]
fn a_server_that_is_killed_again_and_again_in_mid_stream_loses_nothing() {
    let mut b = bench(3_000, SPOOL_OPS_MAX);
    let leads = all_leads(&b);
    let mut next = 0;
    let stream = |b: &Bench, next: &mut u64, ops: u64| {
        for _ in 0..ops {
            *next += 1;
            let op = if (*next).is_multiple_of(3) {
                Op::Intent(intent(b.campaign, leads[*next as usize / 3], *next, 1))
            } else {
                consent_of(*next)
            };
            b.store.submit(*next, op).unwrap();
        }
    };
    for round in 0..4 {
        stream(&b, &mut next, 800);
        // In the midst of the stream: acks of the first part have not all come.
        std::thread::sleep(Duration::from_millis(5 * round));
        b.server.kill();
        stream(&b, &mut next, 400);
        b.store.flush().unwrap();
        let acks: Vec<Ack> = b.acks.try_iter().collect();
        assert!(acks.iter().all(|ack| ack.result.is_ok()), "{:?}", acks.iter().find(|ack| ack.result.is_err()));
        let Health::Away { spooled_ops, spool_full, error, .. } = b.store.health() else { panic!("it must be away") };
        assert!((400..=1_200).contains(&spooled_ops) && !spool_full, "{spooled_ops}");
        assert!(error.contains("is the database running?"), "{error}");
        assert_eq!(b.store.counts(TENANT, b.list).unwrap_err().kind, ErrorKind::Away);
        b.server.restart();
        wait_until("the database is back and has everything", || !is_away(&b.store));
        assert_once(&b.server, next - next / 3, next / 3);
    }
    let stats = b.store.stats();
    assert_eq!((stats.ops_written, stats.ops_failed, stats.replay_refused), (next, 0, 0));
    assert!(stats.ops_spooled >= 1_600, "{}", stats.ops_spooled);
    assert_eq!(b.store.counts(TENANT, b.list).unwrap().total, 3_000);
    let spool = b.folder.path().join("outpace.spool");
    assert_eq!(spool.metadata().unwrap().len(), 28, "an empty spool is its head");
}

fn all_leads(b: &Bench) -> Vec<LeadId> {
    let mut leads: Vec<LeadId> = Vec::new();
    loop {
        let page = b.store.leads(TENANT, b.list, leads.last().copied(), 0).unwrap();
        if page.is_empty() {
            return leads;
        }
        leads.extend(page.iter().map(|row| row.lead));
    }
}

#[test]
fn a_server_that_freezes_is_noticed_and_its_late_commit_is_not_repeated() {
    let b = bench(0, SPOOL_OPS_MAX);
    let mut next = 0;
    for round in 0..3 {
        // Frozen in the midst of a stream of commits, in another moment each time.
        for _ in 0..600 {
            next += 1;
            b.store.submit(next, consent_of(next)).unwrap();
        }
        std::thread::sleep(Duration::from_millis(7 * round));
        b.server.sigstop();
        b.store.flush().unwrap();
        // Acknowledged while nothing of the server moves.
        next += 1;
        assert_eq!(put_after(&b, next), Ok(()));
        assert!(is_away(&b.store));
        assert_eq!(b.store.tokens(TENANT).unwrap_err().kind, ErrorKind::Away);
        assert_eq!(b.store.create_list(TENANT, "later", at(0)).unwrap_err().kind, ErrorKind::Away);
        if round == 0 {
            std::thread::sleep(Duration::from_secs(10));
        }
        b.server.sigcont();
        wait_until("the server goes on and has everything", || !is_away(&b.store));
        assert_once(&b.server, next, 0);
    }
}

/// Drains the acks of the stream, all `Ok`, and then puts one more.
fn put_after(b: &Bench, n: u64) -> Result<(), StoreError> {
    assert!(b.acks.try_iter().all(|ack| ack.result.is_ok()));
    put(b, n, consent_of(n))
}

#[test]
fn a_server_that_is_gone_without_work_is_noticed_too() {
    let mut b = bench(0, SPOOL_OPS_MAX);
    b.server.stop();
    wait_until("the silence is heard", || is_away(&b.store));
    b.server.restart();
    wait_until("the server is back", || !is_away(&b.store));
    assert_eq!(b.store.find_list(TENANT, "people").unwrap(), Some(b.list));
}

#[test]
fn a_nearly_full_spool_refuses_intents_and_still_takes_the_ends_of_calls() {
    let mut b = bench(60, 40);
    let leads = all_leads(&b);
    for n in 1..=20 {
        put(&b, n, Op::Intent(intent(b.campaign, leads[n as usize], n, 1))).unwrap();
    }
    b.server.stop();
    wait_until("the silence is heard", || is_away(&b.store));
    let mut kept = 20;
    let refused = loop {
        let n = kept + 1;
        match put(&b, n, Op::Intent(intent(b.campaign, leads[n as usize], n, 1))) {
            Ok(()) => kept = n,
            Err(error) => break error,
        }
    };
    assert_eq!((kept, refused.kind), (50, ErrorKind::Busy), "{refused}: 30 of 40 places are for intents");
    assert!(matches!(b.store.health(), Health::Away { intents_refused: true, spool_full: false, spooled_ops: 30, .. }));
    for n in 1..=10 {
        put(&b, 100 + n, Op::AttemptClose(close(n, n as i64), None)).unwrap();
    }
    assert!(matches!(b.store.health(), Health::Away { intents_refused: true, spool_full: true, spooled_ops: 40, .. }));
    assert_eq!(put(&b, 111, Op::AttemptClose(close(11, 11), None)).unwrap_err().kind, ErrorKind::Busy);
    b.server.restart();
    wait_until("the server is back", || !is_away(&b.store));
    put(&b, 111, Op::AttemptClose(close(11, 11), None)).unwrap();
    put(&b, 51, Op::Intent(intent(b.campaign, leads[51], 51, 1))).unwrap();
    let rows = b.store.attempts(TENANT, Filter::default()).unwrap();
    assert_eq!(rows.iter().map(|row| row.intent.attempt.0).collect::<Vec<_>>(), (1..=51).collect::<Vec<_>>());
    assert_eq!(rows.iter().filter(|row| row.close.is_some()).count(), 11);
}

#[test]
fn what_the_database_refuses_later_is_put_beside_and_the_rest_is_written() {
    let mut b = bench(2, SPOOL_OPS_MAX);
    let leads = all_leads(&b);
    b.server.kill();
    wait_until("the silence is heard", || is_away(&b.store));
    put(&b, 1, consent_of(1)).unwrap();
    // Nobody can know now that there is no such lead.
    put(&b, 2, Op::Intent(intent(b.campaign, LeadId(999), 2, 1))).unwrap();
    put(&b, 3, Op::Intent(intent(b.campaign, leads[0], 3, 1))).unwrap();
    // What no database could hold is refused at once.
    let long = EventRow { tenant: TENANT, attempt: AttemptId(3), at: at(0), body: "x".repeat(TEXT_BYTES_MAX + 1) };
    assert_eq!(put(&b, 4, Op::Event(long)).unwrap_err().kind, ErrorKind::Value);
    b.server.restart();
    wait_until("the server is back", || !is_away(&b.store));
    assert_once(&b.server, 1, 1);
    assert_eq!(b.store.stats().replay_refused, 1);
    let beside = std::fs::read_to_string(b.folder.path().join("outpace.spool.refused")).unwrap();
    assert_eq!(beside.lines().count(), 1);
    assert!(beside.contains("lead 999"), "{beside}");
}

#[test]
fn a_spool_that_was_replayed_but_not_emptied_is_not_written_again() {
    let mut b = bench(0, SPOOL_OPS_MAX);
    let spool = b.folder.path().join("outpace.spool");
    b.server.stop();
    wait_until("the silence is heard", || is_away(&b.store));
    for n in 1..=700 {
        put(&b, n, consent_of(n)).unwrap();
    }
    // What a kill between the last commit and the emptying of the file leaves: all of it there, and in the database.
    let full = std::fs::read(&spool).unwrap();
    b.server.restart();
    wait_until("the server is back", || !is_away(&b.store));
    b.store.close().unwrap();
    std::fs::write(&spool, &full).unwrap();
    let (store, acks) = Store::open_with(&b.server.url(), spooling(b.folder.path(), SPOOL_OPS_MAX)).unwrap();
    assert_once(&b.server, 700, 0);
    store.submit(701, consent_of(701)).unwrap();
    store.flush().unwrap();
    assert_eq!(acks.recv().unwrap().result, Ok(()));
    assert_once(&b.server, 701, 0);
    store.close().unwrap();

    // A spool of one database is not written to another; an empty one may go with any.
    std::fs::write(&spool, &full).unwrap();
    let other = b.server.create_database("other");
    let error = Store::open_with(&other, spooling(b.folder.path(), SPOOL_OPS_MAX)).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Schema, "{error}");
    std::fs::write(&spool, &full[..28]).unwrap();
    Store::open_with(&other, spooling(b.folder.path(), SPOOL_OPS_MAX)).unwrap();
}

#[test]
fn without_a_spool_or_a_server_the_fault_is_said() {
    let mut server = Postgres::start();
    let (store, acks) = Store::open(&server.url()).unwrap();
    server.stop();
    let error = Store::open(&server.url()).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Away, "{error}");
    assert!(error.to_string().contains("is the database running?"), "{error}");
    store.submit(1, consent_of(1)).unwrap();
    assert_eq!(acks.recv_timeout(LONG).unwrap().result.unwrap_err().kind, ErrorKind::Away);
    server.restart();
    wait_until("the server is back", || !is_away(&store));
    store.submit(2, consent_of(2)).unwrap();
    assert_eq!(acks.recv_timeout(LONG).unwrap().result, Ok(()));
    let wrong = format!("{}_nowhere", server.url());
    assert_eq!(Store::open(&wrong).err().unwrap().kind, ErrorKind::Address);
    let (by_socket, _acks) = Store::open(&server.socket_url()).unwrap();
    assert!(by_socket.campaigns(TENANT).unwrap().is_empty());
}

/// Set in the child: the server's url and the folder of the spool.
const CHILD: &str = "STORE_TEST_AWAY_CHILD";

#[test]
fn a_process_that_is_killed_while_its_server_is_away_leaves_everything_in_the_spool() {
    if let Ok(told) = std::env::var(CHILD) {
        let (url, folder) = told.split_once(' ').unwrap();
        let (store, acks) = Store::open_with(url, spooling(Path::new(folder), SPOOL_OPS_MAX)).unwrap();
        crash::stream(&store, &acks, consent_of);
    }
    let mut b = bench(0, SPOOL_OPS_MAX);
    b.store.close().unwrap();
    let spool = b.folder.path().join("outpace.spool");
    for round in 0..2 {
        let told = format!("{} {}", b.server.url(), b.folder.path().display());
        let name = "tests::away::a_process_that_is_killed_while_its_server_is_away_leaves_everything_in_the_spool";
        let mut lost_server = false;
        let server = &mut b.server;
        let said = crash::kill_child(name, CHILD, &told, |said| {
            if said >= 500 && !lost_server {
                server.kill();
                lost_server = true;
            }
            said >= 1_500
        });
        assert!(spool.metadata().unwrap().len() > 10_000, "the rest must be in the spool");
        if round == 0 {
            // A record that a kill tore.
            let mut file = std::fs::OpenOptions::new().append(true).open(&spool).unwrap();
            file.write_all(&[200, 0, 0, 0, 1, 2, 3, 4, b'{']).unwrap();
        }
        b.server.restart();
        let (store, _acks) = Store::open_with(&b.server.url(), spooling(b.folder.path(), SPOOL_OPS_MAX)).unwrap();
        assert_eq!(store.health(), Health::Ok);
        let found = written(&b.server);
        for token in &said {
            let wanted = number(*token as usize);
            assert!(found.binary_search(&wanted).is_ok(), "round {round}: {wanted} was acknowledged and is lost");
        }
        store.close().unwrap();
        b.server.execute_in("outpace", "ALTER TABLE consent DISABLE TRIGGER USER; DELETE FROM consent").unwrap();
        assert!(round != 0 || b.folder.path().join("outpace.spool.torn").exists());
    }
}

/// The numbers of all consents in order, none of them there twice.
fn written(server: &Postgres) -> Vec<String> {
    server.execute_in("outpace", "CREATE UNIQUE INDEX IF NOT EXISTS once ON consent (number)").unwrap();
    let (store, _acks) = Store::open(&server.url()).unwrap();
    let (mut found, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = store.consents(TENANT, "marketing", after.as_deref(), 0).unwrap();
        let Some((_, last)) = page.last() else { return found };
        after = Some(last.number.clone());
        found.extend(page.into_iter().map(|(_, row)| row.number));
    }
}
