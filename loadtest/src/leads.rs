//! Generates lead lists as people really upload them: national and international notation mixed, duplicates in another
//! notation, and rubbish rows; exactly the asked number of valid, different numbers among them.
//!
//! Every number is one that its country's regulator keeps for fiction (555 exchanges in North America, Ofcom's and the
//! Bundesnetzagentur's drama numbers), so a list that escapes from a test reaches nobody.
//! All zones are chosen so that from 16:00 to 19:00 UTC it is between 8:00 and 21:00 for everyone, summer and winter
//! (Los Angeles in winter to Berlin in summer).

use base::{Seed, Stream};
use std::collections::BTreeSet;

/// Most leads of one list: below half of the numbers that exist here (62 area codes × 10,000 + 2 × 1,000 = 622,000), so
/// that drawing a number that is still free takes at most two tries on average.
pub const LEADS_MAX: usize = 300_000;

/// The region in which numbers without a country code are to be read.
pub const DEFAULT_REGION: &str = "US";

/// One duplicate for this many valid rows.
const VALID_PER_DUPLICATE: usize = 20;
/// One rubbish row for this many valid rows.
const VALID_PER_RUBBISH: usize = 25;

/// A generated list and what was planted in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadList {
    /// The CSV text: header `phone,first_name,last_name,timezone,external_id`, then one row a lead.
    pub csv: String,
    /// The valid numbers in E.164 with `+`, in the order of their first rows.
    pub numbers: Vec<String>,
    /// What the rows are.
    pub planted: Planted,
}

/// Counts of rows; they add up to `rows`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Planted {
    /// All rows but the header.
    pub rows: usize,
    /// First rows of valid numbers.
    pub valid: usize,
    /// Of the valid ones: written with a country code.
    pub valid_international: usize,
    /// A valid number once more, in some notation.
    pub duplicates: usize,
    /// Rubbish: letters where a number should be.
    pub letters: usize,
    /// Rubbish: too few digits.
    pub too_short: usize,
    /// Rubbish: too many digits.
    pub too_long: usize,
    /// Rubbish: nothing at all.
    pub empty: usize,
}

impl Planted {
    /// Rows that no importer may take.
    pub fn rubbish(&self) -> usize {
        self.letters + self.too_short + self.too_long + self.empty
    }
}

/// The CSV text of [`leads`].
pub fn leads_csv(count: usize, seed: Seed) -> String {
    leads(count, seed).csv
}

/// A list with exactly `count` valid, different numbers (at most [`LEADS_MAX`]); the same seed gives the same list.
pub fn leads(count: usize, seed: Seed) -> LeadList {
    let count = count.min(LEADS_MAX);
    let mut random = seed.stream("lead list", 0);
    let mut list = LeadList {
        csv: String::from("phone,first_name,last_name,timezone,external_id\n"),
        numbers: Vec::with_capacity(count),
        planted: Planted::default(),
    };
    let mut taken = BTreeSet::new();
    let mut written: Vec<Number> = Vec::with_capacity(count);
    for index in 0..count {
        let number = loop {
            let number = Number::draw(&mut random);
            if taken.insert(number.e164()) {
                break number;
            }
        };
        let (text, international) = number.notation(&mut random);
        list.numbers.push(number.e164());
        list.planted.valid += 1;
        list.planted.valid_international += usize::from(international);
        list.row(&text, number.zone, &mut random);
        written.push(number);
        if index % VALID_PER_DUPLICATE == VALID_PER_DUPLICATE / 2 {
            let again = &written[random.below(written.len() as u64) as usize];
            let (text, _) = again.notation(&mut random);
            let zone = again.zone;
            list.planted.duplicates += 1;
            list.row(&text, zone, &mut random);
        }
        if index % VALID_PER_RUBBISH == VALID_PER_RUBBISH / 3 {
            list.rubbish(index / VALID_PER_RUBBISH, &mut random);
        }
    }
    list
}

impl LeadList {
    fn row(&mut self, phone: &str, zone: &str, random: &mut Stream) {
        let first = pick(FIRST_NAMES, random);
        let last = pick(LAST_NAMES, random);
        self.planted.rows += 1;
        let external = format!("L{:06}", self.planted.rows);
        let fields = [phone, first, last, zone, &external].map(quoted);
        self.csv.push_str(&fields.join(","));
        self.csv.push('\n');
    }

