//! The control thread: the conductor with the real engine and the real store at its sides.

use crate::conductor::{Conductor, Output};
use base::{CampaignId, Duration, Instant, LeadId, ListId, ShardId};
use call::Command;
use crossbeam::channel::{Receiver, Select};
use dialer::{Input, Lead, Number};
use net::{Clock, Engine};
use std::collections::{BTreeMap, VecDeque};
use store::{Ack, Op, Store};

/// Longest sleep of the control thread: it looks up ten times a second even when nothing happens, so that progress
/// and signals are served.
const SLEEP_MAX: Duration = Duration::from_ms(100);

/// Events handled before timers and outputs get their turn: 256 × about 10 µs = 2.6 ms.
const EVENTS_AT_ONCE: usize = 256;

/// Writes that the store would not take yet. Each call writes about 8 rows; 65,536 bridge 8,000 calls, after which the
/// run stops dialling (the store refuses the next intent) and nothing is lost.
const BACKLOG_MAX: usize = 65_536;

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
    commands: VecDeque<(ShardId, Command)>,
    writes: VecDeque<(u64, Op)>,
    finished: Vec<CampaignId>,
    notices: Vec<String>,
    bad_leads: u64,
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
            commands: VecDeque::new(),
            writes: VecDeque::new(),
            finished: Vec::new(),
            notices: Vec::new(),
            bad_leads: 0,
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
    pub fn with_conductor<R>(&mut self, f: impl FnOnce(&mut Conductor, Instant) -> R) -> Result<R, store::StoreError> {
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

    /// Feeds a campaign from a list of the store, page by page as it asks for more.
    pub fn supply(&mut self, campaign: CampaignId, list: ListId) {
        self.supplies.insert(campaign, Supply { list, after: None, exhausted: false });
    }

    /// Campaigns that have said that they are finished.
    pub fn finished(&self) -> &[CampaignId] {
        &self.finished
    }

    /// What an operator should read; empties the list.
    pub fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// Waits for the next thing to happen, at most 100 ms, and does what follows from it.
    pub fn step(&mut self) -> Result<(), store::StoreError> {
        self.wait();
        for _ in 0..EVENTS_AT_ONCE {
            let Ok((_, event)) = self.engine.events.try_recv() else { break };
            let now = self.clock.now();
            self.conductor.handle_event(now, event);
        }
        while let Ok(ack) = self.acks.try_recv() {
            let now = self.clock.now();
            self.conductor.handle_ack(now, ack.token, ack.result);
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

    fn carry_out(&mut self) -> Result<(), store::StoreError> {
        self.retry_held_back();
        while let Some(output) = self.conductor.poll_output() {
            match output {
                Output::Command(shard, command) => self.command(shard, command),
                Output::Store(token, op) => self.write(token, op)?,
                Output::LeadsWanted(campaign, room) => self.feed(campaign, room)?,
                Output::Finished(campaign) => self.finished.push(campaign),
                Output::Notice(text) => {
                    tracing::warn!("{text}");
                    self.notices.push(text);
                }
            }
        }
        Ok(())
    }

    /// Order per shard is kept: nothing overtakes a command that was held back.
    fn command(&mut self, shard: ShardId, command: Command) {
        if self.commands.is_empty() {
            match self.engine.command(shard, command) {
                Ok(()) => {}
                Err(full) => self.commands.push_back((shard, *full.command)),
            }
        } else {
            self.commands.push_back((shard, command));
        }
    }

    fn write(&mut self, token: u64, op: Op) -> Result<(), store::StoreError> {
        if self.writes.is_empty() && self.store.submit(token, op.clone()).is_ok() {
            return Ok(());
        }
        if self.writes.len() >= BACKLOG_MAX {
            return Err(store::StoreError {
                kind: store::ErrorKind::Busy,
                what: format!("{BACKLOG_MAX} writes wait for the store"),
                place: "store".to_owned(),
                mend: "see whether the disk is slow or full, then start again: what was acknowledged is safe".to_owned(),
            });
        }
        self.writes.push_back((token, op));
        Ok(())
    }

    fn retry_held_back(&mut self) {
        while let Some((shard, command)) = self.commands.pop_front() {
            if let Err(full) = self.engine.command(shard, command) {
                self.commands.push_front((shard, *full.command));
                break;
            }
        }
        while let Some((token, op)) = self.writes.pop_front() {
            if self.store.submit(token, op.clone()).is_err() {
                self.writes.push_front((token, op));
                break;
            }
        }
    }

    fn feed(&mut self, campaign: CampaignId, room: usize) -> Result<(), store::StoreError> {
        let Some(supply) = self.supplies.get_mut(&campaign).filter(|supply| !supply.exhausted) else { return Ok(()) };
        let limit = u32::try_from(room).unwrap_or(u32::MAX).min(store::PAGE_ROWS_MAX);
        let rows = self.store.leads(supply.list, supply.after, limit)?;
        supply.exhausted = rows.len() < limit as usize;
        supply.after = rows.last().map(|row| row.lead).or(supply.after);
        let mut leads = Vec::with_capacity(rows.len());
        for row in rows {
            match Number::parse(&row.number) {
                Ok(number) => leads.push(Lead {
                    timezone: row.timezone,
                    attempts_made: row.attempt_number,
                    last_attempt: row.last_attempt_at,
                    ..Lead::new(row.lead, number)
                }),
                // The import admits only numbers in international form; a row changed by hand may hold anything.
                Err(_) => self.bad_leads += 1,
            }
        }
        let now = self.clock.now();
        self.conductor.handle_input(now, Input::AddLeads { campaign, leads });
        Ok(())
    }

    /// Leads whose stored number could not be read.
    pub fn bad_leads(&self) -> u64 {
        self.bad_leads
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
