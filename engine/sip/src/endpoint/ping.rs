//! OPTIONS pings (RFC 3261 §11): is the peer there?

use super::receive::address;
use super::{Endpoint, Request};
use crate::text;
use crate::transaction::{ClientOther, Machine, Owner};
use crate::types::{Event, OptionsId, Refusal};
use base::Instant;
use std::net::SocketAddr;
use wire::sip::Builder;

/// One ping under way; its transaction bounds its life.
pub(super) struct Ping {
    remote: SocketAddr,
    sent: Instant,
}

/// Longest URI of a ping; addresses are far shorter.
const URI_BYTES_MAX: usize = 1_024;

impl Endpoint {
    /// Sends an OPTIONS for `uri` to `remote`. [`Event::OptionsAnswered`] follows with any final code, or with 408 after
    /// 64 × T1.
    ///
    /// # Errors
    /// `Invalid` for an illegal `uri`, `Full` when there are too many transactions.
    pub fn options(&mut self, now: Instant, remote: SocketAddr, uri: &str) -> Result<OptionsId, Refusal> {
        if !text::is_sound_uri(uri) || uri.len() > URI_BYTES_MAX {
            return Err(Refusal::Invalid("uri"));
        }
        if self.transactions.is_full() {
            return Err(Refusal::Full);
        }
        self.pings_made += 1;
        let id = OptionsId(self.pings_made);
        self.pings.insert(id, Ping { remote, sent: now });
        let branch = self.branch();
        let from = format!("<sip:{}>;tag={}", self.config.local, self.random.token(16));
        let bytes = Builder::request("OPTIONS", uri)
            .header("Via", self.via(&branch))
            .header("Max-Forwards", "70")
            .header("From", from)
            .header("To", address(None, uri))
            .header("Call-ID", format!("{}{}", self.call_id_prefix, self.random.token(24)))
            .header("CSeq", "1 OPTIONS")
            .header("Contact", &self.contact)
            .header("Accept", "application/sdp")
            .header("User-Agent", &self.config.user_agent)
            .finish();
        let machine = Machine::ClientOther(ClientOther::new(&self.times));
        self.start(now, machine, Owner::Options(id), Request { method: "OPTIONS", branch, to: remote, bytes });
        Ok(id)
    }

    /// A response to a ping, or 408 for none.
    pub(super) fn options_response(&mut self, now: Instant, id: OptionsId, code: u16) {
        if code >= 200
            && let Some(ping) = self.pings.remove(&id)
        {
            let round_trip = now.since(ping.sent);
            self.tell(Event::OptionsAnswered { options: id, remote: ping.remote, code, round_trip });
        }
    }
}