    /// Each kind of rubbish in its turn.
    fn rubbish(&mut self, turn: usize, random: &mut Stream) {
        let (text, counter) = match turn % 4 {
            0 => (pick(LETTERS, random), &mut self.planted.letters),
            1 => (pick(TOO_SHORT, random), &mut self.planted.too_short),
            2 => ("", &mut self.planted.empty),
            _ => (pick(TOO_LONG, random), &mut self.planted.too_long),
        };
        *counter += 1;
        self.row(text, "America/New_York", random);
    }
}

/// A field as CSV wants it (RFC 4180): quoted when it holds a comma or a quote.
fn quoted(field: &str) -> String {
    if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}

fn pick<'a>(from: &[&'a str], random: &mut Stream) -> &'a str {
    from[random.below(from.len() as u64) as usize]
}

/// A fictional number: country code, area and subscriber digits.
struct Number {
    country: &'static str,
    area: &'static str,
    subscriber: String,
    zone: &'static str,
}

impl Number {
    /// Nine in ten are North American, the rest British or German.
    fn draw(random: &mut Stream) -> Self {
        match random.below(20) {
            0 => {
                let subscriber = format!("79460{:03}", random.below(1_000));
                Number { country: "44", area: "20", subscriber, zone: "Europe/London" }
            }
            1 => {
                let subscriber = format!("23125{:03}", random.below(1_000));
                Number { country: "49", area: "30", subscriber, zone: "Europe/Berlin" }
            }
            _ => {
                let (area, zone) = AREAS[random.below(AREAS.len() as u64) as usize];
                Number { country: "1", area, subscriber: format!("555{:04}", random.below(10_000)), zone }
            }
        }
    }

    fn e164(&self) -> String {
        format!("+{}{}{}", self.country, self.area, self.subscriber)
    }

    /// The number as somebody typed it, and whether a country code is in it.
    fn notation(&self, random: &mut Stream) -> (String, bool) {
        let Number { country, area, subscriber, .. } = self;
        let (first, rest) = subscriber.split_at(subscriber.len() - 4);
        if *country != "1" {
            let text = match random.below(4) {
                0 => self.e164(),
                1 => format!("+{country} {area} {first} {rest}"),
                2 => format!("+{country}-{area}-{first}-{rest}"),
                _ => format!("011 {country} {area} {first} {rest}"),
            };
            return (text, true);
        }
        match random.below(9) {
            0 => (self.e164(), true),
            1 => (format!("+1 ({area}) {first}-{rest}"), true),
            2 => (format!("+1-{area}-{first}-{rest}"), true),
            3 => (format!("1-{area}-{first}-{rest}"), true),
            4 => (format!("({area}) {first}-{rest}"), false),
            5 => (format!("{area}-{first}-{rest}"), false),
            6 => (format!("{area}.{first}.{rest}"), false),
            7 => (format!(" {area} {first} {rest} "), false),
            _ => (format!("{area}{subscriber}"), false),
        }
    }
}

const FIRST_NAMES: &[&str] =
    &["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Hedy", "Konrad", "Margaret", "Zoë", "José", "Wei"];
const LAST_NAMES: &[&str] = &[
    "Miller",
    "O'Brien",
    "Smith, Jr.",
    "van der Berg",
    "Müller",
    "Nguyễn",
    "García",
    "\"Red\" Jones",
    "Li",
    "Kowalski",
];
const LETTERS: &[&str] = &["n/a", "unknown", "call me later", "=2+3", "ask@example.com", "tbd"];
const TOO_SHORT: &[&str] = &["12345", "555-01", "911", "+1 212 555", "0"];
const TOO_LONG: &[&str] = &["212555012345678901", "+1 212 555 0123 212 555 0124", "000000000000000000000"];

