//! Digest authentication as a client (RFC 2617, RFC 7616, RFC 8760): MD5 and SHA-256, qop auth or none. The only module
//! that names the hash libraries.
//!
//! Who may be answered is decided here (realm, number of tries); which requests may carry credentials at all is decided
//! by their owners: first INVITEs and REGISTERs, nothing inside a dialog (CVE-2021-41158 is what happens else).

use crate::limits::DIGEST_TRIES_MAX;
use crate::types::Credentials;
use base::Stream;
use md5::Md5;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use wire::sip::{Algorithm, Challenge, HeaderName, Message, quoted};

/// A challenge that we can answer, kept so that its nonce serves the next request too.
#[derive(Clone, Debug)]
struct Answerable {
    realm: Vec<u8>,
    nonce: Vec<u8>,
    opaque: Option<Vec<u8>>,
    algorithm: Algorithm,
    algorithm_text: Option<Vec<u8>>,
    qop_auth: bool,
    /// How often the nonce was used (nc).
    used: u32,
}

/// What one INVITE or one registration knows about its challengers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Authenticator {
    /// From a 401: answered in Authorization.
    server: Option<Answerable>,
    /// From a 407: answered in Proxy-Authorization.
    proxy: Option<Answerable>,
    tries: u8,
}

impl Authenticator {
    /// A new request begins: it has its tries before it, with the nonces known so far.
    pub(crate) fn restart(&mut self) {
        self.tries = 0;
    }

    /// Takes the challenge of a 401 or 407. True when the request may be sent again with [`Authenticator::headers`].
    pub(crate) fn challenge(&mut self, response: &Message, credentials: &Credentials) -> bool {
        let proxy = response.code() == Some(407);
        let name = if proxy { HeaderName::ProxyAuthenticate } else { HeaderName::WwwAuthenticate };
        if self.tries >= DIGEST_TRIES_MAX {
            return false;
        }
        // RFC 8760 §2.3: the topmost challenge that we support.
        let Some((challenge, answerable)) =
            response.headers(name).filter_map(|value| Challenge::parse(value).ok()).find_map(|challenge| {
                Some((challenge, answerable(&challenge)?)).filter(|_| self.may(&challenge, credentials))
            })
        else {
            return false;
        };
        let place = if proxy { &mut self.proxy } else { &mut self.server };
        // The same nonce again means that our answer to it was wrong, and would be again.
        if place.as_ref().is_some_and(|before| before.used > 0 && before.nonce == challenge.nonce && !challenge.stale) {
            return false;
        }
        *place = Some(answerable);
        self.tries += 1;
        true
    }

    /// The realm must be the one the credentials are for, and the same as before: another realm is another asker.
    fn may(&self, challenge: &Challenge<'_>, credentials: &Credentials) -> bool {
        let same = |known: &Option<Answerable>| known.as_ref().is_none_or(|known| known.realm == challenge.realm);
        credentials.realm.as_ref().is_none_or(|realm| realm.as_bytes() == challenge.realm)
            && same(&self.server)
            && same(&self.proxy)
    }

    /// The header lines that answer the known challenges for one request; counts the use of each nonce.
    pub(crate) fn headers(
        &mut self,
        credentials: &Credentials,
        method: &str,
        uri: &str,
        random: &mut Stream,
    ) -> Vec<(&'static str, Vec<u8>)> {
        let places = [("Authorization", &mut self.server), ("Proxy-Authorization", &mut self.proxy)];
        let answers = places.into_iter().filter_map(|(name, place)| {
            let challenge = place.as_mut()?;
            challenge.used += 1;
            let client_nonce = random.token(16);
            Some((name, challenge.answer(credentials, method, uri, &client_nonce)))
        });
        answers.collect()
    }
}

/// `None` when the algorithm or all offered qop values are beyond us.
fn answerable(challenge: &Challenge<'_>) -> Option<Answerable> {
    let qop_auth = challenge.qop.is_some_and(|qop| qop.auth);
    if challenge.algorithm == Algorithm::Other || (challenge.qop.is_some() && !qop_auth) {
        return None;
    }
    Some(Answerable {
        realm: challenge.realm.to_vec(),
        nonce: challenge.nonce.to_vec(),
        opaque: challenge.opaque.map(<[u8]>::to_vec),
        algorithm: challenge.algorithm,
        algorithm_text: challenge.algorithm_text.map(<[u8]>::to_vec),
        qop_auth,
        used: 0,
    })
}

impl Answerable {
    /// The credentials header (RFC 7616 §3.4).
    fn answer(&self, credentials: &Credentials, method: &str, uri: &str, client_nonce: &str) -> Vec<u8> {
        let count = format!("{:08x}", self.used);
        let response = self.response(credentials, method, uri, client_nonce, &count);
        let mut out = b"Digest username=".to_vec();
        out.extend_from_slice(quoted(&credentials.username).as_bytes());
        let mut field = |name: &str, value: &[u8], quotes: &str| {
            let parts: [&[u8]; 6] = [b", ", name.as_bytes(), b"=", quotes.as_bytes(), value, quotes.as_bytes()];
            out.extend_from_slice(&parts.concat());
        };
        field("realm", &self.realm, "\"");
        field("nonce", &self.nonce, "\"");
        field("uri", uri.as_bytes(), "\"");
        field("response", response.as_bytes(), "\"");
        if let Some(name) = &self.algorithm_text {
            field("algorithm", name, "");
        }
        let session = matches!(self.algorithm, Algorithm::Md5Sess | Algorithm::Sha256Sess);
        if self.qop_auth || session {
            field("cnonce", client_nonce.as_bytes(), "\"");
        }
        if self.qop_auth {
            field("qop", b"auth", "");
            field("nc", count.as_bytes(), "");
        }
        if let Some(opaque) = &self.opaque {
            field("opaque", opaque, "\"");
        }
        out
    }

    /// RFC 7616 §3.4.1; without qop the form of RFC 2069.
    fn response(&self, credentials: &Credentials, method: &str, uri: &str, client_nonce: &str, count: &str) -> String {
        let hash = |parts: &[&[u8]]| self.hash(parts);
        let client_nonce = client_nonce.as_bytes();
        let mut secret = hash(&[credentials.username.as_bytes(), &self.realm, credentials.password.as_bytes()]);
        if matches!(self.algorithm, Algorithm::Md5Sess | Algorithm::Sha256Sess) {
            secret = hash(&[secret.as_bytes(), &self.nonce, client_nonce]);
        }
        let request = hash(&[method.as_bytes(), uri.as_bytes()]);
        if self.qop_auth {
            let parts: [&[u8]; 6] =
                [secret.as_bytes(), &self.nonce, count.as_bytes(), client_nonce, b"auth", request.as_bytes()];
            hash(&parts)
        } else {
            hash(&[secret.as_bytes(), &self.nonce, request.as_bytes()])
        }
    }

    /// Hex of the hash over the parts with colons between them.
    fn hash(&self, parts: &[&[u8]]) -> String {
        let text = parts.join(&b':');
        match self.algorithm {
            Algorithm::Sha256 | Algorithm::Sha256Sess => hex(&Sha256::digest(&text)),
            // `answerable` lets no other algorithm in.
            _ => hex(&Md5::digest(&text)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests;
