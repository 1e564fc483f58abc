//! A million contacts: how fast they come in, and how long a search takes. Ignored: minutes of work. Run with
//! `cargo test -p outpace-store -- --ignored --nocapture search_million`.

use std::time::{Duration, Instant};

use super::*;

const CONTACTS: usize = 1_000_000;

const FIRST: [&str; 24] = [
    "Anna", "Maria", "Peter", "Paul", "Jan", "Eva", "Ivan", "Olga", "Lukas", "Lena", "Tom", "Sara", "Amir", "Emina",
    "Marko", "Petra", "Karl", "Julia", "Max", "Nina", "Oskar", "Clara", "Hugo", "Ida",
];

/// 24 × 5,000 names, so that some words are common and some are rare, and every seventh has an id of another system.
pub(super) fn person(n: usize) -> NewLead {
    // A walk through all residues: neighbours in the file are no neighbours in any index.
    let mixed = n.wrapping_mul(7_919) % 5_000;
    NewLead {
        number: format!("+1{:010}", 2_000_000_000 + (n as u64).wrapping_mul(999_983) % 7_000_000_000),
        first_name: Some(FIRST[(n / 3) % FIRST.len()].to_owned()),
        last_name: Some(format!("{}{}", ["Kow", "Mül", "Smi", "Gar", "Ivan"][mixed % 5], spelled(mixed))),
        timezone: None,
        external_id: n.is_multiple_of(7).then(|| format!("C-{n}")),
        ..NewLead::default()
    }
}

fn spelled(mut n: usize) -> String {
    let mut text = String::new();
    for _ in 0..4 {
        text.push_str(["ba", "ce", "di", "fo", "gu", "ha", "ke", "li"][n % 8]);
        n /= 8;
    }
    text
}

fn search_million(on: Backend) {
    let f = fixture(on, 0);
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    for part in 0..CONTACTS / 5_000 {
        let people = (part * 5_000..(part + 1) * 5_000).map(person).collect();
        let asked = Instant::now();
        assert_eq!(f.store.import_leads(TENANT, f.list, people, at(0)).unwrap().added, 5_000);
        slowest = slowest.max(asked.elapsed());
        if part == 19 {
            println!("{on:?}: the first 100,000 at {:.0} rows/s", 100_000.0 / begun.elapsed().as_secs_f64());
        }
    }
    println!(
        "{on:?}: {CONTACTS} rows at {:.0} rows/s, slowest 5,000 in {} ms",
        CONTACTS as f64 / begun.elapsed().as_secs_f64(),
        slowest.as_millis()
    );
    let again = Instant::now();
    f.store.import_leads(TENANT, f.list, (0..10_000).map(person).collect(), at(0)).unwrap();
    println!("{on:?}: the same rows again at {:.0} rows/s", 10_000.0 / again.elapsed().as_secs_f64());
    let small = f.store.create_list(TENANT, "small", at(0)).unwrap();
    f.store.import_leads(TENANT, small, (500_000..500_200).map(person).collect(), at(0)).unwrap();
    f.store.end_import(TENANT).unwrap();

    let sample = person(765_432);
    let digits = sample.number[1..].to_owned();
    let last = sample.last_name.clone().unwrap();
    let searches: Vec<(&str, String, Option<ListId>)> = vec![
        ("all", String::new(), None),
        ("a list", String::new(), Some(f.list)),
        ("a whole number", sample.number.clone(), None),
        ("a number's front", sample.number[..6].to_owned(), None),
        ("a number's short front", "+12".to_owned(), None),
        ("a number's end", digits[6..].to_owned(), None),
        ("a national number", digits[1..].to_owned(), None),
        ("one letter", "a".to_owned(), None),
        ("a common name", "anna".to_owned(), None),
        ("a rare name", last.clone(), None),
        ("two words", format!("{} {last}", sample.first_name.unwrap()), None),
        ("two common fronts", "an kow".to_owned(), None),
        ("two words that nobody has", "anna ivano zz".to_owned(), None),
        ("two common words of nobody", "anna maria".to_owned(), None),
        ("an id", "C-700007".to_owned(), None),
        ("nothing", "xyzzy".to_owned(), None),
        ("a name on a large list", "anna".to_owned(), Some(f.list)),
        ("a name on a small list", "anna".to_owned(), Some(small)),
        ("a letter on a small list", "a".to_owned(), Some(small)),
        ("a number on a small list", "+12".to_owned(), Some(small)),
    ];
    for (kind, search, list) in searches {
        let mut times: Vec<Duration> = Vec::new();
        let mut found = 0;
        let mut cursor = None;
        for _ in 0..40 {
            let search = Some(search.clone());
            let asked = Instant::now();
            let page = f.store.contacts(TENANT, ContactQuery { search, list, cursor, limit: 100 }, at(9)).unwrap();
            times.push(asked.elapsed());
            found += page.contacts.len();
            // Deeper and deeper, then from the beginning again.
            cursor = page.next;
        }
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        println!(
            "{on:?}: {kind:<28} p50 {:>7.1} ms  p99 {:>7.1} ms  {found:>5} found in {} pages",
            ms(times[times.len() / 2]),
            ms(times[times.len() - 1]),
            times.len()
        );
    }
}

mod sqlite {
    #[test]
    #[ignore = "minutes of work"]
    fn search_million() {
        super::search_million(super::Backend::Sqlite);
    }
}

mod postgres {
    #[test]
    #[ignore = "minutes of work"]
    fn search_million() {
        super::search_million(super::Backend::Postgres);
    }
}
