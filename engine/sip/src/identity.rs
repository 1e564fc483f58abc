//! What a BYE needs when this process is gone: kept in the CDR and in the flight record, so that a restarted node can
//! end orphans.
//!
//! ```text
//!  bytes: version 1 | local_cseq u32 | peer: 4|6, address, port u16 | 6 texts: length u16, UTF-8 | count u8, routes as texts
//! ```
//! Numbers are big-endian. The version changes with the layout, and bytes of another version are refused: a record is read
//! by the process that follows the one that wrote it, so an upgrade in between costs at most those orphans.

use crate::dialog::{Dialog, Line};
use crate::limits::ROUTES_MAX;
use crate::text;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use wire::sip::NameAddr;

/// The state of an answered dialog that goes into its requests (RFC 3261 §12.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogIdentity {
    /// Call-ID.
    pub call_id: String,
    /// Our URI (From of our requests).
    pub local_uri: String,
    /// Our tag.
    pub local_tag: String,
    /// The peer's URI (To of our requests).
    pub remote_uri: String,
    /// The peer's tag.
    pub remote_tag: String,
    /// The peer's Contact: Request-URI of our requests.
    pub remote_target: String,
    /// Route headers in the order of sending.
    pub route_set: Vec<String>,
    /// The CSeq number that we used last.
    pub local_cseq: u32,
    /// Where requests go when no route names an address.
    pub peer: SocketAddr,
}

/// Layout of the bytes.
const VERSION: u8 = 1;

/// Why bytes are no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityFault {
    /// Another version's, or nothing at all.
    Version,
    /// They end too early, go on too long, or hold what is no text or no address; says which part.
    Part(&'static str),
}

impl fmt::Display for IdentityFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdentityFault::Version => write!(f, "not a dialog identity of version {VERSION}"),
            IdentityFault::Part(part) => write!(f, "dialog identity with an unreadable {part}"),
        }
    }
}

impl std::error::Error for IdentityFault {}

impl DialogIdentity {
    /// Most bytes that `to_bytes` gives: a slot of 2 KiB less 128 bytes for what its keeper adds. Six texts of 100
    /// bytes and six routes of 150 fill 1.5 kB.
    pub const BYTES_MAX: usize = 1_920;

    /// As bytes for `from_bytes`; `None` when they would be more than [`DialogIdentity::BYTES_MAX`] or there are more
    /// routes than a dialog keeps.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.local_cseq.to_be_bytes());
        match self.peer.ip() {
            IpAddr::V4(ip) => {
                out.push(4);
                out.extend_from_slice(&ip.octets());
            }
            IpAddr::V6(ip) => {
                out.push(6);
                out.extend_from_slice(&ip.octets());
            }
        }
        out.extend_from_slice(&self.peer.port().to_be_bytes());
        for text in self.texts() {
            put(&mut out, text)?;
        }
        out.push(u8::try_from(self.route_set.len()).ok().filter(|routes| usize::from(*routes) <= ROUTES_MAX)?);
        for route in &self.route_set {
            put(&mut out, route)?;
        }
        (out.len() <= Self::BYTES_MAX).then_some(out)
    }

    /// The identity that `to_bytes` wrote.
    ///
    /// # Errors
    /// Any other bytes are refused; no input makes it panic or reserve more than the bytes given.
    pub fn from_bytes(bytes: &[u8]) -> Result<DialogIdentity, IdentityFault> {
        let mut reader = Reader { rest: bytes };
        if reader.take::<1>("version").ok() != Some([VERSION]) {
            return Err(IdentityFault::Version);
        }
        let local_cseq = u32::from_be_bytes(reader.take("local_cseq")?);
        let ip: IpAddr = match reader.take::<1>("peer")? {
            [4] => Ipv4Addr::from(reader.take::<4>("peer")?).into(),
            [6] => Ipv6Addr::from(reader.take::<16>("peer")?).into(),
            _ => return Err(IdentityFault::Part("peer")),
        };
        let peer = SocketAddr::new(ip, u16::from_be_bytes(reader.take("peer")?));
        let call_id = reader.text("call_id")?;
        let local_uri = reader.text("local_uri")?;
        let local_tag = reader.text("local_tag")?;
        let remote_uri = reader.text("remote_uri")?;
        let remote_tag = reader.text("remote_tag")?;
        let remote_target = reader.text("remote_target")?;
        let [routes] = reader.take("route_set")?;
        if usize::from(routes) > ROUTES_MAX {
            return Err(IdentityFault::Part("route_set"));
        }
        let route_set = (0..routes).map(|_| reader.text("route_set")).collect::<Result<_, _>>()?;
        if !reader.rest.is_empty() {
            return Err(IdentityFault::Part("end"));
        }
        Ok(DialogIdentity {
            call_id,
            local_uri,
            local_tag,
            remote_uri,
            remote_tag,
            remote_target,
            route_set,
            local_cseq,
            peer,
        })
    }

    fn texts(&self) -> [&str; 6] {
        [&self.call_id, &self.local_uri, &self.local_tag, &self.remote_uri, &self.remote_tag, &self.remote_target]
    }

    /// The dialog line that this identity names, for a BYE. `None` when a part is not what a message may hold: it comes
    /// from a file and not from the wire.
    pub(crate) fn line(&self) -> Option<Line> {
        let sound = |text: &&str| !text.is_empty() && !text.bytes().any(|byte| byte.is_ascii_control() || byte == b' ');
        let words = [self.call_id.as_str(), &self.local_tag].iter().all(sound);
        let uris = [&self.local_uri, &self.remote_uri, &self.remote_target];
        let routes =
            self.route_set.iter().all(|route| NameAddr::parse(route.as_bytes()).is_ok() && text::is_line(route));
        // A peer of RFC 2543 has no tag.
        let tag_sound = self.remote_tag.is_empty() || sound(&self.remote_tag.as_str());
        if !(words && tag_sound && routes && uris.into_iter().all(|uri| text::is_sound_uri(uri))) {
            return None;
        }
        let tagged = |uri: &str, tag: &str| match tag {
            "" => format!("<{uri}>").into_bytes(),
            tag => format!("<{uri}>;tag={tag}").into_bytes(),
        };
        Some(Line {
            call_id: self.call_id.clone().into_bytes(),
            local: tagged(&self.local_uri, &self.local_tag),
            remote: tagged(&self.remote_uri, &self.remote_tag),
            remote_tag: self.remote_tag.clone().into_bytes(),
            target: self.remote_target.clone(),
            routes: self.route_set.clone(),
            fallback: self.peer,
        })
    }

    pub(crate) fn of(dialog: &Dialog) -> DialogIdentity {
        let line = &dialog.line;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let uri = |value: &[u8]| NameAddr::parse(value).map_or_else(|_| text(value), |address| text(address.uri));
        DialogIdentity {
            call_id: text(&line.call_id),
            local_uri: uri(&line.local),
            local_tag: dialog.local_tag.clone(),
            remote_uri: uri(&line.remote),
            remote_tag: text(&line.remote_tag),
            remote_target: line.target.clone(),
            route_set: line.routes.clone(),
            local_cseq: dialog.local_sequence,
            peer: line.fallback,
        }
    }
}

