//! Logging in and out: a token or a name with its password becomes a login, which the browser keeps in a cookie that no
//! script can read. Who the asker is.
//!
//! **Invariants.** A wrong name and a wrong password are answered alike and take equally long. Failures are counted
//! before the password is looked at, by address and by name, so that trying many at once gains nothing. Of the login's
//! secret the store keeps the hash alone.

use super::Service;
use super::auth::{Credential, Holder, LOGIN_COOKIE, Login, Peer, us};
use super::extract::{Id, Json};
use super::limits::{HASHES_WAITING_MAX, LOGIN_LIFE, LOGIN_NAME_RATE, LOGIN_RATE, address_key, name_key};
use super::page::Page;
use super::problem::Problem;
use crate::password;
use crate::token::{Role, Token, TokenHash};
use axum::Extension;
use axum::extract::State;
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
use store::{AccountRow, LoginId, LoginOf, LoginRow, NewLogin};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

/// What is kept of a browser's own description.
const CLIENT_CHARS_MAX: usize = 200;

/// Passwords at work and those that wait.
pub(super) struct Hashing {
    places: Arc<Semaphore>,
    at_work: Arc<Semaphore>,
}

impl Hashing {
    pub(super) fn new() -> Hashing {
        Hashing {
            places: Arc::new(Semaphore::new(HASHES_WAITING_MAX)),
            at_work: Arc::new(Semaphore::new(super::HASHES_MAX)),
        }
    }
}

/// Who the asker is.
#[derive(Serialize, ToSchema)]
pub(super) struct WhoAmI {
    /// Name of the token or account.
    name: String,
    /// What its holder may do.
    role: Role,
    /// `token` or `account`.
    kind: &'static str,
    /// The agent whom the account is bound to.
    agent: Option<String>,
    /// Version of the server.
    version: &'static str,
    /// This is `outpace demo`: nobody real is called.
    demo: bool,
    /// When the login ends at the latest, in microseconds since the Unix epoch; `null` for a bearer token.
    expires_us: Option<i64>,
}

impl WhoAmI {
    fn of(service: &Service, holder: &Holder) -> WhoAmI {
        WhoAmI {
            name: holder.name.clone(),
            role: holder.role,
            kind: match holder.of {
                LoginOf::Token(_) => "token",
                LoginOf::Account(_) => "account",
            },
            agent: holder.agent.clone(),
            version: env!("CARGO_PKG_VERSION"),
            demo: service.demo,
            expires_us: holder.login.map(|login| login.ends_us),
        }
    }
}

/// Whom the token or login belongs to and what it may do.
#[utoipa::path(get, path = "/api/v1/whoami", tag = "login", responses((status = 200, body = WhoAmI)))]
pub(super) async fn whoami(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
) -> axum::Json<WhoAmI> {
    axum::Json(WhoAmI::of(&service, &holder))
}

/// A token, or a name with its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "ann", "password": "correct horse" }))]
pub(super) struct Wanted {
    /// A token of the API; the login ends with it.
    token: Option<String>,
    /// Name of an account.
    name: Option<String>,
    /// Its password.
    password: Option<String>,
}

