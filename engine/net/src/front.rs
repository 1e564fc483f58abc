//! The SIP front door: which shard a datagram of the one SIP socket belongs to.

use base::ShardId;

/// What to do with a datagram that arrived at the front door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    /// Give it to this shard.
    Shard(ShardId),
    /// Only line ends: a keep-alive of a NAT (RFC 5626 §3.5.1), which asks for nothing over UDP.
    KeepAlive,
}

/// Chooses the shard of a datagram by its Call-ID, so that all messages of a dialog meet on one shard.
///
/// Call-IDs that shard K minted begin with `sK-`; all others (calls that strangers start, and what has no Call-ID) are
/// spread by a hash that stays the same from run to run. A stranger who mints `s1-` by chance is also served: what counts
/// is only that the same Call-ID always gives the same shard.
pub fn shard_of(datagram: &[u8], shards: u64) -> Door {
    if datagram.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return Door::KeepAlive;
    }
    let shards = shards.max(1);
    if shards == 1 {
        return Door::Shard(ShardId(0));
    }
    // What has no Call-ID cannot belong to a dialog; shard 0 counts it and drops it.
    Door::Shard(wire::sip::peek_call_id(datagram).map_or(ShardId(0), |call_id| shard_of_call(call_id, shards)))
}

/// The shard that messages of a Call-ID come to.
pub fn shard_of_call(call_id: &[u8], shards: u64) -> ShardId {
    let shards = shards.max(1);
    let minted = minted_by(call_id).filter(|shard| *shard < shards);
    ShardId(minted.unwrap_or_else(|| hash(call_id) % shards))
}

/// K of a Call-ID `sK-…`; K has at most four digits (there are never more shards).
fn minted_by(call_id: &[u8]) -> Option<u64> {
    let rest = call_id.strip_prefix(b"s")?;
    let digits = rest.iter().position(|byte| *byte == b'-').filter(|digits| (1..=4).contains(digits))?;
    rest[..digits]
        .iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0')))
}

/// FNV-1a, 64 bit (public constants). It only has to spread; who floods one shard with chosen Call-IDs could as well
/// flood the socket.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(call_id: &str) -> Vec<u8> {
        format!("INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n\r\n")
            .into_bytes()
    }

    #[test]
    fn minted_call_ids_go_home_and_others_spread_but_stay() {
        for shard in 0..4 {
            assert_eq!(shard_of(&invite(&format!("s{shard}-abc@x")), 4), Door::Shard(ShardId(shard)));
        }
        let mut seen = [0; 4];
        for number in 0..400 {
            // Some look nearly like ours: no dash, no digits, too large, too long.
            let call_id =
                [format!("{number}@host"), format!("s{number}"), format!("s-{number}"), format!("s{}-x", number + 4)]
                    [number % 4]
                    .clone();
            let Door::Shard(ShardId(shard)) = shard_of(&invite(&call_id), 4) else { panic!("{call_id}") };
            assert_eq!(shard_of(&invite(&call_id), 4), Door::Shard(ShardId(shard)));
            seen[shard as usize] += 1;
        }
        assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
        assert_eq!(shard_of(&invite("s99999999999999999999-x"), 4), shard_of(&invite("s99999999999999999999-x"), 4));
    }

    #[test]
    fn junk_and_keep_alives() {
        assert_eq!(shard_of(b"\r\n\r\n", 4), Door::KeepAlive);
        assert_eq!(shard_of(b"\0\0\0\0", 1), Door::KeepAlive);
        assert_eq!(shard_of(b"", 4), Door::KeepAlive);
        assert_eq!(shard_of(b"hello", 4), Door::Shard(ShardId(0)));
        assert_eq!(shard_of(&invite("s3-a"), 0), Door::Shard(ShardId(0)));
    }
}
