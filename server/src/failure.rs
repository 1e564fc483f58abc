//! How a command ends badly: one line on stderr, `error: what, where, how to mend it`, and an exit code.

use std::fmt;

/// A command's failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    line: String,
    code: u8,
}

impl Failure {
    /// The command was used wrongly: exit code 2.
    pub fn usage(place: &str, what: &str, mend: &str) -> Failure {
        Failure { line: format!("{place} {what}; {mend}"), code: 2 }
    }

    /// The command was used wrongly, with the whole line at hand: exit code 2.
    pub fn misuse(line: impl Into<String>) -> Failure {
        Failure { line: line.into(), code: 2 }
    }

    /// The command was right and did not succeed: exit code 1.
    pub fn failed(line: impl Into<String>) -> Failure {
        Failure { line: line.into(), code: 1 }
    }

    /// A file or folder could not be read or written: exit code 1.
    pub fn io(place: &str, error: std::io::Error) -> Failure {
        let mend = match error.kind() {
            std::io::ErrorKind::NotFound => "check the path",
            std::io::ErrorKind::PermissionDenied => "check its rights or name another place",
            std::io::ErrorKind::StorageFull => "make room or name another place",
            _ => "check that it can be read or written",
        };
        Failure::failed(format!("{error}, {place}, {mend}"))
    }

    /// 1 or 2.
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One line, whatever came from below.
        write!(f, "error: {}", self.line.replace(['\n', '\r'], " "))
    }
}

impl std::error::Error for Failure {}

impl From<store::StoreError> for Failure {
    fn from(error: store::StoreError) -> Failure {
        Failure::failed(error.to_string())
    }
}

impl From<crate::control::Refusal> for Failure {
    fn from(refusal: crate::control::Refusal) -> Failure {
        Failure::failed(refusal.to_string())
    }
}

impl From<net::NetError> for Failure {
    fn from(error: net::NetError) -> Failure {
        Failure::failed(error.to_string())
    }
}
