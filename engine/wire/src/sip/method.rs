//! Request methods.

use super::METHOD_BYTES_MAX;
use super::text::is_token;
use std::fmt;

/// The method of a request or of a CSeq. Case counts (RFC 3261 §7.1): `invite` is no INVITE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each name is its own explanation: RFC 3261, 3262, 3311, 3515, 6086, 6665, 3428, 3903
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Register,
    Prack,
    Update,
    Info,
    Refer,
    Notify,
    Subscribe,
    Message,
    Publish,
    Other(MethodName),
}

/// The bytes of a method we have no name for: a token of at most [`METHOD_BYTES_MAX`] bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MethodName {
    len: u8,
    bytes: [u8; METHOD_BYTES_MAX],
}

impl fmt::Debug for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl MethodName {
    /// The name; a token is ASCII, so the empty fallback never shows.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl Method {
    /// `None` when `name` is no token or longer than [`METHOD_BYTES_MAX`].
    pub fn parse(name: &[u8]) -> Option<Method> {
        Some(match name {
            b"INVITE" => Method::Invite,
            b"ACK" => Method::Ack,
            b"BYE" => Method::Bye,
            b"CANCEL" => Method::Cancel,
            b"OPTIONS" => Method::Options,
            b"REGISTER" => Method::Register,
            b"PRACK" => Method::Prack,
            b"UPDATE" => Method::Update,
            b"INFO" => Method::Info,
            b"REFER" => Method::Refer,
            b"NOTIFY" => Method::Notify,
            b"SUBSCRIBE" => Method::Subscribe,
            b"MESSAGE" => Method::Message,
            b"PUBLISH" => Method::Publish,
            _ => {
                if name.len() > METHOD_BYTES_MAX || !is_token(name) {
                    return None;
                }
                let mut bytes = [0; METHOD_BYTES_MAX];
                bytes[..name.len()].copy_from_slice(name);
                Method::Other(MethodName { len: name.len() as u8, bytes })
            }
        })
    }

    /// As it stands on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Method::Invite => "INVITE",
            Method::Ack => "ACK",
            Method::Bye => "BYE",
            Method::Cancel => "CANCEL",
            Method::Options => "OPTIONS",
            Method::Register => "REGISTER",
            Method::Prack => "PRACK",
            Method::Update => "UPDATE",
            Method::Info => "INFO",
            Method::Refer => "REFER",
            Method::Notify => "NOTIFY",
            Method::Subscribe => "SUBSCRIBE",
            Method::Message => "MESSAGE",
            Method::Publish => "PUBLISH",
            Method::Other(name) => name.as_str(),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
