//! How fast leads come in, into an empty list and beside a large one. Ignored: minutes of work. Run with
//! `cargo test -p outpace-store -- --ignored --nocapture import_speed`; `OUTPACE_IMPORT_BESIDE=10000000` says beside how
//! many leads (a million unless said). `outpace-bench imports` measures the whole way from the file.

use std::time::Instant;

use super::million::person;
use super::*;

const PART: usize = 10_000;
const MEASURED: usize = 200_000;

fn import(f: &Fixture, list: ListId, range: std::ops::Range<usize>, said: &str, on: Backend) {
    let begun = Instant::now();
    for from in range.clone().step_by(PART) {
        let people = (from..(from + PART).min(range.end)).map(person).collect();
        f.store.import_leads(TENANT, list, people, at(0)).unwrap();
    }
    f.store.end_import(TENANT).unwrap();
    let rows_s = range.len() as f64 / begun.elapsed().as_secs_f64();
    println!("{on:?}: {} rows {said}: {rows_s:.0} rows/s", range.len());
}

fn import_speed(on: Backend) {
    let beside = std::env::var("OUTPACE_IMPORT_BESIDE").ok().map_or(1_000_000, |text| text.parse().unwrap());
    let f = fixture(on, 0);
    import(&f, f.list, 0..MEASURED, "into an empty list", on);
    import(&f, f.list, MEASURED..beside, "on the way", on);
    import(&f, f.list, beside..beside + MEASURED, "beside the others", on);
    assert_eq!(f.store.counts(TENANT, f.list).unwrap().total, (beside + MEASURED) as u64);
}

mod sqlite {
    #[test]
    #[ignore = "minutes of work"]
    fn import_speed() {
        super::import_speed(super::Backend::Sqlite);
    }
}

mod postgres {
    #[test]
    #[ignore = "minutes of work"]
    fn import_speed() {
        super::import_speed(super::Backend::Postgres);
    }
}
