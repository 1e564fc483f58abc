//! Accounts: people who log in with a password.
//!
//! **Invariants.** A password goes in and never comes out. Whatever changes what an account opens ends its logins.
//! Somebody always remains who may do everything: the last admin's account or token cannot be taken away here.

use super::Service;
use super::auth::Holder;
use super::extract::{Json, Name};
use super::limits::{LOGIN_NAME_RATE, name_key};
use super::login;
use super::page::{Page, percent};
use super::problem::Problem;
use crate::config::check_name;
use crate::password;
use crate::token::Role;
use axum::Extension;
use axum::extract::State;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base::WallTime;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;
use store::{AccountChange, AccountRow, LoginOf, NewAccount};
use utoipa::ToSchema;

/// An account.
#[derive(Serialize, ToSchema)]
pub(super) struct AccountInfo {
    /// Unique name, to log in with.
    name: String,
    /// What its holder may do.
    role: String,
    /// The agent whom its holder works as.
    agent: Option<String>,
    /// It opens nothing for now.
    disabled: bool,
    /// When it was made, in microseconds since the Unix epoch.
    created_us: i64,
    /// When somebody logged in with it last.
    last_login_us: Option<i64>,
}

impl AccountInfo {
    fn of(row: AccountRow) -> AccountInfo {
        AccountInfo {
            name: row.name,
            role: row.role,
            agent: row.agent,
            disabled: row.disabled,
            created_us: row.created_at.as_unix_us(),
            last_login_us: row.last_login_at.map(WallTime::as_unix_us),
        }
    }
}

/// An account to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "ann", "role": "supervisor", "password": "correct horse" }))]
pub(super) struct WantedAccount {
    /// Name to log in with: 1 to 64 letters, digits, `_`, `-`, `.`.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// What its holder may do.
    role: Role,
    /// 8 to 256 characters.
    #[schema(min_length = 8, max_length = 256)]
    password: String,
    /// The agent whom its holder works as.
    agent: Option<String>,
}

/// What is to be changed of an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "disabled": true }))]
pub(super) struct AccountChanges {
    /// What its holder may do.
    role: Option<Role>,
    /// 8 to 256 characters.
    #[schema(min_length = 8, max_length = 256)]
    password: Option<String>,
    /// Whether it opens nothing for now.
    disabled: Option<bool>,
}

/// A new password of one's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "old": "correct horse", "new": "correct battery" }))]
pub(super) struct PasswordChange {
    /// The one that counts until now.
    old: String,
    /// 8 to 256 characters.
    #[schema(min_length = 8, max_length = 256)]
    new: String,
}

/// All accounts.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "login", responses((status = 200, body = Page<AccountInfo>)))]
pub(super) async fn list(State(service): State<Arc<Service>>) -> Result<axum::Json<Page<AccountInfo>>, Problem> {
    let tenant = service.tenant;
    let rows = service
        .store(move |store| {
            let mut rows: Vec<AccountRow> = Vec::new();
            loop {
                let page = store.accounts(tenant, rows.last().map(|row| row.account), 0)?;
                if page.is_empty() {
                    return Ok(rows);
                }
                rows.extend(page);
            }
        })
        .await?;
    Ok(axum::Json(Page::whole(rows.into_iter().map(AccountInfo::of).collect())))
}

/// Makes an account.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "login", request_body = WantedAccount, responses(
    (status = 201, body = AccountInfo, headers(("Location" = String, description = "Address of the account")))
))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Json(wanted): Json<WantedAccount>,
) -> Result<Response, Problem> {
    check_name(&wanted.name).map_err(|mend| Problem::field("name", format!("{:?} is no name", wanted.name), mend))?;
    if let Some(agent) = &wanted.agent
        && super::agents::row(&service, agent).await?.is_none()
    {
        return Err(Problem::field("agent", format!("{agent:?} is no agent"), "see GET /api/v1/agents"));
    }
    let kept = kept(&service, "password", wanted.password).await?;
    let (tenant, at) = (service.tenant, service.wall_now());
    let name = wanted.name.clone();
    let role = wanted.role.name().to_owned();
    let new = NewAccount { name: wanted.name, role, password: kept, agent: wanted.agent };
    let made = service.store(move |store| store.create_account(tenant, &new, at)).await;
    made.map_err(|problem| match problem.status {
        409 => Problem::conflict(format!("account {name:?} exists, change it with PATCH")),
        _ => problem,
    })?;
    let place = format!("{}/api/v1/accounts/{}", service.base_path, percent(&name));
    let info = AccountInfo::of(row(&service, &name).await?);
    let mut response = (StatusCode::CREATED, axum::Json(info)).into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// Changes an account's role or password, or disables it; its logins end.
#[utoipa::path(patch, path = "/api/v1/accounts/{name}", tag = "login", params(("name" = String, Path, description = "Name of the account")),
    request_body = AccountChanges, responses((status = 200, body = AccountInfo)))]
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Name(name): Name,
    Json(changes): Json<AccountChanges>,
) -> Result<axum::Json<AccountInfo>, Problem> {
    let password = match changes.password {
        Some(password) => Some(kept(&service, "password", password).await?),
        None => None,
    };
    // Two admins who take each other's role away at once must not both succeed.
    let _turn = service.settings.lock().await;
    let row = row(&service, &name).await?;
    let of = LoginOf::Account(row.account);
    let was_way_in = row.role == Role::Admin.name() && !row.disabled;
    let stays = changes.role.is_none_or(|role| role == Role::Admin) && changes.disabled != Some(true);
    if was_way_in && !stays {
        service.keep_a_way_in(of).await?;
    }
    let change =
        AccountChange { role: changes.role.map(|role| role.name().to_owned()), password, disabled: changes.disabled };
    if change != AccountChange::default() {
        let (tenant, account) = (service.tenant, row.account);
        service.store(move |store| store.change_account(tenant, account, &change)).await?;
        service.tokens.forget(of);
    }
    Ok(axum::Json(AccountInfo::of(self::row(&service, &name).await?)))
}

