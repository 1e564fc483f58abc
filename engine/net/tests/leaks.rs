//! File descriptors come back. Alone in its file, so alone in its process: other tests open descriptors too.

mod common;

use base::{LegId, ShardId};
use call::Command;
use common::*;
use net::DriverChoice;

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn engines_leave_no_descriptor_behind() {
    let before = open_files();
    for (round, driver) in (0..6).zip([DriverChoice::Poll, DriverChoice::Ring].into_iter().cycle()) {
        let caller = engine(driver, "caller", 2, round);
        let callee = engine(driver, "callee", 1, round + 10);
        assert!(open_files() > before + 60, "the sockets of three shards are open");
        order(&caller, ShardId(1), originate(1, &callee));
        let (there, at) = incoming(&callee);
        order(&callee, at, Command::Answer { leg: there, learn: false });
        answered(&caller, LegId(1));
        if round < 2 {
            order(&caller, ShardId(1), Command::Hangup { leg: LegId(1), reason: "test over" });
            ended(&caller, LegId(1));
            ended(&callee, there);
            let last = caller.shutdown();
            assert_eq!(last.counts().ports_in_use, 0);
        } // the other rounds drop engines with a call up
    }
    assert_eq!(open_files(), before);
}
