//! A list of numbers counts when it is whole, and takes the place of the one before.

use super::*;

fn load(f: &Fixture, kind: ScreenKind, source: &str, as_of: i64, numbers: std::ops::Range<usize>) -> u64 {
    let screen = f.store.begin_screen(TENANT, kind, source, at(as_of), at(as_of + 5)).unwrap();
    f.store.put_screen_numbers(screen, numbers.map(number).collect()).unwrap();
    screen
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
    f.store.put_screen_numbers(moved, vec![number(99)]).unwrap();
    assert_eq!(f.store.end_screen(TENANT, moved).unwrap(), 1, "twice is once");
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
    assert_eq!(f.store.end_screen(TENANT, 999).unwrap_err().kind, ErrorKind::NotFound);
    let many = vec![number(1); SCREEN_BATCH_MAX + 1];
    assert_eq!(f.store.put_screen_numbers(second, many).unwrap_err().kind, ErrorKind::Value);
}

on_both! {
    a_list_counts_when_it_is_whole_and_replaces_the_one_before
}
