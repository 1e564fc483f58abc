//! The form of the Call-IDs that we make: whose they are can be told from them alone.
//!
//! ```text
//!  s3-1f9a02c4kq7w…      shard 3 of the installation 1f9a02c4, then 120 random bits
//! ```
//!
//! The front door finds the shard by it, and after a restart an answer to a call of the process before is known as ours.
//! The installation's number follows from the SIP address, so it is the same after a restart and another one at another
//! address; it is no secret.

use base::ShardId;
use std::net::SocketAddr;

/// Hexadecimal digits of the installation's number.
const NUMBER_DIGITS: usize = 8;
/// Digits of a shard's number: there are never more than 9,999 shards.
const SHARD_DIGITS_MAX: usize = 4;

/// Whose Call-IDs: one installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mint {
    number: [u8; NUMBER_DIGITS],
}

impl Mint {
    /// The mint of the installation whose SIP socket peers reach at `local`.
    pub fn of(local: SocketAddr) -> Mint {
        // FNV-1a (public constants), folded to 32 bits.
        let hash = local
            .to_string()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let mut number = [0; NUMBER_DIGITS];
        number.copy_from_slice(format!("{:08x}", (hash >> 32) as u32 ^ hash as u32).as_bytes());
        Mint { number }
    }

    /// What all Call-IDs of a shard begin with.
    pub fn prefix(&self, shard: ShardId) -> String {
        format!("s{}-{}", shard.0, String::from_utf8_lossy(&self.number))
    }

    /// The shard that made a Call-ID; `None` for a Call-ID of anybody else.
    pub fn shard_of(&self, call_id: &[u8]) -> Option<ShardId> {
        let rest = call_id.strip_prefix(b"s")?;
        let digits = rest.iter().position(|byte| *byte == b'-').filter(|d| (1..=SHARD_DIGITS_MAX).contains(d))?;
        if !rest[digits + 1..].starts_with(&self.number) {
            return None;
        }
        let number = rest[..digits]
            .iter()
            .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0')));
        number.map(ShardId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mint_knows_its_own_call_ids_and_no_others() {
        let ours = Mint::of("192.0.2.1:5060".parse().unwrap());
        let theirs = Mint::of("192.0.2.1:5061".parse().unwrap());
        assert_ne!(ours, theirs);
        for shard in [0, 7, 12, 9_999] {
            let call_id = format!("{}abc", ours.prefix(ShardId(shard)));
            assert_eq!(ours.shard_of(call_id.as_bytes()), Some(ShardId(shard)));
            assert_eq!(theirs.shard_of(call_id.as_bytes()), None);
        }
        let number = ours.prefix(ShardId(0))[3..].to_string();
        for other in [format!("s-{number}x"), format!("s12345-{number}"), format!("sx-{number}"), format!("s1{number}")]
        {
            assert_eq!(ours.shard_of(other.as_bytes()), None, "{other}");
        }
        assert_eq!(ours.shard_of(b"s1-"), None);
        assert_eq!(ours.shard_of(b""), None);
    }
}
