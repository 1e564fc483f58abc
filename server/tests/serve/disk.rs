//! The disk is full: dialling pauses, calls go on, nothing is lost, and it goes on when there is room.

use crate::harness::{Database, Site, wait_for};
use crate::stage::Stage;
use dialer::Outcome;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

const CALLEES: &str = r#"
[dial]
human = 0.75
machine = 0
busy = 0.05
fail = 0.05
post_dial_s = { dist = "uniform", min = 0.05, max = 0.2 }
human_ring_s = { dist = "uniform", min = 0.2, max = 1 }
[agent]
talk_s = { dist = "uniform", min = 1, max = 4 }
"#;

/// A small disk in memory, unmounted at the end; `None` where this user may not mount.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(folder.path()).output();
        mounted.ok()?.status.success().then_some(SmallDisk(folder))
    }

    /// Takes every byte that is left.
    fn fill(&self) -> std::path::PathBuf {
        let path = self.0.path().join("filler");
        let mut file = std::fs::File::create(&path).expect("own folder");
        for piece in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![1; piece]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the log of a process that a panic is about to end may still be open.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

fn store_is_full(stage: &Stage) -> bool {
    stage.api.get("/readyz").0 == 503
}

#[test]
fn a_full_disk_pauses_dialling_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: this user may not mount a small disk (needs root and mount)");
        return;
    };
    let site = Site::at(Path::new(disk.0.path()).to_owned(), Database::Sqlite);
    let stage = Stage::set_at(site, CALLEES, 6, 1_000, 41);
    let mut product = stage.run(3);
    let filler = disk.fill();
    wait_for("the API to say that the store takes nothing", || store_is_full(&stage).then_some(()));
    let said = stage.api.text("/readyz");
    assert!(said.contains("store") && said.contains("full"), "{said}");
    // What was under way when the disk filled has been dialled by now; from here on nothing is.
    wait_for("the calls to end", || (stage.carrier.book().up().count() == 0).then_some(()));
    let invites = stage.invites();
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(product.runs(), "{}", product.log());
    assert_eq!(stage.invites(), invites, "dialled without a record");
    assert_eq!(stage.api.campaign()["state"], "running", "a pause for the store is no pause of the campaign");

    std::fs::remove_file(filler).expect("own file");
    wait_for("dialling to go on", || (stage.invites() > invites + 3).then_some(()));
    wait_for("the API to say that all is well", || (!store_is_full(&stage)).then_some(()));
    product.signal("TERM");
    assert!(product.ended().success(), "{}", product.log());
    let ended = stage.end();
    ended.fits();
    assert_eq!(ended.books.outcome(Outcome::Unknown), 0);
    assert!(ended.books.outcome(Outcome::Connected) > 0);
}
