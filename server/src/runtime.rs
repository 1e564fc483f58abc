//! The control thread: the conductor with the real engine and the real store at its sides.

use crate::conductor::{Conductor, Output};
use crate::failure::Failure;
use base::{CampaignId, Duration, Instant, LeadId, ListId, ShardId};
use call::Command;
use crossbeam::channel::{Receiver, Select};
use dialer::{Input, Lead, LeadState, Number, Outcome};
use net::{Clock, Engine, FullCause};
use std::collections::{BTreeMap, VecDeque};
use store::{Ack, Op, Store};

/// Longest sleep of the control thread: it looks up ten times a second even when nothing happens, so that progress
/// and signals are served.
const SLEEP_MAX: Duration = Duration::from_ms(100);

/// Events handled before timers and outputs get their turn: 256 × about 10 µs = 2.6 ms.
const EVENTS_AT_ONCE: usize = 256;

/// Writes that the store would not take yet. Each call writes about 8 rows; 65,536 bridge 8,000 calls. Beyond that
/// intents are refused, so the campaign pauses; what calls under way still have to say is kept all the same.
const BACKLOG_MAX: usize = 65_536;

/// States of a lead that will not be dialled again.
const SETTLED: [&str; 2] = [LeadState::Done.name(), LeadState::Blocked.name()];

/// Where a campaign's leads come from.
struct Supply {
    list: ListId,
    /// The last lead that was read.
    after: Option<LeadId>,
    exhausted: bool,
}

/// See the module's head.
pub struct Runtime {
    clock: Clock,
    conductor: Conductor,
    engine: Engine,
    store: Store,
    acks: Receiver<Ack>,
    tenant: store::TenantId,
    supplies: BTreeMap<CampaignId, Supply>,
    /// Commands that a full shard has not taken, per shard: one that is slow does not hold up the others.
    commands: BTreeMap<ShardId, VecDeque<Command>>,
    /// What the store has taken and not acknowledged; at most as many as it takes (`store::OPS_OUTSTANDING_MAX`).
    outstanding: BTreeMap<u64, Op>,
    writes: VecDeque<(u64, Op)>,
    finished: Vec<CampaignId>,
}

