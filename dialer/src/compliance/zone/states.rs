//! The zone of a state, province or territory that a record names.

use crate::lead::Number;

/// A country's code of a number, and its parts: the postal code, the name in lower case, and the zone or span.
type Country = (&'static str, &'static [(&'static str, &'static str, &'static str)]);

const EASTERN: &str = "America/New_York";
const CENTRAL: &str = "America/Chicago";
const MOUNTAIN: &str = "America/Denver";
const PACIFIC: &str = "America/Los_Angeles";
const EAST_AND_CENTRAL: &str = "America/New_York..America/Chicago";
const CENTRAL_AND_MOUNTAIN: &str = "America/Chicago..America/Denver";

/// The United States and Canada share country code 1, and no two of their postal codes are the same.
const STATES: [Country; 2] = [
    (
        "1",
        &[
            ("AL", "alabama", CENTRAL),
            ("AK", "alaska", "America/Anchorage..America/Adak"),
            ("AZ", "arizona", "America/Denver..America/Phoenix"),
            ("AR", "arkansas", CENTRAL),
            ("CA", "california", PACIFIC),
            ("CO", "colorado", MOUNTAIN),
            ("CT", "connecticut", EASTERN),
            ("DE", "delaware", EASTERN),
            ("DC", "district of columbia", EASTERN),
            ("FL", "florida", EAST_AND_CENTRAL),
            ("GA", "georgia", EASTERN),
            ("HI", "hawaii", "Pacific/Honolulu"),
            ("ID", "idaho", "America/Boise..America/Los_Angeles"),
            ("IL", "illinois", CENTRAL),
            ("IN", "indiana", EAST_AND_CENTRAL),
            ("IA", "iowa", CENTRAL),
            ("KS", "kansas", CENTRAL_AND_MOUNTAIN),
            ("KY", "kentucky", EAST_AND_CENTRAL),
            ("LA", "louisiana", CENTRAL),
            ("ME", "maine", EASTERN),
            ("MD", "maryland", EASTERN),
            ("MA", "massachusetts", EASTERN),
            ("MI", "michigan", EAST_AND_CENTRAL),
            ("MN", "minnesota", CENTRAL),
            ("MS", "mississippi", CENTRAL),
            ("MO", "missouri", CENTRAL),
            ("MT", "montana", MOUNTAIN),
            ("NE", "nebraska", CENTRAL_AND_MOUNTAIN),
            ("NV", "nevada", "America/Denver..America/Los_Angeles"),
            ("NH", "new hampshire", EASTERN),
            ("NJ", "new jersey", EASTERN),
            ("NM", "new mexico", MOUNTAIN),
            ("NY", "new york", EASTERN),
            ("NC", "north carolina", EASTERN),
            ("ND", "north dakota", CENTRAL_AND_MOUNTAIN),
            ("OH", "ohio", EASTERN),
            ("OK", "oklahoma", CENTRAL),
            ("OR", "oregon", "America/Boise..America/Los_Angeles"),
            ("PA", "pennsylvania", EASTERN),
            ("RI", "rhode island", EASTERN),
            ("SC", "south carolina", EASTERN),
            ("SD", "south dakota", CENTRAL_AND_MOUNTAIN),
            ("TN", "tennessee", EAST_AND_CENTRAL),
            ("TX", "texas", CENTRAL_AND_MOUNTAIN),
            ("UT", "utah", MOUNTAIN),
            ("VT", "vermont", EASTERN),
            ("VA", "virginia", EASTERN),
            ("WA", "washington", PACIFIC),
            ("WV", "west virginia", EASTERN),
            ("WI", "wisconsin", CENTRAL),
            ("WY", "wyoming", MOUNTAIN),
            ("PR", "puerto rico", "America/Puerto_Rico"),
            ("VI", "virgin islands", "America/St_Thomas"),
            ("GU", "guam", "Pacific/Guam"),
            ("AS", "american samoa", "Pacific/Pago_Pago"),
            ("MP", "northern mariana islands", "Pacific/Saipan"),
            ("AB", "alberta", "America/Edmonton"),
            ("BC", "british columbia", "America/Edmonton..America/Vancouver"),
            ("MB", "manitoba", "America/Winnipeg"),
            ("NB", "new brunswick", "America/Halifax"),
            ("NL", "newfoundland and labrador", "America/St_Johns..America/Halifax"),
            ("NS", "nova scotia", "America/Halifax"),
            ("NT", "northwest territories", "America/Edmonton"),
            ("NU", "nunavut", "America/Toronto..America/Whitehorse"),
            ("ON", "ontario", "America/Toronto..America/Winnipeg"),
            ("PE", "prince edward island", "America/Halifax"),
            ("QC", "quebec", "America/Halifax..America/Toronto"),
            ("SK", "saskatchewan", "America/Regina"),
            ("YT", "yukon", "America/Whitehorse"),
        ],
    ),
    (
        "61",
        &[
            ("ACT", "australian capital territory", "Australia/Sydney"),
            ("NSW", "new south wales", "Australia/Sydney"),
            ("NT", "northern territory", "Australia/Darwin"),
            ("QLD", "queensland", "Australia/Brisbane"),
            ("SA", "south australia", "Australia/Adelaide"),
            ("TAS", "tasmania", "Australia/Hobart"),
            ("VIC", "victoria", "Australia/Melbourne"),
            ("WA", "western australia", "Australia/Perth"),
        ],
    ),
];

/// The zone, or the span of zones, of a state or province by its postal code or English name, in the country of the
/// number. The number's area says nothing more of a divided one: people take their numbers along. `None`: nothing that is
/// known.
pub fn zone_of_region(region: &str, number: Number) -> Option<&'static str> {
    let (digits, region) = (number.digits().to_string(), region.trim());
    let (_, parts) = STATES.iter().find(|(country, _)| digits.starts_with(country))?;
    let named =
        |(code, name, _): &&(&str, &str, &str)| region.eq_ignore_ascii_case(code) || region.eq_ignore_ascii_case(name);
    parts.iter().find(named).map(|(.., zone)| *zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compliance::Zones;

    #[test]
    fn a_state_lies_in_its_zone_whatever_the_number_says() {
        let of = |region: &str, number: &str| zone_of_region(region, Number::parse(number).unwrap());
        assert_eq!(of("WA", "+12065550100"), Some(PACIFIC));
        assert_eq!(of(" Western Australia ", "+61412345678"), Some("Australia/Perth"));
        assert_eq!(of("wa", "+61412345678"), Some("Australia/Perth"));
        assert_eq!(of("Ohio", "+14155550100"), Some(EASTERN), "a number that was taken along");
        assert_eq!(of("TX", "+12125550100"), Some(CENTRAL_AND_MOUNTAIN));
        assert_eq!(of("FL", "+12125550100"), Some(EAST_AND_CENTRAL), "from New York to Pensacola with the number");
        assert_eq!(of("FL", "+18505550100"), Some(EAST_AND_CENTRAL));
        assert_eq!((of("Bavaria", "+4989123456"), of("XX", "+12125550100")), (None, None));
    }

    #[test]
    fn every_part_has_a_zone_that_is_known() {
        let mut zones = Zones::new();
        for (at, (code, name, zone)) in STATES.iter().flat_map(|(_, parts)| parts.iter()).enumerate() {
            assert!(zones.callee(zone).is_some(), "{at}: {name}: {zone}");
            assert_eq!(*name, name.to_lowercase(), "{code}");
        }
    }
}
