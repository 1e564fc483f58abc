//! The zone of a person whose record brings none: what the state or province of the record says, else what the number says.
//!
//! ```text
//!  timezone of the record ──> its region (a state or province) ──> country and area code ──> the campaign's zone
//! ```
//!
//! Where a place may lie in several zones (a state or an area code that is cut by their border, a mobile number of a
//! country that has more than one), what is said is a **span**, the easternmost and the westernmost of them:
//! `America/New_York..America/Chicago`. Calls are allowed while they are allowed at both ends, which is the strict side
//! whoever is right: 47 CFR 64.1200 (c) (1) asks for the called party's own time. Islands and corners with less than
//! 20,000 people that have no code of their own are not told apart. An area code says where a number was given out, and
//! people take theirs along, so a record's own zone or state goes first.
//!
//! Sources: the zones' names and borders are the IANA time zone database's; country codes ITU-T E.164 (list of assigned
//! codes); area codes those of the North American Numbering Plan Administrator and of each country's numbering plan.

mod areas;
mod states;

pub use states::zone_of_region;

use crate::lead::Number;
use areas::{AREAS, PREFIXES};

/// Between the two ends of a span.
pub(crate) const SPAN: &str = "..";

/// Country codes in order whose whole country keeps one time, with their zones.
const COUNTRIES: [(u64, &str); 65] = [
    (20, "Africa/Cairo"),
    (27, "Africa/Johannesburg"),
    (30, "Europe/Athens"),
    (31, "Europe/Amsterdam"),
    (32, "Europe/Brussels"),
    (33, "Europe/Paris"),
    (36, "Europe/Budapest"),
    (39, "Europe/Rome"),
    (40, "Europe/Bucharest"),
    (41, "Europe/Zurich"),
    (43, "Europe/Vienna"),
    (44, "Europe/London"),
    (45, "Europe/Copenhagen"),
    (46, "Europe/Stockholm"),
    (47, "Europe/Oslo"),
    (48, "Europe/Warsaw"),
    (49, "Europe/Berlin"),
    (51, "America/Lima"),
    (54, "America/Argentina/Buenos_Aires"),
    (56, "America/Santiago"),
    (57, "America/Bogota"),
    (58, "America/Caracas"),
    (60, "Asia/Kuala_Lumpur"),
    (63, "Asia/Manila"),
    (64, "Pacific/Auckland"),
    (65, "Asia/Singapore"),
    (66, "Asia/Bangkok"),
    (81, "Asia/Tokyo"),
    (82, "Asia/Seoul"),
    (84, "Asia/Ho_Chi_Minh"),
    (86, "Asia/Shanghai"),
    (90, "Europe/Istanbul"),
    (91, "Asia/Kolkata"),
    (92, "Asia/Karachi"),
    (94, "Asia/Colombo"),
    (212, "Africa/Casablanca"),
    (213, "Africa/Algiers"),
    (216, "Africa/Tunis"),
    (234, "Africa/Lagos"),
    (254, "Africa/Nairobi"),
    (352, "Europe/Luxembourg"),
    (353, "Europe/Dublin"),
    (354, "Atlantic/Reykjavik"),
    (356, "Europe/Malta"),
    (357, "Asia/Nicosia"),
    (358, "Europe/Helsinki"),
    (359, "Europe/Sofia"),
    (370, "Europe/Vilnius"),
    (371, "Europe/Riga"),
    (372, "Europe/Tallinn"),
    (380, "Europe/Kyiv"),
    (381, "Europe/Belgrade"),
    (385, "Europe/Zagreb"),
    (386, "Europe/Ljubljana"),
    (420, "Europe/Prague"),
    (421, "Europe/Bratislava"),
    (593, "America/Guayaquil"),
    (852, "Asia/Hong_Kong"),
    (880, "Asia/Dhaka"),
    (886, "Asia/Taipei"),
    (965, "Asia/Kuwait"),
    (966, "Asia/Riyadh"),
    (971, "Asia/Dubai"),
    (972, "Asia/Jerusalem"),
    (974, "Asia/Qatar"),
];

/// Index into [`AREAS`] and one, by area code; 0: none of them.
const ZONE_OF_AREA: [u8; 1_000] = {
    let mut zones = [0; 1_000];
    let mut at = 0;
    while at < AREAS.len() {
        let codes = AREAS[at].1;
        let mut code = 0;
        while code < codes.len() {
            assert!(zones[codes[code] as usize] == 0, "an area code stands twice");
            zones[codes[code] as usize] = at as u8 + 1;
            code += 1;
        }
        at += 1;
    }
    zones
};

