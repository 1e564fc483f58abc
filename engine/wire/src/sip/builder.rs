//! Writing messages. What goes in can never add a line of its own: line ends and NULs of values become spaces.

use super::header::HeaderName;
use super::reason::reason_phrase;
use super::text::is_token_byte;

/// Writes one message; `finish` adds Content-Length and the body.
///
/// ```
/// let bytes = wire::sip::Builder::request("OPTIONS", "sip:a@192.0.2.1").header("Max-Forwards", "70").finish();
/// assert_eq!(bytes, b"OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
/// ```
#[derive(Debug, Clone)]
pub struct Builder {
    bytes: Vec<u8>,
    body: Vec<u8>,
}

/// Room for a usual INVITE with its headers; a longer message grows it.
const BYTES_USUAL: usize = 1_024;

impl Builder {
    /// A request line. Bytes of `method` and `uri` that would break the line are left out.
    pub fn request(method: &str, uri: &str) -> Builder {
        let mut bytes = Vec::with_capacity(BYTES_USUAL);
        bytes.extend(method.bytes().filter(|b| is_token_byte(*b)));
        bytes.push(b' ');
        bytes.extend(uri.bytes().filter(|b| !b.is_ascii_control() && *b != b' '));
        bytes.extend_from_slice(b" SIP/2.0\r\n");
        Builder { bytes, body: Vec::new() }
    }

    /// A status line. An empty `reason` becomes the usual phrase of the code.
    pub fn response(code: u16, reason: &str) -> Builder {
        let reason = if reason.is_empty() { reason_phrase(code) } else { reason };
        let mut bytes = Vec::with_capacity(BYTES_USUAL);
        bytes.extend_from_slice(b"SIP/2.0 ");
        bytes.extend_from_slice(code.to_string().as_bytes());
        bytes.push(b' ');
        push_clean(&mut bytes, reason.as_bytes());
        bytes.extend_from_slice(b"\r\n");
        Builder { bytes, body: Vec::new() }
    }

    /// One header line. CR, LF and NUL in `value` become spaces; a name that is no token, and Content-Length (which
    /// `finish` owns), are left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Builder {
        let sound = !name.is_empty() && name.bytes().all(is_token_byte);
        if sound && HeaderName::parse(name.as_bytes()) != HeaderName::ContentLength {
            self.bytes.extend_from_slice(name.as_bytes());
            self.bytes.extend_from_slice(b": ");
            push_clean(&mut self.bytes, value.as_ref());
            self.bytes.extend_from_slice(b"\r\n");
        }
        self
    }

    /// Sets the body and its Content-Type; a second call replaces the body but not the first type, so call it once.
    #[must_use]
    pub fn body(self, content_type: &str, body: &[u8]) -> Builder {
        let mut with_type = self.header("Content-Type", content_type);
        with_type.body = body.to_vec();
        with_type
    }

    /// The message's bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(b"Content-Length: ");
        self.bytes.extend_from_slice(self.body.len().to_string().as_bytes());
        self.bytes.extend_from_slice(b"\r\n\r\n");
        self.bytes.extend_from_slice(&self.body);
        self.bytes
    }
}

fn push_clean(out: &mut Vec<u8>, value: &[u8]) {
    out.extend(value.iter().map(|b| if matches!(b, b'\r' | b'\n' | 0) { b' ' } else { *b }));
}
