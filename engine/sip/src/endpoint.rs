//! Signatures first; bodies follow.
#![allow(unused_variables, clippy::too_many_arguments)]
use crate::types::*;
use base::{Instant, Stream};
use std::net::SocketAddr;

/// All transactions and dialogs of one shard.
pub struct Endpoint;
impl Endpoint {
    /// An endpoint without state. `call_id_prefix` starts each Call-ID we make, so a front door can route by it.
    pub fn new(config: Config, random: Stream, call_id_prefix: String) -> Self {
        Endpoint
    }
    /// One datagram from the network.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {}
    /// Fires due timers.
    pub fn handle_timeout(&mut self, now: Instant) {}
    /// When to call `handle_timeout`.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }
    /// Next thing to send or tell.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }
    /// Starts a call.
    pub fn invite(&mut self, now: Instant, invite: Invite) -> Result<DialogId, Refusal> {
        Err(Refusal::Full)
    }
    /// Sends a provisional response.
    pub fn progress(&mut self, now: Instant, dialog: DialogId, code: u16, sdp: Option<Vec<u8>>) -> Result<(), Refusal> {
        Err(Refusal::Stale)
    }
    /// Answers an incoming call.
    pub fn answer(&mut self, now: Instant, dialog: DialogId, sdp: Vec<u8>) -> Result<(), Refusal> {
        Err(Refusal::Stale)
    }
    /// Refuses an incoming call.
    pub fn reject(
        &mut self,
        now: Instant,
        dialog: DialogId,
        code: u16,
        retry_after_s: Option<u32>,
    ) -> Result<(), Refusal> {
        Err(Refusal::Stale)
    }
    /// Ends a call in whatever state it is.
    pub fn hangup(&mut self, now: Instant, dialog: DialogId, reason: Option<String>) {}
    /// Sends a re-INVITE.
    pub fn reoffer(&mut self, now: Instant, dialog: DialogId, sdp: Vec<u8>) -> Result<(), Refusal> {
        Err(Refusal::Stale)
    }
    /// Answers the peer's re-INVITE.
    pub fn answer_reoffer(&mut self, now: Instant, dialog: DialogId, sdp: Vec<u8>) -> Result<(), Refusal> {
        Err(Refusal::Stale)
    }
    /// Refuses the peer's re-INVITE.
    pub fn reject_reoffer(&mut self, now: Instant, dialog: DialogId, code: u16) -> Result<(), Refusal> {
        Err(Refusal::Stale)
    }
    /// Keeps an address registered.
    pub fn register(&mut self, now: Instant, register: Register) -> Result<RegistrationId, Refusal> {
        Err(Refusal::Full)
    }
    /// Takes the binding away.
    pub fn unregister(&mut self, now: Instant, registration: RegistrationId) -> Result<(), Refusal> {
        Err(Refusal::Stale)
    }
    /// Pings a peer.
    pub fn options(&mut self, now: Instant, remote: SocketAddr, uri: &str) -> Result<OptionsId, Refusal> {
        Err(Refusal::Full)
    }
    /// Live objects.
    pub fn counts(&self) -> Counts {
        Counts::default()
    }
}
