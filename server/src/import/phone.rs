//! A telephone number as people write it, made E.164. The wrapped library is `phonenumber` (Google's metadata).

use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, PhoneNumber, country};

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
    let number = if text.starts_with('+') {
        parse(&text, None)?
    } else {
        let number = parse(&text, Some(region.0))?;
        match number.code().source() {
            // Parsed once more as if with a plus sign: the library takes the default country's own trunk prefix off a
            // foreign number (011 49 1512… would lose the 1).
            country::Source::Idd => parse(&after_exit_code(&text, number.code().value())?, None)?,
            _ => number,
        }
    };
    check_shape(&number)?;
    let e164 = number.format().mode(Mode::E164).to_string();
    let digits = e164.len().saturating_sub(1);
    match digits {
        0..7 => Err(PhoneFault::TooShort),
        7..=15 => Ok(e164),
        _ => Err(PhoneFault::TooLong),
    }
}

/// Digits and at most a leading plus sign.
fn plain(text: &str) -> Result<String, PhoneFault> {
    // Spreadsheets mark text by an apostrophe; mail programs add an invisible direction mark.
    let text =
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '\u{200e}' | '\u{202a}'..='\u{202e}'));
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

fn parse(text: &str, region: Option<country::Id>) -> Result<PhoneNumber, PhoneFault> {
    use phonenumber::ParseError;
    phonenumber::parse(region, text).map_err(|error| match error {
        ParseError::NoNumber | ParseError::TooShortAfterIdd | ParseError::TooShortNsn => PhoneFault::TooShort,
        ParseError::TooLong | ParseError::MalformedInteger(_) => PhoneFault::TooLong,
        _ => PhoneFault::Country,
    })
}

/// `01149151…` with country code 49 as `+49151…`. Exit codes have two to five digits (`00`, `011`, `0011`, `00000`).
fn after_exit_code(digits: &str, code: u16) -> Result<String, PhoneFault> {
    let code = code.to_string();
    (2..=5)
        .filter_map(|length| digits.get(length..))
        .find(|rest| rest.starts_with(&code))
        .map(|rest| format!("+{rest}"))
        .ok_or(PhoneFault::Country)
}

/// Whether some country with this code has numbers of this length and beginning. Not whether the number is assigned:
/// metadata lags behind new ranges, and a number that nobody has answers nobody.
fn check_shape(number: &PhoneNumber) -> Result<(), PhoneFault> {
    let national = number.national().to_string();
    let regions = DATABASE.by_code(&number.code().value()).filter(|regions| !regions.is_empty());
    let regions = regions.ok_or(PhoneFault::Country)?;
    let mut lengths = regions.iter().flat_map(|region| region.descriptors().general().possible_length());
    if regions.iter().any(|region| region.descriptors().general().is_match(&national)) {
        return Ok(());
    }
    let digits = u16::try_from(national.len()).unwrap_or(u16::MAX);
    if lengths.clone().all(|&length| digits < length) {
        Err(PhoneFault::TooShort)
    } else if lengths.all(|&length| digits > length) {
        Err(PhoneFault::TooLong)
    } else {
        Err(PhoneFault::Shape)
    }
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
            "0111 212 555 0123",
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
    fn only_countries_are_regions() {
        assert!(Region::named("de").is_some());
        for name in ["XX", "", "USA", "1"] {
            assert_eq!(Region::named(name), None, "{name}");
        }
    }
}
