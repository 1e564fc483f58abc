//! What was acknowledged survives `kill -9`; a store opens again, and not every file is a store.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;

/// Set in the child: the url of the store that it writes until it is killed.
const CHILD_URL: &str = "STORE_TEST_CHILD_URL";
const CHILD_LEADS: u64 = 20_000;

fn every_acknowledged_op_survives_a_kill(on: Backend) {
    if let Ok(url) = std::env::var(CHILD_URL) {
        let (store, acks) = Store::open(&url).unwrap();
        stream(&store, &acks, |n| Op::Intent(intent(CampaignId(1), LeadId(n), n, 1)));
    }
    for round in 0..3 {
        let f = fixture(on, 0);
        let people = new_leads(0..CHILD_LEADS as usize);
        for batch in people.chunks(IMPORT_BATCH_MAX) {
            f.store.import_leads(TENANT, f.list, batch.to_vec(), at(0)).unwrap();
        }
        f.store.close().unwrap();
        let name = format!("tests::crash::{}::every_acknowledged_op_survives_a_kill", format!("{on:?}").to_lowercase());
        let enough = 700 + round * 900;
        let acknowledged = kill_child(&name, CHILD_URL, &f.home.url(), |said| said >= enough);

        let (store, _acks) = Store::open(&f.home.url()).unwrap();
        let mut found = BTreeSet::new();
        let mut after = None;
        loop {
            let page = store.attempts(TENANT, Filter { after, ..Filter::default() }).unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.intent.attempt.0);
            for row in page {
                assert!(found.insert(row.intent.attempt.0), "attempt {} twice", row.intent.attempt);
            }
        }
        let lost: Vec<_> = acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "lost after the kill: {lost:?}");
        assert!(found.len() < CHILD_LEADS as usize, "the kill came after the end");
        // Lead and attempt moved together: exactly the leads of the found attempts are `dialling`.
        let counts = store.counts(TENANT, f.list).unwrap();
        let dialling = counts.by_state.iter().find(|(state, _)| state == "dialling").map_or(0, |(_, leads)| *leads);
        assert_eq!(dialling, found.len() as u64);
        println!("killed after {} acks: {} attempts in the store", acknowledged.len(), found.len());
    }
}

/// Runs the test `name` of this program once more with `variable` set, until `enough` of what it acknowledges has been
/// said; then kills it. Gives the tokens that it said.
pub(super) fn kill_child(
    name: &str,
    variable: &str,
    value: &str,
    mut enough: impl FnMut(usize) -> bool,
) -> BTreeSet<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(variable, value)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = BTreeSet::new();
    // The harness prints lines of its own; ours begin with "ack ". After the kill the pipe still gives what the
    // child had said, up to a torn line.
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
        let line = line.unwrap();
        let Some(token) = line.strip_prefix(b"ack ").and_then(|rest| rest.strip_suffix(b".")) else { continue };
        acknowledged.insert(std::str::from_utf8(token).unwrap().parse::<u64>().unwrap());
        if !killed && enough(acknowledged.len()) {
            child.kill().unwrap();
            killed = true;
        }
    }
    let end = child.wait().unwrap();
    assert!(killed && !end.success(), "the child must die by the kill, not by itself: {end}");
    acknowledged
}

/// In the child: writes ops as fast as they are taken and says each acknowledged one; never returns.
pub(super) fn stream(store: &Store, acks: &Receiver<Ack>, op: impl Fn(u64) -> Op) -> ! {
    let mut said = std::io::stdout();
    let mut next = 1;
    loop {
        while next <= CHILD_LEADS && next % 200 != 0 {
            if store.submit(next, op(next)).is_err() {
                break;
            }
            next += 1;
        }
        next += u64::from(next % 200 == 0);
        let Ok(ack) = acks.recv_timeout(std::time::Duration::from_secs(20)) else {
            panic!("nobody killed the child");
        };
        for ack in std::iter::once(ack).chain(acks.try_iter()) {
            ack.result.unwrap();
            writeln!(said, "ack {}.", ack.token).unwrap();
        }
        said.flush().unwrap();
    }
}