/// Logs in: the answer sets a cookie that opens every operation. A login ends after 12 hours without use, after 7 days,
/// with its token or account, or when it is logged out.
#[utoipa::path(post, path = "/api/v1/login", tag = "login", request_body = Wanted, responses(
    (status = 200, body = WhoAmI, headers(("Set-Cookie" = String, description = "The login: `outpace_login`"))),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Wrong, whatever of it"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A value is wrong"),
    (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many failures; `Retry-After` says when to come back")
))]
pub(super) async fn login(
    State(service): State<Arc<Service>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Problem> {
    let from = Peer::of(peer.as_deref());
    let holder = match wanted {
        Wanted { token: Some(token), name: None, password: None } => {
            by_token(&service, &token, from).await.map(|holder| (holder, None))
        }
        Wanted { token: None, name: Some(name), password: Some(password) } => {
            by_password(&service, name, password, from).await.map(|(holder, checked)| (holder, Some(checked)))
        }
        _ => return Err(Problem::field("token", "stands not alone", "send either token, or name and password")),
    };
    let (holder, checked) = match holder {
        Ok(found) => found,
        Err(problem) => {
            // The name stays out of the log: some people type their password there.
            tracing::warn!(%from, status = problem.status, "a login was refused");
            return Err(problem);
        }
    };
    let (holder, cookie) = begin(&service, holder, checked, &headers).await?;
    super::changes::write_down(&service, &holder, "POST /api/v1/login".to_owned(), holder.name.clone());
    Ok(([(SET_COOKIE, cookie)], axum::Json(WhoAmI::of(&service, &holder))).into_response())
}

async fn by_token(service: &Service, token: &str, from: IpAddr) -> Result<Holder, Problem> {
    let shown = TokenHash::of(token.trim()).map(Credential::Bearer).ok_or("this is no token");
    let (_, holder) = service.authenticate(shown, from).await?;
    Ok(Holder::clone(&holder))
}

/// The holder, and what the account's password was checked against.
async fn by_password(
    service: &Service,
    name: String,
    password: String,
    from: IpAddr,
) -> Result<(Holder, String), Problem> {
    let (now, name_key, address_key) = (Instant::now(), name_key(&name), address_key(from));
    let both = [(&service.failed_names, name_key, LOGIN_NAME_RATE), (&service.failed_logins, address_key, LOGIN_RATE)];
    for (failures, key, rate) in both {
        failures.may_try(key, now).map_err(|seconds| {
            let detail = format!("more than {} wrong passwords, wait", rate.burst);
            Problem::too_many(detail, seconds)
        })?;
    }
    both.iter().for_each(|(failures, key, _)| failures.failed(*key, now));
    let forgive = || both.iter().for_each(|(failures, key, _)| failures.forgiven(*key, now));
    // Nobody's password is wrong because the store is away.
    let account = account_with(service, name, password).await.inspect_err(|_| forgive())?;
    let holder = account.and_then(|account| {
        let (of, role) = (LoginOf::Account(account.account), Role::named(&account.role)?);
        Some((Holder { of, login: None, name: account.name, role, agent: account.agent }, account.password))
    });
    let holder = holder.ok_or_else(|| Problem::unauthenticated("the name or the password is wrong"))?;
    forgive();
    Ok(holder)
}

/// The account of this name if it has this password and is not disabled; it takes as long to find out that there is none.
async fn account_with(service: &Service, name: String, password: String) -> Result<Option<AccountRow>, Problem> {
    let tenant = service.tenant;
    let account = service.store(move |store| store.account(tenant, &name)).await?;
    let account = account.filter(|account| !account.disabled);
    let kept = account.as_ref().map(|account| account.password.clone());
    let fits = service
        .hashed(move || match kept {
            Some(kept) => password::fits(&password, &kept),
            None => password::fits_nobody(&password),
        })
        .await?;
    Ok(account.filter(|_| fits))
}

/// Keeps a new login of this holder; gives the holder by login, and the cookie. `checked` is what the account's password
/// was checked against.
pub(super) async fn begin(
    service: &Service,
    holder: Holder,
    checked: Option<String>,
    headers: &HeaderMap,
) -> Result<(Holder, HeaderValue), Problem> {
    let secret = Token::of_login().map_err(|error| {
        tracing::error!(%error, "no randomness for a login");
        Problem::internal()
    })?;
    let (tenant, at) = (service.tenant, service.wall_now());
    let hash = secret.hash().as_str().to_owned();
    let new = NewLogin { of: holder.of, password: checked, hash, client: client(headers) };
    let id = service.store(move |store| store.put_login(tenant, &new, at)).await?;
    let login = Login { id, ends_us: at.as_unix_us().saturating_add(us(LOGIN_LIFE)) };
    let cookie = cookie(service, secret.reveal(), LOGIN_LIFE.as_secs());
    let holder = Holder { login: Some(login), ..holder };
    // Known from its first request on, whatever others at the same address have tried.
    service.tokens.remember(secret.hash(), Arc::new(holder.clone()), Instant::now(), at);
    Ok((holder, cookie))
}

/// What a browser calls itself, cut to a length that fits a list.
fn client(headers: &HeaderMap) -> String {
    let words = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    words.chars().take(CLIENT_CHARS_MAX).collect()
}

fn cookie(service: &Service, value: &str, max_age_s: u64) -> HeaderValue {
    let path = if service.base_path.is_empty() { "/" } else { &service.base_path };
    let secure = if service.config.load().server.secure_cookie { "; Secure" } else { "" };
    let text = format!("{LOGIN_COOKIE}={value}; HttpOnly; SameSite=Strict; Path={path}; Max-Age={max_age_s}{secure}");
    // Base64url, a checked path and words of our own: nothing that a header cannot hold.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("outpace_login=; Max-Age=0"))
}

/// Takes the cookie away.
pub(super) fn no_cookie(service: &Service) -> HeaderValue {
    cookie(service, "", 0)
}

/// Logs out: the login that asks ends, with its event streams. A bearer token stays.
#[utoipa::path(post, path = "/api/v1/logout", tag = "login", responses((status = 204, description = "Logged out")))]
pub(super) async fn logout(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
) -> Result<Response, Problem> {
    if let Some(login) = holder.login {
        end(&service, holder.of, login.id).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, no_cookie(&service))]).into_response())
}

