//! A simulated network: datagrams between socket addresses with delay, jitter, burst loss, reordering and duplication.
//!
//! Sans-IO: `send` puts a datagram on the way, `poll_timeout` tells when the next one arrives, `pop_due` hands it out.
//! Every flow (source, destination) draws from its own stream, so a new flow never changes the fate of another one's
//! packets, and the same seed gives the same run.

use base::{Duration, Instant, Seed, Stream};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Datagrams on their way at once: 1,000 two-way legs × 2 directions × 50 packets a second × 0.5 s of delay = 50,000;
/// more are dropped and counted like a full router queue.
pub const IN_FLIGHT_MAX: usize = 65_536;

/// What a link does to datagrams.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkConfig {
    /// Constant part of the way's time.
    pub delay: Duration,
    /// Up to this much more, uniform; order inside a flow is kept.
    pub jitter: Duration,
    /// Loss as a two-state chain (Gilbert and Elliott).
    pub loss: BurstLoss,
    /// Share of datagrams that are held up by `reorder_by` while later ones overtake them.
    pub reorder: f64,
    /// How long a reordered datagram is held up.
    pub reorder_by: Duration,
    /// Share of datagrams that arrive twice.
    pub duplicate: f64,
}

/// Gilbert's loss model: everything passes in the good state, everything is lost in the bad one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BurstLoss {
    /// Long-run share of datagrams lost.
    pub share: f64,
    /// Mean number of datagrams lost in a row; 1 is about independent loss.
    pub mean_burst: f64,
}

impl BurstLoss {
    /// Nothing is lost.
    pub const NONE: BurstLoss = BurstLoss { share: 0.0, mean_burst: 1.0 };

    /// Chances per datagram to leave the bad state and to enter it, which give the share and the burst length:
    /// share = enter ÷ (enter + leave), burst = 1 ÷ leave.
    fn chances(self) -> (f64, f64) {
        let share = self.share.clamp(0.0, 1.0);
        if share >= 1.0 {
            return (0.0, 1.0);
        }
        let leave = 1.0 / self.mean_burst.max(1.0);
        (leave, (leave * share / (1.0 - share)).min(1.0))
    }
}

impl LinkConfig {
    /// A local network: half a millisecond, nothing lost.
    pub const LAN: LinkConfig = LinkConfig {
        delay: Duration::from_us(500),
        jitter: Duration::ZERO,
        loss: BurstLoss::NONE,
        reorder: 0.0,
        reorder_by: Duration::ZERO,
        duplicate: 0.0,
    };
    /// A trunk over the open Internet on a bad day: 40 ms + 15 ms of jitter, 2 % loss in bursts, some disorder.
    pub const BAD_DAY: LinkConfig = LinkConfig {
        delay: Duration::from_ms(40),
        jitter: Duration::from_ms(15),
        loss: BurstLoss { share: 0.02, mean_burst: 2.5 },
        reorder: 0.01,
        reorder_by: Duration::from_ms(30),
        duplicate: 0.005,
    };
}

/// A datagram that arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When it arrives.
    pub at: Instant,
    /// Who sent it.
    pub from: SocketAddr,
    /// Whom it reaches.
    pub to: SocketAddr,
    /// Its payload.
    pub bytes: Vec<u8>,
}

/// What the network did so far, in datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetCounts {
    /// Put on the way by senders.
    pub sent: u64,
    /// Lost by the loss model.
    pub lost: u64,
    /// Sent a second time by the network.
    pub duplicated: u64,
    /// Held up so that later ones overtook them.
    pub reordered: u64,
    /// Dropped because [`IN_FLIGHT_MAX`] were on their way.
    pub overflowed: u64,
    /// Handed out.
    pub delivered: u64,
}

struct Flow {
    random: Stream,
    in_burst: bool,
    last_arrival: Instant,
}

/// The network. See the module's head.
pub struct NetSim {
    seed: Seed,
    default_link: LinkConfig,
    links: BTreeMap<(SocketAddr, SocketAddr), LinkConfig>,
    flows: BTreeMap<(SocketAddr, SocketAddr), Flow>,
    /// By moment of arrival, then by order of sending.
    in_flight: BTreeMap<(Instant, u64), Delivery>,
    serial: u64,
    counts: NetCounts,
}

impl NetSim {
    /// A network whose every way behaves like `default_link`.
    pub fn new(default_link: LinkConfig, seed: Seed) -> Self {
        NetSim {
            seed,
            default_link,
            links: BTreeMap::new(),
            flows: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            serial: 0,
            counts: NetCounts::default(),
        }
    }

