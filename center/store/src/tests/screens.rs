//! A list of numbers counts when it is whole, and takes the place of the one before.

use super::*;
use crate::db::Sql;

fn load(f: &Fixture, kind: ScreenKind, source: &str, as_of: i64, numbers: std::ops::Range<usize>) -> u64 {
    let screen = f.store.begin_screen(TENANT, kind, source, at(as_of), at(as_of + 5)).unwrap();
    f.store.put_screen_blocks(screen, blocks(numbers)).unwrap();
    screen
}

fn blocks(numbers: std::ops::Range<usize>) -> Vec<ScreenBlock> {
    let mut packer = ScreenPacker::default();
    let mut rows = Vec::new();
    for number in numbers.map(number) {
        rows.extend(packer.push(number[1..].parse().unwrap()).unwrap().into_iter().flatten());
    }
    rows.extend(packer.finish());
    rows
}

fn a_list_counts_when_it_is_whole_and_replaces_the_one_before(on: Backend) {
    let f = fixture(on, 0);
    let on_lists = |numbers: std::ops::Range<usize>| {
        let numbers: Vec<String> = numbers.map(number).collect();
        f.store.screened(TENANT, &numbers).unwrap()
    };
    let first = load(&f, ScreenKind::DoNotCall, "ftc", 1, 0..100);
    assert_eq!((on_lists(0..3), f.store.screens(TENANT).unwrap()), (vec![], vec![]), "half of a list is none");
    assert_eq!(f.store.end_screen(TENANT, first).unwrap(), 100);
    assert_eq!(on_lists(98..102).len(), 2);
    let moved = load(&f, ScreenKind::Reassigned, "rnd", 2, 99..100);
    assert_eq!(f.store.end_screen(TENANT, moved).unwrap(), 1);
    assert_eq!(on_lists(99..100), [(number(99), ScreenKind::DoNotCall), (number(99), ScreenKind::Reassigned)]);
    // A load that dies on its way, then a whole one.
    load(&f, ScreenKind::DoNotCall, "ftc", 3, 500..600);
    let second = load(&f, ScreenKind::DoNotCall, "ftc", 4, 50..60);
    assert_eq!(on_lists(0..1).len(), 1, "the one before counts until then");
    f.store.end_screen(TENANT, second).unwrap();
    assert_eq!((on_lists(0..50), on_lists(50..60).len(), on_lists(500..600)), (vec![], 10, vec![]));
    let screens = f.store.screens(TENANT).unwrap();
    let shown: Vec<_> = screens.iter().map(|row| (row.kind, row.source.as_str(), row.as_of, row.numbers)).collect();
    assert_eq!(shown, [(ScreenKind::DoNotCall, "ftc", at(4), 10), (ScreenKind::Reassigned, "rnd", at(2), 1)]);
    assert_eq!(f.store.screens(TenantId(2)).unwrap(), []);
    assert_eq!(f.store.end_screen(TENANT, 999).unwrap_err().kind, ErrorKind::Rule);
    let many = vec![blocks(0..1).remove(0); 2_002];
    assert_eq!(f.store.put_screen_blocks(second, many).unwrap_err().kind, ErrorKind::Value);
}

fn of_two_loads_at_once_the_later_begun_goes_on(on: Backend) {
    let f = fixture(on, 0);
    let order = |f: &Fixture| f.store.screens(TENANT).unwrap().iter().map(|row| row.order).max();
    let first = load(&f, ScreenKind::DoNotCall, "ftc", 1, 0..10);
    let second = load(&f, ScreenKind::DoNotCall, "ftc", 2, 20..25);
    // The first finds out with its next numbers, or at its end.
    let refused = f.store.put_screen_blocks(first, blocks(11..12)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Rule, "{refused}");
    assert_eq!(f.store.end_screen(TENANT, first).unwrap_err().kind, ErrorKind::Rule);
    assert_eq!(f.store.end_screen(TENANT, second).unwrap(), 5);
    let all: Vec<String> = (0..30).map(number).collect();
    assert_eq!(f.store.screened(TENANT, &all).unwrap().len(), 5);
    // What has ended takes no more.
    assert_eq!(f.store.put_screen_blocks(second, blocks(11..12)).unwrap_err().kind, ErrorKind::Rule);
    assert_eq!(f.store.end_screen(TENANT, second).unwrap_err().kind, ErrorKind::Rule);
    // Of two sources the one that begins first and ends last is news when it ends.
    let large = load(&f, ScreenKind::DoNotCall, "large", 3, 30..40);
    let small = load(&f, ScreenKind::DoNotCall, "small", 3, 40..41);
    let before = order(&f);
    f.store.end_screen(TENANT, small).unwrap();
    let between = order(&f);
    f.store.end_screen(TENANT, large).unwrap();
    assert!(before < between && between < order(&f));
    // The same source again: news too, though there are as many lists as before.
    let news = order(&f);
    let again = load(&f, ScreenKind::DoNotCall, "large", 4, 30..40);
    f.store.end_screen(TENANT, again).unwrap();
    assert!(news < order(&f));
    // Given up: nothing of it is left, and what counts stays.
    let lost = load(&f, ScreenKind::DoNotCall, "small", 5, 50..60);
    f.store.give_up_screen(TENANT, lost).unwrap();
    assert_eq!(f.store.end_screen(TENANT, lost).unwrap_err().kind, ErrorKind::Rule);
    f.store.give_up_screen(TENANT, again).unwrap();
    assert_eq!(f.store.screens(TENANT).unwrap().len(), 3, "what counts cannot be given up");
}