/// A text with its length before it; `None` when it is far too long.
fn put(out: &mut Vec<u8>, text: &str) -> Option<()> {
    out.extend_from_slice(&u16::try_from(text.len()).ok()?.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Some(())
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn slice(&mut self, length: usize, part: &'static str) -> Result<&'a [u8], IdentityFault> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(IdentityFault::Part(part))?;
        self.rest = rest;
        Ok(taken)
    }
    fn take<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], IdentityFault> {
        let mut out = [0; N];
        out.copy_from_slice(self.slice(N, part)?);
        Ok(out)
    }
    fn text(&mut self, part: &'static str) -> Result<String, IdentityFault> {
        let length = u16::from_be_bytes(self.take(part)?);
        let bytes = self.slice(usize::from(length), part)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| IdentityFault::Part(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> DialogIdentity {
        DialogIdentity {
            call_id: "s3-abc".into(),
            local_uri: "sip:outpace@192.0.2.1".into(),
            local_tag: "ours".into(),
            remote_uri: "sip:+15551234567@carrier.example".into(),
            remote_tag: "theirs".into(),
            remote_target: "sip:gw@198.51.100.9:5080".into(),
            route_set: vec!["<sip:198.51.100.1;lr>".into(), "<sip:p2.example;lr>".into()],
            local_cseq: 7,
            peer: "198.51.100.1:5060".parse().unwrap(),
        }
    }

    #[test]
    fn bytes_bring_the_identity_back() {
        let six = DialogIdentity { peer: "[2001:db8::1]:5062".parse().unwrap(), route_set: vec![], ..identity() };
        for identity in [identity(), six] {
            let bytes = identity.to_bytes().unwrap();
            assert!(bytes.len() < 256);
            assert_eq!(DialogIdentity::from_bytes(&bytes), Ok(identity));
        }
    }

    #[test]
    fn too_long_an_identity_has_no_bytes() {
        assert_eq!(DialogIdentity { call_id: "x".repeat(70_000), ..identity() }.to_bytes(), None);
        assert_eq!(DialogIdentity { call_id: "x".repeat(2_000), ..identity() }.to_bytes(), None);
        let route = "<sip:a.example;lr>".to_string();
        assert_eq!(DialogIdentity { route_set: vec![route.clone(); ROUTES_MAX + 1], ..identity() }.to_bytes(), None);
        let most = DialogIdentity { route_set: vec![route; ROUTES_MAX], ..identity() }.to_bytes().unwrap();
        assert!(most.len() <= DialogIdentity::BYTES_MAX);
    }

    #[test]
    fn cut_and_changed_bytes_are_refused_or_another_identity_but_never_a_panic() {
        let bytes = identity().to_bytes().unwrap();
        for length in 0..bytes.len() {
            assert!(DialogIdentity::from_bytes(&bytes[..length]).is_err(), "cut at {length}");
        }
        assert_eq!(DialogIdentity::from_bytes(&[&bytes[..], b"x"].concat()), Err(IdentityFault::Part("end")));
        assert_eq!(DialogIdentity::from_bytes(&[&[2], &bytes[1..]].concat()), Err(IdentityFault::Version));
        for index in 0..bytes.len() {
            for value in 0..=255 {
                let mut changed = bytes.clone();
                changed[index] = value;
                if let Ok(read) = DialogIdentity::from_bytes(&changed) {
                    assert_eq!(read.to_bytes().as_deref(), Some(&changed[..]));
                }
            }
        }
    }

    #[test]
    fn an_identity_from_a_file_cannot_smuggle_lines_into_a_message() {
        assert!(identity().line().is_some());
        for bad in [
            DialogIdentity { call_id: "a\r\nX: y".into(), ..identity() },
            DialogIdentity { local_tag: "a b".into(), ..identity() },
            DialogIdentity { local_tag: String::new(), ..identity() },
            DialogIdentity { remote_target: "sip:a@b>\r\n".into(), ..identity() },
            DialogIdentity { route_set: vec!["<sip:a>\r\nX: y".into()], ..identity() },
        ] {
            assert!(bad.line().is_none(), "{bad:?}");
        }
    }
}
