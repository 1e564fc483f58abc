//! Why a measurement could not be made, or cannot be trusted.

use std::fmt;

/// One line: what, where, how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl Fault {
    /// For `map_err`: what was being done when the system refused.
    pub(crate) fn during<E: fmt::Display>(what: &str) -> impl FnOnce(E) -> Fault {
        move |error| Fault(format!("{what}: {error}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl From<net::NetError> for Fault {
    fn from(error: net::NetError) -> Fault {
        Fault(error.to_string())
    }
}
