//! The carrier's own record of every call, kept on its own clock from packets alone. What the product claims about
//! connects, abandons and double dialling is checked against it.

use crate::callee::Nature;
use base::{Duration, Instant, LegId};
use std::collections::BTreeMap;

/// Records kept: an hour at 100 calls a second; 360,000 records of about 300 bytes are 110 MB. Later calls are counted
/// and not kept.
pub const RECORDS_MAX: usize = 360_000;

/// Who ended a call, as the callee's telephone company sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The callee hung up, or the number refused the call.
    Callee,
    /// The caller cancelled or hung up.
    Caller,
    /// Something did not arrive in time.
    Network,
}

/// What a callee's ear took in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hearing {
    /// Audio packets received.
    pub packets: u64,
    /// Of these with a voice in them.
    pub voice_frames: u64,
    /// Agents' rooms heard, one bit each (see [`crate::room::ROOMS`]).
    pub rooms: u32,
}

/// One call as its callee lived through it. Times are moments of the carrier's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalleeRecord {
    /// The leg on the carrier's shard.
    pub leg: LegId,
    /// Who called: user part of From.
    pub caller: String,
    /// Who was called: user part of the request-URI.
    pub number: String,
    /// How this callee behaves.
    pub nature: Nature,
    /// The INVITE came in.
    pub invited: Instant,
    /// The telephone began to ring, or an announcement began before the answer.
    pub rang: Option<Instant>,
    /// The ACK of our 200 came in.
    pub answered: Option<Instant>,
    /// The last packet of the first words (or of the machine's greeting with its beep) went out.
    pub greeting_end: Option<Instant>,
    /// The first packet with an agent's sound came in.
    pub agent_heard: Option<Instant>,
    /// The first packet of a played message came in, when there was one.
    pub message_heard: Option<Instant>,
    /// The call was over.
    pub ended: Option<Instant>,
    /// Who ended it.
    pub ended_by: Option<Side>,
    /// What was heard.
    pub hearing: Hearing,
}

impl CalleeRecord {
    pub(crate) fn new(leg: LegId, caller: String, number: String, nature: Nature, invited: Instant) -> Self {
        CalleeRecord {
            leg,
            caller,
            number,
            nature,
            invited,
            rang: None,
            answered: None,
            greeting_end: None,
            agent_heard: None,
            message_heard: None,
            ended: None,
            ended_by: None,
            hearing: Hearing::default(),
        }
    }

    pub(crate) fn note_room(&mut self, room: usize) {
        self.hearing.rooms |= 1 << room;
    }

    /// From the end of the first words to the agent's first packet; zero when the agent was there before. `None`
    /// when no agent was heard.
    pub fn connect_delay(&self) -> Option<Duration> {
        Some(self.agent_heard?.since(self.greeting_end?))
    }

    /// A person who had said hello, heard no agent, and did not hang up first. Whether the caller had no agent free or
    /// took the person for a machine cannot be told from here.
    pub fn is_abandoned_person(&self) -> bool {
        self.nature == Nature::Person
            && self.greeting_end.is_some()
            && self.agent_heard.is_none()
            && self.ended_by != Some(Side::Callee)
    }
}

/// All calls that are over, in the order of their ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    records: Vec<CalleeRecord>,
    not_kept: u64,
    invites: BTreeMap<String, u32>,
}

/// Sums over a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerSummary {
    /// Calls that are over.
    pub calls: usize,
    /// Calls that were answered, by whomever.
    pub answered: usize,
    /// Calls that persons answered.
    pub persons: usize,
    /// Persons who heard an agent.
    pub connected: usize,
    /// Persons whom the caller left without an agent, see [`CalleeRecord::is_abandoned_person`].
    pub abandoned: usize,
    /// Persons who hung up before they heard an agent.
    pub gave_up: usize,
    /// Machines and announcements that heard an agent.
    pub agents_lost_to_machines: usize,
    /// Persons who heard a played message.
    pub messages: usize,
    /// INVITEs to a number beyond its first.
    pub double_dialled: u64,
    /// Connect delays of all persons connected, ascending.
    pub connect_delays: Vec<Duration>,
}

