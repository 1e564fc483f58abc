//! Every limit of the HTTP side, with its reason, and the token bucket that keeps the rates.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Connections at once: 1,024 of about 40 KB each (buffers, task) are 40 MB.
pub const CONNECTIONS_MAX: usize = 1_024;
/// Connections of one address: half, so that one machine never takes all places. A proxy in front multiplexes its
/// clients over fewer.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = CONNECTIONS_MAX / 2;
/// Time to send a request's head, and to be idle between two requests.
pub const HEAD_WAIT: Duration = Duration::from_secs(10);
/// Request head: 16 KiB take the longest filters and tokens several times over.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Time for one answer, the request's body included.
pub const REQUEST_WAIT: Duration = Duration::from_secs(30);
/// Time for an upload: 64 MiB over a line of 1 Mbit/s.
pub const UPLOAD_WAIT: Duration = Duration::from_secs(600);
/// Time for the next part of a body that may be of any length: a line that is down comes back sooner, or not.
pub const PART_WAIT: Duration = Duration::from_secs(60);
/// A reader that takes nothing for so long is cut.
pub const WRITE_WAIT: Duration = Duration::from_secs(30);
/// Time for open answers to end when the server stops.
pub const STOP_WAIT: Duration = Duration::from_secs(5);
/// A JSON body: a campaign that names 2,000 agents.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// An import: about a million leads of 60 bytes.
pub const UPLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Questions to the store at once: each holds a thread; reads are queued behind each other there anyway.
pub const STORE_CALLS_MAX: usize = 16;
/// How long a request waits for its turn at the store.
pub const STORE_TURN_WAIT: Duration = Duration::from_secs(5);
/// Open event streams: a console tab each; a full set copies 200 × 50 notices a second.
pub const EVENT_STREAMS_MAX: usize = 200;
/// Of them those of one token or account: a team that shares one, on a wall and at desks; a quarter, so that no holder
/// takes all places.
pub const EVENT_STREAMS_PER_HOLDER_MAX: usize = EVENT_STREAMS_MAX / 4;
/// Imports at once, waiting ones included: each holds its file on the disk.
pub const IMPORTS_MAX: usize = 4;
/// Uploads that are received at once, on their way to an import: two for each that runs. 8 × 64 MiB on the disk at most.
pub const UPLOADS_MAX: usize = 2 * IMPORTS_MAX;
/// Figures of the shards are asked for so often at most: everybody may read them, and each question wakes every shard.
pub const FIGURES_LIFE: std::time::Duration = std::time::Duration::from_secs(1);
/// Exports at once: each reads the store page after page.
pub const EXPORTS_MAX: usize = 4;
/// Reports that are counted, wait for that or are kept: a year of hours and five tables of 10,000 rows are 6 MB, so 48 MB.
pub const REPORTS_MAX: usize = 8;
/// How long the answer of a report is given again: a page that many look at asks the database once.
pub const REPORT_LIFE: Duration = Duration::from_secs(3);
/// Simulations that wait or run: one runs at a time, and nobody waits for the fifth.
pub const SIMULATIONS_WAITING_MAX: usize = 4;
/// Simulations that are remembered, a few KB each.
pub const SIMULATIONS_KEPT_MAX: usize = 50;
/// Agents × days of one side: 30 ms of processor time each make four minutes.
pub const SIMULATED_AGENT_DAYS_MAX: u64 = 8_000;
/// Rows of a page, unless asked otherwise.
pub const PAGE_ROWS: u32 = 100;
/// How long a checked token is believed before it is looked up anew: how long a withdrawn one can still work.
pub const TOKEN_LIFE: Duration = Duration::from_secs(3);
/// Tokens kept in memory: far more than an installation has; what is beyond is looked up each time.
pub const TOKENS_CACHED_MAX: usize = 10_000;
/// Requests a second of one token, and how many at once after a pause: a console polls a few times a second, a
/// connector that walks all CDRs some tens of times.
pub const TOKEN_RATE: Rate = Rate { per_s: 200.0, burst: 1_000.0 };
/// Requests a second of one address that bring no valid token: guessing 2^256 values gains nothing, so this only keeps
/// the store's index from being asked in vain.
pub const STRANGER_RATE: Rate = Rate { per_s: 5.0, burst: 50.0 };
/// Failed logins of one address: a person mistypes a few times, and all people behind a proxy come from one.
pub const LOGIN_RATE: Rate = Rate { per_s: 1.0, burst: 30.0 };
/// Failed logins with one name, from wherever: 10 and then 6 a minute try a million passwords in four months. Whoever is
/// logged in already stays so while somebody guesses.
pub const LOGIN_NAME_RATE: Rate = Rate { per_s: 0.1, burst: 10.0 };
/// Passwords that are hashed at once: each takes 19 MiB and some 20 ms of one core.
pub const HASHES_MAX: usize = 2;
/// Passwords that wait for their turn, those at work included: the last one waits some 0.3 s; beyond that it is a flood.
pub const HASHES_WAITING_MAX: usize = 32;
/// Addresses (or names) whose failures are remembered, 60 bytes each; the rest share one bucket.
pub const ADDRESSES_MAX: usize = 10_000;
/// A login that nobody uses ends: a working day with its breaks, not the night after it.
pub const LOGIN_IDLE: Duration = Duration::from_secs(12 * 3_600);
/// No login lasts longer, used or not.
pub const LOGIN_LIFE: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Idempotency keys are kept so long.
pub const KEY_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// Longest key; a UUID has 36.
pub const KEY_CHARS_MAX: usize = 128;
/// Longest answer that is kept with its key: half of what the store takes, since JSON inside of JSON grows.
pub const KEPT_ANSWER_BYTES_MAX: usize = store::IDEMPOTENT_BODY_BYTES_MAX / 2;

