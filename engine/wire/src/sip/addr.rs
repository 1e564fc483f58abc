//! Addresses: name-addr / addr-spec (RFC 3261 §20.10, §25.1) and URIs (§19.1; RFC 3966 for tel).

use super::params::Params;
use super::text::{find_unquoted, is_blank, port, take_quoted, trim, unescape};
use crate::Reject;

/// `"Display" <uri>;params` or a bare `uri;params` as in From, To, Contact, Route, Record-Route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// Display name without its quotes (escapes kept); `None` when absent or empty.
    pub display: Option<&'a [u8]>,
    /// The URI without angle brackets.
    pub uri: &'a [u8],
    /// Header parameters: those behind `>`, or behind the first `;` of a bare URI.
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Parses one value (part lists with [`super::split_commas`] first).
    ///
    /// Tolerated: blanks inside `<>`, unquoted display names with commas or other non-tokens.
    ///
    /// # Errors
    /// `NameAddr` for an open quote or bracket, an empty URI or broken parameters; `TooManyItems`.
    pub fn parse(value: &'a [u8]) -> Result<NameAddr<'a>, Reject> {
        let value = trim(value);
        let (display, rest) = if value.starts_with(b"\"") {
            let (inside, rest) = take_quoted(value).ok_or(Reject::NameAddr)?;
            let rest = trim(rest);
            if !rest.starts_with(b"<") {
                return Err(Reject::NameAddr);
            }
            (inside, rest)
        } else {
            // A `<` behind the first `;` belongs to a parameter's quoted text, or to nobody.
            match find_unquoted(value, |b| b == b'<' || b == b';') {
                Some(at) if value[at] == b'<' => (trim(&value[..at]), &value[at..]),
                _ => return NameAddr::bare(value),
            }
        };
        let inside = rest.get(1..).ok_or(Reject::NameAddr)?;
        let end = memchr::memchr(b'>', inside).ok_or(Reject::NameAddr)?;
        let uri = trim(&inside[..end]);
        if uri.is_empty() || uri.iter().any(|b| is_blank(*b)) {
            return Err(Reject::NameAddr);
        }
        let params = Params::parse(&inside[end + 1..])?;
        Ok(NameAddr { display: (!display.is_empty()).then_some(display), uri, params })
    }

    /// Without brackets everything behind `;` belongs to the header, and `?` is not allowed (RFC 3261 §20.10).
    fn bare(value: &'a [u8]) -> Result<NameAddr<'a>, Reject> {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let uri = trim(&value[..end]);
        if uri.is_empty() || uri.iter().any(|b| is_blank(*b) || matches!(b, b'?' | b'<' | b'>' | b'"')) {
            return Err(Reject::NameAddr);
        }
        Ok(NameAddr { display: None, uri, params: Params::parse(&value[end..])? })
    }

    /// The `tag` parameter; `None` when absent or empty.
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.param("tag").filter(|tag| !tag.is_empty())
    }

    /// A header parameter (any case): empty for a flag, quotes taken off.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        self.params.get(name)
    }

    /// The URI, parsed.
    ///
    /// # Errors
    /// `Uri` as [`Uri::parse`].
    pub fn parse_uri(&self) -> Result<Uri<'a>, Reject> {
        Uri::parse(self.uri)
    }
}

/// A URI taken apart. `sip:` and `sips:` in full; of `tel:` the number is `user`; of others the opaque part is `host`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    /// As written; compare without regard to case.
    pub scheme: &'a [u8],
    /// User part, escapes kept; for `tel:` the number.
    pub user: Option<&'a [u8]>,
    /// Password part (deprecated, RFC 3261 §19.1.1).
    pub password: Option<&'a [u8]>,
    /// Host name or address, IPv6 with its brackets; for unknown schemes everything behind the colon; empty for `tel:`.
    pub host: &'a [u8],
    /// Port when given.
    pub port: Option<u16>,
    /// URI parameters.
    pub params: Params<'a>,
    /// What stands behind `?`; empty when nothing does.
    pub headers: &'a [u8],
}

