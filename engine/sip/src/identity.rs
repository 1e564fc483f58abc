//! What a BYE needs when this process is gone: kept in the CDR, so that a restarted node can end orphans.

use crate::dialog::Dialog;
use std::net::SocketAddr;
use wire::sip::NameAddr;

/// The state of an answered dialog that goes into its requests (RFC 3261 §12.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogIdentity {
    /// Call-ID.
    pub call_id: String,
    /// Our URI (From of our requests).
    pub local_uri: String,
    /// Our tag.
    pub local_tag: String,
    /// The peer's URI (To of our requests).
    pub remote_uri: String,
    /// The peer's tag.
    pub remote_tag: String,
    /// The peer's Contact: Request-URI of our requests.
    pub remote_target: String,
    /// Route headers in the order of sending.
    pub route_set: Vec<String>,
    /// The CSeq number that we used last.
    pub local_cseq: u32,
    /// Where requests go when no route names an address.
    pub peer: SocketAddr,
}

impl DialogIdentity {
    pub(crate) fn of(dialog: &Dialog) -> DialogIdentity {
        let line = &dialog.line;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let uri = |value: &[u8]| NameAddr::parse(value).map_or_else(|_| text(value), |address| text(address.uri));
        DialogIdentity {
            call_id: text(&line.call_id),
            local_uri: uri(&line.local),
            local_tag: dialog.local_tag.clone(),
            remote_uri: uri(&line.remote),
            remote_tag: text(&line.remote_tag),
            remote_target: line.target.clone(),
            route_set: line.routes.clone(),
            local_cseq: dialog.local_sequence,
            peer: line.fallback,
        }
    }
}
