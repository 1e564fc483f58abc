//! Faults that a test plants; compiled with the feature `fault-injection`, and for this crate's own tests, only.

use super::Shard;
use crate::leg::LegKey;
use base::LegId;

/// A panic to come.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// In the work for this leg.
    pub leg: LegId,
    /// In which.
    pub when: FaultPoint,
}

/// Where a planted fault breaks out, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPoint {
    /// At the n-th RTP packet that the leg receives, counted from 1.
    Rtp(u64),
    /// At the first SIP message of the leg's dialog after the leg is answered.
    Sip,
    /// When the leg's report timer fires.
    Timer,
    /// When a packet of the leg is due.
    Due,
    /// At a command for the leg; for `Originate` in the middle, when its INVITE is made but the leg stands in no table.
    Command,
}

/// Breaks out if this is the place. Stands behind the line that says whose work is being done, and proves that line.
pub(super) fn spring(planted: &mut Option<Fault>, leg: LegId, point: FaultPoint) {
    let Some(fault) = planted.as_mut().filter(|fault| fault.leg == leg) else { return };
    match (&mut fault.when, point) {
        (FaultPoint::Rtp(left @ 2..), FaultPoint::Rtp(_)) => return *left -= 1,
        (FaultPoint::Rtp(_), FaultPoint::Rtp(_)) => {}
        (planted, point) if *planted == point => {}
        _ => return,
    }
    *planted = None;
    panic!("planted fault: {point:?} of leg {leg}");
}

impl Shard {
    /// Plants a fault in a shard that runs already, in place of an older one.
    #[cfg(test)]
    pub(crate) fn plant(&mut self, fault: Option<Fault>) {
        self.config.fault = fault;
    }

    /// The leg is answered: hands a fault in its signalling on to the SIP room.
    pub(super) fn plant_in_dialog(&mut self, key: LegKey) {
        if let (Some(fault), Some(leg)) = (self.config.fault, self.legs.get(key))
            && fault.leg == leg.id
            && fault.when == FaultPoint::Sip
        {
            self.endpoint.plant_fault(leg.dialog);
        }
    }
}
