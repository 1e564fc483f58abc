//! The switchboard of a test: one engine, its events in any order that the test asks for, and what its taps heard.

use base::{Duration, LegId, Seed, ShardId};
use call::{Command, Event, Originate};
use codecs::g711::Law;
use loadtest::speech::Clip;
use media::session::Stats;
use net::{Engine, EngineConfig};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

/// An engine that tells nothing for so long is stuck.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// A recording keeps at most a minute: tests are shorter.
const RECORDING_SAMPLES_MAX: u32 = 60 * 8_000;

/// How a leg ended.
#[derive(Clone, Debug)]
pub struct End {
    /// Why.
    pub cause: sip::Cause,
    /// Whether it had been answered.
    pub answered: bool,
    /// What its media path saw.
    pub media: Option<Stats>,
}

/// What a tapped leg received, laid out by RTP timestamp.
#[derive(Default)]
struct Recording {
    first: Option<u32>,
    samples: Vec<i16>,
}

impl Recording {
    fn push(&mut self, timestamp: u32, law: Law, payload: &[u8]) {
        let offset = timestamp.wrapping_sub(*self.first.get_or_insert(timestamp));
        // Beyond: a new timeline of the far end, or a packet from before the first.
        if offset > RECORDING_SAMPLES_MAX {
            return;
        }
        let (start, end) = (offset as usize, offset as usize + payload.len());
        if self.samples.len() < end {
            self.samples.resize(end, 0);
        }
        law.decode_slice(payload, &mut self.samples[start..end]);
    }
}

/// One engine and what it has told.
pub struct Board {
    engine: Engine,
    /// Events that nobody has asked for yet, in their order.
    kept: VecDeque<(ShardId, Event)>,
    recordings: BTreeMap<LegId, Recording>,
}