/// The zone of a number, or the span of the zones it may lie in; `None` where its digits do not say (a toll-free number, a
/// country that is not known).
pub fn zone_of(number: Number) -> Option<&'static str> {
    let text = number.digits().to_string();
    if text.starts_with('1') {
        // Ten digits follow in the North American plan.
        let area: usize = if text.len() == 11 { text[1..4].parse().ok()? } else { return None };
        return AREAS.get(usize::from(ZONE_OF_AREA[area].checked_sub(1)?)).map(|(zone, _)| *zone);
    }
    // The longest beginning says most. Codes of countries have two or three digits here and none begins another.
    let begins = PREFIXES.iter().filter(|(prefix, _)| text.starts_with(prefix)).max_by_key(|(prefix, _)| prefix.len());
    begins.map(|(_, zone)| *zone).or_else(|| {
        [2, 3].into_iter().find_map(|length| {
            let code: u64 = text.get(..length)?.parse().ok()?;
            COUNTRIES.iter().find(|(known, _)| *known == code).map(|(_, zone)| *zone)
        })
    })
}

/// The zone, or the span of zones, in which a lead is judged where its record or number says one: `timezone` and `region`
/// are the record's own.
pub fn zone_of_record(timezone: Option<&str>, region: Option<&str>, number: Number) -> Option<String> {
    let named = timezone.map(str::to_owned);
    named.or_else(|| region.and_then(|region| zone_of_region(region, number)).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compliance::Zones;

    fn of(text: &str) -> Option<&'static str> {
        zone_of(Number::parse(text).unwrap())
    }

    #[test]
    fn every_zone_is_known_and_no_code_begins_another() {
        let mut zones = Zones::new();
        for (at, (code, zone)) in COUNTRIES.iter().enumerate() {
            assert!(zones.index(zone).is_some(), "{zone}");
            let begins = |other: &u64| other.to_string().starts_with(&code.to_string());
            assert_eq!(COUNTRIES.iter().filter(|(other, _)| begins(other)).count(), 1, "{code}");
            assert!(at == 0 || COUNTRIES[at - 1].0 < *code, "{code} is out of order");
        }
        for (zone, codes) in &AREAS {
            assert!(zones.callee(zone).is_some(), "{zone}");
            assert!(codes.windows(2).all(|two| two[0] < two[1]), "{zone}: out of order");
        }
        for (prefix, zone) in &PREFIXES {
            assert!(zones.callee(zone).is_some(), "{zone}");
            assert_eq!(PREFIXES.iter().filter(|(other, _)| other == prefix).count(), 1, "{prefix}");
            assert!(
                COUNTRIES.iter().all(|(code, _)| !prefix.starts_with(&code.to_string())),
                "{prefix} is of no country above"
            );
        }
    }

    #[test]
    fn a_number_lies_where_its_area_does() {
        assert_eq!((of("+4930901821"), of("+353861234567")), (Some("Europe/Berlin"), Some("Europe/Dublin")));
        assert_eq!((of("+12125550100"), of("+14155550100")), (Some("America/New_York"), Some("America/Los_Angeles")));
        assert_eq!(of("+13105550100"), Some("America/Los_Angeles"));
        assert_eq!((of("+16025550100"), of("+18085550100")), (Some("America/Phoenix"), Some("Pacific/Honolulu")));
        assert_eq!(of("+18505550100"), Some("America/New_York..America/Chicago"), "Florida's Panhandle");
        assert_eq!((of("+18005550100"), of("+15550100100"), of("+1212555010")), (None, None, None));
        assert_eq!(
            (of("+61291234567"), of("+61412345678")),
            (Some("Australia/Sydney"), Some("Australia/Sydney..Australia/Perth"))
        );
        assert_eq!((of("+61893201234"), of("+61889201234")), (Some("Australia/Perth"), Some("Australia/Darwin")));
        assert_eq!((of("+34922123456"), of("+34912345678")), (Some("Atlantic/Canary"), Some("Europe/Madrid")));
        assert_eq!(
            (of("+351211234567"), of("+351291123456")),
            (Some("Europe/Lisbon"), Some("Europe/Lisbon")),
            "Madeira keeps Lisbon's time"
        );
        assert_eq!((of("+5511912345678"), of("+5592912345678")), (Some("America/Sao_Paulo"), Some("America/Manaus")));
        assert_eq!((of("+74951234567"), of("+77011234567")), (Some("Europe/Moscow"), Some("Asia/Almaty")));
        assert_eq!(of("+8881234567"), None);
    }

    #[test]
    fn the_record_goes_before_the_number() {
        let new_york = Number::parse("+12125550100").unwrap();
        let of = |timezone: Option<&str>, region: Option<&str>| zone_of_record(timezone, region, new_york);
        assert_eq!(of(Some("America/Denver"), Some("CA")).as_deref(), Some("America/Denver"));
        assert_eq!(of(None, Some("CA")).as_deref(), Some("America/Los_Angeles"));
        assert_eq!((of(None, Some("somewhere")), of(None, None)), (None, None));
    }
}
