//! A full disk and a store that others hold.

use super::*;
use std::path::Path;
use std::process::Command;

/// A small disk in memory, unmounted at the end; `None` where this user may not mount.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .output()
            .ok()?;
        done.status.success().then_some(SmallDisk(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_said_and_work_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount("4m") else {
        println!("skipped: this user may not mount a small disk (needs root and mount)");
        return;
    };
    let (store, acks) = Store::open(&url(disk.path())).unwrap();
    let campaign = store.ensure_campaign(TENANT, "spring", at(0)).unwrap();
    let list = store.create_list(TENANT, "people", at(0)).unwrap();
    store.import_leads(TENANT, list, new_leads(0..1_000), at(0)).unwrap();
    store.submit(0, Op::Intent(intent(campaign, LeadId(1), 1, 1))).unwrap();
    store.flush().unwrap();
    assert_eq!(acks.recv().unwrap().result, Ok(()));

    let filler = disk.path().join("filler");
    let mut size = 4 << 20;
    while size >= 4_096 {
        // Larger pieces first, then smaller ones, until not a page is left.
        let old = std::fs::read(&filler).unwrap_or_default();
        if std::fs::write(&filler, vec![1; old.len() + size]).is_err() {
            std::fs::write(&filler, &old).unwrap();
            size /= 2;
        }
    }
    let mut written = vec![1];
    let mut refused = Vec::new();
    for lead in 2..=400 {
        store.submit(lead, Op::Intent(intent(campaign, LeadId(lead), lead, 1))).unwrap();
        store.flush().unwrap();
        match acks.recv().unwrap() {
            Ack { token, result: Ok(()) } => written.push(token),
            Ack { token, result: Err(error) } => {
                assert_eq!(error.kind, ErrorKind::DiskFull, "{error}");
                assert!(error.to_string().contains("free space"), "{error}");
                refused.push(token);
            }
        }
    }
    assert!(!refused.is_empty(), "the disk never was full");
    std::fs::remove_file(&filler).unwrap();
    for &lead in &refused {
        store.submit(lead, Op::Intent(intent(campaign, LeadId(lead), lead, 1))).unwrap();
    }
    store.flush().unwrap();
    assert!(acks.try_iter().all(|ack| ack.result.is_ok()), "work must go on once there is room");
    let rows = store.attempts(TENANT, Filter::default()).unwrap();
    assert_eq!(rows.len(), 400);
    store.close().unwrap();
    println!("{} written before, {} refused while the disk was full and written after", written.len(), refused.len());
}

#[test]
fn outstanding_ops_are_bounded_and_unread_acknowledgements_count() {
    let f = fixture(Backend::Sqlite, 0);
    let consent = |n: usize| {
        Op::Consent(ConsentRow {
            tenant: TENANT,
            number: number(n),
            action: Action::Add,
            scope: "marketing".to_owned(),
            source: "test".to_owned(),
            proof: None,
            at: at(0),
        })
    };
    let mut taken = 0;
    // Nobody reads an acknowledgement, so it must end at the limit however fast the disk is.
    while f.store.submit(taken as u64, consent(taken)).is_ok() {
        taken += 1;
        assert!(taken <= OPS_OUTSTANDING_MAX, "no limit holds");
    }
    f.store.flush().unwrap();
    assert_eq!(f.store.submit(0, consent(0)), Err(Full));
    assert_eq!(f.acks.try_iter().filter(|ack| ack.result.is_ok()).count(), taken);
    f.store.submit(0, consent(0)).unwrap();
}

#[test]
fn a_store_that_another_program_holds_says_so() {
    let f = fixture(Backend::Sqlite, 1);
    let address = db::Address::parse(&f.home.url()).unwrap();
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        let mut other = db::Connection::open(&address, db::Role::Edits).await.unwrap();
        other.begin().await.unwrap();
        let error = write(&f, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Busy, "{error}");
        other.roll_back().await;
        other.close("test").await.unwrap();
    });
    write(&f, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap();
}
