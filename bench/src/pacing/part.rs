//! A part of the table, measured alone and put among the kept rows.

use super::plan::Row;
use super::{Check, Measured, Results, Small, Wanted};

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    Laws,
    Limits,
    Stress,
    Study,
    Queues,
    SmallWorlds,
}

impl Part {
    pub(super) fn name(self) -> &'static str {
        match self {
            Part::Laws => "laws",
            Part::Limits => "limits",
            Part::Stress => "stress",
            Part::Study => "study",
            Part::Queues => "queues",
            Part::SmallWorlds => "small worlds",
        }
    }
}

impl Wanted<'_> {
    /// Whether a row is among those that are asked for.
    pub(super) fn takes(&self, part: Part, row: &Row) -> bool {
        let group = self.agents.is_empty() || self.agents.contains(&row.scenario.agents);
        match part {
            Part::Laws | Part::Study => group && self.takes_named(&row.policy),
            Part::Stress => group && self.takes_named(&row.scenario.name),
            _ => true,
        }
    }

    /// Whether a law, a scenario or a queue of this name is among those that are asked for.
    pub(super) fn takes_named(&self, name: &str) -> bool {
        self.laws.is_empty() || self.laws.iter().any(|law| law == name)
    }

    pub(super) fn is_partial(&self) -> bool {
        !(self.parts.is_empty() && self.agents.is_empty() && self.laws.is_empty())
    }
}

impl Results {
    fn measured(&mut self) -> impl Iterator<Item = &mut Measured> {
        let small = self.small_worlds.iter_mut().map(|small| &mut small.measured);
        self.laws.iter_mut().chain(&mut self.limits).chain(&mut self.stress).chain(&mut self.study).chain(small)
    }

    /// Writes the commit to the rows that have none yet.
    pub(super) fn stamp(&mut self) {
        let commit = self.machine.commit.clone();
        let rows = self.measured().map(|row| &mut row.commit).filter(|of| of.is_empty());
        rows.for_each(|of| of.clone_from(&commit));
        self.queues.iter_mut().filter(|row| row.commit.is_empty()).for_each(|row| row.commit.clone_from(&commit));
    }
}

/// The kept results with those that were measured anew in their places; what has no place yet comes behind.
///
/// # Errors
/// Sets or seeds differ: rows of one table are compared on the same days.
pub(super) fn among(mut kept: Results, anew: Results) -> Result<Results, String> {
    let same =
        |kept: &str, anew: &str| (kept == anew).then_some(()).ok_or(format!("{kept} is kept and {anew} asked for"));
    same(&format!("the {} set", kept.set), &format!("the {} set", anew.set))?;
    same(&format!("seed {}", kept.seed), &format!("seed {}", anew.seed))?;
    kept.stamp();
    let row = |row: &Measured| (row.scenario.clone(), row.agents, row.policy.clone(), row.limit.to_bits());
    let check = |row: &Check| (row.case.clone(), row.what.clone());
    let small = |row: &Small| row.measured.agents;
    Ok(Results {
        laws: put(kept.laws, anew.laws, row),
        limits: put(kept.limits, anew.limits, row),
        stress: put(kept.stress, anew.stress, row),
        study: put(kept.study, anew.study, row),
        queues: put(kept.queues, anew.queues, check),
        small_worlds: put(kept.small_worlds, anew.small_worlds, small),
        ..anew
    })
}

fn put<T, K: PartialEq>(mut kept: Vec<T>, anew: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    for row in anew {
        match kept.iter_mut().find(|old| key(old) == key(&row)) {
            Some(old) => *old = row,
            None => kept.push(row),
        }
    }
    kept
}
