//! A telephone number as people write it, made E.164. The wrapped library is `phonenumber`, of which only the tables
//! are used (Google's metadata: codes, prefixes, lengths, patterns of each country). Its parser takes a country's trunk
//! prefix off numbers that only begin like it (+7 812… loses its 8), and a wrong number that rings is worse than a row
//! that is refused. Notations with a carrier's code inside (Brazil, Argentina's 15) are refused for the same reason.

use phonenumber::metadata::{DATABASE, Descriptor};
use phonenumber::{Metadata, country};

/// Longest text that may be a number: 15 digits with a separator after each, brackets and a `tel:`.
const TEXT_CHARS_MAX: usize = 40;

/// Why a text is no number that can be dialled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PhoneFault {
    /// Nothing there.
    Empty,
    /// A spreadsheet has turned it into a power of ten and lost its last digits.
    PowerOfTen,
    /// Letters, an extension.
    Letters,
    /// Characters that no number has, or a plus sign inside.
    Strange,
    /// Fewer digits than any number of its country.
    TooShort,
    /// More digits than any number of its country.
    TooLong,
    /// No country has this code.
    Country,
    /// The country has no numbers of this shape.
    Shape,
    /// Without a plus sign it may begin with its country's code, or be a number that happens to begin so.
    Ambiguous,
}

impl PhoneFault {
    /// For the error file, in a person's words.
    pub fn reason(self) -> &'static str {
        match self {
            PhoneFault::Empty => "no phone number",
            PhoneFault::PowerOfTen => "a spreadsheet turned the number into a power of ten: format the column as text",
            PhoneFault::Letters => "letters in the phone number (extensions cannot be dialled)",
            PhoneFault::Strange => "characters that no phone number has",
            PhoneFault::TooShort => "too few digits",
            PhoneFault::TooLong => "too many digits",
            PhoneFault::Country => "no country has this code",
            PhoneFault::Shape => "no number of its country looks like this",
            PhoneFault::Ambiguous => "may begin with its country's code or not: write a plus sign or a zero in front",
        }
    }
}

/// A country whose notation numbers without a country code follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region(country::Id);

impl Region {
    /// By its two letters (ISO 3166): `US`, `gb`.
    pub fn named(name: &str) -> Option<Region> {
        let id: country::Id = name.to_ascii_uppercase().parse().ok()?;
        // A country without metadata could not be told from any other.
        DATABASE.by_id(id.as_ref()).map(|_| Region(id))
    }
}

/// The number as E.164: `+` and 7 to 15 digits.
///
/// # Errors
/// [`PhoneFault`] when it is none, or none of its country's.
pub fn normalise(text: &str, region: Region) -> Result<String, PhoneFault> {
    let text = plain(text)?;
    let e164 = match text.strip_prefix('+') {
        Some(digits) => international(digits)?,
        None => national(&text, region)?,
    };
    match e164.len() - 1 {
        0..7 => Err(PhoneFault::TooShort),
        7..=15 => Ok(e164),
        _ => Err(PhoneFault::TooLong),
    }
}

/// Whether a number is written without the zero that its country dials first, in digits alone: what a spreadsheet leaves
/// of it.
pub(super) fn lost_zero(text: &str, region: Region) -> bool {
    let text = text.trim();
    let Some(home) = DATABASE.by_id(region.0.as_ref()) else { return false };
    let bare = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let Some(regions) = country(home.country_code()) else { return false };
    let code = home.country_code().to_string();
    // With the country's own code in front nothing is missing.
    let coded = text.strip_prefix(code.as_str()).is_some_and(|rest| fits(&regions, rest));
    bare && !coded && fits(&regions, text) && home.national_prefix() == Some("0")
}

/// Country code and national number. Country codes are prefix-free (ITU-T E.164), so at most one fits.
fn international(digits: &str) -> Result<String, PhoneFault> {
    if digits.len() < 4 {
        return Err(PhoneFault::TooShort);
    }
    let found = (1..=3).find_map(|length| {
        let code = digits[..length].parse::<u16>().ok()?;
        Some((code, &digits[length..], country(code)?))
    });
    let (code, rest, regions) = found.ok_or(PhoneFault::Country)?;
    // A trunk prefix does not belong here, but people write it: +44 (0)20 …
    let trimmed = regions[0].national_prefix().and_then(|prefix| rest.strip_prefix(prefix));
    let number = std::iter::once(rest).chain(trimmed).find(|number| fits(&regions, number));
    number.map(|number| format!("+{code}{number}")).ok_or_else(|| misfit(&regions, rest))
}

