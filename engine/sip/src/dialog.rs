//! One call: where its requests go (RFC 3261 §12), and how far it has come.
//!
//! ```text
//!  invite()   Outgoing ──2xx──────> Established ──BYE──> gone (Ended)
//!                 └──3xx-6xx, timeout, CANCEL──────────> gone (Failed)
//!  INVITE     Ringing ──answer()──> Established
//!                 └──reject(), CANCEL, time──────────> gone (Failed)
//! ```

use crate::digest::Authenticator;
use crate::limits::ROUTES_MAX;
use crate::reply::Template;
use crate::text;
use crate::transaction::TransactionId;
use crate::types::{Cause, Invite};
use base::{Duration, TimerKey};
use std::net::SocketAddr;
use wire::sip::{Builder, HeaderName, Message, NameAddr};

/// The dialog state that goes into requests: identity, target and route set (RFC 3261 §12).
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) call_id: Vec<u8>,
    /// Our From or To value with its tag.
    pub(crate) local: Vec<u8>,
    /// The peer's From or To value with its tag, if it has one.
    pub(crate) remote: Vec<u8>,
    pub(crate) remote_tag: Vec<u8>,
    /// The peer's Contact.
    pub(crate) target: String,
    pub(crate) routes: Vec<String>,
    /// Where requests go when the next hop is a name and not an address.
    pub(crate) fallback: SocketAddr,
}

impl Line {
    /// Of a call of ours that has just begun: no peer tag yet, the target is what was dialled.
    pub(crate) fn new(call_id: Vec<u8>, local: Vec<u8>, remote: Vec<u8>, target: String, hop: SocketAddr) -> Line {
        Line { call_id, local, remote, remote_tag: Vec::new(), target, routes: Vec::new(), fallback: hop }
    }

    /// From an INVITE we received: `local` is its To with our tag. `None` when it has no usable Contact or From.
    pub(crate) fn from_request(request: &Message, tag: &str, source: SocketAddr) -> Option<Line> {
        let to = request.header(HeaderName::To)?;
        Some(Line {
            call_id: request.call_id()?.to_vec(),
            local: [to, b";tag=", tag.as_bytes()].concat(),
            remote: request.header(HeaderName::From)?.to_vec(),
            remote_tag: request.from().ok()?.tag().unwrap_or_default().to_vec(),
            target: target_of(request)?,
            routes: request.headers(HeaderName::RecordRoute).take(ROUTES_MAX).map(text_of).collect(),
            fallback: source,
        })
    }

    /// From a 2xx to our INVITE. Without a usable Contact the target is the To URI, so that even then the answer can be
    /// acknowledged. `None` when From, To or Call-ID cannot be read.
    pub(crate) fn from_response(response: &Message, source: SocketAddr) -> Option<Line> {
        let mut routes: Vec<String> = response.headers(HeaderName::RecordRoute).take(ROUTES_MAX).map(text_of).collect();
        routes.reverse();
        Some(Line {
            call_id: response.call_id()?.to_vec(),
            local: response.header(HeaderName::From)?.to_vec(),
            remote: response.header(HeaderName::To)?.to_vec(),
            remote_tag: response.to().ok()?.tag().unwrap_or_default().to_vec(),
            target: target_of(response).or_else(|| Some(text_of(response.to().ok()?.uri)))?,
            routes,
            fallback: source,
        })
    }

    /// A target refresh (RFC 3261 §12.2): the newest Contact, if the message has a usable one.
    pub(crate) fn refresh(&mut self, message: &Message, source: SocketAddr) {
        if let Some(target) = target_of(message) {
            self.target = target;
        }
        self.fallback = source;
    }

    /// Where the dialog's requests go: to the first hop of the route, or to the target.
    pub(crate) fn hop(&self) -> SocketAddr {
        let first = self.routes.first().and_then(|route| NameAddr::parse(route.as_bytes()).ok());
        let first_uri = first.map(|hop| text_of(hop.uri));
        text::next_hop(first_uri.as_deref().unwrap_or(&self.target), self.fallback)
    }

    /// A request of the dialog up to CSeq, and where it goes (RFC 3261 §12.2.1.1, with strict routers as well).
    pub(crate) fn request(&self, via: &str, method: &str, sequence: u32) -> (Builder, SocketAddr) {
        let first = self.routes.first().and_then(|route| NameAddr::parse(route.as_bytes()).ok());
        let strict = first.is_some_and(|hop| hop.parse_uri().is_ok_and(|uri| uri.params.get("lr").is_none()));
        let first_uri = first.map(|hop| text_of(hop.uri));
        let to = self.hop();
        let mut builder = match (&first_uri, strict) {
            (Some(hop), true) => Builder::request(method, hop),
            _ => Builder::request(method, &self.target),
        };
        builder = builder.header("Via", via).header("Max-Forwards", "70");
        for route in self.routes.iter().skip(usize::from(strict)) {
            builder = builder.header("Route", route);
        }
        if strict {
            builder = builder.header("Route", format!("<{}>", self.target));
        }
        builder = builder.header("From", &self.local).header("To", &self.remote);
        (builder.header("Call-ID", &self.call_id).header("CSeq", format!("{sequence} {method}")), to)
    }
}

