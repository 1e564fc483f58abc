//! The seed of a live run.

use crate::{NetError, sys};
use base::Seed;

/// 32 bytes from getrandom(2). Blocks only on a machine that has just booted and has no entropy yet.
pub fn seed() -> Result<Seed, NetError> {
    let mut bytes = [0; 32];
    sys::fill_random(&mut bytes).map_err(|error| NetError::Os { what: "getrandom", error })?;
    Ok(Seed::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_seeds_differ() {
        let draw = || super::seed().unwrap().stream("entropy test", 0).next_u64();
        assert_ne!(draw(), draw());
    }
}
