//! Hazards with exposure counting: events per second at risk, by age. Running spells count their exposure too, so an
//! estimate does not lag by the length of a spell.

/// How long a ring can matter, in bins of one second: ring timeout 25 s + post-dial delay + detection.
pub(super) const RING_BINS: usize = 60;
/// Half-life of the counts, in seconds of traffic.
const HALF_LIFE_S: f64 = 7_200.0;

/// Competing ends of ringing, by seconds since launch.
pub(super) struct RingHazards {
    person: [f64; RING_BINS],
    machine: [f64; RING_BINS],
    other: [f64; RING_BINS],
    exposure: [f64; RING_BINS],
    /// Calls counted (decayed), for the 4 % refresh.
    pub(super) count: f64,
}

/// Per second and bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rates {
    pub(super) person: f64,
    pub(super) machine: f64,
    pub(super) other: f64,
}

impl RingHazards {
    /// A weak prior: 30 % are answered by persons between 3 and 22 s, each bin with 3 call-seconds of exposure.
    pub(super) fn new() -> RingHazards {
        const PRIOR_S: f64 = 3.0;
        let mut hazards = RingHazards {
            person: [0.0; RING_BINS],
            machine: [0.0; RING_BINS],
            other: [0.0; RING_BINS],
            exposure: [PRIOR_S; RING_BINS],
            count: 0.0,
        };
        // −ln(0.7) over 19 s.
        hazards.person[3..22].fill(PRIOR_S * 0.0188);
        hazards.machine[2..24].fill(PRIOR_S * 0.012);
        hazards.other[26..].fill(PRIOR_S * 0.5);
        hazards
    }

    /// Nothing counted and nothing assumed.
    pub(super) fn empty() -> RingHazards {
        let none = [0.0; RING_BINS];
        RingHazards { person: none, machine: none, other: none, exposure: none, count: 0.0 }
    }

    /// A call rang between these ages; `None`: it went on ringing, but is not followed here any more.
    pub(super) fn spell(&mut self, from_s: f64, to_s: f64, how: Option<super::RingEnd>) {
        let (from, to) = (from_s.max(0.0), to_s.max(0.0));
        let bin = (to as usize).min(RING_BINS - 1);
        for (second, exposure) in self.exposure.iter_mut().enumerate().take(bin + 1) {
            let begins = second as f64;
            *exposure += (to.min(begins + 1.0) - from.max(begins)).max(0.0);
        }
        let Some(how) = how else { return };
        self.count += 1.0;
        match how {
            super::RingEnd::Person => self.person[bin] += 1.0,
            super::RingEnd::Machine => self.machine[bin] += 1.0,
            super::RingEnd::Other => self.other[bin] += 1.0,
        }
    }

    /// Persons' answers counted (decayed).
    pub(super) fn persons(&self) -> f64 {
        self.person.iter().sum()
    }

    pub(super) fn decay(&mut self, seconds: f64) {
        let keep = (-seconds * std::f64::consts::LN_2 / HALF_LIFE_S).exp();
        for table in [&mut self.person, &mut self.machine, &mut self.other, &mut self.exposure] {
            table.iter_mut().for_each(|value| *value *= keep);
        }
        self.count *= keep;
    }

    /// Rates by age, smoothed over five bins; `ringing` adds the exposure of calls still ringing, by age in seconds.
    pub(super) fn rates(&self, ringing: impl Iterator<Item = f64>) -> [Rates; RING_BINS] {
        let mut exposure = self.exposure;
        for age in ringing {
            let bin = (age.max(0.0) as usize).min(RING_BINS - 1);
            exposure[..bin].iter_mut().for_each(|seconds| *seconds += 1.0);
            exposure[bin] += (age - bin as f64).clamp(0.0, 1.0);
        }
        let mut rates = self.smoothed(&exposure);
        // Failures of the first seconds are capped for new launches, so that a carrier's storm does not raise the
        // rate of launching to make up for it: at most 30 % fail.
        const FAILURE_CAP: f64 = 0.3;
        let failing: f64 = rates[..2].iter().map(|rate| rate.other).sum();
        let most = -(1.0_f64 - FAILURE_CAP).ln();
        if failing > most {
            rates[..2].iter_mut().for_each(|rate| rate.other *= most / failing);
        }
        rates
    }

    /// Rates by age, pulled toward those of all calls with the weight of so many call-seconds in each bin.
    pub(super) fn rates_near(&self, all: &[Rates; RING_BINS]) -> [Rates; RING_BINS] {
        const PULL_S: f64 = 15.0;
        let mut pulled = RingHazards::empty();
        for (bin, rate) in all.iter().enumerate() {
            pulled.person[bin] = self.person[bin] + PULL_S * rate.person;
            pulled.machine[bin] = self.machine[bin] + PULL_S * rate.machine;
            pulled.other[bin] = self.other[bin] + PULL_S * rate.other;
            pulled.exposure[bin] = self.exposure[bin] + PULL_S;
        }
        pulled.smoothed(&pulled.exposure)
    }

