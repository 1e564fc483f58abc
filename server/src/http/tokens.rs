//! Tokens over the API.

use super::Service;
use super::extract::{Id, Json};
use super::page::Page;
use super::problem::Problem;
use crate::config::check_name;
use crate::token::{self, Role, Token};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::WallTime;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::{LoginOf, TokenId, TokenRow};
use utoipa::ToSchema;

/// A token as it is listed; the token itself is kept nowhere.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenInfo {
    /// Id.
    id: u64,
    /// Who holds it.
    name: String,
    /// What its holder may do.
    role: String,
    /// When it was made, in microseconds since the Unix epoch.
    created_us: i64,
    /// When it was used last, to the minute.
    last_used_us: Option<i64>,
    /// Since when it opens nothing.
    revoked_us: Option<i64>,
}

impl TokenInfo {
    fn of(row: TokenRow) -> TokenInfo {
        TokenInfo {
            id: row.token.0,
            name: row.name,
            role: row.role,
            created_us: row.created_at.as_unix_us(),
            last_used_us: row.last_used_at.map(WallTime::as_unix_us),
            revoked_us: row.revoked_at.map(WallTime::as_unix_us),
        }
    }
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "wallboard", "role": "viewer" }))]
pub(super) struct WantedToken {
    /// Who will hold it: 1 to 64 letters, digits, `_`, `-`, `.`.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// What the holder may do.
    role: Role,
}

/// A new token.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeToken {
    /// Id, to withdraw it by.
    id: u64,
    /// The token. It is shown this once.
    token: String,
}

/// All tokens, withdrawn ones too.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", responses((status = 200, body = Page<TokenInfo>)))]
pub(super) async fn list(State(service): State<Arc<Service>>) -> Result<axum::Json<Page<TokenInfo>>, Problem> {
    let tenant = service.tenant;
    let tokens = service.store(move |store| store.tokens(tenant)).await?;
    Ok(axum::Json(Page::whole(tokens.into_iter().map(TokenInfo::of).collect())))
}

/// Makes a token and shows it once. Its answer is not kept with an `Idempotency-Key`, because it holds a secret.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = WantedToken, responses((status = 201, body = MadeToken)))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Json(wanted): Json<WantedToken>,
) -> Result<Response, Problem> {
    check_name(&wanted.name).map_err(|mend| Problem::field("name", format!("{:?} is no name", wanted.name), mend))?;
    let made = Token::generate().map_err(|error| {
        tracing::error!(%error, "no randomness for a token");
        Problem::internal()
    })?;
    let (tenant, at, text) = (service.tenant, service.wall_now(), made.reveal().to_owned());
    let id = service.store(move |store| token::put(store, tenant, &wanted.name, wanted.role, &made, at)).await?;
    Ok((StatusCode::CREATED, axum::Json(MadeToken { id: id.0, token: text })).into_response())
}

/// Withdraws a token: it and its logins open nothing from now on here, and within seconds in other processes on the same
/// store. The last way in with the role `admin` stays.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", params(("id" = u64, Path, description = "Id of the token")),
    responses((status = 204, description = "Withdrawn")))]
pub(super) async fn revoke(State(service): State<Arc<Service>>, Id(id): Id) -> Result<StatusCode, Problem> {
    let (tenant, at, of) = (service.tenant, service.wall_now(), LoginOf::Token(TokenId(id)));
    let _turn = service.settings.lock().await;
    let tokens = service.store(move |store| store.tokens(tenant)).await?;
    let is = |row: &TokenRow| row.token.0 == id && row.role == Role::Admin.name() && row.revoked_at.is_none();
    if tokens.iter().any(is) {
        service.keep_a_way_in(of).await?;
    }
    service.store(move |store| store.revoke_token(tenant, TokenId(id), at)).await?;
    service.tokens.forget(of);
    Ok(StatusCode::NO_CONTENT)
}
