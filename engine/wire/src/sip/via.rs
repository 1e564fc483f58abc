//! Via values (RFC 3261 §20.42; RFC 3581 for rport).

use super::addr::host_port;
use super::params::Params;
use super::text::{find_unquoted, is_blank, is_token, port, trim};
use crate::Reject;

/// One Via value: `SIP/2.0/UDP host:port;branch=…`. The protocol's version is not judged here: a request of another
/// version is refused by its start line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, …, as written.
    pub transport: &'a [u8],
    /// sent-by host, IPv6 with its brackets.
    pub host: &'a [u8],
    /// sent-by port when given (5060 is meant when not, RFC 3261 §18.2.1).
    pub port: Option<u16>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Parses one value (part lists with [`super::split_commas`] first); blanks and folds round `/`, `;`, `=` and `:` are
    /// allowed.
    ///
    /// # Errors
    /// `Via` for anything that is not `name/version/transport host[:port]` with sound parameters.
    pub fn parse(value: &'a [u8]) -> Result<Via<'a>, Reject> {
        let value = trim(value);
        let mut parts = value.splitn(3, |b| *b == b'/');
        let name = trim(parts.next().unwrap_or_default());
        let version = trim(parts.next().ok_or(Reject::Via)?);
        let rest = trim(parts.next().ok_or(Reject::Via)?);
        let end = rest.iter().position(|b| is_blank(*b)).ok_or(Reject::Via)?;
        let transport = &rest[..end];
        if !is_token(name) || !is_token(version) || !is_token(transport) {
            return Err(Reject::Via);
        }
        let sent_by = &rest[end..];
        let end = find_unquoted(sent_by, |b| b == b';').unwrap_or(sent_by.len());
        let (host, port) = host_port(&sent_by[..end]).ok_or(Reject::Via)?;
        let params = Params::parse(&sent_by[end..]).map_err(|_| Reject::Via)?;
        Ok(Via { transport, host, port, params })
    }

    /// A parameter (any case): empty for a flag, quotes taken off.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        self.params.get(name)
    }

    /// The transaction's branch; `None` when absent or empty.
    pub fn branch(&self) -> Option<&'a [u8]> {
        self.param("branch").filter(|branch| !branch.is_empty())
    }

    /// The address the request really came from, as the next hop saw it.
    pub fn received(&self) -> Option<&'a [u8]> {
        self.param("received").filter(|host| !host.is_empty())
    }

    /// `None`: no rport. `Some(None)`: asked for (or unreadable). `Some(Some(port))`: filled in.
    pub fn rport(&self) -> Option<Option<u16>> {
        self.param("rport").map(port)
    }
}
