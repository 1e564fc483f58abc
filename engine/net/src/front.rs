//! The SIP front door: which shard a datagram of the one SIP socket belongs to.

use base::ShardId;
use sip::Mint;
use std::net::SocketAddr;

/// What to do with a datagram that arrived at the front door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    /// Give it to this shard.
    Shard(ShardId),
    /// Only line ends: a keep-alive of a NAT (RFC 5626 §3.5.1), which asks for nothing over UDP.
    KeepAlive,
}

/// The rule of the door of one engine.
#[derive(Clone, Copy, Debug)]
pub struct Front {
    mint: Mint,
    shards: u64,
}

impl Front {
    /// For an engine of so many shards (none counts as one) whose SIP socket peers reach at `sip`.
    pub fn new(sip: SocketAddr, shards: u64) -> Front {
        Front { mint: Mint::of(sip), shards: shards.max(1) }
    }

    /// Chooses the shard of a datagram by its Call-ID, so that all messages of a dialog meet on one shard.
    pub fn shard_of(&self, datagram: &[u8]) -> Door {
        if datagram.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Door::KeepAlive;
        }
        if self.shards == 1 {
            return Door::Shard(ShardId(0));
        }
        // What has no Call-ID cannot belong to a dialog; shard 0 counts it and drops it.
        Door::Shard(wire::sip::peek_call_id(datagram).map_or(ShardId(0), |call_id| self.shard_of_call(call_id)))
    }

    /// The shard that messages of a Call-ID come to: the one that made it, or for Call-IDs of anybody else, another
    /// Outpace included, one chosen by a hash that stays the same from run to run.
    pub fn shard_of_call(&self, call_id: &[u8]) -> ShardId {
        let minted = self.mint.shard_of(call_id).filter(|shard| shard.0 < self.shards);
        minted.unwrap_or_else(|| ShardId(hash(call_id) % self.shards))
    }
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

    fn front(shards: u64) -> Front {
        Front::new("192.0.2.1:5060".parse().unwrap(), shards)
    }

    #[test]
    fn minted_call_ids_go_home_and_others_spread_but_stay() {
        let mint = Mint::of("192.0.2.1:5060".parse().unwrap());
        let other = Mint::of("192.0.2.2:5060".parse().unwrap());
        for shard in 0..4 {
            let call_id = format!("{}abc@x", mint.prefix(ShardId(shard)));
            assert_eq!(front(4).shard_of(&invite(&call_id)), Door::Shard(ShardId(shard)));
            assert_eq!(front(4).shard_of_call(call_id.as_bytes()), ShardId(shard));
        }
        let (mut seen, mut of_one_shard) = ([0; 4], [0; 4]);
        for number in 0..400 {
            // Some look nearly like ours, and some another Outpace has made on its shard 0.
            let call_id = [format!("{number}@host"), format!("s{number}-{number}"), mint.prefix(ShardId(number + 4))]
                [number as usize % 3]
                .clone();
            for (counts, call_id) in
                [(&mut seen, call_id), (&mut of_one_shard, format!("{}{number}", other.prefix(ShardId(0))))]
            {
                let Door::Shard(ShardId(shard)) = front(4).shard_of(&invite(&call_id)) else { panic!("{call_id}") };
                assert_eq!(front(4).shard_of(&invite(&call_id)), Door::Shard(ShardId(shard)));
                counts[shard as usize] += 1;
            }
        }
        assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
        assert!(of_one_shard.iter().all(|count| *count > 50), "{of_one_shard:?}: a neighbour fills all our shards");
    }

    #[test]
    fn junk_and_keep_alives() {
        assert_eq!(front(4).shard_of(b"\r\n\r\n"), Door::KeepAlive);
        assert_eq!(front(1).shard_of(b"\0\0\0\0"), Door::KeepAlive);
        assert_eq!(front(4).shard_of(b""), Door::KeepAlive);
        assert_eq!(front(4).shard_of(b"hello"), Door::Shard(ShardId(0)));
        assert_eq!(front(0).shard_of(&invite("s3-a")), Door::Shard(ShardId(0)));
    }
}