fn a_store_opens_again_with_its_rows_and_closes_twice(on: Backend) {
    let f = fixture(on, 3);
    for n in 0..3 {
        f.store.submit(n, Op::Intent(intent(f.campaign, f.leads[n as usize], n + 1, 1))).unwrap();
    }
    // No flush: closing writes what is queued.
    f.store.close().unwrap();
    f.store.close().unwrap();
    assert_eq!(f.acks.try_iter().filter(|ack| ack.result.is_ok()).count(), 3);
    assert_eq!(f.store.submit(9, Op::AttemptClose(close(1, 5), None)), Err(Full));
    assert_eq!(f.store.flush().unwrap_err().kind, ErrorKind::Closed);
    assert_eq!(f.store.counts(TENANT, f.list).unwrap_err().kind, ErrorKind::Closed);
    let (store, _acks) = Store::open(&f.home.url()).unwrap();
    assert_eq!(store.attempts(TENANT, Filter::default()).unwrap().len(), 3);
    assert_eq!(store.ensure_campaign(TENANT, "spring", at(5)).unwrap(), f.campaign);
}

fn a_store_of_a_newer_program_is_refused(on: Backend) {
    let f = fixture(on, 0);
    f.store.close().unwrap();
    outside(
        &f,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         SELECT 999, 'future', success, checksum, 1 FROM _sqlx_migrations WHERE version = 1",
    )
    .unwrap();
    let error = Store::open(&f.home.url()).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Schema);
    assert!(error.to_string().contains("version 999"), "{error}");
}

#[test]
fn what_is_no_store_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("letter.txt");
    std::fs::write(&file, "Dear customer, this is no database at all. ".repeat(100)).unwrap();
    let letter = format!("sqlite:{}", file.display());
    let nowhere = format!("sqlite:{}/no/such/folder/outpace.db", folder.path().display());
    for (address, kind) in [
        (letter.as_str(), ErrorKind::Schema),
        (nowhere.as_str(), ErrorKind::Io),
        ("postgres://db", ErrorKind::Address),
        ("mysql:x", ErrorKind::Address),
        ("sqlite:", ErrorKind::Address),
        ("sqlite::memory:", ErrorKind::Address),
        ("sqlite:a.db?mode=ro", ErrorKind::Address),
    ] {
        let error = Store::open(address).err().unwrap();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(address), "{error}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
}

#[test]
fn lists_are_seen_from_outside_without_touching_the_store() {
    let f = fixture(Backend::Sqlite, 1);
    let address = f.home.url();
    f.store.create_list(TENANT, "autumn", at(0)).unwrap();
    assert_eq!(list_names(&address).unwrap(), Some(vec!["autumn".to_owned(), "people".to_owned()]));
    f.store.close().unwrap();
    assert_eq!(list_names(&address).unwrap().map(|names| names.len()), Some(2));
    let files = std::fs::read_dir(folder_of(&f)).unwrap().count();
    assert_eq!(files, 1, "a closed store is one file, also after a look at it");
    let nowhere = format!("sqlite:{}/nowhere.db", folder_of(&f).display());
    assert_eq!(list_names(&nowhere).unwrap(), None);
    assert!(!folder_of(&f).join("nowhere.db").exists());
    std::fs::write(folder_of(&f).join("empty.db"), "").unwrap();
    let empty = format!("sqlite:{}/empty.db", folder_of(&f).display());
    assert_eq!(list_names(&empty).unwrap_err().kind, ErrorKind::Schema);
}

fn folder_of(f: &Fixture) -> &std::path::Path {
    match &f.home {
        Home::Folder(folder) => folder.path(),
        Home::Database(_) => unreachable!("these tests look at files"),
    }
}

/// Set in the child: the url of a store that is not made yet.
const MIGRATION_CHILD: &str = "STORE_TEST_MIGRATION_URL";

