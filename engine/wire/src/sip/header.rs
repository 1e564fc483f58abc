//! Header names, long and compact (RFC 3261 §7.3.3, §20; RFC 4028, RFC 3262, RFC 3326).

/// The headers we read by name; all others are [`HeaderName::Other`] and found with `header_named`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)] // each is the header of that name
pub enum HeaderName {
    Via,
    From,
    To,
    CallId,
    CSeq,
    Contact,
    MaxForwards,
    ContentLength,
    ContentType,
    RecordRoute,
    Route,
    Authorization,
    WwwAuthenticate,
    ProxyAuthenticate,
    ProxyAuthorization,
    Require,
    Supported,
    Unsupported,
    Allow,
    Expires,
    RetryAfter,
    Reason,
    UserAgent,
    Server,
    SessionExpires,
    MinSe,
    RSeq,
    RAck,
    Other,
}

/// Long names in the order of the enum; the last stands for all others and matches no header.
const LONG: [&str; 29] = [
    "Via",
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Contact",
    "Max-Forwards",
    "Content-Length",
    "Content-Type",
    "Record-Route",
    "Route",
    "Authorization",
    "WWW-Authenticate",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Require",
    "Supported",
    "Unsupported",
    "Allow",
    "Expires",
    "Retry-After",
    "Reason",
    "User-Agent",
    "Server",
    "Session-Expires",
    "Min-SE",
    "RSeq",
    "RAck",
    "(other)",
];

impl HeaderName {
    /// The name as we write it.
    pub const fn as_str(self) -> &'static str {
        LONG[self as usize]
    }

    /// Which header `name` (long or compact, any case) is.
    pub fn parse(name: &[u8]) -> HeaderName {
        use HeaderName as H;
        // Length and first letter leave at most two names to compare with.
        let lower = |at: usize| name[at].to_ascii_lowercase();
        let candidate = match name.len() {
            1 => {
                return match lower(0) {
                    b'v' => H::Via,
                    b'f' => H::From,
                    b't' => H::To,
                    b'i' => H::CallId,
                    b'm' => H::Contact,
                    b'l' => H::ContentLength,
                    b'c' => H::ContentType,
                    b'k' => H::Supported,
                    b'x' => H::SessionExpires,
                    _ => H::Other,
                };
            }
            2 => H::To,
            3 => H::Via,
            4 => match (lower(0), lower(1)) {
                (b'f', _) => H::From,
                (b'c', _) => H::CSeq,
                (b'r', b's') => H::RSeq,
                (b'r', _) => H::RAck,
                _ => H::Other,
            },
            5 => match lower(0) {
                b'r' => H::Route,
                b'a' => H::Allow,
                _ => H::Other,
            },
            6 => match lower(0) {
                b'r' => H::Reason,
                b's' => H::Server,
                b'm' => H::MinSe,
                _ => H::Other,
            },
            7 => match (lower(0), lower(1)) {
                (b'c', b'a') => H::CallId,
                (b'c', _) => H::Contact,
                (b'r', _) => H::Require,
                (b'e', _) => H::Expires,
                _ => H::Other,
            },
            9 => H::Supported,
            10 => H::UserAgent,
            11 => match lower(0) {
                b'u' => H::Unsupported,
                _ => H::RetryAfter,
            },
            12 => match (lower(0), lower(1)) {
                (b'm', _) => H::MaxForwards,
                (b'c', _) => H::ContentType,
                _ => H::RecordRoute,
            },
            13 => H::Authorization,
            14 => H::ContentLength,
            15 => H::SessionExpires,
            16 => H::WwwAuthenticate,
            18 => H::ProxyAuthenticate,
            19 => H::ProxyAuthorization,
            _ => H::Other,
        };
        if name.eq_ignore_ascii_case(candidate.as_str().as_bytes()) { candidate } else { H::Other }
    }

    /// One bit of a set of headers.
    pub(crate) const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// Comma-separated values of these are parted by `headers()`.
    pub(crate) const fn is_list(self) -> bool {
        matches!(self, HeaderName::Via | HeaderName::Contact | HeaderName::Route | HeaderName::RecordRoute)
    }

    /// May stand only once in a message (RFC 3261 §7.3.1).
    pub(crate) const fn is_single(self) -> bool {
        matches!(
            self,
            HeaderName::From
                | HeaderName::To
                | HeaderName::CallId
                | HeaderName::CSeq
                | HeaderName::MaxForwards
                | HeaderName::ContentLength
                | HeaderName::ContentType
                | HeaderName::Expires
        )
    }
}
