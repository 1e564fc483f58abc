//! Text that comes from or goes to a peer.

use crate::limits::TEXT_BYTES_MAX;
use std::net::{IpAddr, SocketAddr};
use wire::sip::Uri;

/// Bytes of a peer as text for people: cut to a limit, without control characters.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_BYTES_MAX)]);
    text.chars().filter(|c| !c.is_control()).collect()
}

/// User part of a URI, unescaped; empty when there is none.
pub(crate) fn user_of(uri: &[u8]) -> String {
    let user = Uri::parse(uri).ok().and_then(|uri| uri.user).unwrap_or_default();
    shown(&wire::sip::unescape(user))
}

/// A display name as a person would write it: without the escapes of its quotes.
pub(crate) fn display_of(display: &[u8]) -> String {
    let mut plain = Vec::with_capacity(display.len());
    let mut escaped = false;
    for byte in display {
        escaped = *byte == b'\\' && !escaped;
        if !escaped {
            plain.push(*byte);
        }
    }
    shown(&plain)
}

/// True when `uri` can stand in a request line and between angle brackets.
pub(crate) fn is_sound_uri(uri: &str) -> bool {
    let odd = |byte: u8| byte.is_ascii_control() || matches!(byte, b' ' | b'<' | b'>' | b'"');
    Uri::parse(uri.as_bytes()).is_ok() && !uri.bytes().any(odd)
}

/// True when `text` can be a header's value as it is.
pub(crate) fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.bytes().any(|byte| byte.is_ascii_control())
}

/// The address a host part is, when it is one and not a name.
pub(crate) fn host_ip(host: &[u8]) -> Option<IpAddr> {
    let host = std::str::from_utf8(host).ok()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Where a request for `uri` goes: to the address it names (RFC 3263 §4 for numeric hosts). Host names are not looked
/// up here; a request for one goes to `fallback`, the address the peer's messages come from.
pub(crate) fn next_hop(uri: &str, fallback: SocketAddr) -> SocketAddr {
    let Ok(uri) = Uri::parse(uri.as_bytes()) else { return fallback };
    match host_ip(uri.host).filter(|ip| uri.is_sip() && !ip.is_unspecified()) {
        Some(ip) => SocketAddr::new(ip, uri.port.unwrap_or(5060)),
        None => fallback,
    }
}
