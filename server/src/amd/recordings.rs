//! Fixed recordings that earlier processes have learnt.

use detect::print::{FORMAT, Recording, Recordings};
use store::{AmdRecordingRow, Store, StoreError, TenantId};

/// The recordings of the store. A row that cannot be read is set aside and said; the others hold.
///
/// # Errors
/// Only what the database says.
pub(crate) fn load(store: &Store, tenant: TenantId) -> Result<Recordings, StoreError> {
    let rows = store.amd_recordings(tenant)?;
    let known = rows.iter().filter_map(|known| match read(&known.row) {
        Ok(recording) => Some(recording),
        Err(why) => {
            let id = &known.row.recording;
            tracing::warn!(
                "recording {id} is set aside, it {why}; let it be learnt anew, and delete this one over the API"
            );
            None
        }
    });
    Ok(Recordings::of(known))
}

/// # Errors
/// What is wrong with it.
fn read(row: &AmdRecordingRow) -> Result<Recording, &'static str> {
    if row.format != FORMAT {
        return Err("is of another version");
    }
    let recording = Recording::from_line(&row.line).ok_or("is damaged: its line is no recording")?;
    if recording.id() == row.recording { Ok(recording) } else { Err("is damaged: its line does not match its name") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::WallTime;
    use store::Op;

    #[test]
    fn what_cannot_be_read_is_set_aside_and_the_rest_holds() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _acks) = Store::open(&format!("sqlite:{}", folder.path().join("a.db").display())).unwrap();
        let (tenant, at) = (TenantId::DEFAULT, WallTime::from_unix_us(1_772_643_600_000_000));
        // Sixteen bits of print and sixteen of clearness for each 20 ms of 3.2 s.
        let good = Recording::from_line(&format!("ivr {}", "00ffa55a".repeat(160))).unwrap();
        let row = |recording: &str, format: &str, line: &str| {
            let (recording, format, line) = (recording.to_owned(), format.to_owned(), line.to_owned());
            Op::AmdRecording(AmdRecordingRow { tenant, recording, format, line, at })
        };
        let line = good.to_line();
        for op in [
            row(&good.id(), FORMAT, &line),
            row("of another version", "outpace recordings 0", &line),
            row("cut short", FORMAT, &line[..40]),
            row("of other bits", FORMAT, &line.replacen("00ff", "01ff", 1)),
        ] {
            store.submit(1, op).unwrap();
        }
        store.flush().unwrap();
        assert_eq!(load(&store, tenant).unwrap(), Recordings::of([good.clone()]));
        // A meeting counts, and what is forgotten is gone.
        store.submit(2, Op::AmdRecordingMet(tenant, good.id(), at)).unwrap();
        store.flush().unwrap();
        let met = |id: &str| {
            store.amd_recordings(tenant).unwrap().iter().find(|known| known.row.recording == id).map(|known| known.met)
        };
        assert_eq!((met(&good.id()), met("cut short")), (Some(1), Some(0)));
        store.submit(3, Op::AmdRecordingGone(tenant, good.id())).unwrap();
        store.flush().unwrap();
        assert_eq!((met(&good.id()), load(&store, tenant).unwrap().len()), (None, 0));
    }
}
