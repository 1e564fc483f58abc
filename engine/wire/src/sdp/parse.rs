//! Lines to [`Sdp`], in one walk.

use super::{
    ATTRIBUTES_MAX, Direction, FORMATS_MAX, Host, MEDIA_MAX, Media, MediaKind, Origin, RtpMap, SDP_BYTES_MAX, Sdp,
};
use crate::Reject;

pub(super) fn parse(bytes: &[u8]) -> Result<Sdp, Reject> {
    if bytes.len() > SDP_BYTES_MAX {
        return Err(Reject::TooLong);
    }
    // A bare CR or a NUL could stand in a value and would not survive printing, so both are dropped here as there.
    let text: String = String::from_utf8_lossy(bytes).chars().filter(|c| !matches!(c, '\r' | '\0')).collect();
    let mut lines = text.split('\n').map(|line| line.trim_end_matches([' ', '\t'])).filter(|l| !l.is_empty());
    match lines.next() {
        Some("v=0") => {}
        Some(_) => return Err(Reject::Version),
        None => return Err(Reject::Truncated),
    }
    let mut walk = Walk::default();
    for line in lines {
        let (letter, value) = match line.as_bytes() {
            // The letter is ASCII, so the value starts at a character.
            [letter, b'=', ..] if letter.is_ascii() => (*letter, &line[2..]),
            [letter @ (b'v' | b'o' | b's' | b'c' | b't' | b'm' | b'a'), ..] => return Err(Reject::Sdp(*letter)),
            // What starts like no line of ours is junk that some gateways append.
            _ => continue,
        };
        walk.line(letter, value)?;
    }
    walk.finish()
}

/// What has been read so far.
#[derive(Default)]
struct Walk {
    origin: Option<Origin>,
    name: String,
    connection: Option<Host>,
    direction: Direction,
    attributes: Vec<String>,
    media: Vec<Media>,
}