fn a_migration_that_is_killed_in_the_middle_is_done_by_the_next_start(on: Backend) {
    if let Ok(url) = std::env::var(MIGRATION_CHILD) {
        println!("ack 1.");
        std::io::stdout().flush().unwrap();
        let _opened = Store::open(&url).unwrap();
        // The parent kills it in the midst of the migrations, or here.
        std::thread::sleep(std::time::Duration::from_secs(20));
        return;
    }
    let name = format!(
        "tests::crash::{}::a_migration_that_is_killed_in_the_middle_is_done_by_the_next_start",
        format!("{on:?}").to_lowercase()
    );
    // All migrations take some 50 ms; the kills come at different moments of them, and again on what the last one left.
    for round in 0..6 {
        let home = Home::new(on);
        for delay_ms in [3 * round, 12 + 7 * round, 30 + 11 * round] {
            kill_child(&name, MIGRATION_CHILD, &home.url(), |_| {
                std::thread::sleep(std::time::Duration::from_millis(delay_ms));
                true
            });
        }
        let (store, _acks) = Store::open(&home.url()).unwrap();
        let list = store.create_list(TENANT, "people", at(0)).unwrap();
        assert_eq!(store.import_leads(TENANT, list, new_leads(0..5), at(0)).unwrap().added, 5);
        assert!(store.audit(TENANT, &AuditFilter::default()).unwrap().is_empty());
        store.close().unwrap();
        let error = testing::execute(&home.url(), "INSERT INTO tenant (name) VALUES ('default')").unwrap_err();
        assert!(error.to_lowercase().contains("unique"), "one default tenant: {error}");
        testing::execute(&home.url(), "INSERT INTO tenant (name) VALUES ('second')").unwrap();
    }
}

fn starters_of_one_new_store_do_not_hinder_each_other(on: Backend) {
    for _ in 0..4 {
        let home = Home::new(on);
        let starters: Vec<_> = (0..4)
            .map(|n| {
                let url = home.url();
                std::thread::spawn(move || {
                    let (store, _acks) = Store::open(&url).unwrap();
                    store.create_list(TENANT, &format!("list {n}"), at(0)).unwrap();
                })
            })
            .collect();
        starters.into_iter().for_each(|starter| starter.join().unwrap());
        assert_eq!(list_names(&home.url()).unwrap().map(|names| names.len()), Some(4));
    }
}

fn a_second_program_imports_while_the_first_one_dials(on: Backend) {
    let f = fixture(on, 400);
    let url = f.home.url();
    let importer = std::thread::spawn(move || {
        let (store, _acks) = Store::open(&url).unwrap();
        let list = store.create_list(TENANT, "autumn", at(0)).unwrap();
        for batch in 0..5 {
            let leads = new_leads(1_000 + batch * 4_000..5_000 + batch * 4_000);
            store.import_leads(TENANT, list, leads, at(0)).unwrap();
        }
        store.put_token(TENANT, &NewToken { hash: "h".to_owned(), ..NewToken::default() }, at(0)).unwrap();
        store.close().unwrap();
    });
    for (n, lead) in f.leads.iter().enumerate() {
        write(&f, Op::Intent(intent(f.campaign, *lead, n as u64 + 1, 1))).unwrap();
    }
    importer.join().unwrap();
    let totals: Vec<u64> = f.store.lists(TENANT).unwrap().iter().map(|row| row.counts.total).collect();
    assert_eq!(totals, [400, 20_000]);
    assert!(f.store.token_by_hash("h").unwrap().is_some());
}

fn reads_do_not_wait_for_an_import_nor_for_each_other(on: Backend) {
    let f = fixture(on, 3);
    std::thread::scope(|scope| {
        let (held_tx, held_rx) = std::sync::mpsc::channel();
        let mut releases = Vec::new();
        // An import and two long questions hold their connections until this test lets them go.
        for lane in [&f.store.edits, &f.store.reads, &f.store.reads] {
            let (release_tx, release_rx) = tokio::sync::oneshot::channel::<()>();
            releases.push(release_tx);
            let held = held_tx.clone();
            scope.spawn(move || {
                lane.call(async move |_| {
                    held.send(()).unwrap();
                    release_rx.await.unwrap();
                    Ok(())
                })
                .unwrap();
            });
        }
        (0..3).for_each(|_| held_rx.recv().unwrap());
        assert_eq!(f.store.leads(TENANT, f.list, None, 0).unwrap().len(), 3);
        write(&f, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap();
        releases.into_iter().for_each(|release| release.send(()).unwrap());
    });
}

on_both! {
    every_acknowledged_op_survives_a_kill
    a_store_opens_again_with_its_rows_and_closes_twice
    a_store_of_a_newer_program_is_refused
    a_migration_that_is_killed_in_the_middle_is_done_by_the_next_start
    starters_of_one_new_store_do_not_hinder_each_other
    a_second_program_imports_while_the_first_one_dials
    reads_do_not_wait_for_an_import_nor_for_each_other
}
