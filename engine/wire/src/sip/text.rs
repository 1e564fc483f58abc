//! Small tools on bytes: blanks, tokens, numbers, quoted strings, comma lists, folds, escapes.

use std::borrow::Cow;

/// Linear white space of RFC 3261 §25.1, where a fold (CR LF blank) counts as blanks too.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A byte of `token` (RFC 3261 §25.1).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// True for a non-empty token.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|b| is_token_byte(*b))
}

/// Without blanks and folds at both ends.
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_blank(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_blank(*last)
    {
        bytes = rest;
    }
    bytes
}

/// A whole decimal number; `None` when it is empty or holds anything but digits. Too large saturates.
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes
        .iter()
        .try_fold(0u64, |sum, b| b.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add(u64::from(b - b'0'))))
}

/// A port: 1 to 5 digits, 0..=65535.
pub(crate) fn port(bytes: &[u8]) -> Option<u16> {
    number(bytes).and_then(|n| u16::try_from(n).ok())
}

/// `bytes` starts with a quote: its inside (escapes kept) and what follows the closing quote.
pub(crate) fn take_quoted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = bytes.strip_prefix(b"\"")?;
    let mut at = 0;
    while let Some(byte) = inside.get(at) {
        match byte {
            b'"' => return Some((&inside[..at], &inside[at + 1..])),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// The position of the first of `stops` outside quotes, from the left.
pub(crate) fn find_unquoted(bytes: &[u8], stops: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = 0;
    let mut inside = false;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => inside = !inside,
            b'\\' if inside => at += 1,
            _ if !inside && stops(byte) => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The values of a comma-separated header, trimmed, empty ones left out. Commas inside quotes or `<>` do not part.
pub fn split_commas(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    Commas { rest: Some(value) }
}

pub(crate) struct Commas<'a> {
    pub(crate) rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Commas<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let rest = self.rest?;
            let (piece, left) = match comma(rest) {
                Some(at) => (&rest[..at], Some(&rest[at + 1..])),
                None => (rest, None),
            };
            self.rest = left;
            let piece = trim(piece);
            if !piece.is_empty() {
                return Some(piece);
            }
        }
    }
}

/// The first comma outside quotes and angle brackets.
fn comma(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let (mut quoted, mut angled) = (false, false);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            // A quote inside <> is no quote of the list: URIs may hold one by mistake and must not swallow the rest.
            b'"' if !angled => quoted = !quoted,
            b'<' if !quoted => angled = true,
            b'>' if !quoted => angled = false,
            b',' if !quoted && !angled => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// A header value on one line: each fold (line end and the blanks round it) becomes one space (RFC 3261 §7.3.1).
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut out: Vec<u8> = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'\n', rest) {
        let kept = trim(&rest[..at]);
        if !out.is_empty() && !kept.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(kept);
        rest = &rest[at + 1..];
    }
    let kept = trim(rest);
    if !out.is_empty() && !kept.is_empty() {
        out.push(b' ');
    }
    out.extend_from_slice(kept);
    Cow::Owned(out)
}

/// `%41` becomes `A` (RFC 3261 §19.1.2); a percent sign without two hex digits stays as it is.
pub fn unescape(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16));
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(out)
}

/// A quoted-string of `text` with its quotes: `"` and `\` escaped, control bytes left out (RFC 3261 §25.1).
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}
