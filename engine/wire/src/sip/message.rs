//! One SIP message: its bytes and where the parts stand in them.

use super::addr::{NameAddr, Uri};
use super::header::HeaderName;
use super::method::Method;
use super::text::{Commas, is_blank, number, split_commas, trim};
use super::via::Via;
use super::{HEADER_BYTES_MAX, HEADERS_MAX, MESSAGE_BYTES_MAX, VIAS_MAX};
use crate::Reject;
use memchr::memchr;

/// A stretch of the message's bytes. `u16` holds any offset up to [`MESSAGE_BYTES_MAX`].
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u16,
    end: u16,
}

impl Span {
    /// Both ends are at most the length of the input, which parsing has checked against `MESSAGE_BYTES_MAX`.
    fn new(start: usize, end: usize) -> Span {
        Span { start: start as u16, end: end as u16 }
    }

    fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[usize::from(self.start)..usize::from(self.end)]
    }
}

#[derive(Debug, Clone, Copy)]
struct Header {
    kind: HeaderName,
    name: Span,
    /// Trimmed at both ends; folds inside are kept as they are.
    value: Span,
}

#[derive(Debug, Clone, Copy)]
enum Start {
    Request { method: Span, uri: Span, supported: bool },
    Response { code: u16, reason: Span },
}

/// A parsed request or response. Owns its bytes; all accessors borrow from them.
#[derive(Debug, Clone)]
pub struct Message {
    bytes: Vec<u8>,
    start: Start,
    headers: Vec<Header>,
    /// Which kinds stand here more than once.
    repeated: u32,
    body: Span,
    skipped_lines: u16,
}

/// First size of the header table: an INVITE of a trunk has 10 to 18 headers.
const HEADERS_USUAL: usize = 18;

impl Message {
    /// Parses one datagram. Without Content-Length the body goes to the end (RFC 3261 §18.3); bytes behind
    /// Content-Length are cut off; a Content-Length beyond the datagram is `Truncated`.
    ///
    /// Only what is needed to find the parts is judged here; see [`Message::validate`] for the rest.
    ///
    /// # Errors
    /// `Keepalive`, `TooLong`, `Truncated`, `StartLine`, `Method`, `StatusCode`, `TooManyHeaders`, `HeaderTooLong`,
    /// `ContentLength`.
    pub fn parse_datagram(bytes: &[u8]) -> Result<Message, Reject> {
        let (mut message, body_start) = Message::parse_head(bytes)?;
        let left = message.bytes.len() - body_start;
        let length = message.content_length()?.unwrap_or(left);
        if length > left {
            return Err(Reject::Truncated);
        }
        message.body = Span::new(body_start, body_start + length);
        Ok(message)
    }

    /// Head only, with an empty body: for a stateless 400 to a request that `parse_datagram` refused for its
    /// Content-Length.
    ///
    /// # Errors
    /// As `parse_datagram`, without `ContentLength` and its `Truncated`.
    pub fn parse_for_refusal(bytes: &[u8]) -> Result<Message, Reject> {
        Message::parse_head(bytes).map(|(message, _)| message)
    }

