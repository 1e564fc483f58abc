//! What was acknowledged survives `kill -9`; a store opens again, and not every file is a store.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;

/// Set in the child: the folder of the store that it writes until it is killed.
const CHILD_FOLDER: &str = "STORE_TEST_CHILD_FOLDER";
const CHILD_LEADS: u64 = 20_000;

#[test]
fn every_acknowledged_op_survives_a_kill() {
    if let Some(folder) = std::env::var_os(CHILD_FOLDER) {
        child(std::path::Path::new(&folder));
    }
    for round in 0..3 {
        let f = fixture(Backend::Sqlite, 0);
        let people = new_leads(0..CHILD_LEADS as usize);
        for batch in people.chunks(IMPORT_BATCH_MAX) {
            f.store.import_leads(TENANT, f.list, batch.to_vec(), at(0)).unwrap();
        }
        f.store.close().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::crash::every_acknowledged_op_survives_a_kill", "--nocapture"])
            .env(CHILD_FOLDER, folder_of(&f))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut acknowledged = BTreeSet::new();
        let enough = 700 + round * 900;
        // The harness prints lines of its own; ours begin with "ack ". After the kill the pipe still gives what the
        // child had said, up to a torn line.
        let mut killed = false;
        for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
            let line = line.unwrap();
            let Some(token) = line.strip_prefix(b"ack ").and_then(|rest| rest.strip_suffix(b".")) else { continue };
            acknowledged.insert(std::str::from_utf8(token).unwrap().parse::<u64>().unwrap());
            if acknowledged.len() >= enough && !killed {
                child.kill().unwrap();
                killed = true;
            }
        }
        let end = child.wait().unwrap();
        assert!(killed && !end.success(), "the child must die by the kill, not by itself: {end}");

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

/// Writes intents as fast as they are taken and says each acknowledged one; never returns.
fn child(folder: &std::path::Path) -> ! {
    let (store, acks) = Store::open(&url(folder)).unwrap();
    let mut said = std::io::stdout();
    let mut next = 1;
    loop {
        while next <= CHILD_LEADS && next % 200 != 0 {
            if store.submit(next, Op::Intent(intent(CampaignId(1), LeadId(next), next, 1))).is_err() {
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

#[test]
fn a_store_opens_again_with_its_rows_and_closes_twice() {
    let f = fixture(Backend::Sqlite, 3);
    for n in 0..3 {
        f.store.submit(n, Op::Intent(intent(f.campaign, f.leads[n as usize], n + 1, 1))).unwrap();
    }
    // No flush: closing writes what is queued.
    f.store.close().unwrap();
    f.store.close().unwrap();
    assert_eq!(f.acks.try_iter().filter(|ack| ack.result.is_ok()).count(), 3);
    assert_eq!(f.store.submit(9, Op::AttemptClose(close(1, 5))), Err(Full));
    assert_eq!(f.store.flush().unwrap_err().kind, ErrorKind::Closed);
    assert_eq!(f.store.counts(TENANT, f.list).unwrap_err().kind, ErrorKind::Closed);
    let (store, _acks) = Store::open(&f.home.url()).unwrap();
    assert_eq!(store.attempts(TENANT, Filter::default()).unwrap().len(), 3);
    assert_eq!(store.ensure_campaign(TENANT, "spring", at(5)).unwrap(), f.campaign);
}

#[test]
fn a_store_of_a_newer_program_is_refused() {
    let f = fixture(Backend::Sqlite, 0);
    f.store.close().unwrap();
    outside(
        &f,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (999, 'future', 1, x'00', 1)",
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