    /// Events over exposure, answers smoothed over five bins.
    fn smoothed(&self, exposure: &[f64; RING_BINS]) -> [Rates; RING_BINS] {
        const KERNEL: [f64; 5] = [1.0, 2.0, 3.0, 2.0, 1.0];
        let mut rates = [Rates::default(); RING_BINS];
        for (bin, rate) in rates.iter_mut().enumerate() {
            let (mut person, mut machine, mut at_risk) = (0.0, 0.0, 1e-9);
            for (offset, weight) in KERNEL.iter().enumerate() {
                let Some(near) = (bin + offset).checked_sub(2).filter(|near| *near < RING_BINS) else { continue };
                person += weight * self.person[near];
                machine += weight * self.machine[near];
                at_risk += weight * exposure[near];
            }
            // Ends by failure and timeout are spikes: smoothing would smear them over ages where nobody fails.
            let other = self.other[bin] / (exposure[bin] + 1e-9);
            *rate = Rates { person: person / at_risk, machine: machine / at_risk, other };
        }
        rates
    }
}

/// Edges of the age bins of talk and wrap-up, in seconds: 5 s up to 200, then coarser; the last bin is open.
const SPELL_BINS: usize = 66;
/// The survival curve is kept per second up to here; older spells are treated as this old.
pub(super) const SPELL_MAX_S: usize = 1_800;

/// The hazard of a spell (talk or wrap-up) ending, by its age.
pub(super) struct SpellHazard {
    events: [f64; SPELL_BINS],
    exposure: [f64; SPELL_BINS],
    prior_mean_s: f64,
    pub(super) count: f64,
    survival: Vec<f64>,
}

fn edge(bin: usize) -> f64 {
    match bin {
        0..=40 => 5.0 * bin as f64,
        41..=60 => 200.0 + 20.0 * (bin - 40) as f64,
        _ => 600.0 + 200.0 * (bin - 60) as f64,
    }
}

fn bin_of(age_s: f64) -> usize {
    let bin = match age_s {
        age if age < 200.0 => age / 5.0,
        age if age < 600.0 => 40.0 + (age - 200.0) / 20.0,
        age => 60.0 + (age - 600.0) / 200.0,
    };
    (bin.max(0.0) as usize).min(SPELL_BINS - 1)
}

impl SpellHazard {
    /// Geometric prior with this mean, worth two spells.
    pub(super) fn new(prior_mean_s: f64) -> SpellHazard {
        let mut hazard = SpellHazard {
            events: [0.0; SPELL_BINS],
            exposure: [0.0; SPELL_BINS],
            prior_mean_s,
            count: 0.0,
            survival: vec![1.0; SPELL_MAX_S + 1],
        };
        hazard.refresh(std::iter::empty());
        hazard
    }

    pub(super) fn ended(&mut self, length_s: f64) {
        let bin = bin_of(length_s);
        self.events[bin] += 1.0;
        self.count += 1.0;
        add_exposure(&mut self.exposure, length_s);
    }

    pub(super) fn decay(&mut self, seconds: f64) {
        let keep = (-seconds * std::f64::consts::LN_2 / HALF_LIFE_S).exp();
        self.events.iter_mut().chain(&mut self.exposure).for_each(|value| *value *= keep);
        self.count *= keep;
    }

    /// Recomputes the survival curve; `running` are the ages of running spells in seconds.
    pub(super) fn refresh(&mut self, running: impl Iterator<Item = f64>) {
        let mut exposure = self.exposure;
        for age in running {
            add_exposure(&mut exposure, age);
        }
        let events: f64 = self.events.iter().sum();
        let at_risk: f64 = exposure.iter().sum();
        // The overall rate, with the prior worth two spells.
        const PRIOR_SPELLS: f64 = 2.0;
        let mean = (events + PRIOR_SPELLS) / (at_risk + PRIOR_SPELLS * self.prior_mean_s);
        // Each bin is pulled toward the overall rate with the weight of three events.
        const SHRINK_EVENTS: f64 = 3.0;
        let pull_s = SHRINK_EVENTS / mean;
        let keeps = |bin: usize| f64::exp(-(self.events[bin] + SHRINK_EVENTS) / (exposure[bin] + pull_s));
        let (mut bin, mut keep, mut lasting) = (0, keeps(0), 1.0);
        for second in 0..SPELL_MAX_S {
            if bin + 1 < SPELL_BINS && edge(bin + 1) <= second as f64 {
                bin += 1;
                keep = keeps(bin);
            }
            self.survival[second] = lasting;
            lasting *= keep;
        }
        self.survival[SPELL_MAX_S] = lasting;
    }

    /// Chance that a spell of this age lasts at least so many seconds more.
    pub(super) fn lasts(&self, age_s: f64, more_s: f64) -> f64 {
        let at = |seconds: f64| {
            let low = seconds.clamp(0.0, SPELL_MAX_S as f64 - 1.0);
            let index = low as usize;
            let part = low - index as f64;
            self.survival[index] * (1.0 - part) + self.survival[index + 1] * part
        };
        // Beyond the curve a spell is as likely to end as at its end.
        let age = age_s.min(SPELL_MAX_S as f64 - 60.0);
        (at(age + more_s) / at(age).max(1e-300)).clamp(0.0, 1.0)
    }
}

fn add_exposure(exposure: &mut [f64; SPELL_BINS], length_s: f64) {
    for (bin, seconds) in exposure.iter_mut().enumerate() {
        let from = edge(bin);
        if from >= length_s {
            break;
        }
        let to = if bin + 1 < SPELL_BINS { edge(bin + 1) } else { f64::INFINITY };
        *seconds += length_s.min(to) - from;
    }
}

#[cfg(test)]
mod tests;