    fn parse_head(bytes: &[u8]) -> Result<(Message, usize), Reject> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(Reject::TooLong);
        }
        // RFC 3261 §7.5: line ends before the start line are ignored. Some phones keep a NAT open with NULs.
        let begin = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).ok_or(Reject::Keepalive)?;
        if bytes[begin..].iter().all(|b| *b == 0) {
            return Err(Reject::Keepalive);
        }
        let line_end = memchr(b'\n', &bytes[begin..]).ok_or(Reject::StartLine)? + begin;
        let start = parse_start(bytes, begin, line_end)?;
        let mut headers: Vec<Header> = Vec::with_capacity(HEADERS_USUAL);
        let (mut seen, mut repeated, mut skipped_lines) = (0u32, 0u32, 0u16);
        // Whether a folded line would belong to the last header of the table (and not to a skipped line).
        let mut open = false;
        let mut at = line_end + 1;
        let body_start = loop {
            // A head may end with the datagram, but only after a whole line.
            if at >= bytes.len() {
                break bytes.len();
            }
            let line_end = memchr(b'\n', &bytes[at..]).ok_or(Reject::Truncated)? + at;
            let line = &bytes[at..line_end];
            let next = line_end + 1;
            match line {
                [] | [b'\r'] => break next,
                [b' ' | b'\t', ..] => {
                    if let (true, Some(header)) = (open, headers.last_mut()) {
                        extend(header, bytes, at, line_end)?;
                    } else {
                        skipped_lines = skipped_lines.saturating_add(1);
                    }
                }
                _ => match parse_header(bytes, at, line_end)? {
                    Some(header) => {
                        if headers.len() == HEADERS_MAX {
                            return Err(Reject::TooManyHeaders);
                        }
                        repeated |= seen & header.kind.bit();
                        seen |= header.kind.bit();
                        headers.push(header);
                        open = true;
                    }
                    None => {
                        skipped_lines = skipped_lines.saturating_add(1);
                        open = false;
                    }
                },
            }
            at = next;
        };
        let body = Span::new(body_start, body_start);
        Ok((Message { bytes: bytes.to_vec(), start, headers, repeated, body, skipped_lines }, body_start))
    }

    /// `None` when absent. Twice the same value is tolerated, two values are not: nobody could know which bytes are ours.
    fn content_length(&self) -> Result<Option<usize>, Reject> {
        let mut found = None;
        for value in self.lines(HeaderName::ContentLength) {
            let length = number(value).and_then(|n| usize::try_from(n).ok()).ok_or(Reject::ContentLength)?;
            if found.is_some_and(|before| before != length) {
                return Err(Reject::ContentLength);
            }
            found = Some(length);
        }
        Ok(found)
    }

    /// Checks what RFC 3261 §8.1.1 asks of every message: version, Via, From, To, Call-ID, CSeq present once and
    /// readable, CSeq's method the request's, a readable Request-URI, at most [`VIAS_MAX`] Via values. Max-Forwards may be
    /// missing (old peers). A request that fails is to be answered 400 (505 for `Version`), a response dropped.
    ///
    /// # Errors
    /// `Version`, `Missing`, `Duplicate`, `Malformed`, `MethodMismatch`, `Uri`, `TooManyVias`.
    pub fn validate(&self) -> Result<(), Reject> {
        use HeaderName as H;
        if matches!(self.start, Start::Request { supported: false, .. }) {
            return Err(Reject::Version);
        }
        self.single(H::CallId)?;
        self.single(H::CSeq)?;
        for (name, parsed) in [(H::From, self.from()), (H::To, self.to())] {
            parsed.map_err(|reject| if reject == Reject::NameAddr { Reject::Malformed(name) } else { reject })?;
        }
        if self.repeated & H::MaxForwards.bit() != 0 {
            return Err(Reject::Duplicate(H::MaxForwards));
        }
        self.top_via().map_err(|reject| if reject == Reject::Via { Reject::Malformed(H::Via) } else { reject })?;
        if self.headers(H::Via).nth(VIAS_MAX).is_some() {
            return Err(Reject::TooManyVias);
        }
        if self.call_id().is_none_or(<[u8]>::is_empty) {
            return Err(Reject::Malformed(H::CallId));
        }
        let (_, method) = self.cseq().ok_or(Reject::Malformed(H::CSeq))?;
        if let Some(uri) = self.request_uri() {
            if Some(method) != self.method() {
                return Err(Reject::MethodMismatch);
            }
            Uri::parse(uri)?;
        }
        Ok(())
    }

    /// True for a request, false for a response.
    pub fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// The request's method; `None` for a response.
    pub fn method(&self) -> Option<Method> {
        match self.start {
            Start::Request { method, .. } => Method::parse(method.of(&self.bytes)),
            Start::Response { .. } => None,
        }
    }

    /// The Request-URI as written; `None` for a response.
    pub fn request_uri(&self) -> Option<&[u8]> {
        match self.start {
            Start::Request { uri, .. } => Some(uri.of(&self.bytes)),
            Start::Response { .. } => None,
        }
    }

    /// The response's code, 100..=699; `None` for a request.
    pub fn code(&self) -> Option<u16> {
        match self.start {
            Start::Response { code, .. } => Some(code),
            Start::Request { .. } => None,
        }
    }

    /// The response's reason phrase, which may be empty; `None` for a request.
    pub fn reason(&self) -> Option<&[u8]> {
        match self.start {
            Start::Response { reason, .. } => Some(reason.of(&self.bytes)),
            Start::Request { .. } => None,
        }
    }

    /// The first value of a header: trimmed, folds kept (see [`super::unfold`]). For Via, Contact, Route and Record-Route
    /// the first value of the first line. `HeaderName::Other` gives `None`.
    pub fn header(&self, name: HeaderName) -> Option<&[u8]> {
        self.headers(name).next()
    }

    /// Every value of a header in order. Via, Contact, Route and Record-Route are parted at their commas; of all others
    /// each line is one value. `HeaderName::Other` gives nothing.
    pub fn headers(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.lines(name).flat_map(move |line| {
            let (list, line) = if name.is_list() { (Some(line), None) } else { (None, Some(line)) };
            line.into_iter().chain(Commas { rest: list })
        })
    }

    /// The comma-separated tokens of all lines of a header, as in Require, Supported and Allow.
    pub fn tokens(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.lines(name).flat_map(split_commas)
    }

    /// Any header by its name (any case, long or compact): the first line's value.
    pub fn header_named(&self, name: &str) -> Option<&[u8]> {
        let kind = HeaderName::parse(name.as_bytes());
        self.headers
            .iter()
            .find(|h| {
                h.kind == kind
                    && (kind != HeaderName::Other || h.name.of(&self.bytes).eq_ignore_ascii_case(name.as_bytes()))
            })
            .map(|h| h.value.of(&self.bytes))
    }

    /// All header lines in order: kind, name as written, value.
    pub fn all_headers(&self) -> impl Iterator<Item = (HeaderName, &[u8], &[u8])> {
        self.headers.iter().map(|h| (h.kind, h.name.of(&self.bytes), h.value.of(&self.bytes)))
    }

    fn lines(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.headers
            .iter()
            .filter(move |h| h.kind == name && name != HeaderName::Other)
            .map(|h| h.value.of(&self.bytes))
    }

    /// A header that holds one number and perhaps parameters behind it (Expires, Max-Forwards, Retry-After,
    /// Session-Expires, Min-SE, RSeq). Too large becomes `u32::MAX`; not a number is `None`.
    pub fn number(&self, name: HeaderName) -> Option<u32> {
        let value = self.header(name)?;
        let end = value.iter().position(|b| !b.is_ascii_digit()).unwrap_or(value.len());
        let follows = value.get(end).is_none_or(|b| is_blank(*b) || matches!(b, b';' | b'('));
        let parsed = number(&value[..end]).filter(|_| follows)?;
        Some(u32::try_from(parsed).unwrap_or(u32::MAX))
    }

    /// The body, cut to Content-Length.
    pub fn body(&self) -> &[u8] {
        self.body.of(&self.bytes)
    }

    /// The datagram as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Lines of the head that were no headers and were skipped.
    pub fn skipped_lines(&self) -> u16 {
        self.skipped_lines
    }

    /// `Err` when the header is absent or stands more than once.
    fn single(&self, name: HeaderName) -> Result<&[u8], Reject> {
        debug_assert!(name.is_single());
        if self.repeated & name.bit() != 0 {
            return Err(Reject::Duplicate(name));
        }
        self.header(name).ok_or(Reject::Missing(name))
    }

    /// `None` when absent or given more than once.
    pub fn call_id(&self) -> Option<&[u8]> {
        self.single(HeaderName::CallId).ok()
    }

    /// Number and method. `None` when absent, given more than once, or the number does not fit 32 bits.
    pub fn cseq(&self) -> Option<(u32, Method)> {
        let value = self.single(HeaderName::CSeq).ok()?;
        let end = value.iter().position(|b| is_blank(*b))?;
        let sequence = u32::try_from(number(&value[..end])?).ok()?;
        Some((sequence, Method::parse(trim(&value[end..]))?))
    }

    /// # Errors
    /// `Missing`, `Duplicate`, or as [`NameAddr::parse`].
    pub fn from(&self) -> Result<NameAddr<'_>, Reject> {
        NameAddr::parse(self.single(HeaderName::From)?)
    }

    /// # Errors
    /// `Missing`, `Duplicate`, or as [`NameAddr::parse`].
    pub fn to(&self) -> Result<NameAddr<'_>, Reject> {
        NameAddr::parse(self.single(HeaderName::To)?)
    }

    /// The first Contact; `None` when absent. `Contact: *` is an error here; compare `header` for it.
    pub fn contact(&self) -> Option<Result<NameAddr<'_>, Reject>> {
        self.header(HeaderName::Contact).map(NameAddr::parse)
    }

    /// # Errors
    /// `Missing`, or as [`Via::parse`].
    pub fn top_via(&self) -> Result<Via<'_>, Reject> {
        Via::parse(self.header(HeaderName::Via).ok_or(Reject::Missing(HeaderName::Via))?)
    }
}

