//! Who asks, and may they? Tokens are looked up by their hash and believed for a few seconds.

use super::limits::{Bucket, STRANGER_RATE, Strangers, TOKEN_LIFE, TOKEN_RATE, TOKENS_CACHED_MAX};
use super::problem::Problem;
use super::routes::{Access, access};
use super::{Service, changes};
use crate::token::{Role, TokenHash};
use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dashmap::DashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

/// How exactly the last use of a token is written down: to the minute.
const TOUCH_EVERY_US: i64 = 60_000_000;

/// The holder of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// The token's id in the store.
    pub(super) token: u64,
    /// The name that the token was made for.
    pub(super) name: String,
    /// What the holder may do.
    pub(super) role: Role,
}

/// The address that a connection came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Tokens that have been valid in this process, and the addresses that brought others. The map's guards are dropped on
/// the line that takes them.
pub(super) struct Tokens {
    known: DashMap<TokenHash, Known>,
    strangers: Strangers,
}

struct Known {
    holder: Arc<Holder>,
    checked: Instant,
    bucket: Bucket,
}

impl Tokens {
    pub(super) fn new() -> Tokens {
        Tokens { known: DashMap::new(), strangers: Strangers::new() }
    }

    /// A token was withdrawn here: it ends at once.
    pub(super) fn forget(&self, token: u64) {
        self.known.retain(|_, known| known.holder.token != token);
    }

    fn remember(&self, hash: TokenHash, holder: Arc<Holder>, now: Instant) {
        if let Some(mut known) = self.known.get_mut(&hash) {
            known.holder = holder;
            known.checked = now;
            return;
        }
        if self.known.len() >= TOKENS_CACHED_MAX {
            self.known.retain(|_, known| now.saturating_duration_since(known.checked) < TOKEN_LIFE);
        }
        if self.known.len() < TOKENS_CACHED_MAX {
            let bucket = Bucket::new(TOKEN_RATE, now);
            self.known.insert(hash, Known { holder, checked: now, bucket });
        }
    }
}

/// The token of a request, by its hash; why not, if there is none.
pub(super) fn bearer(headers: &HeaderMap) -> Result<TokenHash, &'static str> {
    let value = headers.get(AUTHORIZATION).ok_or("no token, send Authorization: Bearer TOKEN")?;
    let text = value.to_str().map_err(|_| "the Authorization header is no text, send Bearer TOKEN")?;
    let (scheme, token) = text.split_once(' ').ok_or("the Authorization header is not Bearer TOKEN")?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err("the Authorization header is of another scheme, send Bearer TOKEN");
    }
    TokenHash::of(token.trim()).ok_or("this is no token, make one with outpace token create")
}

impl Service {
    /// The holder of a token, looked up anew if that is due.
    pub(super) async fn holder(&self, hash: &TokenHash, from: IpAddr) -> Result<Arc<Holder>, Problem> {
        let now = Instant::now();
        let cached = self.tokens.known.get(hash).map(|known| (known.holder.clone(), known.checked));
        if let Some((holder, checked)) = &cached
            && now.saturating_duration_since(*checked) < TOKEN_LIFE
        {
            return Ok(holder.clone());
        }
        if cached.is_none() {
            self.stranger(from, now)?;
        }
        let wanted = hash.as_str().to_owned();
        let at = self.wall_now();
        let found = self.store(move |store| {
            let row = store.token_by_hash(&wanted)?;
            if let Some(row) = &row
                && row.last_used_at.is_none_or(|before| at.as_unix_us() - before.as_unix_us() >= TOUCH_EVERY_US)
                && let Err(error) = store.touch_token(row.tenant, row.token, at)
            {
                tracing::debug!(%error, "the use of a token was not written down");
            }
            Ok(row)
        });
        let row = match (found.await, cached) {
            (Ok(row), _) => row,
            // With the store away nobody can withdraw a token either, and those who are known must be able to look.
            (Err(_), Some((holder, _))) => return Ok(holder),
            (Err(problem), None) => return Err(problem),
        };
        let holder = row.filter(|row| row.tenant == self.tenant).and_then(|row| {
            Some(Arc::new(Holder { token: row.token.0, role: Role::named(&row.role)?, name: row.name }))
        });
        match holder {
            Some(holder) => {
                self.tokens.remember(hash.clone(), holder.clone(), now);
                Ok(holder)
            }
            None => {
                self.tokens.known.remove(hash);
                self.tokens.strangers.failed(from, now);
                Err(Problem::unauthenticated("this token is not known or was withdrawn, make a new one"))
            }
        }
    }

    /// Refuses an address that has failed too often.
    fn stranger(&self, from: IpAddr, now: Instant) -> Result<(), Problem> {
        self.tokens.strangers.may_try(from, now).map_err(|seconds| {
            let rate = STRANGER_RATE.per_s;
            Problem::too_many(format!("more than {rate} requests a second without a valid token, wait"), seconds)
        })
    }

    async fn authenticate(&self, token: Result<TokenHash, &'static str>, from: IpAddr) -> Result<Arc<Holder>, Problem> {
        let hash = match token {
            Ok(hash) => hash,
            Err(why) => {
                let now = Instant::now();
                self.stranger(from, now)?;
                self.tokens.strangers.failed(from, now);
                return Err(Problem::unauthenticated(why));
            }
        };
        let holder = self.holder(&hash, from).await?;
        let now = Instant::now();
        let taken = self.tokens.known.get_mut(&hash).map(|mut known| known.bucket.take(TOKEN_RATE, now));
        if let Some(Err(seconds)) = taken {
            let rate = TOKEN_RATE.per_s;
            return Err(Problem::too_many(
                format!("more than {rate} requests a second with this token, wait"),
                seconds,
            ));
        }
        Ok(holder)
    }
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
    let from = request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
    let holder = match service.authenticate(bearer(request.headers()), from).await {
        Ok(holder) => holder,
        Err(problem) => return problem.into_response(),
    };
    if holder.role < role {
        let detail = format!("this needs the role {}, the token has {}", role.name(), holder.role.name());
        return Problem::forbidden(detail).into_response();
    }
    request.extensions_mut().insert(holder.clone());
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

    #[test]
    fn only_a_bearer_token_is_taken() {
        let token = Token::generate().unwrap();
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            bearer(&headers)
        };
        assert!(with(&format!("bearer  {}", token.reveal())).is_ok());
        for wrong in ["", "Bearer", "Bearer x", &format!("Basic {}", token.reveal()), token.reveal()] {
            assert!(with(wrong).is_err(), "{wrong}");
        }
        assert!(bearer(&HeaderMap::new()).is_err());
    }
}