/// How fast something may happen.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// In the long run.
    pub per_s: f64,
    /// At once after a pause.
    pub burst: f64,
}

/// A token bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: Rate, now: Instant) -> Bucket {
        Bucket { left: rate.burst, at: now }
    }

    fn fill(&mut self, rate: Rate, now: Instant) {
        let passed_s = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed_s * rate.per_s).min(rate.burst);
        self.at = now;
    }

    /// Takes one, or says after how many seconds there is one.
    pub(super) fn take(&mut self, rate: Rate, now: Instant) -> Result<(), u32> {
        self.fill(rate, now);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        Err(((1.0 - self.left) / rate.per_s).ceil().max(1.0) as u32)
    }

    /// Whether one could be taken.
    fn has(&mut self, rate: Rate, now: Instant) -> Result<(), u32> {
        self.take(rate, now).map(|()| self.left += 1.0)
    }
}

/// Failures to show who one is, by address or by the name that was tried.
pub(super) struct Failures {
    rate: Rate,
    buckets: Mutex<BTreeMap<u128, Bucket>>,
}

/// The bucket of all addresses that found no room.
const SHARED: u128 = 0;

impl Failures {
    pub(super) fn new(rate: Rate) -> Failures {
        Failures { rate, buckets: Mutex::new(BTreeMap::new()) }
    }

    fn bucket<T>(&self, mut key: u128, now: Instant, work: impl FnOnce(&mut Bucket) -> T) -> T {
        let rate = self.rate;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ADDRESSES_MAX && !buckets.contains_key(&key) {
            // Full again means forgotten.
            buckets.retain(|_, bucket| {
                bucket.fill(rate, now);
                bucket.left < rate.burst
            });
            if buckets.len() >= ADDRESSES_MAX {
                key = SHARED;
            }
        }
        work(buckets.entry(key).or_insert_with(|| Bucket::new(rate, now)))
    }

    /// Whether one more may be tried; else, after how many seconds.
    pub(super) fn may_try(&self, key: u128, now: Instant) -> Result<(), u32> {
        self.bucket(key, now, |bucket| bucket.has(self.rate, now))
    }

