//! Responses: what is copied from the request, and where they go (RFC 3261 §8.2.6, §18.2; RFC 3581).

use crate::types::Cause;
use crate::types::Whose;
use crate::{limits, text};
use std::net::{IpAddr, SocketAddr};
use wire::sip::{Builder, HeaderName, Message};

/// Methods that we take; in Allow.
pub(crate) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS";

/// The parts of a request that its responses repeat.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    vias: Vec<Vec<u8>>,
    from: Vec<u8>,
    to: Vec<u8>,
    to_tagged: bool,
    call_id: Vec<u8>,
    sequence: Vec<u8>,
    record_routes: Vec<Vec<u8>>,
    timestamp: Option<Vec<u8>>,
    /// Where the responses go.
    pub(crate) destination: SocketAddr,
}

impl Template {
    /// `None` when the request has no readable Via or lacks what a response must repeat.
    pub(crate) fn new(request: &Message, source: SocketAddr) -> Option<Template> {
        let mut vias: Vec<Vec<u8>> = request.headers(HeaderName::Via).map(<[u8]>::to_vec).collect();
        let via = request.top_via().ok()?;
        vias[0] = stamped(&vias[0], &via, source.ip(), source.port());
        // RFC 3581 §4: to the source port when asked; else to the port the sender claims (RFC 3261 §18.2.2).
        let port = if via.rport().is_some() { source.port() } else { via.port.unwrap_or(5060) };
        let to = request.header(HeaderName::To)?.to_vec();
        Some(Template {
            vias,
            from: request.header(HeaderName::From)?.to_vec(),
            to_tagged: request.to().is_ok_and(|to| to.tag().is_some()),
            to,
            call_id: request.header(HeaderName::CallId)?.to_vec(),
            sequence: request.header(HeaderName::CSeq)?.to_vec(),
            record_routes: request.headers(HeaderName::RecordRoute).map(<[u8]>::to_vec).collect(),
            timestamp: request.header_named("Timestamp").map(<[u8]>::to_vec),
            destination: SocketAddr::new(source.ip(), port),
        })
    }

    /// A response with all that it must repeat; `tag` becomes the To tag unless there is one already. 100 has none.
    pub(crate) fn response(&self, code: u16, tag: &str) -> Builder {
        let mut builder = Builder::response(code, "");
        for via in &self.vias {
            builder = builder.header("Via", via);
        }
        builder = builder.header("From", &self.from);
        builder = if self.to_tagged || code == 100 {
            builder.header("To", &self.to)
        } else {
            builder.header("To", [&self.to[..], b";tag=", tag.as_bytes()].concat())
        };
        builder = builder.header("Call-ID", &self.call_id).header("CSeq", &self.sequence);
        match &self.timestamp {
            Some(timestamp) if code == 100 => builder.header("Timestamp", timestamp),
            _ => builder,
        }
    }

    /// A response that makes or confirms a dialog: with the route it was recorded on (RFC 3261 §12.1.1).
    pub(crate) fn dialog_response(&self, code: u16, tag: &str, contact: &str) -> Builder {
        let mut builder = self.response(code, tag);
        for route in &self.record_routes {
            builder = builder.header("Record-Route", route);
        }
        builder.header("Contact", contact)
    }
}

/// The top Via with `received` and `rport` filled in by what we saw; claims of the sender about them are taken out.
fn stamped(value: &[u8], via: &wire::sip::Via<'_>, ip: IpAddr, port: u16) -> Vec<u8> {
    let params = via.params.as_bytes();
    let mut out = value[..value.len() - params.len()].trim_ascii_end().to_vec();
    for param in pieces(params) {
        let name = param.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
        if !name.is_empty() && !name.eq_ignore_ascii_case(b"rport") && !name.eq_ignore_ascii_case(b"received") {
            out.push(b';');
            out.extend_from_slice(param);
        }
    }
    let host_is_ip = text::host_ip(via.host) == Some(ip);
    if via.rport().is_some() {
        out.extend_from_slice(format!(";received={ip};rport={port}").as_bytes());
    } else if !host_is_ip {
        out.extend_from_slice(format!(";received={ip}").as_bytes());
    }
    out
}

/// The parameters between semicolons outside quotes.
fn pieces(params: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    params.split(move |byte| {
        quoted ^= *byte == b'"';
        *byte == b';' && !quoted
    })
}

/// The SDP of a message; `None` when it has no body or one of another type.
pub(crate) fn sdp_of(message: &Message) -> Option<Vec<u8>> {
    (!message.body().is_empty() && body_is_sdp(message)).then(|| message.body().to_vec())
}

/// True when the body, if any, is SDP or does not say what it is.
pub(crate) fn body_is_sdp(message: &Message) -> bool {
    let Some(kind) = message.header(HeaderName::ContentType) else { return true };
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    message.body().is_empty() || kind.eq_ignore_ascii_case(b"application/sdp")
}

/// The cause a final response gives.
pub(crate) fn cause_of_response(response: &Message) -> Cause {
    let code = response.code().unwrap_or_default();
    let phrase = text::shown(response.reason().unwrap_or_default());
    let mut cause = Cause::new(Some(code), phrase, Whose::Peer);
    cause.retry_after_s = retry_after(response);
    cause.q850 = reason_header(response).1;
    cause
}

/// The cause a BYE gives.
pub(crate) fn cause_of_bye(request: &Message) -> Cause {
    let (reason, q850) = reason_header(request);
    let mut cause = Cause::new(None, reason.unwrap_or_else(|| Cause::BYE.to_string()), Whose::Peer);
    cause.q850 = q850;
    cause
}

/// Seconds of Retry-After; a comment or parameters behind the number are ignored (RFC 3261 §20.33).
pub(crate) fn retry_after(response: &Message) -> Option<u32> {
    let value = response.header(HeaderName::RetryAfter)?;
    let digits = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    std::str::from_utf8(&value[..digits]).ok()?.parse().ok()
}

/// Text and Q.850 cause of the Reason header (RFC 3326 §2).
fn reason_header(message: &Message) -> (Option<String>, Option<u16>) {
    let (mut said, mut q850) = (None, None);
    // A header holds one value per protocol; more than a few are noise.
    for value in message.tokens(HeaderName::Reason).take(limits::ANSWERS_MAX) {
        let name_end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
        let Ok(params) = wire::sip::Params::parse(&value[name_end..]) else { continue };
        if said.is_none() {
            said = params.get("text").filter(|text| !text.is_empty()).map(text::shown);
        }
        if value[..name_end].trim_ascii().eq_ignore_ascii_case(b"Q.850") {
            let number = params.get("cause").and_then(|number| std::str::from_utf8(number).ok());
            q850 = q850.or(number.and_then(|number| number.parse().ok()));
        }
    }
    (said, q850)
}

#[cfg(test)]
mod tests;