impl Runtime {
    /// Joins the three. Nothing happens before `step`.
    pub fn new(
        clock: Clock,
        conductor: Conductor,
        engine: Engine,
        store: Store,
        acks: Receiver<Ack>,
        tenant: store::TenantId,
    ) -> Self {
        Runtime {
            clock,
            conductor,
            engine,
            store,
            acks,
            tenant,
            supplies: BTreeMap::new(),
            commands: BTreeMap::new(),
            outstanding: BTreeMap::new(),
            writes: VecDeque::new(),
            finished: Vec::new(),
        }
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

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Feeds a campaign from a list of the store, page by page as it asks for more. Loads the do-not-call set first.
    pub fn supply(&mut self, campaign: CampaignId, list: ListId) -> Result<(), store::StoreError> {
        let now = self.clock.now();
        let at = self.clock.anchor().wall_at(now);
        let mut after: Option<String> = None;
        loop {
            let page = self.store.suppressed(self.tenant, at, after.as_deref(), store::PAGE_ROWS_MAX)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (number, only) in page {
                // The dialer's set holds for all its campaigns: what is suppressed for this one is kept by the others too.
                if only.is_none_or(|only| only == campaign)
                    && let Ok(number) = Number::parse(&number)
                {
                    self.conductor.handle_input(now, Input::DoNotCall { number });
                }
            }
        }
        self.supplies.insert(campaign, Supply { list, after: None, exhausted: false });
        Ok(())
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
        while let Ok(ack) = self.acks.try_recv() {
            self.acknowledged(ack);
        }
        let now = self.clock.now();
        self.conductor.handle_timeout(now);
        self.carry_out()
    }

    fn wait(&self) {
        let now = self.clock.now();
        let until = self.conductor.poll_timeout().map_or(SLEEP_MAX, |at| at.since(now).min(SLEEP_MAX));
        let until = if self.commands.is_empty() && self.writes.is_empty() { until } else { Duration::from_ms(1) };
        let mut select = Select::new();
        select.recv(&self.engine.events);
        select.recv(&self.acks);
        // Only a wait: what is ready is taken by the caller, and a timeout is as good as an arrival.
        let _ = select.ready_timeout(std::time::Duration::from_nanos(until.as_ns()));
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
                Output::LeadsWanted(campaign, room) => self.feed(campaign, room)?,
                Output::Finished(campaign) => self.finished.push(campaign),
                Output::Notice(text) => tracing::warn!("{text}"),
            }
        }
        self.commands.retain(|_, waiting| !waiting.is_empty());
        Ok(())
    }

    fn write(&mut self, token: u64, op: Op) {
        if self.writes.len() >= BACKLOG_MAX && matches!(op, Op::Intent(_)) {
            let now = self.clock.now();
            let error = store::StoreError {
                kind: store::ErrorKind::Busy,
                what: format!("{BACKLOG_MAX} writes wait for the store"),
                place: "store".to_owned(),
                mend: "see whether the disk is slow or full; dialling pauses until then".to_owned(),
            };
            self.conductor.handle_ack(now, token, Err(error));
            return;
        }
        self.writes.push_back((token, op));
        self.submit_writes();
    }

    /// Hands the store what waits, in order.
    fn submit_writes(&mut self) {
        while let Some((token, op)) = self.writes.pop_front() {
            if self.store.submit(token, op.clone()).is_err() {
                self.writes.push_front((token, op));
                return;
            }
            self.outstanding.insert(token, op);
        }
    }

    /// A full or busy disk may take the row later; only an intent must not wait, since a call hangs on it.
    fn acknowledged(&mut self, ack: Ack) {
        let op = self.outstanding.remove(&ack.token);
        let later = ack
            .result
            .as_ref()
            .is_err_and(|error| matches!(error.kind, store::ErrorKind::Busy | store::ErrorKind::DiskFull));
        match op {
            Some(op) if later && !matches!(op, Op::Intent(_)) => {
                if let (true, Err(error)) = (self.writes.is_empty(), &ack.result) {
                    tracing::warn!("{error}; rows are kept and offered again");
                }
                self.writes.push_back((ack.token, op));
            }
            _ => self.conductor.handle_ack(self.clock.now(), ack.token, ack.result),
        }
    }

    fn retry_held_back(&mut self) -> Result<(), Failure> {
        for shard in self.commands.keys().copied().collect::<Vec<_>>() {
            self.hand_over(shard)?;
        }
        self.submit_writes();
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

    fn feed(&mut self, campaign: CampaignId, room: usize) -> Result<(), store::StoreError> {
        let Some(supply) = self.supplies.get_mut(&campaign).filter(|supply| !supply.exhausted) else { return Ok(()) };
        let limit = u32::try_from(room).unwrap_or(u32::MAX).min(store::PAGE_ROWS_MAX);
        let rows = self.store.leads(supply.list, supply.after, limit)?;
        supply.exhausted = rows.len() < limit as usize;
        supply.after = rows.last().map(|row| row.lead).or(supply.after);
        let mut leads = Vec::with_capacity(rows.len());
        // What is settled is not offered again; a lead that was being dialled when a process died is (its attempt counts).
        for row in rows.into_iter().filter(|row| !SETTLED.contains(&row.state.as_str())) {
            match Number::parse(&row.number) {
                Ok(number) => leads.push(Lead {
                    timezone: row.timezone,
                    attempts_made: row.attempt_number,
                    last_attempt: row.last_attempt_at,
                    abandoned_at: row
                        .last_attempt_at
                        .filter(|_| row.last_outcome.as_deref() == Some(Outcome::Abandoned.name())),
                    next_at: row.next_at,
                    ..Lead::new(row.lead, number)
                }),
                // The import admits only numbers in international form; a row changed by hand may hold anything.
                Err(fault) => {
                    tracing::warn!("lead {} is not dialled: its number is {fault}; correct the row", row.lead)
                }
            }
        }
        let now = self.clock.now();
        self.conductor.handle_input(now, Input::AddLeads { campaign, leads });
        Ok(())
    }

    /// Tenant whose rows this is.
    pub fn tenant(&self) -> store::TenantId {
        self.tenant
    }

    /// Ends the engine and the store and returns the engine's last measurements.
    pub fn shutdown(self) -> Result<net::EngineStats, store::StoreError> {
        let stats = self.engine.shutdown();
        self.store.close()?;
        Ok(stats)
    }
}