/// As it is dialled inside a country: an exit code and a foreign number, or a number with or without trunk prefix or
/// with the country's own code but no plus sign.
fn national(digits: &str, region: Region) -> Result<String, PhoneFault> {
    let home = DATABASE.by_id(region.0.as_ref()).ok_or(PhoneFault::Country)?;
    let regions = country(home.country_code()).ok_or(PhoneFault::Country)?;
    let exit = home.international_prefix().and_then(|pattern| pattern.find(digits)).filter(|found| found.start() == 0);
    if let Some(e164) = exit.and_then(|exit| international(&digits[exit.end()..]).ok()) {
        return Ok(e164);
    }
    let code = home.country_code().to_string();
    let trimmed = home.national_prefix().and_then(|prefix| digits.strip_prefix(prefix));
    let coded = digits.strip_prefix(code.as_str());
    // A spreadsheet takes plus signs and zeros off; where numbers have many lengths, both may be what is left.
    if trimmed.is_none() && fits(&regions, digits) && coded.is_some_and(|rest| fits(&regions, rest)) {
        return Err(PhoneFault::Ambiguous);
    }
    let number = [Some(digits), trimmed, coded].into_iter().flatten().find(|number| fits(&regions, number));
    number.map(|number| format!("+{code}{number}")).ok_or_else(|| misfit(&regions, trimmed.unwrap_or(digits)))
}

/// The countries that share a code, the main one first.
fn country(code: u16) -> Option<Vec<&'static Metadata>> {
    DATABASE.by_code(&code).filter(|regions| !regions.is_empty())
}

/// Whether some country of these has numbers of this length and beginning. Not whether the number is assigned: tables
/// lag behind new ranges, and a number that nobody has answers nobody.
fn fits(regions: &[&Metadata], number: &str) -> bool {
    let begins = |region: &Metadata| {
        region.descriptors().general().national_number().find(number).is_some_and(|found| found.start() == 0)
    };
    regions.iter().any(|region| lengths(region).any(|length| length == number.len()) && begins(region))
}

/// Why a number does not fit, judged by the lengths of lines and mobiles, which people mean.
fn misfit(regions: &[&Metadata], number: &str) -> PhoneFault {
    let usual = |region: &&Metadata| {
        let kinds = region.descriptors();
        lengths_of([kinds.fixed_line(), kinds.mobile()]).collect::<Vec<_>>()
    };
    let lengths: Vec<usize> = regions.iter().flat_map(usual).collect();
    if lengths.iter().all(|&length| number.len() < length) {
        PhoneFault::TooShort
    } else if lengths.iter().all(|&length| number.len() > length) {
        PhoneFault::TooLong
    } else {
        PhoneFault::Shape
    }
}

/// Digits that national numbers of a country may have, of every kind that a list may hold (short codes and emergency
/// numbers are none). The table's general entry has no lengths.
fn lengths(region: &Metadata) -> impl Iterator<Item = usize> {
    let kinds = region.descriptors();
    lengths_of([
        kinds.fixed_line(),
        kinds.mobile(),
        kinds.toll_free(),
        kinds.premium_rate(),
        kinds.shared_cost(),
        kinds.personal_number(),
        kinds.voip(),
        kinds.pager(),
        kinds.uan(),
    ])
}

fn lengths_of<const N: usize>(kinds: [Option<&Descriptor>; N]) -> impl Iterator<Item = usize> {
    kinds.into_iter().flatten().flat_map(|kind| kind.possible_length()).map(|length| usize::from(*length))
}

/// Digits and at most a leading plus sign.
fn plain(text: &str) -> Result<String, PhoneFault> {
    // Spreadsheets mark text by an apostrophe; mail programs add an invisible direction mark.
    let marks = |c: char| c.is_whitespace() || matches!(c, '\'' | '\u{200e}' | '\u{202a}'..='\u{202e}');
    let text = text.trim_matches(marks);
    let text = text.strip_prefix("tel:").unwrap_or(text);
    if text.is_empty() {
        return Err(PhoneFault::Empty);
    }
    if is_power_of_ten(text) {
        return Err(PhoneFault::PowerOfTen);
    }
    if text.chars().any(char::is_alphabetic) {
        return Err(PhoneFault::Letters);
    }
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(PhoneFault::TooLong);
    }
    let mut digits = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => digits.push(c),
            '(' | ')' | '-' | '.' | '/' | '\u{2010}'..='\u{2015}' => {}
            _ if c.is_whitespace() => {}
            _ => return Err(PhoneFault::Strange),
        }
    }
    Ok(digits)
}

