//! REGISTER as a client (RFC 3261 §10.2): bind, refresh before it runs out, try again after a failure, unbind.
//!
//! ```text
//!  register() ─> Asking ──2xx──> Bound ──refresh──> Asking
//!                  └──failure──> Pausing ──────────┘
//!  unregister() ─> Leaving ──any final answer, or none──> gone (Unregistered)
//! ```

use super::receive::address;
use super::{Due, Endpoint, Request};
use crate::digest::Authenticator;
use crate::limits;
use crate::reply;
use crate::text;
use crate::transaction::{ClientOther, Machine, Owner};
use crate::types::{Cause, Event, Refusal, Register, RegistrationId};
use base::{Duration, Instant, TimerKey};
use wire::sip::{Builder, HeaderName, Message};

/// First pause after a failure; doubles each time up to `PAUSE_MAX` (the scheme and figures of RFC 5626 §4.5).
const PAUSE_MIN: Duration = Duration::from_secs(30);
const PAUSE_MAX: Duration = Duration::from_secs(1_800);

/// Longest lifetime asked for or believed: one day.
const EXPIRES_MAX_S: u32 = 86_400;

/// Longest Retry-After that is obeyed, in seconds: an hour, else a typing error could lose a trunk for good.
const RETRY_AFTER_MAX_S: u32 = 3_600;

/// A refresh begins after this share of the lifetime.
const REFRESH_SHARE: (f64, f64) = (0.8, 0.9);

/// A refresh begins at least this long before the end, so that a whole 64 × T1 of 32 s fits in.
const REFRESH_AHEAD_S: u32 = 40;

/// A registrar that grants next to nothing does not make us ask more often than this.
const REFRESH_MIN: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A REGISTER is under way.
    Asking,
    /// Bound or pausing after a failure: the timer runs.
    Waiting,
    /// A REGISTER with Expires 0 is under way.
    Leaving,
}

pub(super) struct Registration {
    register: Register,
    authenticator: Authenticator,
    call_id: String,
    tag: String,
    sequence: u32,
    state: State,
    /// `unregister` was called while a REGISTER was under way (§10.2: one at a time).
    leave: bool,
    failures: u32,
    /// Lifetime to ask for; a 423 raises it.
    expires_s: u32,
    timer: Option<TimerKey>,
}

impl Endpoint {
    /// Binds an address-of-record and keeps it bound. [`Event::Registered`] follows after each success,
    /// [`Event::RegistrationFailed`] after each failure; both go on until [`Endpoint::unregister`].
    ///
    /// # Errors
    /// `Invalid` for illegal URIs or a lifetime of zero, `Full` for too many registrations or transactions.
    pub fn register(&mut self, now: Instant, register: Register) -> Result<RegistrationId, Refusal> {
        // Four URIs of this length and the digest fit a datagram many times over.
        let sound = |uri: &str| text::is_sound_uri(uri) && uri.len() <= 1_024;
        for (uri, what) in
            [(&register.registrar_uri, "registrar_uri"), (&register.aor, "aor"), (&register.contact, "contact")]
        {
            if !sound(uri) {
                return Err(Refusal::Invalid(what));
            }
        }
        if register.expires_s == 0 {
            return Err(Refusal::Invalid("expires_s"));
        }
        if self.registrations.len() >= limits::REGISTRATIONS_MAX || self.transactions.is_full() {
            return Err(Refusal::Full);
        }
        let registration = Registration {
            authenticator: Authenticator::default(),
            call_id: format!("{}{}", self.call_id_prefix, self.random.token(24)),
            tag: self.random.token(16),
            sequence: 0,
            state: State::Asking,
            leave: false,
            failures: 0,
            expires_s: register.expires_s.min(EXPIRES_MAX_S),
            timer: None,
            register,
        };
        let id = self.registrations.insert(registration);
        self.ask(now, id);
        Ok(id)
    }

    /// Takes the binding away. [`Event::Unregistered`] follows, at the latest after the REGISTERs under way have timed
    /// out.
    ///
    /// # Errors
    /// `Stale`; `WrongState` when it was called before.
    pub fn unregister(&mut self, now: Instant, id: RegistrationId) -> Result<(), Refusal> {
        let registration = self.registrations.get_mut(id).ok_or(Refusal::Stale)?;
        if registration.leave {
            return Err(Refusal::WrongState);
        }
        registration.leave = true;
        if registration.state == State::Waiting {
            self.ask(now, id);
        }
        Ok(())
    }

    /// Begins a REGISTER for what is wanted now: the binding, or its end.
    fn ask(&mut self, now: Instant, id: RegistrationId) {
        let Some(registration) = self.registrations.get_mut(id) else { return };
        if let Some(timer) = registration.timer.take() {
            self.timers.cancel(timer);
        }
        registration.state = if registration.leave { State::Leaving } else { State::Asking };
        registration.authenticator.restart();
        self.send_register(now, id);
    }