/// Start and end of `bytes[start..end]` without blanks at both ends.
fn trim_span(bytes: &[u8], mut start: usize, mut end: usize) -> (usize, usize) {
    while start < end && is_blank(bytes[start]) {
        start += 1;
    }
    while end > start && is_blank(bytes[end - 1]) {
        end -= 1;
    }
    (start, end)
}

fn is_version(bytes: &[u8]) -> bool {
    bytes.len() >= 5 && bytes[..4].eq_ignore_ascii_case(b"SIP/")
}

/// The line `bytes[from..to]` (no LF): `Method SP URI SP SIP/2.0` or `SIP/2.0 SP code SP reason`.
fn parse_start(bytes: &[u8], from: usize, to: usize) -> Result<Start, Reject> {
    let (from, to) = trim_span(bytes, from, to);
    let line = &bytes[from..to];
    let first_end = from + memchr(b' ', line).ok_or(Reject::StartLine)?;
    let first = &bytes[from..first_end];
    if is_version(first) {
        if !first.eq_ignore_ascii_case(b"SIP/2.0") {
            return Err(Reject::Version);
        }
        let (code_start, _) = trim_span(bytes, first_end, to);
        let code_end = memchr(b' ', &bytes[code_start..to]).map_or(to, |at| code_start + at);
        let code = number(&bytes[code_start..code_end]).ok_or(Reject::StartLine)?;
        let code = u16::try_from(code).ok().filter(|c| (100..=699).contains(c)).ok_or(Reject::StatusCode)?;
        let (reason_start, reason_end) = trim_span(bytes, code_end, to);
        return Ok(Start::Response { code, reason: Span::new(reason_start, reason_end) });
    }
    let version_start = from + memchr::memrchr(b' ', line).ok_or(Reject::StartLine)? + 1;
    let version = &bytes[version_start..to];
    let (uri_start, uri_end) = trim_span(bytes, first_end, version_start);
    if !is_version(version) || uri_start == uri_end {
        return Err(Reject::StartLine);
    }
    Method::parse(first).ok_or(Reject::Method)?;
    let supported = version.eq_ignore_ascii_case(b"SIP/2.0");
    Ok(Start::Request { method: Span::new(from, first_end), uri: Span::new(uri_start, uri_end), supported })
}