impl Ledger {
    /// Counts an INVITE to a number; answers which one it is, from 1. Beyond [`RECORDS_MAX`] different numbers a new one
    /// is not remembered.
    pub(crate) fn invited(&mut self, number: &str) -> u32 {
        if self.invites.len() >= RECORDS_MAX && !self.invites.contains_key(number) {
            return 1;
        }
        let count = self.invites.entry(number.to_owned()).or_default();
        *count += 1;
        *count
    }

    pub(crate) fn push(&mut self, record: CalleeRecord) {
        if self.records.len() < RECORDS_MAX {
            self.records.push(record);
        } else {
            self.not_kept += 1;
        }
    }

    /// The records, in the order of the calls' ends.
    pub fn records(&self) -> &[CalleeRecord] {
        &self.records
    }

    /// Calls beyond [`RECORDS_MAX`].
    pub fn not_kept(&self) -> u64 {
        self.not_kept
    }

    /// Numbers that got more than one INVITE, with their counts.
    pub fn dialled_again(&self) -> impl Iterator<Item = (&str, u32)> {
        self.invites.iter().filter(|(_, count)| **count > 1).map(|(number, count)| (number.as_str(), *count))
    }

    /// Adds everything up.
    pub fn summary(&self) -> LedgerSummary {
        let mut sum = LedgerSummary { calls: self.records.len(), ..LedgerSummary::default() };
        sum.double_dialled = self.dialled_again().map(|(_, count)| u64::from(count - 1)).sum();
        for record in self.records.iter().filter(|record| record.answered.is_some()) {
            sum.answered += 1;
            let agent = record.agent_heard.is_some();
            if record.nature != Nature::Person {
                sum.agents_lost_to_machines += usize::from(agent);
                continue;
            }
            sum.persons += 1;
            sum.connected += usize::from(agent);
            sum.abandoned += usize::from(record.is_abandoned_person());
            sum.gave_up += usize::from(!agent && record.ended_by == Some(Side::Callee));
            sum.messages += usize::from(record.message_heard.is_some());
            sum.connect_delays.extend(record.connect_delay());
        }
        sum.connect_delays.sort_unstable();
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Option<Instant> {
        Some(Instant::ZERO + Duration::from_ms(ms))
    }

    fn person(number: &str, greeting_end: u64) -> CalleeRecord {
        CalleeRecord {
            answered: at(greeting_end - 1_000),
            greeting_end: at(greeting_end),
            ended: at(greeting_end + 5_000),
            ended_by: Some(Side::Caller),
            ..CalleeRecord::new(LegId(1), "1555".into(), number.into(), Nature::Person, Instant::ZERO)
        }
    }

    #[test]
    fn sums_count_each_person_once() {
        let mut ledger = Ledger::default();
        let connected = CalleeRecord { agent_heard: at(9_300), ..person("+1", 9_000) };
        let before_the_end = CalleeRecord { agent_heard: at(8_900), ..person("+2", 9_000) };
        let abandoned = CalleeRecord { message_heard: at(11_000), ..person("+3", 9_000) };
        let gave_up = CalleeRecord { ended_by: Some(Side::Callee), ..person("+4", 9_000) };
        let machine = CalleeRecord { nature: Nature::Machine, agent_heard: at(9_500), ..person("+5", 9_000) };
        let cut_short = CalleeRecord { greeting_end: None, ..person("+6", 9_000) };
        let busy = CalleeRecord { answered: None, greeting_end: None, nature: Nature::Busy, ..person("+7", 9_000) };
        for record in [connected, before_the_end, abandoned, gave_up, machine, cut_short, busy] {
            ledger.invited(&record.number);
            ledger.push(record);
        }
        assert_eq!(ledger.invited("+1"), 2);
        assert_eq!(ledger.dialled_again().collect::<Vec<_>>(), [("+1", 2)]);
        assert_eq!(
            ledger.summary(),
            LedgerSummary {
                calls: 7,
                answered: 6,
                persons: 5,
                connected: 2,
                abandoned: 1,
                gave_up: 1,
                agents_lost_to_machines: 1,
                messages: 1,
                double_dialled: 1,
                connect_delays: vec![Duration::ZERO, Duration::from_ms(300)],
            }
        );
    }
}