impl Board {
    /// Starts an engine on loopback and any SIP port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(shards: usize, seed: u64) -> Board {
        Board::start_at(EngineConfig::default().sip, shards, seed)
    }

    /// Starts an engine whose SIP is at `sip`, for instance where one before it was.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_at(sip: SocketAddr, shards: usize, seed: u64) -> Board {
        let config = EngineConfig { sip, shards, seed: Some(Seed::from_u64(seed)), ..EngineConfig::default() };
        let engine = Engine::start(config).unwrap_or_else(|error| panic!("the engine does not start: {error}"));
        Board { engine, kept: VecDeque::new(), recordings: BTreeMap::new() }
    }

    /// Where the engine takes SIP.
    pub fn sip_addr(&self) -> SocketAddr {
        self.engine.sip_addr()
    }

    /// The engine is gone from one moment to the next and tells nobody; where it was.
    pub fn die(self) -> SocketAddr {
        let sip = self.sip_addr();
        self.engine.shutdown();
        sip
    }

    /// Ends a call of an engine before this one; the code of the BYE's answer.
    #[track_caller]
    pub fn end_orphan(&mut self, dialog: Box<sip::DialogIdentity>) -> Option<u16> {
        let shard = self.engine.front().shard_of_call(dialog.call_id.as_bytes());
        self.order(shard, Command::EndOrphan { dialog });
        self.orphan_ended()
    }

    /// Waits until an orphan has had its BYE; the code of the answer.
    #[track_caller]
    pub fn orphan_ended(&mut self) -> Option<u16> {
        self.wait("the end of an orphan", |_, event| match event {
            Event::OrphanEnded { code, .. } => Some(*code),
            _ => None,
        })
    }

    /// Gives a command that must be taken.
    ///
    /// # Panics
    /// When the shard refuses it.
    pub fn order(&self, shard: ShardId, command: Command) {
        self.engine.command(shard, command).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Calls `to` and offers one law. The scenarios of SIPp speak mu-law.
    pub fn originate(&self, shard: ShardId, leg: LegId, to: SocketAddr, law: Law, ring_timeout: Duration) {
        let originate = Originate {
            leg,
            to_uri: format!("sip:agent@{to}"),
            remote: to,
            from_uri: format!("sip:outpace@{}", self.sip_addr()),
            from_display: None,
            credentials: None,
            ring_timeout,
            analyse: None,
            laws: vec![law],
            learn: false,
        };
        self.order(shard, Command::Originate(Box::new(originate)));
    }

    /// Calls `to`, waits for the answer and listens in from then on.
    #[track_caller]
    pub fn call(&mut self, shard: ShardId, leg: LegId, to: SocketAddr, law: Law) {
        self.originate(shard, leg, to, law, Duration::from_secs(30));
        self.answered(leg);
        self.order(shard, Command::Tap { leg, on: true });
    }

    /// Plays a clip once on a leg.
    pub fn play(&self, shard: ShardId, leg: LegId, clip: &Clip) {
        self.order(
            shard,
            Command::Play { leg, play: base::PlayId(0), prompt: Arc::clone(&clip.prompt), repeat: false },
        );
    }

    /// The first event, new or kept, that `pick` accepts; others are kept for later questions. Audio goes to its leg's
    /// recording and is not offered.
    ///
    /// # Panics
    /// When the engine falls silent; `what` says what was missing.
    #[track_caller]
    pub fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(ShardId, &Event) -> Option<T>) -> T {
        for (place, (shard, event)) in self.kept.iter().enumerate() {
            if let Some(found) = pick(*shard, event) {
                self.kept.remove(place);
                return found;
            }
        }
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let Some((shard, event)) = self.next(deadline) else { panic!("{what}: none; kept {:?}", self.kept) };
            match pick(shard, &event) {
                Some(found) => return found,
                None => self.kept.push_back((shard, event)),
            }
        }
    }

    /// The next event that is not audio.
    fn next(&mut self, deadline: std::time::Instant) -> Option<(ShardId, Event)> {
        loop {
            match self.engine.events.recv_deadline(deadline).ok()? {
                (_, Event::Audio { leg, timestamp, law, payload, .. }) => {
                    self.recordings.entry(leg).or_default().push(timestamp, law, &payload);
                }
                other => return Some(other),
            }
        }
    }

    /// Waits until a stranger calls.
    #[track_caller]
    pub fn incoming(&mut self) -> (ShardId, LegId) {
        self.wait("a call", |shard, event| match event {
            Event::Incoming { leg, .. } => Some((shard, *leg)),
            _ => None,
        })
    }

    /// Waits until a leg is up.
    ///
    /// # Panics
    /// When it ends instead.
    #[track_caller]
    pub fn answered(&mut self, wanted: LegId) {
        let fate = self.wait("an answer", |_, event| match event {
            Event::Answered { leg, .. } if *leg == wanted => Some(Ok(())),
            Event::Ended { leg, cause, .. } if *leg == wanted => Some(Err(cause.clone())),
            _ => None,
        });
        fate.unwrap_or_else(|cause| panic!("leg {wanted} ended instead of being answered: {cause:?}"));
    }

    /// Waits until a prompt has been played to its end.
    #[track_caller]
    pub fn play_ended(&mut self, wanted: LegId) {
        self.wait("the end of a prompt", |_, event| match event {
            Event::PlayEnded { leg, .. } if *leg == wanted => Some(()),
            _ => None,
        });
    }

    /// Waits until a leg is gone.
    #[track_caller]
    pub fn ended(&mut self, wanted: LegId) -> End {
        self.wait("the end of a leg", |_, event| match event {
            Event::Ended { leg, cause, answered, media } if *leg == wanted => {
                Some(End { cause: cause.clone(), answered: *answered, media: *media })
            }
            _ => None,
        })
    }

    /// Hangs a leg up and waits for its end.
    #[track_caller]
    pub fn hang_up(&mut self, shard: ShardId, leg: LegId) -> End {
        self.order(shard, Command::Hangup { leg, reason: "test over" });
        self.ended(leg)
    }

    /// Waits until a tapped leg has received so much more audio.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn listen(&mut self, leg: LegId, time: Duration) {
        let wanted = self.heard(leg).len() + (time.as_ms() * 8) as usize;
        let deadline = std::time::Instant::now() + PATIENCE;
        while self.heard(leg).len() < wanted {
            match self.engine.events.recv_deadline(deadline) {
                Ok((_, Event::Audio { leg, timestamp, law, payload, .. })) => {
                    self.recordings.entry(leg).or_default().push(timestamp, law, &payload);
                }
                Ok(other) => self.kept.push_back(other),
                Err(_) => panic!("leg {leg}: {} of {wanted} samples; kept {:?}", self.heard(leg).len(), self.kept),
            }
        }
    }

    /// What a tapped leg has received since its tap.
    pub fn heard(&self, leg: LegId) -> &[i16] {
        self.recordings.get(&leg).map_or(&[], |recording| &recording.samples)
    }

    /// Waits until the engine holds nothing any more: legs, calls, dialogs, timers and ports are back. Then stops it and
    /// checks that no packet of its own was lost on the way out.
    ///
    /// # Panics
    /// When something is left over, a shard failed or the sockets refused packets.
    #[track_caller]
    pub fn close(self) -> net::EngineStats {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let stats = self.engine.stats();
            assert!(stats.failed.is_empty(), "{:?}", stats.failed);
            // Transactions stay for the 32 s of their timers (RFC 3261 §17), which no test waits for.
            let counts = call::Counts { transactions: 0, ..stats.counts() };
            if stats.silent.is_empty() && counts == call::Counts::default() {
                break;
            }
            assert!(std::time::Instant::now() < deadline, "left over: {counts:?}, silent: {:?}", stats.silent);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let stats = self.engine.shutdown();
        let counters = stats.counters();
        let refused = [
            counters.send_dropped_would_block,
            counters.send_dropped_no_buffers,
            counters.send_dropped_other,
            counters.send_dropped_no_socket,
            counters.receive_dropped_oversize,
            counters.sip_dropped_queue_full,
        ];
        assert_eq!(refused, [0; 6], "{counters:?}");
        stats
    }
}
