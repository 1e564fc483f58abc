//! What people search by, made comparable: words without case, accents and punctuation; ends of numbers. The wrapped
//! library is `unicode-normalization`.
//!
//! Both sides go through the same functions, so what is folded away can never keep a person from being found.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words kept of one contact: two names of three words each and an id leave room.
pub(super) const WORDS_MAX: usize = 12;

/// Longest word that is told apart: an id of 32 digits.
const WORD_CHARS_MAX: usize = 32;

/// The words of a text: runs of letters and digits with the marks on them, folded. Taken apart first (NFKD): an accent
/// belongs to its letter whether it came with it or after it.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    let apart: Cow<'_, str> = if text.is_ascii() { text.into() } else { text.nfkd().collect() };
    let words = apart.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)).map(fold);
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().into_iter()
}

/// A text as one word, for ids that people write with and without their dashes.
pub(super) fn squeezed(text: &str) -> String {
    fold(text)
}

/// The letters and digits of a text in their plainest form.
fn fold(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return text.chars().take(WORD_CHARS_MAX).map(|c| c.to_ascii_lowercase()).collect();
    }
    let mut folded = String::with_capacity(text.len());
    let plain = text.nfkd().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric());
    for (n, c) in plain.enumerate() {
        if n >= WORD_CHARS_MAX {
            break;
        }
        match c {
            // Letters that Unicode does not take apart.
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ø' => folded.push('o'),
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            c => folded.push(c),
        }
    }
    folded
}

/// The words of a contact in alphabetical order, each once.
pub(super) fn of_contact(first: Option<&str>, last: Option<&str>, external_id: Option<&str>) -> Vec<String> {
    let mut all: Vec<String> = [first, last].into_iter().flatten().flat_map(words).take(WORDS_MAX - 1).collect();
    all.extend(external_id.map(squeezed).filter(|word| !word.is_empty()));
    all.sort_unstable();
    all.dedup();
    all
}

/// Words as one text with a blank before and after each: ` anna garcia `.
pub(super) fn joined(words: &[String]) -> String {
    let mut text = String::from(" ");
    for word in words {
        text.push_str(word);
        text.push(' ');
    }
    text
}

/// The digits of a number from the last to the first.
pub(super) fn tail(number: &str) -> String {
    number.chars().rev().filter(char::is_ascii_digit).collect()
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ask {
    /// Numbers that begin so (`+` and digits).
    Number(String),
    /// Numbers whose digits, from the last to the first, begin so.
    Tail(String),
    /// Contacts that have, for each of these, a word that begins so.
    Words(Vec<String>),
}

/// Shortest end of a number that is worth asking for.
const TAIL_DIGITS_MIN: usize = 4;

/// A search as it is answered, one after the other. Empty: it holds nothing that can be found.
pub(super) fn asks(search: &str) -> Vec<Ask> {
    let text = search.trim();
    let is_number = |c: char| c.is_ascii_digit() || c.is_whitespace() || matches!(c, '+' | '-' | '(' | ')' | '.' | '/');
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !digits.is_empty() && text.chars().all(is_number) {
        let outside = if text.starts_with('+') { Some(digits.as_str()) } else { digits.strip_prefix("00") };
        if let Some(digits) = outside {
            return vec![Ask::Number(format!("+{digits}"))];
        }
        let mut asks = vec![Ask::Number(format!("+{digits}"))];
        // Without the zero that people dial first at home; what is too short then is the very end of a number.
        let home = digits.trim_start_matches('0');
        let end = if home.len() >= TAIL_DIGITS_MIN { home } else { &digits };
        if end.len() >= TAIL_DIGITS_MIN {
            asks.push(Ask::Tail(tail(end)));
        }
        asks.push(Ask::Words(vec![squeezed(&digits)]));
        return asks;
    }
    let mut terms: Vec<String> = words(text).take(WORDS_MAX).collect();
    terms.sort_unstable();
    terms.dedup();
    match terms.len() {
        0 => Vec::new(),
        1 => vec![Ask::Words(terms)],
        _ => vec![Ask::Words(terms), Ask::Words(vec![squeezed(text)])],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whatever_their_case_accents_and_punctuation() {
        for (text, found) in [
            ("Anna-Maria O'Neil", vec!["anna", "maria", "o", "neil"]),
            ("MÜLLER straße", vec!["muller", "strasse"]),
            ("Łukasz Đorđević", vec!["lukasz", "dordevic"]),
            ("Артём Йовович", vec!["артем", "иовович"]),
            ("Mu\u{308}ller Zoe\u{301}", vec!["muller", "zoe"]),
            ("\u{fb01}rst\u{2460}", vec!["first1"]),
            ("प्रिया शर्मा", vec!["परिया", "शरमा"]),
            ("  ,;%_ ", vec![]),
        ] {
            assert_eq!(words(text).collect::<Vec<_>>(), found, "{text}");
        }
        assert_eq!(squeezed("CRM-4711/2"), "crm47112");
        assert_eq!(words(&"x".repeat(99)).next().unwrap().len(), 32);
        assert_eq!(of_contact(Some("Bob"), Some("bob Ann"), Some("7")), ["7", "ann", "bob"]);
        assert_eq!(joined(&of_contact(Some("Bob"), None, None)), " bob ");
    }

    #[test]
    fn a_search_is_a_number_an_id_or_words() {
        let number = |text: &str| Ask::Number(text.to_owned());
        let tail = |text: &str| Ask::Tail(text.to_owned());
        let words = |words: &[&str]| Ask::Words(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(asks("+1 (212) 555"), [number("+1212555")]);
        assert_eq!(asks("0049 151"), [number("+49151")]);
        assert_eq!(asks("555-0100"), [number("+5550100"), tail("0010555"), words(&["5550100"])]);
        assert_eq!(asks("0151 2345"), [number("+01512345"), tail("5432151"), words(&["01512345"])]);
        assert_eq!(asks("0100"), [number("+0100"), tail("0010"), words(&["0100"])]);
        assert_eq!(asks("12"), [number("+12"), words(&["12"])]);
        assert_eq!(asks("Ann"), [words(&["ann"])]);
        assert_eq!(asks("Smith, Ann"), [words(&["ann", "smith"]), words(&["smithann"])]);
        assert_eq!(asks("A-7"), [words(&["7", "a"]), words(&["a7"])]);
        for nothing in ["", "  ", "+", "-", "%", "'; --"] {
            assert_eq!(asks(nothing), [], "{nothing:?}");
        }
    }
}