async fn end(service: &Service, of: LoginOf, login: LoginId) -> Result<(), Problem> {
    let tenant = service.tenant;
    service.store(move |store| store.end_login(tenant, of, login)).await?;
    service.tokens.forget_login(login);
    Ok(())
}

/// An open login.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginInfo {
    /// Id.
    id: u64,
    /// When it began, in microseconds since the Unix epoch.
    created_us: i64,
    /// When it was used last, to the minute.
    last_used_us: i64,
    /// It is the one that asks.
    current: bool,
    /// What the browser calls itself.
    client: String,
}

impl LoginInfo {
    fn of(row: LoginRow, holder: &Holder) -> LoginInfo {
        LoginInfo {
            id: row.login.0,
            created_us: row.created_at.as_unix_us(),
            last_used_us: row.last_used_at.as_unix_us(),
            current: holder.login.is_some_and(|login| login.id == row.login),
            client: row.client,
        }
    }
}

/// The asker's own open logins, newest first: those of the same account, or of the same token.
#[utoipa::path(get, path = "/api/v1/logins", tag = "login", responses((status = 200, body = Page<LoginInfo>)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
) -> Result<axum::Json<Page<LoginInfo>>, Problem> {
    let (tenant, of) = (service.tenant, holder.of);
    let rows = service.store(move |store| store.logins(tenant, of)).await?;
    Ok(axum::Json(Page::whole(rows.into_iter().map(|row| LoginInfo::of(row, &holder)).collect())))
}

/// Logs out everywhere: all logins of the asker's account or token end, the asking one too.
#[utoipa::path(delete, path = "/api/v1/logins", tag = "login", responses((status = 204, description = "All have ended")))]
pub(super) async fn end_all(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
) -> Result<Response, Problem> {
    let (tenant, of) = (service.tenant, holder.of);
    service.store(move |store| store.end_logins(tenant, of)).await?;
    service.tokens.forget(of);
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, no_cookie(&service))]).into_response())
}

/// Ends one of the asker's own logins.
#[utoipa::path(delete, path = "/api/v1/logins/{id}", tag = "login", params(("id" = u64, Path, description = "Id of the login")),
    responses((status = 204, description = "It has ended")))]
pub(super) async fn end_one(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    end(&service, holder.of, LoginId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Service {
    /// Does what hashes a password, on a thread that may wait; a few at a time.
    pub(super) async fn hashed<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(_place) = self.hashing.places.clone().try_acquire_owned() else {
            return Err(Problem::busy("too many passwords wait to be looked at, try again", 1));
        };
        let Ok(turn) = self.hashing.at_work.clone().acquire_owned().await else { return Err(Problem::internal()) };
        self.wait(move || {
            let _turn = turn;
            Ok(work())
        })
        .await
    }
}