/// The line `bytes[from..to]` (no LF); `None` when it is no header and is to be skipped.
fn parse_header(bytes: &[u8], from: usize, to: usize) -> Result<Option<Header>, Reject> {
    if to - from > HEADER_BYTES_MAX {
        return Err(Reject::HeaderTooLong);
    }
    let Some(colon) = memchr(b':', &bytes[from..to]) else { return Ok(None) };
    let (name_start, name_end) = trim_span(bytes, from, from + colon);
    if name_start == name_end {
        return Ok(None);
    }
    let (value_start, value_end) = trim_span(bytes, from + colon + 1, to);
    let kind = HeaderName::parse(&bytes[name_start..name_end]);
    Ok(Some(Header { kind, name: Span::new(name_start, name_end), value: Span::new(value_start, value_end) }))
}

/// Adds the folded line `bytes[from..to]` to the header before it. Looks only at the new line, so many folds stay linear.
fn extend(header: &mut Header, bytes: &[u8], from: usize, to: usize) -> Result<(), Reject> {
    if to - usize::from(header.name.start) > HEADER_BYTES_MAX {
        return Err(Reject::HeaderTooLong);
    }
    let (start, end) = trim_span(bytes, from, to);
    if start < end {
        let old = header.value;
        let empty = old.start == old.end;
        header.value = if empty { Span::new(start, end) } else { Span { end: end as u16, ..old } };
    }
    Ok(())
}

/// The Call-ID of a datagram without a full parse, to choose the shard that owns it: first `Call-ID:` or `i:` line of
/// the head, trimmed. `None` when there is none before the empty line. A folded value is cut at its first line.
pub fn peek_call_id(datagram: &[u8]) -> Option<&[u8]> {
    let begin = datagram.iter().position(|b| !matches!(b, b'\r' | b'\n'))?;
    let mut rest = &datagram[begin..];
    while let Some(end) = memchr(b'\n', rest) {
        rest = &rest[end + 1..];
        match rest {
            [] | [b'\n', ..] | [b'\r', b'\n', ..] => return None,
            // A stray CR in front of a name is passed over by the parser, too.
            [b'c' | b'C' | b'i' | b'I' | b'\r', ..] => {
                let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
                if let Some(colon) = memchr(b':', line)
                    && HeaderName::parse(trim(&line[..colon])) == HeaderName::CallId
                {
                    return Some(trim(&line[colon + 1..]));
                }
            }
            _ => {}
        }
    }
    None
}
