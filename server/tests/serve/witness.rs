//! The other side: a carrier with its callees and the agents' phones, with a book of every call.

use base::{Duration, Instant, LegId, Seed, ShardId};
use call::{Command, Event};
use dialer::sim::callee::CalleeModel;
use loadtest::callee::Crowd;
use loadtest::runner::Actor;
use loadtest::speech::Source;
use loadtest::{AgentPhones, Carrier, Controller, SpeechBank};
use net::{Clock, EngineConfig};
use sip::Whose;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

static BANK: LazyLock<Arc<SpeechBank>> =
    LazyLock::new(|| Arc::new(SpeechBank::load(&[Source::Babble]).expect("babble is always there")));

/// One call as the called side saw it. Moments are on the clock of this process.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) number: String,
    pub(crate) call_id: String,
    /// The INVITE came.
    pub(crate) invited: Instant,
    /// The 200 was sent.
    pub(crate) picked_up: Option<Instant>,
    /// The ACK came.
    pub(crate) acked: Option<Instant>,
    /// It was over, and who ended it: `Us` is the called side itself.
    pub(crate) ended: Option<(Instant, Whose)>,
    /// In the protocol's words.
    pub(crate) reason: String,
    /// Audio packets that came.
    pub(crate) packets: u64,
    first_packet: Option<Instant>,
    last_packet: Option<Instant>,
    /// Longest time between two of them.
    pub(crate) gap_max: Duration,
}

impl Seen {
    /// Up at this moment: acknowledged, and not over.
    pub(crate) fn up_at(&self, at: Instant) -> bool {
        self.acked.is_some_and(|acked| acked <= at) && self.ended.as_ref().is_none_or(|(ended, _)| *ended > at)
    }

    /// Packets that came for each that was due between the first and the last.
    pub(crate) fn packet_share(&self) -> Option<f64> {
        let span = self.last_packet?.since(self.first_packet?);
        Some(self.packets as f64 / (span.as_ms() as f64 / 20.0 + 1.0))
    }
}

/// All calls in the order of their INVITEs.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) calls: Vec<Seen>,
    by_leg: BTreeMap<LegId, usize>,
}

impl Book {
    fn hear(&mut self, now: Instant, event: &Event) {
        match event {
            Event::Incoming { leg, to_user, call_id, .. } => {
                self.by_leg.insert(*leg, self.calls.len());
                self.calls.push(Seen {
                    number: to_user.clone(),
                    call_id: call_id.clone(),
                    invited: now,
                    picked_up: None,
                    acked: None,
                    ended: None,
                    reason: String::new(),
                    packets: 0,
                    first_packet: None,
                    last_packet: None,
                    gap_max: Duration::ZERO,
                });
            }
            Event::Answered { leg, at, .. } => {
                if let Some(call) = self.call(*leg) {
                    call.acked = Some(*at);
                }
            }
            Event::Audio { leg, at, .. } => {
                if let Some(call) = self.call(*leg) {
                    call.packets += 1;
                    call.first_packet.get_or_insert(*at);
                    if let Some(last) = call.last_packet.replace(*at) {
                        call.gap_max = call.gap_max.max(at.since(last));
                    }
                }
            }
            Event::Ended { leg, cause, .. } => {
                if let Some(call) = self.call(*leg) {
                    call.ended = Some((now, cause.whose));
                    call.reason = cause.reason.clone();
                }
                self.by_leg.remove(leg);
            }
            _ => {}
        }
    }

    fn call(&mut self, leg: LegId) -> Option<&mut Seen> {
        self.by_leg.get(&leg).and_then(|place| self.calls.get_mut(*place))
    }

    /// Calls that are acknowledged and not over.
    pub(crate) fn up(&self) -> impl Iterator<Item = &Seen> {
        self.calls.iter().filter(|call| call.acked.is_some() && call.ended.is_none())
    }
}

/// A controller that does as `inner` does, and writes the book.
struct Watched<C> {
    inner: C,
    clock: Clock,
    book: Arc<Mutex<Book>>,
}

