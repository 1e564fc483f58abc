//! What concerns trunks and the past, and no leg: registrations, pings, and calls that a process before this one left.
//!
//! ```text
//!  Register ─> registering ──Registered, RegistrationFailed─> (again and again) ──Unregister─> gone (Unregistered)
//!  Ping ─────> OPTIONS, wait, OPTIONS, … ── TrunkUp only when it changes
//! ```

use super::{Shard, Timer};
use crate::api::{Event, Register};
use base::{Duration, Instant, Stream, TimerKey, TrunkId};
use sip::{OptionsId, RegistrationId};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Trunks pinged by one shard: as many as the SIP room registers (100 trunks × 10 numbers, rounded up).
const PINGS_MAX: usize = 1_024;
/// Shortest and longest pause between two pings of a trunk.
const PING_EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3_600));
/// The pause is drawn from this share of the wish to the whole of it, so that the pings of many trunks spread.
const PING_SPREAD: f64 = 0.9;

/// One trunk's registration.
struct Bound {
    id: RegistrationId,
    now: sip::Register,
    leaving: bool,
    /// Begins when the old one is gone: two at a time would take each other's binding away.
    next: Option<sip::Register>,
}

/// One trunk's pings.
struct Pinged {
    remote: SocketAddr,
    every: Duration,
    up: Option<bool>,
    /// The ping under way.
    asked: Option<OptionsId>,
    timer: Option<TimerKey>,
}

/// The shard's trunks.
pub(super) struct Trunks {
    bound: BTreeMap<TrunkId, Bound>,
    pinged: BTreeMap<TrunkId, Pinged>,
    random: Stream,
}

impl Trunks {
    pub(super) fn new(random: Stream) -> Trunks {
        Trunks { bound: BTreeMap::new(), pinged: BTreeMap::new(), random }
    }
    fn of(&self, id: RegistrationId) -> Option<TrunkId> {
        self.bound.iter().find(|(_, bound)| bound.id == id).map(|(trunk, _)| *trunk)
    }
}

impl Shard {
    pub(super) fn register(&mut self, now: Instant, wish: Register) {
        let trunk = wish.trunk;
        let register = match self.registration_of(wish) {
            Ok(register) => register,
            Err(what) => return self.registration_refused(trunk, format!("not a legal {what}")),
        };
        match self.trunks.bound.get_mut(&trunk) {
            Some(bound) if bound.leaving => bound.next = Some(register),
            Some(bound) if bound.now == register => {}
            Some(bound) => {
                bound.next = Some(register);
                bound.leaving = true;
                let id = bound.id;
                let _ = self.endpoint.unregister(now, id);
            }
            None => self.begin_registration(now, trunk, register),
        }
    }