    /// From now on the way from `from` to `to` (this direction) behaves like `link`.
    pub fn set_link(&mut self, from: SocketAddr, to: SocketAddr, link: LinkConfig) {
        self.links.insert((from, to), link);
    }

    /// From now on every way without a link of its own behaves like `link`.
    pub fn set_default_link(&mut self, link: LinkConfig) {
        self.default_link = link;
    }

    /// Puts a datagram on the way at `now`.
    pub fn send(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.counts.sent += 1;
        let link = self.links.get(&(from, to)).copied().unwrap_or(self.default_link);
        let seed = self.seed;
        let flow = self.flows.entry((from, to)).or_insert_with(|| Flow {
            random: seed.stream(&format!("net {from} {to}"), 0),
            in_burst: false,
            last_arrival: Instant::ZERO,
        });
        // The same number of draws for each datagram: a changed setting moves only what it is about.
        let (burst_draw, jitter_draw) = (flow.random.unit(), flow.random.unit());
        let (reorder_draw, duplicate_draw) = (flow.random.unit(), flow.random.unit());
        let (leave, enter) = link.loss.chances();
        flow.in_burst = if flow.in_burst { burst_draw >= leave } else { burst_draw < enter };
        if flow.in_burst {
            self.counts.lost += 1;
            return;
        }
        let jitter = Duration::from_ns((link.jitter.as_ns() as f64 * jitter_draw) as u64);
        let mut arrival = (now + link.delay + jitter).max(flow.last_arrival);
        if reorder_draw < link.reorder {
            self.counts.reordered += 1;
            arrival += link.reorder_by;
        } else {
            flow.last_arrival = arrival;
        }
        let copies = if duplicate_draw < link.duplicate { 2 } else { 1 };
        self.counts.duplicated += copies - 1;
        for _ in 0..copies {
            if self.in_flight.len() >= IN_FLIGHT_MAX {
                self.counts.overflowed += 1;
                continue;
            }
            self.serial += 1;
            self.in_flight.insert((arrival, self.serial), Delivery { at: arrival, from, to, bytes: bytes.to_vec() });
        }
    }

