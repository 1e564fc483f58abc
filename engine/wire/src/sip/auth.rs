//! Digest headers (RFC 7616 as used by RFC 8760): what a challenge asks and what credentials claim. No hashing here.

use super::text::{find_unquoted, split_commas, take_quoted, trim};
use crate::Reject;

/// Fields of one digest header: RFC 7616 defines 13; twice that.
const FIELDS_MAX: usize = 26;

/// Hash named by `algorithm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `MD5`, also meant when none is named.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
    /// `SHA-256`.
    Sha256,
    /// `SHA-256-sess`.
    Sha256Sess,
    /// `SHA-512-256` or anything else that we do not compute.
    Other,
}

impl Algorithm {
    /// Any case; `SHA256` without the dash, which some servers write, is taken too.
    pub fn parse(name: &[u8]) -> Algorithm {
        let is = |text: &str| name.eq_ignore_ascii_case(text.as_bytes());
        if is("MD5") {
            Algorithm::Md5
        } else if is("MD5-sess") {
            Algorithm::Md5Sess
        } else if is("SHA-256") || is("SHA256") {
            Algorithm::Sha256
        } else if is("SHA-256-sess") || is("SHA256-sess") {
            Algorithm::Sha256Sess
        } else {
            Algorithm::Other
        }
    }

    /// As it stands in `algorithm=`; `None` for `Other`.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Algorithm::Md5 => Some("MD5"),
            Algorithm::Md5Sess => Some("MD5-sess"),
            Algorithm::Sha256 => Some("SHA-256"),
            Algorithm::Sha256Sess => Some("SHA-256-sess"),
            Algorithm::Other => None,
        }
    }
}

/// Which qualities of protection a challenge offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QopSet {
    /// `auth` is offered.
    pub auth: bool,
    /// `auth-int` is offered.
    pub auth_int: bool,
}

/// A WWW-Authenticate or Proxy-Authenticate value. Quoted values come without quotes, escapes kept, because the hash is
/// taken over them as they are sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// Whose password is asked for.
    pub realm: &'a [u8],
    /// The server's nonce.
    pub nonce: &'a [u8],
    /// To be sent back unchanged.
    pub opaque: Option<&'a [u8]>,
    /// MD5 when not named.
    pub algorithm: Algorithm,
    /// The spelling of `algorithm` to send back; `None` when not named.
    pub algorithm_text: Option<&'a [u8]>,
    /// `None`: no qop at all, the form of RFC 2069.
    pub qop: Option<QopSet>,
    /// Our nonce was too old, but the password was right.
    pub stale: bool,
}

impl<'a> Challenge<'a> {
    /// # Errors
    /// `Digest` when the scheme is not Digest, or realm or nonce is missing, or the list is broken.
    pub fn parse(value: &'a [u8]) -> Result<Challenge<'a>, Reject> {
        let fields = Fields::parse(value)?;
        let algorithm_text = fields.get("algorithm");
        Ok(Challenge {
            realm: fields.get("realm").ok_or(Reject::Digest)?,
            nonce: fields.get("nonce").filter(|n| !n.is_empty()).ok_or(Reject::Digest)?,
            opaque: fields.get("opaque"),
            algorithm: algorithm_text.map_or(Algorithm::Md5, Algorithm::parse),
            algorithm_text,
            qop: fields.get("qop").filter(|q| !trim(q).is_empty()).map(|list| {
                let offers = |name: &str| split_commas(list).any(|q| q.eq_ignore_ascii_case(name.as_bytes()));
                QopSet { auth: offers("auth"), auth_int: offers("auth-int") }
            }),
            stale: fields.get("stale").is_some_and(|s| s.eq_ignore_ascii_case(b"true")),
        })
    }
}

/// An Authorization or Proxy-Authorization value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// Who claims.
    pub username: &'a [u8],
    /// For which realm.
    pub realm: &'a [u8],
    /// The nonce answered to.
    pub nonce: &'a [u8],
    /// The digest-uri that was hashed.
    pub uri: &'a [u8],
    /// The hash in hex.
    pub response: &'a [u8],
    /// MD5 when not named.
    pub algorithm: Algorithm,
    /// The client's nonce.
    pub cnonce: Option<&'a [u8]>,
    /// The challenge's opaque.
    pub opaque: Option<&'a [u8]>,
    /// The chosen qop.
    pub qop: Option<&'a [u8]>,
    /// The nonce count, eight hex digits.
    pub nc: Option<&'a [u8]>,
}

impl<'a> Credentials<'a> {
    /// # Errors
    /// `Digest` when the scheme is not Digest, a mandatory field is missing, or the list is broken.
    pub fn parse(value: &'a [u8]) -> Result<Credentials<'a>, Reject> {
        let fields = Fields::parse(value)?;
        let need = |name: &str| fields.get(name).ok_or(Reject::Digest);
        Ok(Credentials {
            username: need("username")?,
            realm: need("realm")?,
            nonce: need("nonce")?,
            uri: need("uri")?,
            response: need("response")?,
            algorithm: fields.get("algorithm").map_or(Algorithm::Md5, Algorithm::parse),
            cnonce: fields.get("cnonce"),
            opaque: fields.get("opaque"),
            qop: fields.get("qop"),
            nc: fields.get("nc"),
        })
    }
}

/// The checked `name=value` list behind `Digest`.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn parse(value: &'a [u8]) -> Result<Fields<'a>, Reject> {
        let value = trim(value);
        let (scheme, list) = value.split_at_checked(6).ok_or(Reject::Digest)?;
        if !scheme.eq_ignore_ascii_case(b"Digest")
            || !list.first().is_some_and(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
        {
            return Err(Reject::Digest);
        }
        let mut count = 0;
        for field in split_fields(list) {
            count += 1;
            let (_, value) = split_field(field).ok_or(Reject::Digest)?;
            let open_quote =
                value.starts_with(b"\"") && take_quoted(value).is_none_or(|(_, left)| !trim(left).is_empty());
            if count > FIELDS_MAX || open_quote {
                return Err(Reject::Digest);
            }
        }
        Ok(Fields(list))
    }

    fn get(&self, name: &str) -> Option<&'a [u8]> {
        split_fields(self.0)
            .filter_map(split_field)
            .find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| take_quoted(value).map_or(value, |(inside, _)| inside))
    }
}

/// Like `split_commas`, but `<` and `>` mean nothing here: a nonce may hold them.
fn split_fields(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let (piece, left) = match find_unquoted(bytes, |b| b == b',') {
            Some(at) => (&bytes[..at], Some(&bytes[at + 1..])),
            None => (bytes, None),
        };
        rest = left;
        Some(trim(piece))
    })
    .filter(|piece| !piece.is_empty())
}

fn split_field(field: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b'=', field)?;
    let name = trim(&field[..at]);
    (!name.is_empty()).then(|| (name, trim(&field[at + 1..])))
}
