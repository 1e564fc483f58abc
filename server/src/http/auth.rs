//! Who asks, and may they? Tokens and logins are looked up by their hash and believed for a few seconds.
//!
//! ```text
//!  Authorization: Bearer op_… ──> api_token ─┐
//!  Cookie: outpace_login=ol_… ──> login ─────┴─> Holder {role, …} ──> role enough? ──> handler
//!        └─ a change needs X-Outpace-Console: 1 as well
//! ```
//!
//! **Invariants.** A bearer token counts before a cookie. A cookie alone changes nothing: a page elsewhere can make a
//! browser send the cookie, but not the header, for which the browser would ask us first and get no answer. That holds
//! whatever a proxy does to `Origin` and `Host`. A login lives no longer than its token or account.

use super::limits::{
    Bucket, Failures, LOGIN_IDLE, LOGIN_LIFE, STRANGER_RATE, TOKEN_LIFE, TOKEN_RATE, TOKENS_CACHED_MAX, address_key,
};
use super::problem::Problem;
use super::routes::{Access, access};
use super::{Service, changes, login};
use crate::token::{Role, TokenHash};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base::WallTime;
use dashmap::DashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{ErrorKind, LoginId, LoginOf, Store, StoreError, TokenId};

/// How exactly the last use of a token or login is written down: to the minute.
const TOUCH_EVERY_US: i64 = 60_000_000;

/// The cookie that holds a login's secret.
pub(super) const LOGIN_COOKIE: &str = "outpace_login";
/// The header that a change by cookie must bring, with the value `1`.
pub(super) const CONSOLE_HEADER: HeaderName = HeaderName::from_static("x-outpace-console");

/// Whoever is behind a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// The token or account in the store.
    pub(super) of: LoginOf,
    /// The login that the request came by; `None` with a bearer token.
    pub(super) login: Option<Login>,
    /// The name of the token or account.
    pub(super) name: String,
    /// What the holder may do.
    pub(super) role: Role,
    /// The agent whom the account is bound to.
    pub(super) agent: Option<String>,
}

/// The part of a holder that a login adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Login {
    /// Its id in the store.
    pub(super) id: LoginId,
    /// When it ends at the latest.
    pub(super) ends_us: i64,
}

impl Holder {
    /// Under which the holder's idempotency keys are kept: the id of the token, or one far beyond those of tokens.
    pub(super) fn key(&self) -> TokenId {
        match self.of {
            LoginOf::Token(token) => token,
            LoginOf::Account(account) => TokenId(1 << 62 | account.0),
        }
    }

    /// Whether what is done for an agent of this name is the holder's to do: an agent's own account does it for that
    /// agent alone.
    pub(super) fn may_act_for(&self, agent: &str) -> bool {
        self.role != Role::Agent || self.agent.as_ref().is_none_or(|own| own == agent)
    }

    /// For the audit log.
    pub(super) fn detail(&self) -> String {
        let who = match self.of {
            LoginOf::Token(token) => format!("\"token\":{}", token.0),
            LoginOf::Account(account) => format!("\"account\":{}", account.0),
        };
        let login = self.login.map(|login| format!(",\"login\":{}", login.id.0)).unwrap_or_default();
        format!("{{{who}{login},\"role\":\"{}\"}}", self.role.name())
    }
}

/// The address that a connection came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

impl Peer {
    /// That of a request; requests without a connection are tests' own.
    pub(super) fn of(peer: Option<&Peer>) -> IpAddr {
        peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0)
    }
}

/// What a request shows to say whose it is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// A token in the Authorization header.
    Bearer(TokenHash),
    /// A login's secret in the cookie.
    Cookie(TokenHash),
}

impl Credential {
    fn hash(&self) -> &TokenHash {
        match self {
            Credential::Bearer(hash) | Credential::Cookie(hash) => hash,
        }
    }

    /// That of a request; why not, if there is none.
    pub(super) fn of(headers: &HeaderMap) -> Result<Credential, &'static str> {
        if headers.contains_key(AUTHORIZATION) {
            return bearer(headers).map(Credential::Bearer);
        }
        match cookie(headers) {
            Some(secret) => TokenHash::of_login(secret).map(Credential::Cookie).ok_or("this is no login, log in again"),
            None => Err("no token, send Authorization: Bearer TOKEN, or log in"),
        }
    }
}

