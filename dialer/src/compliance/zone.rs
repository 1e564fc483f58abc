//! The zone of a number whose lead brings none, where its country code leaves no doubt.
//!
//! Only codes of the ITU's list whose whole country keeps one time, in the zone database's names; a code that several
//! zones share (1, 7, 34, 55, 61, 62, 351, 52 and more) is not here, and such a lead is judged in its campaign's zone.

use crate::lead::Number;

/// Country codes in order, with their zones.
const ZONES: [(u64, &str); 62] = [
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
    (57, "America/Bogota"),
    (58, "America/Caracas"),
    (60, "Asia/Kuala_Lumpur"),
    (63, "Asia/Manila"),
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
    (852, "Asia/Hong_Kong"),
    (880, "Asia/Dhaka"),
    (886, "Asia/Taipei"),
    (965, "Asia/Kuwait"),
    (966, "Asia/Riyadh"),
    (971, "Asia/Dubai"),
    (972, "Asia/Jerusalem"),
    (974, "Asia/Qatar"),
];

/// The zone of a number's country, if it has one only.
pub fn zone_of(number: Number) -> Option<&'static str> {
    let digits = number.to_string();
    let digits = digits.trim_start_matches('+');
    // Codes have two or three digits here and none begins another, so the order of asking does not matter.
    [2, 3].into_iter().find_map(|length| {
        let code: u64 = digits.get(..length)?.parse().ok()?;
        ZONES.iter().find(|(known, _)| *known == code).map(|(_, zone)| *zone)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compliance::Zones;

    #[test]
    fn every_zone_is_known_and_no_code_begins_another() {
        let mut zones = Zones::new();
        for (at, (code, zone)) in ZONES.iter().enumerate() {
            assert!(zones.index(zone).is_some(), "{zone}");
            let begins = |other: &u64| other.to_string().starts_with(&code.to_string());
            assert_eq!(ZONES.iter().filter(|(other, _)| begins(other)).count(), 1, "{code}");
            assert!(at == 0 || ZONES[at - 1].0 < *code, "{code} is out of order");
        }
        let of = |text: &str| zone_of(Number::parse(text).unwrap());
        assert_eq!((of("+4930901821"), of("+353861234567")), (Some("Europe/Berlin"), Some("Europe/Dublin")));
        assert_eq!((of("+12125550100"), of("+61291234567"), of("+351211234567")), (None, None, None));
    }
}