    /// Counts a failure.
    pub(super) fn failed(&self, key: u128, now: Instant) {
        // An empty bucket stays empty.
        let _ = self.bucket(key, now, |bucket| bucket.take(self.rate, now));
    }

    /// Takes back a failure that was counted before its outcome was known.
    pub(super) fn forgiven(&self, key: u128, now: Instant) {
        self.bucket(key, now, |bucket| bucket.left = (bucket.left + 1.0).min(self.rate.burst));
    }
}

/// One key an address; an IPv6 host has a whole /64, so its last 64 bits tell nobody apart.
pub(super) fn address_key(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => 0xffff_0000_0000 | u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address) >> 64 << 64,
    }
}

/// One key a name, whether anybody has it or not.
pub(super) fn name_key(name: &str) -> u128 {
    let hash: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    hash.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
}

/// How many places each holder or address has taken, up to the same number.
pub(super) struct Shares<K: Ord> {
    most: usize,
    counts: Mutex<BTreeMap<K, usize>>,
}

/// One place; given back when it is dropped.
pub(super) struct Share<K: Ord> {
    shares: Arc<Shares<K>>,
    key: K,
}

impl<K: Ord + Copy> Shares<K> {
    pub(super) fn new(most: usize) -> Shares<K> {
        Shares { most, counts: Mutex::new(BTreeMap::new()) }
    }

    /// A place, if this one has not taken all of its own.
    pub(super) fn take(self: &Arc<Self>, key: K) -> Option<Share<K>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Share { shares: self.clone(), key })
    }
}

impl<K: Ord> Drop for Share<K> {
    fn drop(&mut self) {
        let mut counts = self.shares.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_then_its_rate() {
        let start = Instant::now();
        let rate = Rate { per_s: 2.0, burst: 3.0 };
        let mut bucket = Bucket::new(rate, start);
        assert_eq!((0..4).filter(|_| bucket.take(rate, start).is_ok()).count(), 3);
        assert_eq!(bucket.take(rate, start), Err(1));
        let later = start + Duration::from_secs(1);
        assert_eq!((0..4).filter(|_| bucket.take(rate, later).is_ok()).count(), 2);
        let much_later = start + Duration::from_secs(1_000);
        assert_eq!((0..9).filter(|_| bucket.take(rate, much_later).is_ok()).count(), 3);
    }

    #[test]
    fn addresses_are_told_apart_and_a_flood_of_them_shares_one_bucket() {
        let key = address_key;
        let (strangers, now) = (Failures::new(STRANGER_RATE), Instant::now());
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..STRANGER_RATE.burst as u32 {
            assert!(strangers.may_try(key(one), now).is_ok());
            strangers.failed(key(one), now);
        }
        assert!(strangers.may_try(key(one), now).is_err());
        assert!(strangers.may_try(key("192.0.2.2".parse().unwrap()), now).is_ok());
        // Two addresses of one IPv6 host.
        let (a, b): (IpAddr, IpAddr) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
        assert_eq!(key(a), key(b));
        for number in 0..2 * ADDRESSES_MAX as u32 {
            strangers.failed(key(IpAddr::V4(number.into())), now);
        }
        assert!(strangers.buckets.lock().unwrap().len() <= ADDRESSES_MAX + 1);
        let unseen: IpAddr = "198.51.100.1".parse().unwrap();
        assert!(strangers.may_try(key(unseen), now).is_err());
    }

    #[test]
    fn one_address_takes_no_more_than_its_share() {
        let addresses = Arc::new(Shares::new(CONNECTIONS_PER_ADDRESS_MAX));
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let mut held: Vec<_> = (0..CONNECTIONS_PER_ADDRESS_MAX).map(|_| addresses.take(one).unwrap()).collect();
        assert!(addresses.take(one).is_none());
        assert!(addresses.take("192.0.2.2".parse().unwrap()).is_some());
        held.pop();
        held.push(addresses.take(one).unwrap());
        drop(held);
        assert!(addresses.counts.lock().unwrap().is_empty());
    }
}
