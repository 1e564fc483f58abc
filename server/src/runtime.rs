//! The control thread: the conductor with the real engine and the real store at its sides.

mod supply;

use crate::backlog::{Backlog, EVIDENCE_BYTES_MAX, Fate};
use crate::conductor::{Answer, Conductor, Output};
use crate::control::api::{ControlEnd, Job, Refusal, Reply};
use crate::control::views::StoreView;
use crate::failure::Failure;
use crate::feeder::{Feeder, Told};
use base::{CampaignId, Duration, Instant, ShardId};
use call::Command;
use crossbeam::channel::{Receiver, Select};
use dialer::{Input, Number};
use net::{Clock, Engine, FullCause};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use store::{Ack, Health, Op, Store};
use supply::Supply;
use tokio::sync::oneshot;

/// Longest sleep of the control thread: it looks up ten times a second even when nothing happens, so that progress
/// and signals are served.
const SLEEP_MAX: Duration = Duration::from_ms(100);

/// Events handled before timers and outputs get their turn: 256 × about 10 µs = 2.6 ms.
const EVENTS_AT_ONCE: usize = 256;

/// A picture for those who watch is taken so often at most: one of 1,000 agents and calls costs about a millisecond.
const PICTURE_EVERY: Duration = Duration::from_ms(100);

/// How often the wall clock is looked at, and from which difference on it counts as set anew: a slewing clock gains
/// 0.5 ms a second at most.
const WALL_EVERY: Duration = Duration::from_secs(1);
const WALL_STEP_US: u64 = 500_000;

/// Writes that the store would not take yet. Each call writes about 8 rows; 65,536 bridge 8,000 calls. Beyond that
/// intents are refused, so dialling pauses; what calls under way still have to say is kept all the same.
const BACKLOG_MAX: usize = 65_536;
/// Dialling pauses while so many writes wait, and goes on at half of it: 256 is one group commit.
const BACKLOG_HOLD: usize = 8 * 256;

/// A pause for the store lasts so long at least, so that a disk that stays full is not tried ten times a second.
const HOLD_MIN: Duration = Duration::from_secs(1);

/// The way back to who asked.
type Asker = oneshot::Sender<Result<Reply, Refusal>>;
/// Who asked, with what they are told.
type Answered = (Asker, Result<Reply, Refusal>);

/// See the module's head.
pub struct Runtime {
    clock: Clock,
    conductor: Conductor,
    engine: Engine,
    store: Arc<Store>,
    acks: Receiver<Ack>,
    tenant: store::TenantId,
    feeder: Feeder,
    supplies: BTreeMap<CampaignId, Supply>,
    /// Campaigns that hold nothing any more, which the feeder had no room to hear: at most as many as there are.
    let_go: BTreeSet<CampaignId>,
    /// The lists of numbers that leads were judged by.
    screens_latest: Option<(u64, usize)>,
    /// Of the last source that a campaign was given.
    generation: u64,
    /// Commands that a full shard has not taken, per shard: one that is slow does not hold up the others.
    commands: BTreeMap<ShardId, VecDeque<Command>>,
    rows: Backlog,
    /// Since when, and why, the store refuses what it could take later.
    refused: Option<(Instant, String)>,
    finished: Vec<CampaignId>,
    /// Those who ask and watch, if there are any.
    end: ControlEnd,
    /// Answers that wait for a row to be on the disk, by its token.
    answers: BTreeMap<u64, (Reply, Asker)>,
    picture_at: Instant,
    wall_at: Instant,
    held: bool,
    /// Not before this moment dialling goes on again.
    held_until: Instant,
    /// Evidence had no room; said once until dialling goes on again.
    bare: bool,
    drain_limit: Duration,
    /// What was last shown of the store.
    store_view: StoreView,
}

