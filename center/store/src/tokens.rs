//! What the API needs to know of its callers: tokens, of which only a hash is kept, and the answers that a request with
//! an idempotency key got.

use base::WallTime;

use crate::db::{Row, Sql};
use crate::ops::{id, text, text_of};
use crate::read::{maybe_wall, page_rows, small, unsigned, wall};
use crate::rows::TenantId;
use crate::{Store, StoreError};

/// Longest answer that is kept for a repetition: one object of the API is below 64 KiB.
pub const IDEMPOTENT_BODY_BYTES_MAX: usize = 65_536;

/// A token of the API.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TokenId(pub u64);

/// A token to be kept.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewToken {
    /// What people call it.
    pub name: String,
    /// What its holder may do.
    pub role: String,
    /// SHA-256 of the token, hexadecimal. The token itself is never kept.
    pub hash: String,
}

/// A token as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenRow {
    /// The token.
    pub token: TokenId,
    /// Owner of the rows that it opens.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// What its holder may do.
    pub role: String,
    /// When it was made.
    pub created_at: WallTime,
    /// When it was used last, as far as it was written down.
    pub last_used_at: Option<WallTime>,
    /// Since when it opens nothing.
    pub revoked_at: Option<WallTime>,
}

/// The answer that a request got.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdempotentAnswer {
    /// Hash of the request; another request under the same key is a fault of its sender.
    pub request_hash: String,
    /// Status code of the answer.
    pub status: u16,
    /// Body of the answer, at most [`IDEMPOTENT_BODY_BYTES_MAX`].
    pub body: String,
    /// When it was given.
    pub created_at: WallTime,
}

impl Store {
    /// Keeps a token's hash.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Rule`] for a hash that is there already.
    pub fn put_token(&self, tenant: TenantId, token: &NewToken, at: WallTime) -> Result<TokenId, StoreError> {
        let insert = Sql::new(
            "INSERT INTO api_token (tenant_id, name, role, hash, created_us) VALUES ($1, $2, $3, $4, $5) \
             RETURNING token_id",
        );
        let insert = insert
            .with(id(tenant.0)?)
            .with(text(&token.name)?)
            .with(text(&token.role)?)
            .with(text(&token.hash)?)
            .with(at.as_unix_us());
        self.made(format!("token {:?}", token.name), insert, "token_id").map(TokenId)
    }

    /// The token with this hash, if there is one that is not revoked.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn token_by_hash(&self, hash: &str) -> Result<Option<TokenRow>, StoreError> {
        let query = Sql::new("SELECT * FROM api_token WHERE hash = $1 AND revoked_us IS NULL").with(text(hash)?);
        Ok(self.page("tokens", query, token_row)?.into_iter().next())
    }

    /// The tokens of a tenant, revoked ones too, oldest first; at most [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX).
    ///
    /// # Errors
    /// Only what the database says.
    pub fn tokens(&self, tenant: TenantId) -> Result<Vec<TokenRow>, StoreError> {
        let query = Sql::new("SELECT * FROM api_token WHERE tenant_id = $1 ORDER BY token_id LIMIT $2");
        self.page("tokens", query.with(id(tenant.0)?).with(page_rows(0)), token_row)
    }

    /// Writes down that a token was used; once a minute is often enough.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] for an unknown token.
    pub fn touch_token(&self, tenant: TenantId, token: TokenId, at: WallTime) -> Result<(), StoreError> {
        let touch = Sql::new("UPDATE api_token SET last_used_us = $1 WHERE tenant_id = $2 AND token_id = $3");
        let touch = touch.with(at.as_unix_us()).with(id(tenant.0)?).with(id(token.0)?);
        self.change(format!("token {}", token.0), "no such token", touch)
    }

    /// Makes a token open nothing any more.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] for an unknown or revoked token.
    pub fn revoke_token(&self, tenant: TenantId, token: TokenId, at: WallTime) -> Result<(), StoreError> {
        let revoke = Sql::new(
            "UPDATE api_token SET revoked_us = $1 WHERE tenant_id = $2 AND token_id = $3 AND revoked_us IS NULL",
        );
        let revoke = revoke.with(at.as_unix_us()).with(id(tenant.0)?).with(id(token.0)?);
        self.change(format!("token {}", token.0), "no such token that is valid", revoke)
    }

    /// The answer that the request with this key got, if there was one.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn idempotency_get(
        &self,
        tenant: TenantId,
        token: TokenId,
        key: &str,
    ) -> Result<Option<IdempotentAnswer>, StoreError> {
        let query = Sql::new("SELECT * FROM idempotency WHERE tenant_id = $1 AND token_id = $2 AND idem_key = $3");
        let query = query.with(id(tenant.0)?).with(id(token.0)?).with(text(key)?);
        let found = self.page("idempotency keys", query, |row| {
            Ok(IdempotentAnswer {
                request_hash: row.get("request_hash")?,
                status: small(row, "status")?,
                body: row.get("body")?,
                created_at: wall(row, "created_us")?,
            })
        })?;
        Ok(found.into_iter().next())
    }

    /// Keeps the answer to a request; false when its key has an answer already, which stands.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Value`] for a body that is too long.
    pub fn idempotency_put(
        &self,
        tenant: TenantId,
        token: TokenId,
        key: &str,
        answer: &IdempotentAnswer,
    ) -> Result<bool, StoreError> {
        let insert = Sql::new(
            "INSERT INTO idempotency (tenant_id, token_id, idem_key, request_hash, status, body, created_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, token_id, idem_key) DO NOTHING",
        );
        let insert = insert
            .with(id(tenant.0)?)
            .with(id(token.0)?)
            .with(text(key)?)
            .with(text(&answer.request_hash)?)
            .with(i64::from(answer.status))
            .with(text_of(&answer.body, IDEMPOTENT_BODY_BYTES_MAX)?)
            .with(answer.created_at.as_unix_us());
        Ok(self.changed("idempotency keys".to_owned(), insert)? > 0)
    }

    /// Forgets answers of all tenants that were given before `before`; gives how many.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn idempotency_sweep(&self, before: WallTime) -> Result<u64, StoreError> {
        let delete = Sql::new("DELETE FROM idempotency WHERE created_us < $1").with(before.as_unix_us());
        self.changed("idempotency keys".to_owned(), delete)
    }
}

fn token_row(row: &Row) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        token: TokenId(unsigned(row, "token_id")?),
        tenant: TenantId(unsigned(row, "tenant_id")?),
        name: row.get("name")?,
        role: row.get("role")?,
        created_at: wall(row, "created_us")?,
        last_used_at: maybe_wall(row, "last_used_us")?,
        revoked_at: maybe_wall(row, "revoked_us")?,
    })
}
