//! Every limit of the house with its arithmetic. A limit that only one room needs stands in that room.

/// Longest UDP datagram of SIP or RTP that is read: IPv4's 65,535 less headers (RFC 791), so nothing is cut short.
pub const DATAGRAM_BYTES_MAX: usize = 65_507;

/// Largest RTP or RTCP packet: an Ethernet MTU of 1,500 less IP and UDP headers (28) = 1,472; G.711 needs 172.
pub const MEDIA_PACKET_BYTES_MAX: usize = 1_472;

/// Legs of one shard: 2,700 two-way legs fill 70 % of one core here (3.5 µs send + 1.7 µs receive, 50 a second
/// = 260 µs a second each); 8,192 is three times that, so the limit guards memory and not speed.
pub const LEGS_PER_SHARD_MAX: usize = 8_192;

/// Commands or events on their way between the control plane and one shard: 1,000 calls a second × 10 events a call
/// = 10 a millisecond; 16,384 bridges a stall of 1.6 s.
pub const SHARD_QUEUE_MAX: usize = 16_384;

/// Frames on their way between two shards: 2,000 cross-shard legs × 50 a second = 100 a millisecond;
/// 8,192 frames bridge a stall of 80 ms, after which old audio is worthless anyway.
pub const PEER_QUEUE_MAX: usize = 8_192;
