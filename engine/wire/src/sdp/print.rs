//! [`Sdp`] to lines.

use super::{Host, Media, MediaKind, Sdp};
use std::net::IpAddr;

pub(super) fn print(sdp: &Sdp) -> Vec<u8> {
    let mut out = Lines(Vec::with_capacity(512));
    out.line("v=0");
    let origin = &sdp.origin;
    let user = if origin.user.is_empty() { "-" } else { &origin.user };
    out.line(&format!("o={user} {} {} {}", origin.sess_id, origin.sess_version, address(&origin.addr)));
    out.line(&format!("s={}", if sdp.name.is_empty() { "-" } else { &sdp.name }));
    if let Some(host) = &sdp.connection {
        out.line(&format!("c={}", address(host)));
    }
    out.line("t=0 0");
    for attribute in &sdp.attributes {
        out.line(&format!("a={attribute}"));
    }
    for media in &sdp.media {
        print_media(&mut out, media);
    }
    out.0
}

fn print_media(out: &mut Lines, media: &Media) {
    let kind = match &media.kind {
        MediaKind::Audio => "audio",
        MediaKind::Other(kind) => kind,
    };
    let formats = match &media.other_formats {
        Some(text) => text.clone(),
        None => media.formats.iter().map(u8::to_string).collect::<Vec<_>>().join(" "),
    };
    out.line(&format!("m={kind} {} {} {formats}", media.port, media.proto));
    if let Some(host) = &media.connection {
        out.line(&format!("c={}", address(host)));
    }
    for (pt, map) in &media.rtpmap {
        let channels = if map.channels == 1 { String::new() } else { format!("/{}", map.channels) };
        out.line(&format!("a=rtpmap:{pt} {}/{}{channels}", map.encoding, map.clock));
    }
    for (pt, text) in &media.fmtp {
        out.line(&format!("a=fmtp:{pt} {text}"));
    }
    if let Some(ms) = media.ptime {
        out.line(&format!("a=ptime:{ms}"));
    }
    if let Some(port) = media.rtcp_port {
        out.line(&format!("a=rtcp:{port}"));
    }
    if media.rtcp_mux {
        out.line("a=rtcp-mux");
    }
    out.line(&format!("a={}", media.direction.as_str()));
    for attribute in &media.attributes {
        out.line(&format!("a={attribute}"));
    }
}

fn address(host: &Host) -> String {
    match host {
        Host::Ip(ip @ IpAddr::V4(_)) => format!("IN IP4 {ip}"),
        Host::Ip(ip @ IpAddr::V6(_)) => format!("IN IP6 {ip}"),
        Host::Name(name) => format!("IN IP4 {name}"),
    }
}

struct Lines(Vec<u8>);

impl Lines {
    fn line(&mut self, text: &str) {
        self.0.extend(text.bytes().filter(|b| !matches!(b, b'\r' | b'\n' | 0)));
        self.0.extend_from_slice(b"\r\n");
    }
}