    fn registration_of(&self, wish: Register) -> Result<sip::Register, &'static str> {
        let aor = wire::sip::Uri::parse(wish.aor.as_bytes()).map_err(|_| "aor")?;
        let host = std::str::from_utf8(aor.host).ok().filter(|host| aor.is_sip() && !host.is_empty()).ok_or("aor")?;
        let registrar_uri = match aor.port {
            Some(port) => format!("sip:{host}:{port}"),
            None => format!("sip:{host}"),
        };
        Ok(sip::Register {
            remote: wish.registrar,
            registrar_uri,
            contact: format!("sip:{}@{}", wish.contact_user, self.config.sip),
            aor: wish.aor,
            expires_s: wish.expires_s,
            credentials: Some(wish.credentials),
        })
    }

    fn begin_registration(&mut self, now: Instant, trunk: TrunkId, register: sip::Register) {
        match self.endpoint.register(now, register.clone()) {
            Ok(id) => {
                self.trunks.bound.insert(trunk, Bound { id, now: register, leaving: false, next: None });
            }
            Err(refusal) => self.registration_refused(trunk, refusal.to_string()),
        }
    }

    fn registration_refused(&mut self, trunk: TrunkId, reason: String) {
        self.event(Event::RegistrationFailed { trunk, code: 0, retry_after_s: None, reason });
    }

    pub(super) fn unregister(&mut self, now: Instant, trunk: TrunkId) {
        let Some(bound) = self.trunks.bound.get_mut(&trunk) else {
            return self.event(Event::Unregistered { trunk });
        };
        bound.next = None;
        if !std::mem::replace(&mut bound.leaving, true) {
            let id = bound.id;
            let _ = self.endpoint.unregister(now, id);
        }
    }

    /// What the SIP room tells of a registration.
    pub(super) fn registration_event(&mut self, now: Instant, event: sip::Event) {
        match event {
            sip::Event::Registered { registration, expires_s } => {
                if let Some(trunk) = self.trunks.of(registration) {
                    self.event(Event::Registered { trunk, expires_s });
                }
            }
            sip::Event::RegistrationFailed { registration, code, reason, retry_after_s } => {
                if let Some(trunk) = self.trunks.of(registration) {
                    let retry_after_s = Some(retry_after_s);
                    self.event(Event::RegistrationFailed { trunk, code, retry_after_s, reason });
                }
            }
            sip::Event::Unregistered { registration } => {
                let Some(trunk) = self.trunks.of(registration) else { return };
                match self.trunks.bound.remove(&trunk).and_then(|bound| bound.next) {
                    Some(next) => self.begin_registration(now, trunk, next),
                    None => self.event(Event::Unregistered { trunk }),
                }
            }
            _ => {}
        }
    }

    pub(super) fn ping(&mut self, now: Instant, trunk: TrunkId, remote: SocketAddr, every: Duration) {
        let before = self.trunks.pinged.remove(&trunk);
        if let Some(timer) = before.as_ref().and_then(|pinged| pinged.timer) {
            self.timers.cancel(timer);
        }
        if every.is_zero() {
            return;
        }
        if self.trunks.pinged.len() >= PINGS_MAX {
            return self.event(Event::TrunkUp { trunk, up: false, rtt: None });
        }
        let every = every.clamp(PING_EVERY.0, PING_EVERY.1);
        // The same place stays as it was known; another one is unknown.
        let known = before.filter(|before| before.remote == remote);
        let (up, asked) = known.map_or((None, None), |known| (known.up, known.asked));
        self.trunks.pinged.insert(trunk, Pinged { remote, every, up, asked, timer: None });
        if asked.is_none() {
            self.ping_now(now, trunk);
        }
    }

    /// The pause after a ping is over.
    pub(super) fn ping_now(&mut self, now: Instant, trunk: TrunkId) {
        let Some(pinged) = self.trunks.pinged.get_mut(&trunk) else { return };
        pinged.timer = None;
        let remote = pinged.remote;
        match self.endpoint.options(now, remote, &format!("sip:{remote}")) {
            Ok(id) => pinged.asked = Some(id),
            // No room for a transaction says nothing of the trunk.
            Err(_) => self.ping_later(now, trunk),
        }
    }

    fn ping_later(&mut self, now: Instant, trunk: TrunkId) {
        let share = self.trunks.random.range_f64(PING_SPREAD, 1.0);
        let Some(pinged) = self.trunks.pinged.get_mut(&trunk) else { return };
        let pause = Duration::from_secs_f64(pinged.every.as_secs_f64() * share);
        pinged.timer = Some(self.timers.insert(now + pause, Timer::Ping(trunk)));
    }

    /// A ping has come back, or has not.
    pub(super) fn pinged(&mut self, now: Instant, options: OptionsId, code: u16, round_trip: Duration) {
        let found = self.trunks.pinged.iter_mut().find(|(_, pinged)| pinged.asked == Some(options));
        let Some((&trunk, pinged)) = found else { return };
        pinged.asked = None;
        // Whoever answers is there, whatever he says; but 408 is nobody, and 503 says that he takes no calls.
        let up = !matches!(code, 408 | 503);
        if pinged.up.replace(up) != Some(up) {
            self.event(Event::TrunkUp { trunk, up, rtt: up.then_some(round_trip) });
        }
        self.ping_later(now, trunk);
    }
}
