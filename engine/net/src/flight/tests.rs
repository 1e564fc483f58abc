use super::*;

fn dialog(number: u64) -> DialogIdentity {
    DialogIdentity {
        call_id: format!("s0-{number}@192.0.2.1"),
        local_uri: "sip:us@192.0.2.1".to_owned(),
        local_tag: format!("tag{number}"),
        remote_uri: "sip:+15551230000@192.0.2.2".to_owned(),
        remote_tag: "theirs".to_owned(),
        remote_target: "sip:callee@192.0.2.2:5070".to_owned(),
        route_set: vec!["<sip:192.0.2.3;lr>".to_owned()],
        local_cseq: 1,
        peer: "192.0.2.2:5070".parse().unwrap(),
    }
}

fn legs(dir: &Path) -> Vec<u64> {
    read(dir).unwrap().into_iter().map(|entry| entry.leg.0).collect()
}

#[test]
fn what_was_up_is_read_back_and_what_ended_is_not() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(read(&dir.path().join("nowhere")).unwrap(), []);
    begin_anew(dir.path()).unwrap();
    let mut first = FlightFile::create(dir.path(), 0).unwrap();
    let mut other = FlightFile::create(dir.path(), 10).unwrap();
    for number in 0..50 {
        assert!(first.write(LegId(number), &dialog(number)));
    }
    assert!(other.write(LegId(1 << 63), &dialog(99)));
    for number in 0..50 {
        assert!(number % 10 == 3 || first.clear(LegId(number)));
    }
    assert!(first.clear(LegId(777)), "a leg that was never answered");
    assert!(first.write(LegId(60), &dialog(60)), "an emptied slot is used again");
    assert_eq!(first.used, 50);
    let found = read(dir.path()).unwrap();
    assert_eq!(legs(dir.path()), [3, 13, 23, 33, 43, 60, 1 << 63]);
    assert!(found.contains(&FlightEntry { leg: LegId(13), dialog: dialog(13) }));

    // The next engine may have fewer shards: it begins anew all the same.
    drop((first, other));
    fs::write(dir.path().join("flight-x.bin"), b"not ours").unwrap();
    begin_anew(dir.path()).unwrap();
    assert_eq!(legs(dir.path()), [0u64; 0]);
    assert!(dir.path().join("flight-x.bin").exists());
}

#[test]
fn torn_and_foreign_slots_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = FlightFile::create(dir.path(), 0).unwrap();
    for number in 0..4 {
        assert!(file.write(LegId(number), &dialog(number)));
    }
    let path = dir.path().join("flight-0.bin");
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole.len(), SLOTS * SLOT_BYTES);
    // One bit anywhere in the used bytes of slot 2 makes it unreadable and nothing else.
    let length = usize::from(u16::from_le_bytes([whole[2 * SLOT_BYTES + 16], whole[2 * SLOT_BYTES + 17]]));
    for byte in 0..HEAD_BYTES + length + CRC_BYTES {
        let mut torn = whole[..4 * SLOT_BYTES].to_vec();
        torn[2 * SLOT_BYTES + byte] ^= 0x10;
        fs::write(&path, &torn).unwrap();
        assert_eq!(legs(dir.path()), [0, 1, 3], "byte {byte}");
    }
    fs::write(&path, &whole[..3 * SLOT_BYTES - 1]).unwrap();
    assert_eq!(legs(dir.path()), [0, 1], "a file cut short");
    fs::write(&path, b"").unwrap();
    assert_eq!(legs(dir.path()), [0u64; 0]);
}

#[test]
fn a_leg_that_stands_twice_is_read_once_and_its_latest_counts() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = FlightFile::create(dir.path(), 0).unwrap();
    assert!(file.write(LegId(1), &dialog(1)));
    file.slots.clear(); // as if emptying it had failed
    assert!(file.write(LegId(1), &dialog(2)));
    assert_eq!(read(dir.path()).unwrap(), [FlightEntry { leg: LegId(1), dialog: dialog(2) }]);
}

#[test]
fn a_full_record_and_a_full_disk_are_told_and_stop_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = FlightFile::create(dir.path(), 0).unwrap();
    for number in 0..SLOTS as u64 {
        assert!(file.write(LegId(number), &dialog(number)));
    }
    assert!(!file.write(LegId(u64::MAX), &dialog(1)), "one more than a shard has legs");
    assert!(file.clear(LegId(5)));
    assert!(file.write(LegId(u64::MAX), &dialog(1)));
    assert_eq!(legs(dir.path()).len(), SLOTS);

    let long = DialogIdentity { local_uri: "x".repeat(3_000), ..dialog(1) };
    assert!(file.clear(LegId(6)));
    assert!(!file.write(LegId(6), &long));

    // /dev/full says ENOSPC to every write.
    let mut full = FlightFile::over(OpenOptions::new().write(true).open("/dev/full").unwrap());
    for number in 0..3 {
        assert!(!full.write(LegId(number), &dialog(number)));
        assert!(full.clear(LegId(number)));
    }
    assert_eq!((full.slots.len(), full.used), (0, 1), "a slot that could not be written is free again");
}

#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    FlightFile::create(dir.path(), 0).unwrap();
    let mode = fs::metadata(dir.path().join("flight-0.bin")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