/// `1.21256E+10`
fn is_power_of_ten(text: &str) -> bool {
    text.split_once(['E', 'e']).is_some_and(|(number, power)| {
        number.starts_with(|c: char| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
            && power.strip_prefix('+').unwrap_or(power).parse::<u8>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(text: &str) -> Result<String, PhoneFault> {
        normalise(text, Region::named("US").unwrap())
    }

    #[test]
    fn national_and_international_notation_give_the_same_number() {
        for text in [
            "2125550123",
            "212-555-0123",
            "(212) 555-0123",
            "1 212 555 0123",
            "12125550123",
            "+1 212.555.0123",
            "+1-212-555-0123",
            "tel:+1-212-555-0123",
            "'2125550123",
            " \u{202d}(212)\u{a0}555\u{2013}0123\u{202c}\t",
            "011 1 212 555 0123",
            "+1 1 212 555 0123",
        ] {
            assert_eq!(us(text).as_deref(), Ok("+12125550123"), "{text:?}");
        }
        // A fictional area code is a shape that exists.
        assert_eq!(us("+15551234567").as_deref(), Ok("+15551234567"));
    }

    #[test]
    fn a_foreign_number_is_not_read_by_the_default_countrys_rules() {
        let german = Ok("+4915123456789");
        for text in ["+49 1512 3456789", "011 49 1512 3456789", "+49 (0) 1512 3456789"] {
            assert_eq!(us(text).as_deref(), german, "{text:?}");
        }
        let germany = Region::named("de").unwrap();
        for text in ["01512 3456789", "0049 1512 3456789", "+49 1512 3456789", "0151/23456789"] {
            assert_eq!(normalise(text, germany).as_deref(), german, "{text:?}");
        }
        let britain = Region::named("GB").unwrap();
        for text in ["020 7946 0123", "+44 20 7946 0123", "0044 20 7946 0123", "+44 (0)20 7946 0123"] {
            assert_eq!(normalise(text, britain).as_deref(), Ok("+442079460123"), "{text:?}");
        }
        // A Russian number keeps the 8 that belongs to it and loses the 8 that is the trunk prefix.
        let russia = Region::named("RU").unwrap();
        for text in ["+7 812 123-45-67", "8 812 123-45-67", "812 123-45-67", "7 812 123 45 67", "8 10 7 812 123 45 67"]
        {
            assert_eq!(normalise(text, russia).as_deref(), Ok("+78121234567"), "{text:?}");
        }
        assert_eq!(us("+7 812 123-45-67").as_deref(), Ok("+78121234567"));
        // +49 1512 3456789 without its plus sign, or 04915 123456789 without its zero?
        assert_eq!(normalise("4915123456789", germany), Err(PhoneFault::Ambiguous));
        for text in ["015123456789", "15123456789", "0049 15123456789"] {
            assert_eq!(normalise(text, germany).as_deref(), german, "{text:?}");
        }
        // An Italian number keeps the zero that belongs to it.
        assert_eq!(us("+39 06 698 12345").as_deref(), Ok("+390669812345"));
        assert_eq!(normalise("001 212 555 0123", britain).as_deref(), Ok("+12125550123"));
    }

    #[test]
    fn rubbish_is_refused_with_its_reason() {
        use PhoneFault::*;
        for (text, fault) in [
            ("", Empty),
            ("   ", Empty),
            ("1.21256E+10", PowerOfTen),
            ("2,12555E+09", PowerOfTen),
            ("1-800-FLOWERS", Letters),
            ("212 555 0123 ext 4", Letters),
            ("n/a", Letters),
            ("212#555*0123", Strange),
            ("212+5550123", Strange),
            ("5550123", TooShort),
            ("911", TooShort),
            ("-", TooShort),
            ("+", TooShort),
            ("+1 212 555 01", TooShort),
            ("+1 212 555 0123 456", TooLong),
            ("212555012345678901234", TooLong),
            ("+999 123456789", Country),
            ("+1 123 555 0123", Shape),
            ("0000000000", Shape),
        ] {
            assert_eq!(us(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn a_zero_that_a_spreadsheet_took_is_noticed() {
        let germany = Region::named("DE").unwrap();
        for (text, lost) in [
            ("15123456789", true),
            ("015123456789", false),
            ("+4915123456789", false),
            ("4915123456789", false),
            ("1512 3456789", false),
            ("", false),
        ] {
            assert_eq!(lost_zero(text, germany), lost, "{text}");
        }
        assert!(!lost_zero("2125550100", Region::named("US").unwrap()), "no zero there");
        for damaged in ["4.9E+11", "4,91512E+12", "1.21256e10"] {
            assert_eq!(normalise(damaged, germany), Err(PhoneFault::PowerOfTen), "{damaged}");
        }
    }

    #[test]
    fn only_countries_are_regions() {
        assert!(Region::named("de").is_some());
        for name in ["XX", "", "USA", "1"] {
            assert_eq!(Region::named(name), None, "{name}");
        }
    }
}