impl Runtime {
    /// Joins the three. Nothing happens before `step`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(
        clock: Clock,
        conductor: Conductor,
        engine: Engine,
        store: Arc<Store>,
        acks: Receiver<Ack>,
        tenant: store::TenantId,
        end: ControlEnd,
    ) -> Result<Self, Failure> {
        let feeder = Feeder::start(Arc::clone(&store), tenant).map_err(|e| Failure::io("the feeder's thread", e))?;
        let now = clock.now();
        Ok(Runtime {
            clock,
            conductor,
            engine,
            store,
            acks,
            tenant,
            feeder,
            supplies: BTreeMap::new(),
            let_go: BTreeSet::new(),
            screens_latest: None,
            generation: 0,
            commands: BTreeMap::new(),
            rows: Backlog::default(),
            refused: None,
            finished: Vec::new(),
            end,
            answers: BTreeMap::new(),
            picture_at: now,
            wall_at: now,
            held: false,
            held_until: now,
            bare: false,
            drain_limit: Duration::ZERO,
            store_view: StoreView { kind: "sqlite", state: "ok", ..StoreView::default() },
        })
    }

    /// The moment.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The deciding half.
    pub fn conductor(&self) -> &Conductor {
        &self.conductor
    }

    /// Calls `f` on the conductor and carries out what it then wants.
    pub fn with_conductor<R>(&mut self, f: impl FnOnce(&mut Conductor, Instant) -> R) -> Result<R, Failure> {
        let now = self.clock.now();
        let result = f(&mut self.conductor, now);
        self.carry_out()?;
        Ok(result)
    }

    /// Asks something of the conductor as the API does, before anybody else can ask.
    ///
    /// # Errors
    /// The refusal.
    pub fn ask(&mut self, request: crate::control::Request) -> Result<(), Failure> {
        let now = self.clock.now();
        let answer = self.conductor.handle_request(now, request);
        self.carry_out()?;
        match answer {
            Answer::Now(Err(refusal)) => Err(Failure::failed(refusal.to_string())),
            Answer::Now(Ok(_)) | Answer::OnDisk(..) => Ok(()),
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What the store is called in pictures: `sqlite` unless this says otherwise.
    pub fn name_store(&mut self, kind: &'static str) {
        self.store_view.kind = kind;
    }

    /// How long calls may go on after a drain was asked for.
    pub fn drain_limit(&self) -> Duration {
        self.drain_limit
    }

    /// Sets it.
    pub fn set_drain_limit(&mut self, limit: Duration) {
        self.drain_limit = limit;
    }

    /// Loads the do-not-call set; for the start.
    ///
    /// # Errors
    /// What the store says.
    pub fn load_do_not_call(&mut self) -> Result<(), store::StoreError> {
        let now = self.clock.now();
        let at = self.clock.anchor().wall_at(now);
        let mut after: Option<String> = None;
        loop {
            let page = self.store.suppressed(self.tenant, at, after.as_deref(), store::PAGE_ROWS_MAX)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            for (number, _) in page {
                // The dialer's set holds for all its campaigns: what is suppressed for one is kept by the others too.
                if let Ok(number) = Number::parse(&number) {
                    self.conductor.handle_input(now, Input::DoNotCall { number });
                }
            }
        }
    }

    /// Campaigns that have said that they are finished.
    pub fn finished(&self) -> &[CampaignId] {
        &self.finished
    }

    /// Waits for the next thing to happen, at most 100 ms, and does what follows from it.
    pub fn step(&mut self) -> Result<(), Failure> {
        self.wait();
        for _ in 0..EVENTS_AT_ONCE {
            let Ok((shard, event)) = self.engine.events.try_recv() else { break };
            let now = self.clock.now();
            self.conductor.handle_event(now, shard, event);
        }
        let mut answered = Vec::new();
        while let Ok(ack) = self.acks.try_recv() {
            answered.extend(self.acknowledged(ack));
        }
        while let Ok(told) = self.feeder.told.try_recv() {
            match told {
                Told::Page(page) => self.fed(*page),
                Told::Screens(screens) => self.screened(screens),
            }
        }
        for _ in 0..EVENTS_AT_ONCE {
            let Ok(job) = self.end.jobs.try_recv() else { break };
            answered.extend(self.take(job)?);
        }
        if !answered.is_empty() {
            // The picture first, so that an asker finds in it what was done; once for all of them.
            self.show(self.clock.now());
            for (asker, answer) in answered {
                // The asker may have gone away.
                let _ = asker.send(answer);
            }
        }
        if let Some((shard, panic)) = self.engine.failed() {
            return Err(Failure::failed(format!("shard {shard} has ended: {panic}; report it with the log")));
        }
        let now = self.clock.now();
        self.watch_wall(now);
        self.watch_store(now);
        self.feed_again(now);
        self.conductor.handle_timeout(now);
        self.carry_out()?;
        if now >= self.picture_at {
            self.show(now);
        }
        Ok(())
    }

    fn wait(&self) {
        let now = self.clock.now();
        let until = self.conductor.poll_timeout().map_or(SLEEP_MAX, |at| at.since(now).min(SLEEP_MAX));
        let until = self.rows.poll_timeout().map_or(until, |at| until.min(at.since(now).max(Duration::from_ms(1))));
        let until = if self.commands.is_empty() { until } else { until.min(Duration::from_ms(1)) };
        let mut select = Select::new();
        select.recv(&self.engine.events);
        select.recv(&self.acks);
        select.recv(&self.feeder.told);
        // In a run without askers the other side is gone, and a closed channel is always ready.
        if self.end.is_open() {
            select.recv(&self.end.jobs);
        }
        // Only a wait: what is ready is taken by the caller, and a timeout is as good as an arrival.
        let _ = select.ready_timeout(std::time::Duration::from_nanos(until.as_ns()));
    }

    /// Does what is asked; an answer that waits for a row comes with its acknowledgement.
    fn take(&mut self, job: Job) -> Result<Option<Answered>, Failure> {
        let now = self.clock.now();
        let answer = self.conductor.handle_request(now, job.request);
        self.carry_out()?;
        match answer {
            Answer::Now(answer) => Ok(Some((job.answer, answer))),
            Answer::OnDisk(token, reply) => {
                self.answers.insert(token, (reply, job.answer));
                Ok(None)
            }
        }
    }

    fn show(&mut self, now: Instant) {
        self.picture_at = now + PICTURE_EVERY;
        if self.end.is_open() {
            self.end.show(self.conductor.picture(now, self.store_view.clone()));
        }
    }

    /// A wall clock that was set changes calling hours at once; instants do not know it.
    fn watch_wall(&mut self, now: Instant) {
        if now < self.wall_at {
            return;
        }
        self.wall_at = now + WALL_EVERY;
        let anchor = self.clock.anchor();
        let step_us = anchor.wall_at(now).as_unix_us() - self.conductor.anchor().wall_at(now).as_unix_us();
        if step_us.unsigned_abs() > WALL_STEP_US {
            tracing::warn!("the wall clock was set by {:.1} s; calling hours follow it", step_us as f64 / 1e6);
            self.conductor.set_wall(now, anchor);
        }
    }

    /// While the store is away or behind no new call is launched: what is under way can still be written down.
    fn watch_store(&mut self, now: Instant) {
        let health = self.store.health();
        let waiting = self.rows.waiting();
        let (rows_max, bytes_max) = (BACKLOG_HOLD, EVIDENCE_BYTES_MAX / 2);
        let part = if self.held { 2 } else { 1 };
        let behind = waiting >= rows_max / part || self.rows.evidence_bytes() >= bytes_max / part;
        // With nothing left to offer only the next intent can show whether there is room again.
        let idle = self.rows.is_empty();
        self.refused.take_if(|(since, _)| idle && now >= *since + HOLD_MIN);
        let hold = behind || self.refused.is_some() || matches!(&health, Health::Away { intents_refused: true, .. });
        if hold || now >= self.held_until {
            self.hold(now, hold);
        }
        let anchor = self.conductor.anchor();
        let view = match health {
            Health::Ok if behind || self.refused.is_some() => {
                let (since, why) = self.refused.clone().unwrap_or((now, "rows wait for it".to_owned()));
                let since_us = Some(anchor.wall_at(since).as_unix_us());
                StoreView { state: "full", fault: Some(why), since_us, ..view(waiting) }
            }
            Health::Ok => view(waiting),
            Health::Away { since, spooled_ops, intents_refused, error, .. } => {
                let since = now.before(Duration::from_ns(since.elapsed().as_nanos() as u64));
                StoreView {
                    state: if intents_refused { "full" } else { "away" },
                    waiting_rows: waiting as u64 + spooled_ops,
                    since_us: Some(anchor.wall_at(since).as_unix_us()),
                    fault: Some(error),
                    ..view(waiting)
                }
            }
        };
        let view = StoreView { kind: self.store_view.kind, ..view };
        if view.state != self.store_view.state {
            let told = serde_json::to_value(&view).unwrap_or_default();
            self.end.tell(anchor.wall_at(now).as_unix_us(), "store.state", told);
        }
        self.store_view = view;
    }

    fn hold(&mut self, now: Instant, on: bool) {
        if on {
            self.held_until = now + HOLD_MIN;
        }
        if on != self.held {
            self.held = on;
            self.bare &= on;
            tracing::warn!("{}", if on { "dialling pauses: the store takes no more" } else { "dialling goes on" });
            self.conductor.hold(now, on);
        }
    }

    fn carry_out(&mut self) -> Result<(), Failure> {
        self.retry_held_back()?;
        while let Some(output) = self.conductor.poll_output() {
            match output {
                Output::Command(shard, command) => {
                    self.commands.entry(shard).or_default().push_back(command);
                    self.hand_over(shard)?;
                }
                Output::Store(token, op) => self.write(token, *op),
                Output::Supply(campaign, source) => self.supply(campaign, *source),
                Output::FeedNumber(campaign, number) => self.feed_number(campaign, number),
                Output::Unsupply(campaign) => {
                    self.supplies.remove(&campaign);
                    self.forget(campaign);
                }
                Output::DrainLimit(limit) => self.drain_limit = limit,
                Output::ListGrew(campaign) => self.look_again(campaign),
                Output::LeadsWanted(campaign, room) => {
                    if let Some(supply) = self.supplies.get_mut(&campaign) {
                        supply.room = room;
                    }
                    self.feed(campaign);
                }
                Output::Finished(campaign) => self.finished.push(campaign),
                Output::Notice(text) => tracing::warn!("{text}"),
                Output::Tell(kind, data) => {
                    let at = self.conductor.anchor().wall_at(self.clock.now());
                    self.end.tell(at.as_unix_us(), kind, data);
                }
            }
        }
        self.commands.retain(|_, waiting| !waiting.is_empty());
        Ok(())
    }

    fn write(&mut self, token: u64, op: Op) {
        if self.rows.waiting() >= BACKLOG_MAX && matches!(op, Op::Intent(_)) {
            let now = self.clock.now();
            let error = store::StoreError {
                kind: store::ErrorKind::Busy,
                what: format!("{BACKLOG_MAX} writes wait for the store"),
                place: "store".to_owned(),
                mend: "see whether the disk is slow or full; dialling pauses until then".to_owned(),
            };
            self.hold(now, true);
            self.conductor.handle_ack(now, token, Err(error));
            return;
        }
        if !self.rows.push(token, op) && !self.bare {
            self.bare = true;
            tracing::warn!("the store is behind: what answer detection heard is left, its verdicts are kept");
        }
        self.offer_rows();
    }

    fn offer_rows(&mut self) {
        let store = &self.store;
        self.rows.offer(self.clock.now(), |token, op| store.submit(token, op).is_ok());
    }

    /// A full or busy disk may take the row later; only an intent does not wait, since a call hangs on it.
    fn acknowledged(&mut self, ack: Ack) -> Option<Answered> {
        let now = self.clock.now();
        if ack.token == crate::http::UNWATCHED {
            if let Err(error) = ack.result {
                tracing::warn!("a row of the audit log was not written: {error}");
            }
            return None;
        }
        if let Err(error) = &ack.result
            && error.kind.is_passing()
        {
            if self.refused.is_none() {
                tracing::warn!("{error}; rows are kept and offered again");
            }
            self.refused.get_or_insert_with(|| (now, error.to_string()));
            // First the pause, then the refusal: a campaign that is on hold does not stop for it.
            self.hold(now, true);
        }
        if self.rows.acknowledged(now, ack.token, &ack.result) == Fate::Kept {
            return None;
        }
        let answer = self.answers.remove(&ack.token).map(|(reply, asker)| {
            let refused =
                |error: &store::StoreError| Refusal::Conflict { what: error.what.clone(), mend: error.mend.clone() };
            (asker, ack.result.as_ref().map(|()| reply).map_err(refused))
        });
        self.conductor.handle_ack(now, ack.token, ack.result);
        answer
    }

    fn retry_held_back(&mut self) -> Result<(), Failure> {
        for shard in self.commands.keys().copied().collect::<Vec<_>>() {
            self.hand_over(shard)?;
        }
        self.offer_rows();
        Ok(())
    }

    fn hand_over(&mut self, shard: ShardId) -> Result<(), Failure> {
        let Some(waiting) = self.commands.get_mut(&shard) else { return Ok(()) };
        while let Some(command) = waiting.pop_front() {
            let Err(full) = self.engine.command(shard, command) else { continue };
            match full.cause {
                FullCause::QueueFull => {
                    waiting.push_front(*full.command);
                    return Ok(());
                }
                FullCause::ShardGone | FullCause::NoSuchShard => {
                    let why = self.engine.stats().failed.into_iter().find(|(id, _)| *id == shard);
                    let why = why.map_or_else(|| full.to_string(), |(_, panic)| panic);
                    return Err(Failure::failed(format!("shard {shard} has ended: {why}; report it with the log")));
                }
            }
        }
        Ok(())
    }

    /// Tenant whose rows this is.
    pub fn tenant(&self) -> store::TenantId {
        self.tenant
    }

    /// Rows that are not on the disk yet.
    pub fn rows_waiting(&self) -> usize {
        self.rows.len()
    }

    /// Ends the engine and the store and returns the engine's last measurements.
    pub fn shutdown(self) -> Result<net::EngineStats, store::StoreError> {
        let stats = self.engine.shutdown();
        drop(self.feeder);
        self.store.close()?;
        Ok(stats)
    }
}

fn view(waiting: usize) -> StoreView {
    StoreView { state: "ok", waiting_rows: waiting as u64, ..StoreView::default() }
}
