//! Words, numbers, texts in quotes and signs, each with its place.

use super::{EXPRESSION_BYTES_MAX, ExpressionFault};

/// Longest text in quotes, as long as any that a lead has.
const VALUE_BYTES_MAX: usize = 256;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// Letters, digits and `_`, beginning with a letter; in small letters.
    Word(String),
    /// A whole number.
    Whole(i64),
    /// A whole number with a letter behind it.
    Span(u32, char),
    /// What stood in quotes.
    Text(String),
    /// `(`, `)`, `,`, `=`, `!=`, `<`, `<=`, `>`, `>=`.
    Sign(&'static str),
}

impl Token {
    /// For a fault.
    pub(super) fn said(&self) -> String {
        match self {
            Token::Word(word) => format!("{word:?}"),
            Token::Whole(value) => format!("the number {value}"),
            Token::Span(count, unit) => format!("the time {count}{unit}"),
            Token::Text(_) => "a text in quotes".to_owned(),
            Token::Sign(sign) => format!("{sign:?}"),
        }
    }
}

/// Signs, the longer ones first.
const SIGNS: [&str; 9] = ["!=", "<=", ">=", "(", ")", ",", "=", "<", ">"];

pub(super) fn fault(at: usize, what: impl Into<String>, mend: impl Into<String>) -> ExpressionFault {
    ExpressionFault { at, what: what.into(), mend: mend.into() }
}

/// The tokens of a text with their places, and the place of its end. Places count characters from 1.
pub(super) fn tokens(text: &str) -> Result<(Vec<(usize, Token)>, usize), ExpressionFault> {
    if text.len() > EXPRESSION_BYTES_MAX {
        let what = format!("the expression has {} bytes", text.len());
        return Err(fault(1, what, format!("write at most {EXPRESSION_BYTES_MAX}")));
    }
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut here = 0;
    while let Some(&c) = chars.get(here) {
        let at = here + 1;
        let (token, end) = match c {
            c if c.is_whitespace() => {
                here += 1;
                continue;
            }
            '"' | '\'' => quoted(&chars, here)?,
            '0'..='9' | '-' => number(&chars, here)?,
            c if c.is_ascii_alphabetic() => {
                let end = end_of(&chars, here, |c| c.is_ascii_alphanumeric() || c == '_');
                (Token::Word(chars[here..end].iter().collect::<String>().to_ascii_lowercase()), end)
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| sign.chars().eq(chars[here..].iter().copied().take(sign.len())));
                let sign = sign.ok_or_else(|| {
                    fault(at, format!("{c:?} has no meaning here"), "write a field, a sign such as <= or a value")
                })?;
                (Token::Sign(sign), here + sign.len())
            }
        };
        tokens.push((at, token));
        here = end;
    }
    Ok((tokens, chars.len() + 1))
}

fn end_of(chars: &[char], from: usize, of_it: impl Fn(char) -> bool) -> usize {
    chars[from..].iter().position(|c| !of_it(*c)).map_or(chars.len(), |length| from + length)
}

/// A text in quotes of either kind; the same quote twice inside is one.
fn quoted(chars: &[char], from: usize) -> Result<(Token, usize), ExpressionFault> {
    let quote = chars[from];
    let mut value = String::new();
    let mut here = from + 1;
    loop {
        match chars.get(here) {
            None => return Err(fault(from + 1, "this text has no end", format!("write a {quote} behind it"))),
            Some('\0') => return Err(fault(here + 1, "a NUL character", "leave it out")),
            Some(c) if *c == quote && chars.get(here + 1) == Some(&quote) => {
                value.push(quote);
                here += 2;
            }
            Some(c) if *c == quote => break,
            Some(c) => {
                value.push(*c);
                here += 1;
            }
        }
    }
    if value.len() > VALUE_BYTES_MAX {
        return Err(fault(from + 1, "this text is too long", format!("write at most {VALUE_BYTES_MAX} bytes")));
    }
    Ok((Token::Text(value), here + 1))
}

/// A whole number, or one with a unit of time.
fn number(chars: &[char], from: usize) -> Result<(Token, usize), ExpressionFault> {
    let end = end_of(chars, from + 1, |c| c.is_ascii_digit());
    let digits: String = chars[from..end].iter().collect();
    let too_large = || fault(from + 1, "this number is too large", "write a smaller one");
    match chars.get(end) {
        Some(unit) if unit.is_ascii_alphabetic() => {
            let behind = end_of(chars, end, |c| c.is_ascii_alphanumeric() || c == '_');
            let count = digits
                .parse()
                .map_err(|_| fault(from + 1, "this time is too large or negative", "write a smaller number"))?;
            if behind != end + 1 {
                let unit: String = chars[end..behind].iter().collect();
                return Err(fault(end + 1, format!("{unit:?} is no unit of time"), "write s, m, h, d or w"));
            }
            Ok((Token::Span(count, unit.to_ascii_lowercase()), behind))
        }
        _ if digits == "-" => Err(fault(from + 1, "a minus sign without a number", "write a number behind it")),
        _ => Ok((Token::Whole(digits.parse().map_err(|_| too_large())?), end)),
    }
}