/// The token of a request, by its hash; why not, if there is none.
fn bearer(headers: &HeaderMap) -> Result<TokenHash, &'static str> {
    let value = headers.get(AUTHORIZATION).ok_or("no token, send Authorization: Bearer TOKEN")?;
    let text = value.to_str().map_err(|_| "the Authorization header is no text, send Bearer TOKEN")?;
    let (scheme, token) = text.split_once(' ').ok_or("the Authorization header is not Bearer TOKEN")?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err("the Authorization header is of another scheme, send Bearer TOKEN");
    }
    TokenHash::of(token.trim()).ok_or("this is no token, make one with outpace token create")
}

/// The login's cookie (RFC 6265 section 4.2.1: pairs with semicolons between, perhaps over several headers).
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == LOGIN_COOKIE).map(|(_, value)| value)
}

/// Tokens and logins that have been valid in this process, and the addresses that brought others. The map's guards are
/// dropped on the line that takes them.
pub(super) struct Tokens {
    known: DashMap<TokenHash, Known>,
    pub(super) strangers: Failures,
}

struct Known {
    holder: Arc<Holder>,
    checked: Instant,
    /// The last use, of logins: what is cached ends when it was idle for too long, too.
    used: WallTime,
    bucket: Bucket,
}

impl Tokens {
    pub(super) fn new() -> Tokens {
        Tokens { known: DashMap::new(), strangers: Failures::new(STRANGER_RATE) }
    }

    /// A token or account was withdrawn or changed here: it and its logins are looked up anew at once.
    pub(super) fn forget(&self, of: LoginOf) {
        self.known.retain(|_, known| known.holder.of != of);
    }

    /// A login was ended here.
    pub(super) fn forget_login(&self, login: LoginId) {
        self.known.retain(|_, known| known.holder.login.is_none_or(|known| known.id != login));
    }

    pub(super) fn remember(&self, hash: TokenHash, holder: Arc<Holder>, now: Instant, used: WallTime) {
        if let Some(mut known) = self.known.get_mut(&hash) {
            known.holder = holder;
            known.checked = now;
            known.used = used;
            return;
        }
        if self.known.len() >= TOKENS_CACHED_MAX {
            self.known.retain(|_, known| now.saturating_duration_since(known.checked) < TOKEN_LIFE);
        }
        if self.known.len() < TOKENS_CACHED_MAX {
            let bucket = Bucket::new(TOKEN_RATE, now);
            self.known.insert(hash, Known { holder, checked: now, used, bucket });
        }
    }
}

/// Whether a login that was last used at `used` and ends at `ends_us` still opens something.
fn in_use(used: WallTime, ends_us: i64, now: WallTime) -> bool {
    let idle_us = now.as_unix_us().saturating_sub(used.as_unix_us());
    idle_us < us(LOGIN_IDLE) && now.as_unix_us() < ends_us
}

