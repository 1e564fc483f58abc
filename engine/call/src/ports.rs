//! Media ports: the driver binds RTP/RTCP pairs and gives their numbers here; legs borrow and return them.

use base::{Duration, Instant};
use std::collections::VecDeque;

/// A returned port rests so long before it is lent again, so that late packets of the old call (its peer may send
/// until it has seen our BYE: one round trip, plus 64·T1/8 for a lost one) cannot be heard in the new one.
const REST: Duration = Duration::from_secs(2);

/// The stock of one shard.
#[derive(Default)]
pub(crate) struct Ports {
    free: VecDeque<(Instant, u16)>,
    in_use: usize,
}

impl Ports {
    pub(crate) fn add(&mut self, ports: &[u16]) {
        for port in ports {
            self.free.push_front((Instant::ZERO, *port));
        }
    }
    /// The port that has rested longest, or None while all are lent or resting.
    pub(crate) fn take(&mut self, now: Instant) -> Option<u16> {
        let (rested_at, port) = *self.free.front()?;
        if rested_at > now {
            return None;
        }
        self.free.pop_front();
        self.in_use += 1;
        Some(port)
    }
    pub(crate) fn give_back(&mut self, now: Instant, port: u16) {
        self.in_use -= 1;
        self.free.push_back((now + REST, port));
    }
    pub(crate) fn free(&self) -> usize {
        self.free.len()
    }
    /// Those that could be lent at `now`; the queue is in the order of the ends of their rests.
    pub(crate) fn ready(&self, now: Instant) -> usize {
        self.free.partition_point(|(rested_at, _)| *rested_at <= now)
    }
    pub(crate) fn in_use(&self) -> usize {
        self.in_use
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_returned_port_rests() {
        let mut ports = Ports::default();
        ports.add(&[20_000]);
        let now = Instant::ZERO + Duration::from_secs(1);
        assert_eq!(ports.take(now), Some(20_000));
        assert_eq!((ports.take(now), ports.in_use()), (None, 1));
        ports.give_back(now, 20_000);
        assert_eq!(ports.in_use(), 0);
        assert_eq!(ports.take(now + Duration::from_ms(1_999)), None);
        assert_eq!((ports.ready(now + Duration::from_ms(1_999)), ports.ready(now + REST)), (0, 1));
        ports.add(&[20_002, 20_004]);
        assert_eq!((ports.ready(now), ports.ready(now + REST)), (2, 3));
        assert!(ports.take(now).is_some() && ports.take(now).is_some());
        assert_eq!(ports.take(now + REST), Some(20_000));
    }
}