impl<'a> Uri<'a> {
    /// # Errors
    /// `Uri` when there is no scheme, the host is empty or holds odd bytes, the port is no port, or parameters are broken.
    pub fn parse(bytes: &'a [u8]) -> Result<Uri<'a>, Reject> {
        let bytes = trim(bytes);
        let colon = memchr::memchr(b':', bytes).ok_or(Reject::Uri)?;
        let (scheme, rest) = (&bytes[..colon], &bytes[colon + 1..]);
        let scheme_ok = scheme.first().is_some_and(u8::is_ascii_alphabetic)
            && scheme.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        if !scheme_ok || rest.is_empty() || rest.iter().any(|b| is_blank(*b)) {
            return Err(Reject::Uri);
        }
        let empty =
            Uri { scheme, user: None, password: None, host: b"", port: None, params: Params::default(), headers: b"" };
        if scheme.eq_ignore_ascii_case(b"tel") {
            let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
            let params = Params::parse(&rest[end..]).map_err(|_| Reject::Uri)?;
            return if end == 0 { Err(Reject::Uri) } else { Ok(Uri { user: Some(&rest[..end]), params, ..empty }) };
        }
        if !empty.is_sip() {
            return Ok(Uri { host: rest, ..empty });
        }
        // A raw `@` may stand only between user and host (RFC 3261 §25.1), so a second one is a trick or a mistake.
        let (userinfo, rest) = match memchr::memchr(b'@', rest) {
            Some(at) if memchr::memchr(b'@', &rest[at + 1..]).is_some() => return Err(Reject::Uri),
            Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
            None => (None, rest),
        };
        let (user, password) = match userinfo {
            None => (None, None),
            Some(info) => match memchr::memchr(b':', info) {
                Some(at) => (Some(&info[..at]), Some(&info[at + 1..])),
                None => (Some(info), None),
            },
        };
        if user.is_some_and(<[u8]>::is_empty) {
            return Err(Reject::Uri);
        }
        let (rest, headers) = match memchr::memchr(b'?', rest) {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, &b""[..]),
        };
        let (hostport, params) = match memchr::memchr(b';', rest) {
            Some(at) => (&rest[..at], Params::parse(&rest[at..]).map_err(|_| Reject::Uri)?),
            None => (rest, Params::default()),
        };
        let (host, port) = host_port(hostport).ok_or(Reject::Uri)?;
        Ok(Uri { user, password, host, port, params, headers, ..empty })
    }

    /// True for `sip:` and `sips:`.
    pub fn is_sip(&self) -> bool {
        self.scheme.eq_ignore_ascii_case(b"sip") || self.scheme.eq_ignore_ascii_case(b"sips")
    }

    /// A URI parameter (any case): empty for a flag such as `lr`.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        self.params.get(name)
    }

    /// The user part for people and programs: unescaped, bytes that are no UTF-8 replaced; empty when absent.
    pub fn user_text(&self) -> String {
        self.user.map(|user| String::from_utf8_lossy(&unescape(user)).into_owned()).unwrap_or_default()
    }
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`; blanks allowed round the colon (Via allows them).
pub(crate) fn host_port(bytes: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let bytes = trim(bytes);
    let end = if bytes.starts_with(b"[") {
        memchr::memchr(b']', bytes)? + 1
    } else {
        memchr::memchr(b':', bytes).unwrap_or(bytes.len())
    };
    let host = trim(&bytes[..end]);
    let inside = host.strip_prefix(b"[").and_then(|h| h.strip_suffix(b"]"));
    let host_ok = match inside {
        Some(v6) => !v6.is_empty() && v6.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.' | b'%')),
        None => !host.is_empty() && host.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
    };
    if !host_ok {
        return None;
    }
    let rest = trim(&bytes[end..]);
    match rest.strip_prefix(b":") {
        Some(digits) => Some((host, Some(port(trim(digits))?))),
        None if rest.is_empty() => Some((host, None)),
        None => None,
    }
}