/// A span in microseconds.
pub(super) fn us(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

impl Service {
    /// The holder of a token or login, looked up anew if that is due. Only a `use_of_it` keeps a login open: an event
    /// stream that asks whether its login still holds is none.
    pub(super) async fn holder(
        &self,
        shown: &Credential,
        from: IpAddr,
        use_of_it: bool,
    ) -> Result<Arc<Holder>, Problem> {
        let (now, at) = (Instant::now(), self.wall_now());
        let hash = shown.hash();
        let cached = self.tokens.known.get(hash).map(|known| (known.holder.clone(), known.checked, known.used));
        // One that was idle for too long is not believed, however lately it was looked up.
        let cached =
            cached.filter(|(holder, _, used)| holder.login.is_none_or(|login| in_use(*used, login.ends_us, at)));
        if let Some((holder, checked, _)) = &cached
            && now.saturating_duration_since(*checked) < TOKEN_LIFE
        {
            if use_of_it
                && holder.login.is_some()
                && let Some(mut known) = self.tokens.known.get_mut(hash)
            {
                known.used = at;
            }
            return Ok(holder.clone());
        }
        if cached.is_none() {
            self.stranger(from, now)?;
        }
        let (wanted, tenant) = (shown.clone(), self.tenant);
        let found = self.store(move |store| match &wanted {
            Credential::Bearer(hash) => token_holder(store, hash, at, use_of_it),
            Credential::Cookie(hash) => login_holder(store, hash, at, use_of_it),
        });
        let found = match (found.await, cached) {
            (Ok(found), cached) => found.filter(|found| found.tenant == tenant).map(|found| {
                let before = cached.map_or(found.used, |(.., used)| used.max(found.used));
                (Arc::new(found.holder), if use_of_it { at } else { before })
            }),
            // With the store away nobody can withdraw a token either, and those who are known must be able to look.
            (Err(_), Some((holder, ..))) => return Ok(holder),
            (Err(problem), None) => return Err(problem),
        };
        match found {
            Some((holder, used)) => {
                self.tokens.remember(hash.clone(), holder.clone(), now, used);
                Ok(holder)
            }
            None => {
                self.tokens.known.remove(hash);
                self.tokens.strangers.failed(address_key(from), now);
                Err(Problem::unauthenticated(match shown {
                    Credential::Bearer(_) => "this token is not known or was withdrawn, make a new one",
                    Credential::Cookie(_) => "this login has ended, log in again",
                }))
            }
        }
    }

    /// Refuses an address that has failed too often.
    fn stranger(&self, from: IpAddr, now: Instant) -> Result<(), Problem> {
        self.tokens.strangers.may_try(address_key(from), now).map_err(|seconds| {
            let rate = STRANGER_RATE.per_s;
            Problem::too_many(format!("more than {rate} requests a second without a valid token, wait"), seconds)
        })
    }

    /// The holder of what a request shows, who may ask so often.
    pub(super) async fn authenticate(
        &self,
        shown: Result<Credential, &'static str>,
        from: IpAddr,
    ) -> Result<(Credential, Arc<Holder>), Problem> {
        let shown = match shown {
            Ok(shown) => shown,
            Err(why) => {
                let now = Instant::now();
                self.stranger(from, now)?;
                self.tokens.strangers.failed(address_key(from), now);
                return Err(Problem::unauthenticated(why));
            }
        };
        let holder = self.holder(&shown, from, true).await?;
        let now = Instant::now();
        let taken = self.tokens.known.get_mut(shown.hash()).map(|mut known| known.bucket.take(TOKEN_RATE, now));
        if let Some(Err(seconds)) = taken {
            let rate = TOKEN_RATE.per_s;
            return Err(Problem::too_many(
                format!("more than {rate} requests a second with this token, wait"),
                seconds,
            ));
        }
        Ok((shown, holder))
    }
}

/// What the store knows of a token or login.
struct Found {
    /// Whose rows it opens.
    tenant: store::TenantId,
    holder: Holder,
    /// When it was used last.
    used: WallTime,
}

fn token_holder(store: &Store, hash: &TokenHash, at: WallTime, use_of_it: bool) -> Result<Option<Found>, StoreError> {
    let Some(row) = store.token_by_hash(hash.as_str())? else { return Ok(None) };
    if use_of_it
        && row.last_used_at.is_none_or(|before| at.as_unix_us() - before.as_unix_us() >= TOUCH_EVERY_US)
        && let Err(error) = store.touch_token(row.tenant, row.token, at)
    {
        tracing::debug!(%error, "the use of a token was not written down");
    }
    let holder = Role::named(&row.role).map(|role| Holder {
        of: LoginOf::Token(row.token),
        login: None,
        name: row.name,
        role,
        agent: None,
    });
    Ok(holder.map(|holder| Found { tenant: row.tenant, holder, used: at }))
}

/// The same of a login; one that is over is taken away.
fn login_holder(store: &Store, hash: &TokenHash, at: WallTime, use_of_it: bool) -> Result<Option<Found>, StoreError> {
    let Some(row) = store.login_by_hash(hash.as_str())? else { return Ok(None) };
    let ends_us = row.created_at.as_unix_us().saturating_add(us(LOGIN_LIFE));
    if !in_use(row.last_used_at, ends_us, at) {
        // Another request may have found it over as well.
        return match store.end_login(row.tenant, row.of, row.login) {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(None),
        };
    }
    if use_of_it
        && at.as_unix_us() - row.last_used_at.as_unix_us() >= TOUCH_EVERY_US
        && let Err(error) = store.touch_login(row.tenant, row.login, at)
    {
        tracing::debug!(%error, "the use of a login was not written down");
    }
    let login = Some(Login { id: row.login, ends_us });
    let holder =
        Role::named(&row.role).map(|role| Holder { of: row.of, login, name: row.name, role, agent: row.agent });
    Ok(holder.map(|holder| Found { tenant: row.tenant, holder, used: row.last_used_at }))
}

/// Stands before every operation: authenticates, checks the role, and hands changes to [`changes::run`].
pub(super) async fn guard(State(service): State<Arc<Service>>, mut request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let path = service.below_base(&matched).to_owned();
    let role = match access(request.method(), &path) {
        Some(Access::Public) => return next.run(request).await,
        Some(Access::From(role)) => role,
        None => {
            tracing::error!(method = %request.method(), path, "an operation has no role in the table");
            return Problem::forbidden("nobody may do this: the operation has no role").into_response();
        }
    };
    let from = Peer::of(request.extensions().get::<Peer>());
    let shown = Credential::of(request.headers());
    let by_cookie = matches!(shown, Ok(Credential::Cookie(_)));
    let (shown, holder) = match service.authenticate(shown, from).await {
        Ok(known) => known,
        Err(problem) => {
            let over = by_cookie && problem.status == 401;
            let mut response = problem.into_response();
            if over {
                response.headers_mut().append(SET_COOKIE, login::no_cookie(&service));
            }
            return response;
        }
    };
    if holder.role < role {
        let detail = format!("this needs the role {}, {:?} has {}", role.name(), holder.name, holder.role.name());
        return Problem::forbidden(detail).into_response();
    }
    let said = request.headers().get(&CONSOLE_HEADER).is_some_and(|value| value == "1");
    if by_cookie && !request.method().is_safe() && !said {
        let detail = "a change by cookie needs the header X-Outpace-Console: 1, send it, or a bearer token";
        return Problem::forbidden(detail).into_response();
    }
    request.extensions_mut().insert(holder.clone());
    request.extensions_mut().insert(shown);
    if request.method().is_safe() {
        next.run(request).await
    } else {
        changes::run(service, holder, path, request, next).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Token;
    use axum::http::HeaderValue;

    fn with(pairs: &[(&'static str, &str)]) -> Result<Credential, &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Credential::of(&headers)
    }

    #[test]
    fn only_a_bearer_token_is_taken() {
        let token = Token::generate().unwrap();
        let authorized = |value: &str| with(&[("authorization", value)]);
        assert!(authorized(&format!("bearer  {}", token.reveal())).is_ok());
        for wrong in ["", "Bearer", "Bearer x", &format!("Basic {}", token.reveal()), token.reveal()] {
            assert!(authorized(wrong).is_err(), "{wrong}");
        }
        assert!(with(&[]).is_err());
    }

    #[test]
    fn a_login_is_taken_from_its_cookie_alone_and_a_bearer_token_counts_before_it() {
        let (token, login) = (Token::generate().unwrap(), Token::of_login().unwrap());
        let pair = format!("theme=dark; outpace_login={}; a", login.reveal());
        let is = |shown: Result<Credential, &'static str>, wanted: Credential| shown.is_ok_and(|shown| shown == wanted);
        assert!(is(with(&[("cookie", &pair)]), Credential::Cookie(login.hash())));
        assert!(is(with(&[("cookie", "x=y"), ("cookie", &pair)]), Credential::Cookie(login.hash())));
        let bearer = format!("Bearer {}", token.reveal());
        assert!(is(with(&[("cookie", &pair), ("authorization", &bearer)]), Credential::Bearer(token.hash())));
        for (name, value) in [
            ("authorization", format!("Bearer {}", login.reveal())),
            ("cookie", format!("outpace_login={}", token.reveal())),
            ("cookie", format!("xoutpace_login={}", login.reveal())),
            ("cookie", "outpace_login=".to_owned()),
        ] {
            assert!(with(&[(name, &value)]).is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn a_login_ends_by_idleness_and_by_age() {
        let at = WallTime::from_unix_us;
        let (idle, life) = (us(LOGIN_IDLE), us(LOGIN_LIFE));
        assert!(in_use(at(5), life, at(5 + idle - 1)) && !in_use(at(5), life, at(5 + idle)));
        assert!(in_use(at(life - 2), life, at(life - 1)) && !in_use(at(life - 1), life, at(life)));
        // A clock that was set back ends nothing.
        assert!(in_use(at(100), life, at(1)));
    }
}