/// The Contact URI of a message when it is one that requests can be sent to.
fn target_of(message: &Message) -> Option<String> {
    let uri = message.contact()?.ok()?.uri;
    // Only a legal URI can go back out; a SIP URI is ASCII (RFC 3261 §25.1), so nothing is lost here.
    std::str::from_utf8(uri).ok().filter(|uri| text::is_sound_uri(uri)).map(str::to_string)
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Our INVITE before its final answer.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) invite: Box<Invite>,
    pub(crate) transaction: TransactionId,
    pub(crate) authenticator: Authenticator,
    /// Credentials lines of the INVITE under way; its ACK repeats them (RFC 3261 §22.1).
    pub(crate) authorization: Vec<(&'static str, Vec<u8>)>,
    /// To tags of the branches that have spoken, latest last.
    pub(crate) branches: Vec<Vec<u8>>,
    /// A provisional response has come, so a CANCEL may go out (RFC 3261 §9.1).
    pub(crate) provisional: bool,
    /// Set once the call is to be cancelled; what `Failed` will say.
    pub(crate) cancel: Option<Cancel>,
}

/// Why an INVITE is being cancelled.
#[derive(Debug)]
pub(crate) struct Cancel {
    pub(crate) cause: Cause,
    /// Reason header of the CANCEL.
    pub(crate) reason: Option<String>,
}

/// The peer's INVITE or re-INVITE before our final answer.
#[derive(Debug)]
pub(crate) struct Ringing {
    pub(crate) transaction: TransactionId,
    /// Its CSeq, which its ACK will repeat.
    pub(crate) sequence: u32,
    pub(crate) template: Template,
}

#[derive(Debug)]
pub(crate) enum Phase {
    Outgoing(Outgoing),
    Ringing(Ringing),
    Established,
}

/// Our 2xx that waits for its ACK; the dialog repeats it (RFC 3261 §13.3.1.4).
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    pub(crate) sequence: u32,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
    pub(crate) interval: Duration,
    /// The first INVITE's and not a re-INVITE's.
    pub(crate) first: bool,
}

/// Our re-INVITE.
#[derive(Debug)]
pub(crate) enum Reoffer {
    None,
    /// Waits for an ACK, for the peer's own re-INVITE, or for the end of a glare pause.
    Wanted {
        sdp: Vec<u8>,
        tries: u8,
    },
    Sent {
        sdp: Vec<u8>,
        tries: u8,
        sequence: u32,
    },
}

/// What a dialog waits for; each has at most one timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// Outgoing: the ring limit.
    Ring,
    /// Outgoing: the end of waiting for the answer to our CANCEL.
    Cancel,
    /// Ringing: repeat the provisional response.
    Refresh,
    /// Repeat our 2xx.
    Repeat,
    /// The end of waiting for the ACK.
    Acknowledgement,
    /// The end of a pause after 491.
    Glare,
    /// The end of everything.
    Age,
}

pub(crate) const CLOCKS: usize = 7;

#[derive(Debug)]
pub(crate) struct Dialog {
    pub(crate) line: Line,
    pub(crate) local_tag: String,
    /// We made the Call-ID.
    pub(crate) ours: bool,
    pub(crate) local_sequence: u32,
    /// CSeq of the peer's first INVITE; `None` for a call of ours.
    pub(crate) invite_sequence: Option<u32>,
    /// Highest CSeq seen from the peer.
    pub(crate) remote_sequence: Option<u32>,
    pub(crate) phase: Phase,
    pub(crate) unacknowledged: Option<Unacknowledged>,
    pub(crate) reoffer: Reoffer,
    /// The peer's re-INVITE that waits for our answer.
    pub(crate) reoffered: Option<Ringing>,
    /// `hangup` was called while our 2xx waits for its ACK; the BYE's Reason (RFC 3261 §15: no BYE before the ACK).
    pub(crate) hangup: Option<Option<String>>,
    /// The answer crossed our CANCEL: why the call ends, which it does once whoever listens was told of the answer.
    pub(crate) crossed: Option<Cancel>,
    pub(crate) clocks: [Option<TimerKey>; CLOCKS],
}

impl Dialog {
    pub(crate) fn new(line: Line, local_tag: String, ours: bool, phase: Phase) -> Self {
        Dialog {
            line,
            local_tag,
            ours,
            local_sequence: 0,
            invite_sequence: None,
            remote_sequence: None,
            phase,
            unacknowledged: None,
            reoffer: Reoffer::None,
            reoffered: None,
            hangup: None,
            crossed: None,
            clocks: [None; CLOCKS],
        }
    }

    /// True when `tag` is the peer's: the answered branch's, or before the answer any branch's that has spoken.
    pub(crate) fn is_peer(&self, tag: &[u8]) -> bool {
        match &self.phase {
            Phase::Outgoing(outgoing) => outgoing.branches.iter().any(|branch| branch == tag),
            Phase::Ringing(_) | Phase::Established => self.line.remote_tag == tag,
        }
    }
}