impl<C> Watched<C> {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Controller> Controller for Watched<C> {
    fn handle_event(&mut self, now: Instant, shard: ShardId, event: Event) {
        self.book().hear(now, &event);
        self.inner.handle_event(now, shard, event);
    }
    fn handle_timeout(&mut self, now: Instant) {
        self.inner.handle_timeout(now);
    }
    fn poll_timeout(&self) -> Option<Instant> {
        self.inner.poll_timeout()
    }
    fn poll_command(&mut self) -> Option<(ShardId, Command)> {
        let (shard, command) = self.inner.poll_command()?;
        if let Command::Answer { leg, .. } = &command {
            let now = self.clock.now();
            if let Some(call) = self.book().call(*leg) {
                call.picked_up = Some(now);
            }
        }
        Some((shard, command))
    }
}

/// An actor on its thread.
pub(crate) struct Witness<C> {
    actor: Actor<Watched<C>>,
    book: Arc<Mutex<Book>>,
}

impl<C: Controller + Send> Witness<C> {
    fn start(names: &str, controller: C) -> Self {
        let book = Arc::new(Mutex::new(Book::default()));
        let config = EngineConfig {
            names: names.to_owned(),
            // The called side of a broken call lets go by itself, but later than any BYE may come.
            media_timeout: Duration::from_secs(60),
            ..EngineConfig::default()
        };
        let watched = Watched { inner: controller, clock: Clock::new(), book: Arc::clone(&book) };
        let actor = Actor::start(config, watched).unwrap_or_else(|error| panic!("{names}: {error}"));
        Witness { actor, book }
    }

    /// Where it takes SIP.
    pub(crate) fn sip(&self) -> SocketAddr {
        self.actor.sip_addr()
    }

    /// The book as it stands.
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it; gives the book and the actor with its own records.
    pub(crate) fn stop(self) -> (Vec<Seen>, C) {
        let inner = self.actor.stop().inner;
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut book.calls), inner)
    }
}

/// A carrier with callees as `scenario` says.
pub(crate) fn carrier(scenario: &str, seed: u64) -> Witness<Carrier> {
    let model = CalleeModel::parse(scenario).unwrap_or_else(|error| panic!("{error}"));
    Witness::start("carrier", Carrier::new(Crowd::new(model), Arc::clone(&BANK), Seed::from_u64(seed)))
}

/// Phones named `agent0`, `agent1`, ….
pub(crate) fn phones(count: usize, seed: u64) -> Witness<AgentPhones> {
    let names: Vec<String> = (0..count).map(|agent| format!("agent{agent}")).collect();
    Witness::start("phones", AgentPhones::new(&names, &BANK, Seed::from_u64(seed)))
}

/// The sections of the configuration that name these two: a trunk, and agents who are made ready at the start.
pub(crate) fn sections(carrier: SocketAddr, phones: SocketAddr, agents: usize) -> String {
    let mut text = format!(
        "[desk]\nwrap_up_s = 1\n[[trunk]]\nname = \"{}\"\nhost = \"{carrier}\"\nmax_channels = 200\nmax_cps = 50\n",
        super::harness::TRUNK
    );
    for agent in 0..agents {
        text.push_str(&format!(
            "[[agent]]\nname = \"agent{agent}\"\nsip = \"sip:agent{agent}@{phones}\"\nauto_ready = true\n"
        ));
    }
    text
}

/// The campaign's section.
pub(crate) fn campaign(more: &str) -> String {
    format!(
        "[[campaign]]\nname = \"{}\"\nlist = \"{}\"\ntrunk = \"{}\"\ncaller_id = \"+12125550100\"\n\
         profile = \"us-ftc\"\ntimezone = \"{}\"\n{more}\n",
        super::harness::CAMPAIGN,
        super::harness::LIST,
        super::harness::TRUNK,
        super::harness::daytime_zone(),
    )
}