impl Walk {
    fn line(&mut self, letter: u8, value: &str) -> Result<(), Reject> {
        let fault = Reject::Sdp(letter);
        match letter {
            b'v' => return Err(fault),
            b'o' => self.origin = Some(origin(value).ok_or(fault)?),
            b's' if self.media.is_empty() => self.name = if value == "-" { String::new() } else { value.into() },
            b'c' => {
                let host = connection(value).ok_or(fault)?;
                match self.media.last_mut() {
                    Some(media) => media.connection = Some(host),
                    None => self.connection = Some(host),
                }
            }
            b'm' => {
                if self.media.len() == MEDIA_MAX {
                    return Err(Reject::TooManyItems);
                }
                let mut media = media_line(value)?;
                media.direction = self.direction;
                self.media.push(media);
            }
            b'a' => match self.media.last_mut() {
                Some(media) => media_attribute(media, value)?,
                None => match Direction::parse(value) {
                    Some(direction) => self.direction = direction,
                    None => keep(&mut self.attributes, value)?,
                },
            },
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Sdp, Reject> {
        Ok(Sdp {
            origin: self.origin.ok_or(Reject::Truncated)?,
            name: self.name,
            connection: self.connection,
            attributes: self.attributes,
            media: self.media,
        })
    }
}

fn keep(attributes: &mut Vec<String>, value: &str) -> Result<(), Reject> {
    if attributes.len() == ATTRIBUTES_MAX {
        return Err(Reject::TooManyItems);
    }
    attributes.push(value.into());
    Ok(())
}

/// Digits only; beyond 64 bits the largest.
fn large_number(text: &str) -> Option<u64> {
    let mut digits = text.bytes();
    let sum = digits.try_fold(0u64, |sum, b| {
        b.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add(u64::from(b - b'0')))
    });
    sum.filter(|_| !text.is_empty())
}

fn host(family: &str, text: &str) -> Option<Host> {
    if !matches!(family, "IP4" | "IP6") || text.is_empty() {
        return None;
    }
    // Multicast addresses carry a TTL or a count behind a slash (RFC 8866 §5.7).
    let address = text.split('/').next().unwrap_or_default();
    Some(address.parse().map_or_else(|_| Host::Name(text.into()), Host::Ip))
}

/// `user sess-id sess-version IN IP4 address`
fn origin(value: &str) -> Option<Origin> {
    let mut words = value.split_ascii_whitespace();
    let user = words.next()?.into();
    let sess_id = large_number(words.next()?)?;
    let sess_version = large_number(words.next()?)?;
    let net = words.next()?;
    let addr = host(words.next()?, words.next()?)?;
    (net == "IN").then_some(Origin { user, sess_id, sess_version, addr })
}

/// `IN IP4 address`
fn connection(value: &str) -> Option<Host> {
    let mut words = value.split_ascii_whitespace();
    let net = words.next()?;
    let addr = host(words.next()?, words.next()?)?;
    (net == "IN").then_some(addr)
}

/// `audio 4000[/n] RTP/AVP 0 8 101`
fn media_line(value: &str) -> Result<Media, Reject> {
    let fault = Reject::Sdp(b'm');
    let mut words = value.split_ascii_whitespace();
    let kind = words.next().ok_or(fault)?;
    let port = words.next().and_then(|w| w.split('/').next()).and_then(|p| p.parse().ok()).ok_or(fault)?;
    let proto = words.next().ok_or(fault)?;
    let formats: Vec<&str> = words.collect();
    if formats.is_empty() {
        return Err(fault);
    }
    if formats.len() > FORMATS_MAX {
        return Err(Reject::TooManyItems);
    }
    let payload_types: Option<Vec<u8>> = formats.iter().map(|f| payload_type(f)).collect();
    let (formats, other_formats) = match payload_types {
        Some(formats) if proto.contains("RTP/") => (formats, None),
        _ => (Vec::new(), Some(formats.join(" "))),
    };
    let kind = if kind == "audio" { MediaKind::Audio } else { MediaKind::Other(kind.into()) };
    Ok(Media { kind, proto: proto.into(), formats, other_formats, ..Media::audio(port) })
}

fn payload_type(text: &str) -> Option<u8> {
    text.parse().ok().filter(|pt| *pt < 128)
}

/// Attributes of a known name whose value we cannot read are kept as text: better a codec less than a call less.
fn media_attribute(media: &mut Media, attribute: &str) -> Result<(), Reject> {
    let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
    let value = value.trim();
    let understood = match name {
        "rtpmap" => rtpmap(value).map(|(pt, map)| drop(media.rtpmap.insert(pt, map))),
        "fmtp" => by_payload_type(value).map(|(pt, text)| drop(media.fmtp.insert(pt, text.into()))),
        "ptime" => value.split('.').next().and_then(|ms| ms.parse().ok()).map(|ms| media.ptime = Some(ms)),
        "rtcp" => value.split(' ').next().and_then(|p| p.parse().ok()).map(|port| media.rtcp_port = Some(port)),
        "rtcp-mux" => {
            media.rtcp_mux = true;
            Some(())
        }
        _ => Direction::parse(attribute).map(|direction| media.direction = direction),
    };
    if understood.is_none() {
        keep(&mut media.attributes, attribute)?;
    }
    Ok(())
}

/// `101 rest`
fn by_payload_type(value: &str) -> Option<(u8, &str)> {
    let (pt, rest) = value.split_once(char::is_whitespace)?;
    Some((payload_type(pt)?, rest.trim()))
}

/// `101 telephone-event/8000[/channels]`
fn rtpmap(value: &str) -> Option<(u8, RtpMap)> {
    let (pt, rest) = by_payload_type(value)?;
    let mut parts = rest.split('/');
    let encoding = parts.next().filter(|e| !e.is_empty())?.into();
    let clock = parts.next()?.trim().parse().ok()?;
    let channels = match parts.next() {
        Some(channels) => channels.trim().parse().ok()?,
        None => 1,
    };
    Some((pt, RtpMap { encoding, clock, channels }))
}