    fn send_register(&mut self, now: Instant, id: RegistrationId) {
        if self.transactions.is_full() {
            return self.register_failed(now, id, 503, Refusal::Full.to_string(), None);
        }
        let branch = self.branch();
        let via = self.via(&branch);
        let Some(registration) = self.registrations.get_mut(id) else { return };
        registration.sequence += 1;
        let register = &registration.register;
        let expires_s = if registration.state == State::Leaving { 0 } else { registration.expires_s };
        let mut builder = Builder::request("REGISTER", &register.registrar_uri)
            .header("Via", via)
            .header("Max-Forwards", "70")
            .header("From", format!("{};tag={}", address(None, &register.aor), registration.tag))
            .header("To", address(None, &register.aor))
            .header("Call-ID", &registration.call_id)
            .header("CSeq", format!("{} REGISTER", registration.sequence))
            .header("Contact", format!("{};expires={expires_s}", address(None, &register.contact)))
            .header("Expires", expires_s.to_string())
            .header("User-Agent", &self.config.user_agent);
        if let Some(credentials) = &register.credentials {
            let uri = &register.registrar_uri;
            for (name, value) in registration.authenticator.headers(credentials, "REGISTER", uri, &mut self.random) {
                builder = builder.header(name, value);
            }
        }
        let request = Request { method: "REGISTER", branch, to: register.remote, bytes: builder.finish() };
        let machine = Machine::ClientOther(ClientOther::new(&self.times));
        self.start(now, machine, Owner::Register(id), request);
    }

    pub(super) fn register_response(&mut self, now: Instant, id: RegistrationId, response: &Message) {
        let Some(registration) = self.registrations.get_mut(id) else { return };
        match response.code().unwrap_or_default() {
            0..=199 => {}
            200..=299 if registration.state == State::Leaving => self.unregistered(id),
            200..=299 => {
                registration.failures = 0;
                let expires_s = granted(response, &registration.register.contact, registration.expires_s);
                self.tell(Event::Registered { registration: id, expires_s });
                // Spread, so that a restart does not bring all at once.
                let (from, to) = REFRESH_SHARE;
                let wait_s = f64::from(expires_s) * self.random.range_f64(from, to);
                // Half-way for short lifetimes.
                let early_s = if expires_s >= 2 * REFRESH_AHEAD_S { REFRESH_AHEAD_S } else { expires_s / 2 };
                let wait = Duration::from_secs_f64(wait_s.min(f64::from(expires_s - early_s)));
                self.wait(now, id, wait.max(REFRESH_MIN));
            }
            401 | 407
                if registration
                    .register
                    .credentials
                    .as_ref()
                    .is_some_and(|credentials| registration.authenticator.challenge(response, credentials)) =>
            {
                self.send_register(now, id);
            }
            // §10.2.8: the registrar wants longer lifetimes; asked once more when it says how long.
            423 if raised(response).is_some_and(|least| least > registration.expires_s)
                && registration.state == State::Asking =>
            {
                registration.expires_s = raised(response).unwrap_or(EXPIRES_MAX_S);
                self.ask(now, id);
            }
            code => {
                let reason = text::shown(response.reason().unwrap_or_default());
                self.register_failed(now, id, code, reason, reply::retry_after(response));
            }
        }
    }

    pub(super) fn register_timeout(&mut self, now: Instant, id: RegistrationId) {
        self.register_failed(now, id, 408, Cause::NO_RESPONSE.to_string(), None);
    }

    fn register_failed(
        &mut self,
        now: Instant,
        id: RegistrationId,
        code: u16,
        reason: String,
        retry_after_s: Option<u32>,
    ) {
        let Some(registration) = self.registrations.get_mut(id) else { return };
        if registration.state == State::Leaving {
            return self.unregistered(id);
        }
        let doubled = PAUSE_MIN * (1 << registration.failures.min(6));
        registration.failures += 1;
        // A half to a whole of the pause, so that many do not come back together (RFC 5626 §4.5).
        let share = self.random.range_f64(0.5, 1.0);
        let pause = match retry_after_s {
            Some(seconds) => Duration::from_secs(u64::from(seconds.clamp(1, RETRY_AFTER_MAX_S))),
            None => Duration::from_secs_f64(doubled.min(PAUSE_MAX).as_secs_f64() * share),
        };
        let retry_after_s = pause.as_ms().div_ceil(1_000) as u32;
        self.tell(Event::RegistrationFailed { registration: id, code, reason, retry_after_s });
        self.wait(now, id, pause);
    }

    /// Waits before the next REGISTER, or goes on at once when `unregister` was called meanwhile.
    fn wait(&mut self, now: Instant, id: RegistrationId, pause: Duration) {
        let Some(registration) = self.registrations.get_mut(id) else { return };
        registration.state = State::Waiting;
        if registration.leave {
            return self.ask(now, id);
        }
        registration.timer = Some(self.timers.insert(now + pause, Due::Registration(id)));
    }

    pub(super) fn registration_timeout(&mut self, now: Instant, id: RegistrationId) {
        if let Some(registration) = self.registrations.get_mut(id) {
            registration.timer = None;
            self.ask(now, id);
        }
    }

    fn unregistered(&mut self, id: RegistrationId) {
        if self.registrations.remove(id).is_some() {
            self.tell(Event::Unregistered { registration: id });
        }
    }
}

/// Lifetime granted in a 2xx: our Contact's `expires`, else Expires, else what was asked (§10.2.4).
fn granted(response: &Message, contact: &str, asked_s: u32) -> u32 {
    let ours = response
        .headers(HeaderName::Contact)
        .filter_map(|value| wire::sip::NameAddr::parse(value).ok())
        .find(|address| address.uri == contact.as_bytes());
    let seconds = ours
        .and_then(|address| number(address.param("expires")?))
        .or_else(|| number(response.header(HeaderName::Expires)?))
        .unwrap_or(asked_s);
    seconds.clamp(1, EXPIRES_MAX_S)
}

/// Min-Expires of a 423.
fn raised(response: &Message) -> Option<u32> {
    number(response.header_named("Min-Expires")?).map(|seconds| seconds.min(EXPIRES_MAX_S))
}

fn number(bytes: &[u8]) -> Option<u32> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}
