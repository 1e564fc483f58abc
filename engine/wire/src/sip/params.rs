//! `;name=value` lists of addresses, URIs and Via values.

use super::PARAMS_MAX;
use super::text::{find_unquoted, take_quoted, trim};
use crate::Reject;

/// A checked list of parameters: the bytes from the first `;` on, blanks and folds allowed round `;` and `=`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Params<'a> {
    bytes: &'a [u8],
}

impl<'a> Params<'a> {
    /// `bytes` is empty or starts with `;`. An empty parameter is refused, save one at the very end, which some trunks
    /// write.
    ///
    /// # Errors
    /// `TooManyItems` beyond [`PARAMS_MAX`]; `NameAddr` for what is no parameter list (callers map it to their own).
    pub fn parse(bytes: &'a [u8]) -> Result<Params<'a>, Reject> {
        let bytes = trim(bytes);
        let mut rest = bytes;
        let mut count = 0;
        while !rest.is_empty() {
            let after = rest.strip_prefix(b";").ok_or(Reject::NameAddr)?;
            let end = find_unquoted(after, |b| b == b';').unwrap_or(after.len());
            let (name, value) = split(&after[..end]);
            let last = end == after.len();
            if name.is_empty() && !(last && value.is_none()) {
                return Err(Reject::NameAddr);
            }
            if let Some(value) = value
                && value.starts_with(b"\"")
                && take_quoted(value).is_none_or(|(_, left)| !trim(left).is_empty())
            {
                return Err(Reject::NameAddr);
            }
            count += 1;
            if count > PARAMS_MAX {
                return Err(Reject::TooManyItems);
            }
            rest = &after[end..];
        }
        Ok(Params { bytes })
    }

    /// The value of `name` (any case): empty for a flag, quotes taken off, escapes kept.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value.unwrap_or_default())
    }

    /// All parameters in order; the value is `None` where there is no `=`.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            loop {
                let after = rest.strip_prefix(b";")?;
                let end = find_unquoted(after, |b| b == b';').unwrap_or(after.len());
                rest = &after[end..];
                let (name, value) = split(&after[..end]);
                if !name.is_empty() {
                    return Some((name, value.map(|v| take_quoted(v).map_or(v, |(inside, _)| inside))));
                }
            }
        })
    }

    /// The list as it stood on the wire, from the first `;` on.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

fn split(param: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'=', param) {
        Some(at) => (trim(&param[..at]), Some(trim(&param[at + 1..]))),
        None => (trim(param), None),
    }
}
