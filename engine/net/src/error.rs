//! Why an engine did not start.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A fault of start-up; once an engine runs, faults are counted in its statistics instead.
#[derive(Debug)]
pub enum NetError {
    /// The configuration cannot work; says which part and why.
    Config(String),
    /// A socket could not be bound.
    Bind {
        /// What the socket is for.
        what: &'static str,
        /// Where it should have been.
        addr: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// Every port pair of the media range is taken.
    NoPorts {
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
        /// What the system said at the last try, if it was asked.
        error: Option<io::Error>,
    },
    /// The `ring` driver was asked for and cannot run here; says why and how to mend it.
    NoRing(String),
    /// The flight record cannot be begun.
    Flight {
        /// Its directory.
        dir: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Another call to the system failed.
    Os {
        /// Which call.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetError::Config(what) => f.write_str(what),
            NetError::Bind { what, addr, error } => write!(f, "cannot bind the {what} socket to {addr}: {error}"),
            NetError::NoPorts { first, last, error } => {
                write!(f, "no free RTP/RTCP port pair in {first}-{last}; give a wider range or end who holds them")?;
                error.as_ref().map_or(Ok(()), |error| write!(f, " (last answer: {error})"))
            }
            NetError::NoRing(why) => write!(f, "driver \"ring\" cannot run: {why}; or ask for \"auto\" or \"poll\""),
            NetError::Flight { dir, error } => {
                write!(
                    f,
                    "cannot begin the flight record in {}: {error}; give a directory we may write to",
                    dir.display()
                )
            }
            NetError::Os { what, error } => write!(f, "{what} failed: {error}"),
        }
    }
}

impl std::error::Error for NetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            NetError::Bind { error, .. } | NetError::Flight { error, .. } | NetError::Os { error, .. } => Some(error),
            NetError::NoPorts { error, .. } => error.as_ref().map(|error| error as _),
            NetError::Config(_) | NetError::NoRing(_) => None,
        }
    }
}