fn a_list_counts_though_the_one_before_cannot_be_deleted_and_a_source_can_be_taken_away(on: Backend) {
    let f = fixture(on, 0);
    let count = |what: &'static str| f.store.page("test", Sql::new(what), |row| row.get::<i64>("n")).unwrap()[0];
    let end = |screen| f.store.end_screen(TENANT, screen);
    end(load(&f, ScreenKind::DoNotCall, "ftc", 1, 0..10)).unwrap();
    outside(&f, "ALTER TABLE screen_block RENAME TO elsewhere").unwrap();
    assert!(f.store.sweep_screens(TENANT).is_ok(), "nothing is to be deleted");
    outside(&f, "ALTER TABLE elsewhere RENAME TO screen_block").unwrap();
    let second = load(&f, ScreenKind::DoNotCall, "ftc", 2, 20..25);
    outside(&f, "ALTER TABLE screen_block RENAME TO elsewhere").unwrap();
    assert_eq!(end(second).unwrap(), 5, "it counts, whatever becomes of the one before");
    assert!(f.store.sweep_screens(TENANT).is_err());
    outside(&f, "ALTER TABLE elsewhere RENAME TO screen_block").unwrap();
    let all: Vec<String> = (0..30).map(number).collect();
    assert_eq!((f.store.screened(TENANT, &all).unwrap().len(), count("SELECT COUNT(*) AS n FROM screen")), (5, 2));
    f.store.sweep_screens(TENANT).unwrap();
    assert_eq!(count("SELECT COUNT(*) AS n FROM screen"), 1);

    let drop = |kind, source| f.store.drop_screen(TENANT, kind, source).unwrap();
    assert!(!drop(ScreenKind::Reassigned, "ftc") && !drop(ScreenKind::DoNotCall, "other"));
    assert!(drop(ScreenKind::DoNotCall, "ftc") && !drop(ScreenKind::DoNotCall, "ftc"));
    assert_eq!((f.store.screens(TENANT).unwrap(), f.store.screened(TENANT, &all).unwrap()), (vec![], vec![]));
    f.store.sweep_screens(TENANT).unwrap();
    assert_eq!(count("SELECT COUNT(*) AS n FROM screen_block"), 0);
}

fn lists_of_an_older_schema_count_on(on: Backend) {
    let f = fixture(on, 0);
    let screen = load(&f, ScreenKind::DoNotCall, "ftc", 1, 0..1);
    f.store.end_screen(TENANT, screen).unwrap();
    // As it was: a row for each number.
    let key = "screen_id BIGINT NOT NULL, number TEXT NOT NULL, PRIMARY KEY (screen_id, number)";
    let numbers = [0, 1, 9, 255, 256, 9_999, 10_000, 54_321];
    let rows: Vec<String> = numbers.map(|n| format!("({screen}, '{}')", number(n))).to_vec();
    for sql in [
        "DROP TABLE screen_block",
        &format!("CREATE TABLE screen_number ({key})"),
        &format!("INSERT INTO screen_number VALUES {}", rows.join(", ")),
        "DELETE FROM _sqlx_migrations WHERE version = 16",
    ] {
        outside(&f, sql).unwrap();
    }
    let Fixture { store, home, .. } = f;
    store.close().unwrap();
    let (store, _acks) = Store::open(&home.url()).unwrap();
    let asked: Vec<String> = (0..60_000).map(number).collect();
    let mut found = Vec::new();
    for part in asked.chunks(1_000) {
        found.extend(store.screened(TENANT, part).unwrap().into_iter().map(|(number, _)| number));
    }
    assert_eq!(found, numbers.map(number));
    store.close().unwrap();
}

on_both! {
    a_list_counts_though_the_one_before_cannot_be_deleted_and_a_source_can_be_taken_away
    lists_of_an_older_schema_count_on
    of_two_loads_at_once_the_later_begun_goes_on
    a_list_counts_when_it_is_whole_and_replaces_the_one_before
}
