//! Replays the committed fuzz seeds (and every file that once broke something, kept among them).
#![expect(clippy::disallowed_methods, reason = "a test may read its vectors")]

use std::path::{Path, PathBuf};

fn replay(folder: &Path, target: impl Fn(&[u8])) -> usize {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("seed folder").map(|entry| entry.expect("entry").path()).collect();
    files.sort();
    for file in &files {
        let bytes = std::fs::read(file).expect("seed file");
        println!("{}", file.display());
        target(&bytes);
    }
    files.len()
}

fn seeds(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/seeds").join(target)
}

#[test]
fn the_seeds_of_every_target_pass() {
    type Target = (&'static str, fn(&[u8]));
    let targets: [Target; 5] =
        [("sip", super::sip), ("sdp", super::sdp), ("rtp", super::rtp), ("rtcp", super::rtcp), ("dtmf", super::dtmf)];
    for (name, target) in targets {
        assert!(replay(&seeds(name), target) > 0, "{name} has seeds");
    }
}

#[test]
fn the_torture_messages_pass_too() {
    match std::env::var_os("OUTPACE_TORTURE_DIR").map(PathBuf::from).filter(|dir| dir.is_dir()) {
        Some(folder) => assert!(replay(&folder, super::sip) >= 50),
        None => println!("OUTPACE_TORTURE_DIR names no folder: the RFC 4475 messages are not replayed"),
    }
}
