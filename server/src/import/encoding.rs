//! The file as UTF-8, whatever it was saved as. The wrapped libraries are `encoding_rs`, `encoding_rs_io`, `chardetng`.
//!
//! A byte order mark counts most, then zero bytes (UTF-16 without a mark), then valid UTF-8; what is left is one of the
//! old single-byte sets, which is guessed from how its letters follow each other and from the country of the numbers.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1250, WINDOWS_1251};
use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};
use std::io::Read;

/// How much of a file is looked at.
pub(super) const LOOK_BYTES: usize = 1 << 20;

/// By its name, as browsers know them (WHATWG): `utf-8`, `windows-1251`, `utf-16le`.
pub fn named(name: &str) -> Option<&'static Encoding> {
    Encoding::for_label(name.trim().as_bytes())
}

/// What a file is saved in, judged by its beginning. `whole`: nothing follows.
pub(super) fn guess(beginning: &[u8], whole: bool, region: &str) -> &'static Encoding {
    if let Some((encoding, _mark)) = Encoding::for_bom(beginning) {
        return encoding;
    }
    if let Some(encoding) = without_mark(beginning) {
        return encoding;
    }
    match std::str::from_utf8(beginning) {
        Ok(_) => return UTF_8,
        // Cut in the middle of a letter.
        Err(fault) if fault.error_len().is_none() && !whole => return UTF_8,
        Err(_) => {}
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(beginning, whole);
    let country = country(region);
    let guess = detector.guess(country.as_deref().map(str::as_bytes), chardetng::Utf8Detection::Deny);
    // Rows with a letter or two tell little; what spreadsheets of the country write tells more.
    match region.to_ascii_uppercase().as_str() {
        "RU" | "UA" | "BY" | "BG" | "RS" | "MK" if looks_cyrillic(guess) => WINDOWS_1251,
        "PL" | "CZ" | "SK" | "HU" | "RO" | "BA" | "HR" | "SI" | "ME" | "AL" if is_latin(guess) => WINDOWS_1250,
        _ => guess,
    }
}

fn looks_cyrillic(guess: &'static Encoding) -> bool {
    matches!(guess.name(), "windows-1251" | "windows-1252" | "windows-1250" | "ISO-8859-5" | "x-mac-cyrillic")
}

fn is_latin(guess: &'static Encoding) -> bool {
    matches!(guess.name(), "windows-1250" | "windows-1252" | "windows-1257" | "windows-1254")
}

/// A country as the end of a host name, which is how the detector knows countries.
fn country(region: &str) -> Option<String> {
    let region = region.to_ascii_lowercase();
    match region.as_str() {
        "gb" => Some("uk".to_owned()),
        // Where everything may be.
        "us" | "" => None,
        _ => Some(region),
    }
}

/// UTF-16 without a mark: in a file of mostly Latin letters and digits every other byte is 0.
fn without_mark(beginning: &[u8]) -> Option<&'static Encoding> {
    let pairs = || beginning.chunks_exact(2).take(1_000);
    let zeros = |place: usize| pairs().filter(|pair| pair[place] == 0).count();
    let half = pairs().count() / 2;
    match (zeros(0), zeros(1)) {
        (_, 0) | (0, _) if half == 0 => None,
        (high, low) if high > half && low == 0 => Some(UTF_16BE),
        (high, low) if low > half && high == 0 => Some(UTF_16LE),
        _ => None,
    }
}

/// The file in UTF-8. A file that is UTF-8 passes as it is, so that what is broken in it shows in its own row.
pub(super) fn utf8<R: Read>(input: R, encoding: &'static Encoding) -> DecodeReaderBytes<R, Vec<u8>> {
    // Passing through works only where no encoding is named.
    let named = (encoding != UTF_8).then_some(encoding);
    DecodeReaderBytesBuilder::new().encoding(named).utf8_passthru(true).strip_bom(true).build(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(text: &str, encoding: &'static Encoding) -> Vec<u8> {
        encoding.encode(text).0.into_owned()
    }

    #[test]
    fn what_spreadsheets_write_is_told_apart() {
        let russian = "телефон;имя;фамилия\n89161234567;Артём;Йовович\n89161234568;Наталья;Щербакова\n";
        let polish = "telefon;imię;nazwisko\n501234567;Łukasz;Żółć\n501234568;Małgorzata;Święcicka\n";
        let bosnian = "telefon;ime;prezime\n061123456;Đorđe;Šarić\n061123457;Željka;Hadžić\n";
        let german = "Telefon;Vorname\n015112345678;Jörg\n015112345679;Günther\n";
        for (text, encoding, region) in [
            (russian, WINDOWS_1251, "RU"),
            (russian, WINDOWS_1251, "US"),
            (polish, WINDOWS_1250, "PL"),
            (bosnian, WINDOWS_1250, "BA"),
            (bosnian, WINDOWS_1250, "HR"),
            (german, encoding_rs::WINDOWS_1252, "DE"),
            (russian, UTF_8, "RU"),
            (polish, UTF_8, "US"),
        ] {
            assert_eq!(guess(&saved(text, encoding), true, region), encoding, "{region}: {text}");
        }
        let wide: Vec<u8> = polish.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(guess(&wide, true, "PL"), UTF_16LE);
        let marked: Vec<u8> = "\u{feff}phone".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(guess(&marked, true, "US"), UTF_16BE);
        assert_eq!(guess(b"", true, "US"), UTF_8);
        assert_eq!(guess("телефо".as_bytes().split_last().unwrap().1, false, "RU"), UTF_8, "cut in a letter");
    }

    #[test]
    fn bytes_come_out_as_utf8() {
        for (bytes, encoding) in [
            (saved("имя", WINDOWS_1251), WINDOWS_1251),
            ("\u{feff}имя".encode_utf16().flat_map(u16::to_le_bytes).collect(), UTF_16LE),
            ("имя".as_bytes().to_vec(), UTF_8),
            ("\u{feff}имя".as_bytes().to_vec(), UTF_8),
        ] {
            let mut text = String::new();
            utf8(&bytes[..], encoding).read_to_string(&mut text).unwrap();
            assert_eq!(text.trim_start_matches('\u{feff}'), "имя");
        }
        let mut broken = Vec::new();
        utf8(&b"a\xf6b"[..], UTF_8).read_to_end(&mut broken).unwrap();
        assert_eq!(broken, b"a\xf6b");
        assert_eq!(named("Windows-1251"), Some(WINDOWS_1251));
        assert_eq!(named("klingon"), None);
    }
}
