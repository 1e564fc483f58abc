use super::*;
use crate::{BATCH_OPS_MAX, CampaignStateRow, Op, TenantId};
use base::{CampaignId, WallTime};

fn item(seq: i64) -> Item {
    let row = CampaignStateRow {
        tenant: TenantId::DEFAULT,
        campaign: CampaignId(seq as u64),
        state: "läuft \"so\"\n".to_owned(),
        at: WallTime::from_unix_us(seq),
    };
    Item { seq, write: ops::write(&Op::CampaignState(row)).unwrap() }
}

fn append(spool: &mut Spool, seqs: std::ops::RangeInclusive<i64>) {
    let last = *seqs.end();
    let records: Vec<Vec<u8>> = seqs.map(|seq| Spool::encode(&item(seq)).unwrap()).collect();
    spool.append(&records, last).unwrap();
}

fn seqs(items: &[Item]) -> Vec<i64> {
    items.iter().map(|item| item.seq).collect()
}

#[test]
fn what_is_appended_comes_out_in_order_and_an_emptied_file_starts_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path(), SPOOL_OPS_MAX).unwrap();
    let writer = spool.writer;
    append(&mut spool, 1..=3);
    append(&mut spool, 4..=5);
    let (items, next) = spool.oldest(2).unwrap();
    assert_eq!(items, [item(1), item(2)]);
    spool.advance(2, next).unwrap();
    append(&mut spool, 6..=6);
    assert_eq!(spool.level(), Level { ops: 4, intents_refused: false, full: false });
    let (items, next) = spool.oldest(BATCH_OPS_MAX).unwrap();
    assert_eq!(seqs(&items), [3, 4, 5, 6]);
    drop(spool);
    // What was replayed and not emptied is there again; the database's mark tells it apart.
    let mut spool = Spool::open(folder.path(), SPOOL_OPS_MAX).unwrap();
    assert_eq!((spool.writer, spool.last_seq), (writer, Some(6)));
    let (items, _) = spool.oldest(BATCH_OPS_MAX).unwrap();
    assert_eq!(seqs(&items), [1, 2, 3, 4, 5, 6]);
    spool.advance(6, next).unwrap();
    assert!(spool.is_empty());
    append(&mut spool, 7..=7);
    assert_eq!(spool.oldest(9).unwrap().0, [item(7)]);
    use std::os::unix::fs::PermissionsExt;
    let mode = folder.path().join("outpace.spool").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn whatever_a_kill_leaves_of_the_last_record_is_cut_off_and_kept_beside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outpace.spool");
    let mut spool = Spool::open(folder.path(), SPOOL_OPS_MAX).unwrap();
    append(&mut spool, 1..=2);
    let whole = std::fs::read(&path).unwrap().len();
    append(&mut spool, 3..=3);
    drop(spool);
    let all = std::fs::read(&path).unwrap();
    for length in whole..all.len() {
        std::fs::write(&path, &all[..length]).unwrap();
        let mut spool = Spool::open(folder.path(), SPOOL_OPS_MAX).unwrap();
        assert_eq!(spool.last_seq, Some(2), "{length} of {} bytes", all.len());
        append(&mut spool, 4..=4);
        assert_eq!(seqs(&spool.oldest(9).unwrap().0), [1, 2, 4]);
        if length > whole {
            assert_eq!(std::fs::read(folder.path().join("outpace.spool.torn")).unwrap(), all[whole..length]);
        }
    }
    // A flipped bit anywhere in the last record.
    for at in whole..all.len() {
        let mut flipped = all.clone();
        flipped[at] ^= 0x10;
        std::fs::write(&path, &flipped).unwrap();
        assert_eq!(Spool::open(folder.path(), SPOOL_OPS_MAX).unwrap().last_seq, Some(2), "byte {at}");
    }
    // A head that its maker had no time to write.
    for length in 0..HEAD_BYTES as usize {
        std::fs::write(&path, &all[..length]).unwrap();
        assert!(Spool::open(folder.path(), SPOOL_OPS_MAX).unwrap().is_empty(), "{length} bytes");
    }
}

#[test]
fn what_is_not_this_programs_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outpace.spool");
    let mut spool = Spool::open(folder.path(), SPOOL_OPS_MAX).unwrap();
    let held = Spool::open(folder.path(), SPOOL_OPS_MAX).err().unwrap();
    assert_eq!(held.kind, ErrorKind::Busy, "{held}");
    append(&mut spool, 1..=1);
    drop(spool);
    // A whole record of a later program.
    let mut bytes = std::fs::read(&path).unwrap();
    let body = br#"{"seq":2,"place":"p","steps":[["levitate",[]]]}"#;
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(crc32fast::hash(body).to_le_bytes());
    bytes.extend(body);
    std::fs::write(&path, &bytes).unwrap();
    let newer = Spool::open(folder.path(), SPOOL_OPS_MAX).err().unwrap();
    assert_eq!(newer.kind, ErrorKind::Schema, "{newer}");
    assert!(newer.to_string().contains("levitate"), "{newer}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    std::fs::write(&path, "Dear customer, this is no spool at all.").unwrap();
    assert_eq!(Spool::open(folder.path(), SPOOL_OPS_MAX).err().unwrap().kind, ErrorKind::Schema);
    let nowhere = Spool::open(&folder.path().join("no/where"), SPOOL_OPS_MAX).err().unwrap();
    assert_eq!(nowhere.kind, ErrorKind::Io, "{nowhere}");
}

#[test]
fn room_is_counted_in_ops_and_in_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path(), 8).unwrap();
    assert_eq!(spool.fills(5, 0), (false, false));
    assert_eq!(spool.fills(6, 0), (true, false));
    assert_eq!(spool.fills(8, 0), (true, true));
    assert_eq!(spool.fills(0, SPOOL_BYTES_MAX / 4 * 3), (true, false));
    assert_eq!(spool.fills(0, SPOOL_BYTES_MAX), (true, true));
    append(&mut spool, 1..=6);
    assert_eq!(spool.level(), Level { ops: 6, intents_refused: true, full: false });
}
