//! Every limit of this room with its arithmetic.

use base::Duration;

/// An incoming call that the call above neither answers nor rejects is refused with 480 after this time: proxies may
/// give up after "more than 3 minutes" (RFC 3261 §16.6, timer C), so nobody useful waits longer.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(180);

/// An answered dialog is ended after this time even if nobody hangs up, so that a peer that vanished cannot keep its
/// state for ever: longer than any shift of a nailed-up agent phone (24 h).
pub const DIALOG_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// Longest `answer_timeout` of an outgoing call; more is cut. Networks give up after 3 minutes; this is 20 times that.
pub(crate) const RING_MAX: Duration = Duration::from_secs(3600);

/// A provisional response is repeated this often while a call rings, so that proxies keep it (RFC 3261 §13.3.1.1).
pub(crate) const PROVISIONAL_REFRESH: Duration = Duration::from_secs(60);

/// Transactions per dialog at one time: its INVITE (32 s after the end), a re-INVITE each way, CANCEL or BYE.
pub(crate) const TRANSACTIONS_PER_DIALOG: usize = 4;

/// Transactions without a dialog: 1,000 registrations and pings under way at once, rounded up.
pub(crate) const TRANSACTIONS_SPARE: usize = 1_024;

/// Registrations of one endpoint: a trunk or an agent phone each; 100 trunks × 10 numbers.
pub(crate) const REGISTRATIONS_MAX: usize = 1_024;

/// Branches of one forked INVITE that are told apart: a ring group of eight phones. Further ones are not acknowledged
/// and give up by themselves.
pub(crate) const ANSWERS_MAX: usize = 8;

/// Hops kept in a route set; with 70 Max-Forwards no more could pass, real paths have under 6.
pub(crate) const ROUTES_MAX: usize = 70;

/// Times a re-INVITE is sent again after 491 before it is given up: each wait is 0-4 s, so this is up to 16 s.
pub(crate) const REOFFER_TRIES_MAX: u8 = 4;

/// Answers to digest challenges for one request: one, and one more when the nonce was stale or refused.
pub(crate) const DIGEST_TRIES_MAX: u8 = 2;

/// Longest text taken from a peer for a cause, a user or a display name; a name in a log needs no more.
pub(crate) const TEXT_BYTES_MAX: usize = 256;

/// Further headers of one outgoing INVITE: a trunk asks for 3 or 4 (identity, diversion, charging); eight times that.
pub(crate) const EXTRA_HEADERS_MAX: usize = 32;

/// BYEs under way for calls of a process that is gone: all that one shard can have had.
pub(crate) const ORPHANS_MAX: usize = base::limits::LEGS_PER_SHARD_MAX;

/// Of these, BYEs that stray 2xx brought about: half, so that forged ones never keep the calls on record waiting.
pub(crate) const STRAY_ORPHANS_MAX: usize = ORPHANS_MAX / 2;

/// How long a 2xx that nobody waited for is remembered: its sender repeats it for 64 × T1 (RFC 3261 §13.3.1.4).
pub(crate) const STRAY_MEMORY: Duration = Duration::from_secs(32);

/// Strays answered a second: of a process that placed 1,000 calls a second on four shards, a quarter of the 250 a shard
/// are answered, and three of four copies of each 2xx come in the first seconds.
pub(crate) const STRAYS_PER_S: u64 = 200;

/// Strays remembered: as many as can be answered in their time; about 1 kB each.
pub(crate) const STRAYS_MAX: usize = 32 * STRAYS_PER_S as usize;

/// OPTIONS of one source answered a second: 20 trunks behind one carrier's address that ping us every second. What is
/// more is dropped. Sources share an allowance by chance: one in [`OPTIONS_SOURCES`] for a scanner and a given carrier.
pub(crate) const OPTIONS_PER_SOURCE_AND_S: u64 = 20;

/// Allowances for sources of OPTIONS: 100 trunks and some scanners mostly have one each; 256 × 16 bytes = 4 KiB.
pub(crate) const OPTIONS_SOURCES: usize = 256;

/// OPTIONS of all sources answered a second: 100 trunks that ping us every second, beside 45 scanners that have used up
/// their 20. At about 30 µs each that is 3 % of a core.
pub(crate) const OPTIONS_PER_S: u64 = 1_000;

/// Refusals without state a second (malformed, unknown method, no such dialog, no room): five shards' worth of the 1,000
/// calls a second that an overload could refuse; a flood of 20,000 a second then gets fewer bytes than it sends.
pub(crate) const REFUSALS_PER_S: u64 = 5_000;
