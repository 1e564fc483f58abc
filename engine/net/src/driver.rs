//! Which of the two drivers an engine runs on (ADR-0005).

use std::fmt;
use std::str::FromStr;

/// Which driver is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DriverChoice {
    /// `ring` where the kernel and its rules allow it, else `poll`.
    #[default]
    Auto,
    /// `ring` or no start.
    Ring,
    /// `poll`.
    Poll,
}

/// Which driver runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DriverKind {
    /// io_uring.
    Ring,
    /// epoll.
    #[default]
    Poll,
}

impl fmt::Display for DriverKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DriverKind::Ring => "ring",
            DriverKind::Poll => "poll",
        })
    }
}

impl fmt::Display for DriverChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DriverChoice::Auto => "auto",
            DriverChoice::Ring => "ring",
            DriverChoice::Poll => "poll",
        })
    }
}

impl FromStr for DriverChoice {
    type Err = String;
    fn from_str(text: &str) -> Result<DriverChoice, String> {
        match text {
            "auto" => Ok(DriverChoice::Auto),
            "ring" => Ok(DriverChoice::Ring),
            "poll" => Ok(DriverChoice::Poll),
            other => Err(format!("no driver {other:?}; there are auto, ring and poll")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for choice in [DriverChoice::Auto, DriverChoice::Ring, DriverChoice::Poll] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        assert!("epoll".parse::<DriverChoice>().unwrap_err().contains("auto, ring and poll"));
        assert_eq!(DriverKind::Ring.to_string(), "ring");
    }
}