/// Area codes with the zone most of their people live in.
const AREAS: &[(&str, &str)] = &[
    ("201", "America/New_York"),
    ("202", "America/New_York"),
    ("203", "America/New_York"),
    ("207", "America/New_York"),
    ("212", "America/New_York"),
    ("215", "America/New_York"),
    ("301", "America/New_York"),
    ("302", "America/New_York"),
    ("305", "America/New_York"),
    ("313", "America/Detroit"),
    ("401", "America/New_York"),
    ("404", "America/New_York"),
    ("407", "America/New_York"),
    ("410", "America/New_York"),
    ("412", "America/New_York"),
    ("413", "America/New_York"),
    ("513", "America/New_York"),
    ("516", "America/New_York"),
    ("603", "America/New_York"),
    ("617", "America/New_York"),
    ("703", "America/New_York"),
    ("704", "America/New_York"),
    ("802", "America/New_York"),
    ("803", "America/New_York"),
    ("912", "America/New_York"),
    ("205", "America/Chicago"),
    ("214", "America/Chicago"),
    ("217", "America/Chicago"),
    ("312", "America/Chicago"),
    ("314", "America/Chicago"),
    ("316", "America/Chicago"),
    ("402", "America/Chicago"),
    ("405", "America/Chicago"),
    ("414", "America/Chicago"),
    ("501", "America/Chicago"),
    ("504", "America/Chicago"),
    ("512", "America/Chicago"),
    ("515", "America/Chicago"),
    ("601", "America/Chicago"),
    ("612", "America/Chicago"),
    ("713", "America/Chicago"),
    ("816", "America/Chicago"),
    ("901", "America/Chicago"),
    ("918", "America/Chicago"),
    ("303", "America/Denver"),
    ("307", "America/Denver"),
    ("406", "America/Denver"),
    ("505", "America/Denver"),
    ("801", "America/Denver"),
    ("480", "America/Phoenix"),
    ("602", "America/Phoenix"),
    ("206", "America/Los_Angeles"),
    ("213", "America/Los_Angeles"),
    ("310", "America/Los_Angeles"),
    ("408", "America/Los_Angeles"),
    ("415", "America/Los_Angeles"),
    ("503", "America/Los_Angeles"),
    ("509", "America/Los_Angeles"),
    ("619", "America/Los_Angeles"),
    ("702", "America/Los_Angeles"),
    ("775", "America/Los_Angeles"),
    ("916", "America/Los_Angeles"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The phone column of every row, by a reader of its own.
    fn phones(csv: &str) -> Vec<String> {
        csv.lines()
            .skip(1)
            .map(|line| match line.strip_prefix('"') {
                Some(rest) => rest.split('"').next().unwrap_or_default().to_owned(),
                None => line.split(',').next().unwrap_or_default().to_owned(),
            })
            .collect()
    }

    /// E.164 of what a row says, if it can be a number at all: enough to check this generator's own notations.
    fn read(phone: &str) -> Option<String> {
        if phone.chars().any(|c| c.is_ascii_alphabetic() || "@=/".contains(c)) {
            return None;
        }
        let international = phone.trim().starts_with('+');
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        let full = match () {
            () if international => digits,
            () if digits.starts_with("011") => digits[3..].to_owned(),
            () if digits.len() == 10 => format!("1{digits}"),
            () => digits,
        };
        let fits = match full.as_bytes().first()? {
            b'1' => full.len() == 11 && (b'2'..=b'9').contains(&full.as_bytes()[1]),
            b'4' => full.len() == 12,
            _ => false,
        };
        fits.then(|| format!("+{full}"))
    }

    #[test]
    fn exactly_the_asked_number_of_valid_numbers() {
        for count in [0, 1, 120, 500, 20_000] {
            let list = leads(count, Seed::from_u64(11));
            let rows = phones(&list.csv);
            let read: Vec<String> = rows.iter().filter_map(|phone| read(phone)).collect();
            let unique: BTreeSet<&String> = read.iter().collect();
            assert_eq!(unique.len(), count);
            assert_eq!(unique, list.numbers.iter().collect());
            let Planted { rows: all, valid, duplicates, .. } = list.planted;
            assert_eq!((rows.len(), count), (all, valid));
            assert_eq!(valid + duplicates + list.planted.rubbish(), all);
            assert_eq!(read.len(), valid + duplicates);
        }
    }

    #[test]
    fn every_kind_is_there() {
        let planted = leads(500, Seed::from_u64(1)).planted;
        let Planted { duplicates, letters, too_short, too_long, empty, .. } = planted;
        assert_eq!(duplicates, 25);
        assert_eq!([letters, too_short, empty, too_long], [5, 5, 5, 5]);
        assert!((150..350).contains(&planted.valid_international), "{planted:?}");
        let csv = leads_csv(500, Seed::from_u64(1));
        assert!(csv.contains("\"Smith, Jr.\"") && csv.contains("\"\"Red\"\" Jones"), "awkward names are quoted");
    }

    #[test]
    fn the_same_seed_gives_the_same_list() {
        assert_eq!(leads(300, Seed::from_u64(5)), leads(300, Seed::from_u64(5)));
        assert_ne!(leads(300, Seed::from_u64(5)).numbers, leads(300, Seed::from_u64(6)).numbers);
    }
}