    /// When the next datagram arrives.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.in_flight.keys().next().map(|(at, _)| *at)
    }

    /// The next datagram that has arrived by `now`, in order of arrival. Call until `None`.
    pub fn pop_due(&mut self, now: Instant) -> Option<Delivery> {
        if self.poll_timeout()? > now {
            return None;
        }
        self.counts.delivered += 1;
        self.in_flight.pop_first().map(|(_, delivery)| delivery)
    }

    /// What the network did so far.
    pub fn counts(&self) -> NetCounts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "10.0.0.1:5060";
    const B: &str = "10.0.0.2:5060";

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    /// Sends `count` numbered datagrams 20 ms apart and returns their arrivals as (number, time on the way).
    fn run(link: LinkConfig, seed: u64, count: u32) -> (Vec<(u32, Duration)>, NetCounts) {
        let mut net = NetSim::new(link, Seed::from_u64(seed));
        let sent_at = |number: u32| Instant::ZERO + Duration::from_ms(20) * u64::from(number);
        let mut arrived = Vec::new();
        for number in 0..=count {
            let now = if number < count { sent_at(number) } else { Instant::MAX };
            while let Some(delivery) = net.pop_due(now) {
                let number = u32::from_be_bytes(delivery.bytes.as_slice().try_into().expect("four bytes"));
                arrived.push((number, delivery.at.since(sent_at(number))));
            }
            if number < count {
                net.send(now, address(A), address(B), &number.to_be_bytes());
            }
        }
        (arrived, net.counts())
    }

    #[test]
    fn a_clean_link_only_delays() {
        let (arrived, counts) = run(LinkConfig::LAN, 1, 500);
        assert_eq!(arrived.len(), 500);
        assert!(
            arrived
                .iter()
                .enumerate()
                .all(|(index, (number, way))| { index == *number as usize && *way == LinkConfig::LAN.delay })
        );
        assert_eq!(counts, NetCounts { sent: 500, delivered: 500, ..NetCounts::default() });
    }

    #[test]
    fn loss_has_the_wanted_share_and_burst_length() {
        for (share, mean_burst) in [(0.02, 2.5), (0.1, 1.2), (0.3, 5.0)] {
            let link = LinkConfig { loss: BurstLoss { share, mean_burst }, ..LinkConfig::LAN };
            let count = 200_000;
            let (arrived, counts) = run(link, 9, count);
            let lost = f64::from(count) - arrived.len() as f64;
            assert_eq!(counts.lost as f64, lost);
            assert!((lost / f64::from(count) / share - 1.0).abs() < 0.1, "share {}", lost / f64::from(count));
            let gaps = arrived.windows(2).filter(|pair| pair[1].0 > pair[0].0 + 1).count() as f64;
            assert!((lost / gaps / mean_burst - 1.0).abs() < 0.1, "burst {}", lost / gaps);
        }
        let all = LinkConfig { loss: BurstLoss { share: 1.0, mean_burst: 1.0 }, ..LinkConfig::LAN };
        assert!(run(all, 9, 1_000).0.is_empty());
    }

    #[test]
    fn jitter_keeps_the_order_and_its_bound() {
        let link = LinkConfig { jitter: Duration::from_ms(60), ..LinkConfig::LAN };
        let (arrived, _) = run(link, 2, 20_000);
        assert!(arrived.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(arrived.iter().all(|(_, way)| *way >= link.delay && *way <= link.delay + link.jitter));
        let mean = arrived.iter().map(|(_, way)| way.as_secs_f64()).sum::<f64>() / arrived.len() as f64;
        // Uniform over 60 ms has its mean at 30 ms; keeping the order can only add to it.
        assert!((0.0305..0.040).contains(&mean), "{mean}");
    }

    #[test]
    fn reordering_and_duplication_have_their_shares() {
        let link = LinkConfig { reorder: 0.05, reorder_by: Duration::from_ms(50), duplicate: 0.03, ..LinkConfig::LAN };
        let (arrived, counts) = run(link, 3, 50_000);
        assert!((counts.reordered as f64 / 50_000.0 - 0.05).abs() < 0.005);
        assert!((counts.duplicated as f64 / 50_000.0 - 0.03).abs() < 0.004);
        let overtaken = arrived.windows(2).filter(|pair| pair[1].0 < pair[0].0).count() as u64;
        assert!(overtaken > counts.reordered * 8 / 10, "{overtaken} of {}", counts.reordered);
        assert_eq!(arrived.len() as u64, 50_000 + counts.duplicated);
    }

    #[test]
    fn the_same_seed_gives_the_same_run_and_flows_do_not_disturb_each_other() {
        assert_eq!(run(LinkConfig::BAD_DAY, 5, 2_000), run(LinkConfig::BAD_DAY, 5, 2_000));
        assert_ne!(run(LinkConfig::BAD_DAY, 5, 2_000).0, run(LinkConfig::BAD_DAY, 6, 2_000).0);
        let arrivals = |with_other: bool| {
            let mut net = NetSim::new(LinkConfig::BAD_DAY, Seed::from_u64(5));
            for number in 0..500_u64 {
                let now = Instant::ZERO + Duration::from_ms(number);
                if with_other {
                    net.send(now, address(B), address(A), b"other");
                }
                net.send(now, address(A), address(B), &number.to_be_bytes());
            }
            let mut seen = Vec::new();
            while let Some(delivery) = net.pop_due(Instant::MAX) {
                if delivery.from == address(A) {
                    seen.push((delivery.at, delivery.bytes));
                }
            }
            seen
        };
        assert_eq!(arrivals(false), arrivals(true));
    }

    #[test]
    fn a_full_network_drops_and_counts() {
        let mut net = NetSim::new(LinkConfig::LAN, Seed::from_u64(1));
        for _ in 0..IN_FLIGHT_MAX + 10 {
            net.send(Instant::ZERO, address(A), address(B), b"x");
        }
        assert_eq!(net.counts().overflowed, 10);
    }

    #[test]
    fn one_direction_can_have_its_own_link() {
        let mut net = NetSim::new(LinkConfig::LAN, Seed::from_u64(1));
        let slow = LinkConfig { delay: Duration::from_ms(300), ..LinkConfig::LAN };
        net.set_link(address(A), address(B), slow);
        net.send(Instant::ZERO, address(A), address(B), b"slow");
        net.send(Instant::ZERO, address(B), address(A), b"quick");
        assert_eq!(net.poll_timeout(), Some(Instant::ZERO + LinkConfig::LAN.delay));
        assert_eq!(net.pop_due(Instant::MAX).map(|delivery| delivery.bytes), Some(b"quick".to_vec()));
        assert_eq!(net.pop_due(Instant::MAX).map(|delivery| delivery.at), Some(Instant::ZERO + slow.delay));
    }
}