/// Deletes an account; its logins end.
#[utoipa::path(delete, path = "/api/v1/accounts/{name}", tag = "login", params(("name" = String, Path, description = "Name of the account")),
    responses((status = 204, description = "Gone")))]
pub(super) async fn delete(State(service): State<Arc<Service>>, Name(name): Name) -> Result<StatusCode, Problem> {
    let _turn = service.settings.lock().await;
    let row = row(&service, &name).await?;
    let of = LoginOf::Account(row.account);
    if row.role == Role::Admin.name() && !row.disabled {
        service.keep_a_way_in(of).await?;
    }
    let (tenant, at) = (service.tenant, service.wall_now());
    service.store(move |store| store.delete_account(tenant, row.account, at)).await?;
    service.tokens.forget(of);
    Ok(StatusCode::NO_CONTENT)
}

/// Changes one's own password. All logins of the account end; the asking one goes on as a new one.
#[utoipa::path(post, path = "/api/v1/account/password", tag = "login", request_body = PasswordChange, responses(
    (status = 204, description = "Changed", headers(("Set-Cookie" = String, description = "A new login, if the old one asked")))
))]
pub(super) async fn own_password(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    headers: HeaderMap,
    Json(wanted): Json<PasswordChange>,
) -> Result<Response, Problem> {
    let LoginOf::Account(account) = holder.of else {
        return Err(Problem::conflict("a token has no password, log in with an account"));
    };
    let (now, key) = (Instant::now(), name_key(&holder.name));
    service.failed_names.may_try(key, now).map_err(|seconds| {
        Problem::too_many(format!("more than {} wrong passwords, wait", LOGIN_NAME_RATE.burst), seconds)
    })?;
    service.failed_names.failed(key, now);
    let fits = async {
        let row = row(&service, &holder.name).await?;
        service.hashed(move || password::fits(&wanted.old, &row.password)).await
    };
    // Nobody's password is wrong because the store is away.
    if !fits.await.inspect_err(|_| service.failed_names.forgiven(key, now))? {
        return Err(Problem::field("old", "is not the password", "write the one that you logged in with"));
    }
    service.failed_names.forgiven(key, now);
    let new = kept(&service, "new", wanted.new).await?;
    let change = AccountChange { password: Some(new.clone()), ..AccountChange::default() };
    let tenant = service.tenant;
    service.store(move |store| store.change_account(tenant, account, &change)).await?;
    service.tokens.forget(holder.of);
    let mut response = StatusCode::NO_CONTENT.into_response();
    if holder.login.is_some() {
        let (_, cookie) = login::begin(&service, Holder::clone(&holder), Some(new), &headers).await?;
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What is kept of a password that came in `field`.
pub(super) async fn kept(service: &Service, field: &'static str, password: String) -> Result<String, Problem> {
    password::check(&password).map_err(|what| Problem::field(field, what, password::MEND))?;
    let hashed = service.hashed(move || password::hash(&password)).await?;
    hashed.map_err(|failure| {
        tracing::error!(%failure, "a password could not be hashed");
        Problem::internal()
    })
}

async fn row(service: &Service, name: &str) -> Result<AccountRow, Problem> {
    let (tenant, wanted) = (service.tenant, name.to_owned());
    let found = service.store(move |store| store.account(tenant, &wanted)).await?;
    found.ok_or_else(|| Problem::not_found(format!("account {name:?}")))
}

impl Service {
    /// Refuses to take away the last token or account that may do everything.
    pub(super) async fn keep_a_way_in(&self, but: LoginOf) -> Result<(), Problem> {
        let tenant = self.tenant;
        match self.store(move |store| store.ways_in(tenant, Role::Admin.name(), but)).await? {
            0 => Err(Problem::conflict("nobody else could do everything, make another admin first")),
            _ => Ok(()),
        }
    }
}
