//! Sealed bytes: recordings, proofs of consent, attachments. XChaCha20-Poly1305 (RFC 8439 with the 24-byte nonce of
//! draft-irtf-cfrg-xchacha, which is large enough to be drawn at random for ever). The key comes with each call and is
//! never written. Tenant, kind and key name are authenticated with the bytes, so a row cannot be passed off as another.

use base::WallTime;
use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::db::Sql;
use crate::ops::{id, text};
use crate::rows::{BlobId, TenantId};
use crate::{ErrorKind, Store, StoreError};

/// Largest blob: an hour of G.711 is 28.8 MB, of a compressed recording 14 MB; 32 MiB holds either in one row.
pub const BLOB_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A named key of 32 bytes. The name is stored with each blob, so that keys can change over the years.
#[derive(Clone)]
pub struct BlobKey {
    name: String,
    cipher: XChaCha20Poly1305,
}

impl BlobKey {
    /// A key and the name that blobs will remember it by.
    pub fn new(name: &str, key: &[u8; 32]) -> Self {
        BlobKey { name: name.to_owned(), cipher: XChaCha20Poly1305::new(key.into()) }
    }

    /// A secret that a row keeps itself: nonce and sealed bytes in one. It opens only for the same tenant and kind.
    ///
    /// # Errors
    /// [`ErrorKind::Sealed`]: it cannot be sealed.
    pub fn seal(&self, tenant: TenantId, kind: &str, secret: &[u8]) -> Result<Vec<u8>, StoreError> {
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let bound = bound_to(tenant, kind, &self.name);
        let sealed = self.cipher.encrypt(&nonce, Payload { msg: secret, aad: &bound });
        let sealed =
            sealed.map_err(|_| StoreError::new(ErrorKind::Sealed, "it cannot be sealed", kind, "report it"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`BlobKey::seal`] made.
    ///
    /// # Errors
    /// [`ErrorKind::Sealed`] when the key is another one, or it was sealed for something else.
    pub fn open(&self, tenant: TenantId, kind: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let changed =
            || StoreError::new(ErrorKind::Sealed, "the key does not open it", kind, "use the right key or set it anew");
        let (nonce, sealed) = sealed.split_at_checked(size_of::<XNonce>()).ok_or_else(changed)?;
        let bound = bound_to(tenant, kind, &self.name);
        let payload = Payload { msg: sealed, aad: &bound };
        self.cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| changed())
    }
}

impl std::fmt::Debug for BlobKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BlobKey({:?}, secret)", self.name)
    }
}

impl Store {
    /// Seals `bytes` and stores them; durable when this returns.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] when they are more than [`BLOB_BYTES_MAX`]; what the disk says.
    pub fn put_blob(
        &self,
        key: &BlobKey,
        tenant: TenantId,
        kind: &str,
        bytes: &[u8],
        at: WallTime,
    ) -> Result<BlobId, StoreError> {
        let place = format!("blob of kind {kind:?}");
        if bytes.len() > BLOB_BYTES_MAX {
            let what = format!("{} bytes are more than {BLOB_BYTES_MAX}", bytes.len());
            return Err(StoreError::new(ErrorKind::Value, what, place, "store it in parts"));
        }
        let (tenant_id, kind, key_name) = (id(tenant.0)?, text(kind)?, text(&key.name)?);
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let bound = bound_to(tenant, &kind, &key.name);
        let sealed = key.cipher.encrypt(&nonce, Payload { msg: bytes, aad: &bound }).map_err(|_| {
            StoreError::new(ErrorKind::Sealed, "the bytes cannot be sealed", place.clone(), "report it")
        })?;
        let size = bytes.len() as i64;
        let insert = Sql::new(
            "INSERT INTO blob (tenant_id, kind, key_name, nonce, sealed, size_bytes, at_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING blob_id",
        );
        let insert = insert
            .with(tenant_id)
            .with(kind)
            .with(key_name)
            .with(nonce.to_vec())
            .with(sealed)
            .with(size)
            .with(at.as_unix_us());
        self.made(place, insert, "blob_id").map(BlobId)
    }

    /// Reads and opens a blob.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown id, [`ErrorKind::Sealed`] when the key is another one or the bytes were
    /// changed.
    pub fn get_blob(&self, key: &BlobKey, tenant: TenantId, blob: BlobId) -> Result<Vec<u8>, StoreError> {
        let (tenant_id, blob_id) = (id(tenant.0)?, id(blob.0)?);
        let place = format!("blob {}", blob.0);
        let query = Sql::new("SELECT kind, key_name, nonce, sealed FROM blob WHERE tenant_id = $1 AND blob_id = $2");
        let found = self.page("blobs", query.with(tenant_id).with(blob_id), |row| {
            let columns: (String, String, Vec<u8>, Vec<u8>) =
                (row.get("kind")?, row.get("key_name")?, row.get("nonce")?, row.get("sealed")?);
            Ok(columns)
        })?;
        let (kind, key_name, nonce, sealed) =
            found.into_iter().next().ok_or_else(|| StoreError::not_found("no such blob", &place))?;
        if key_name != key.name {
            let what = format!("it was sealed with key {key_name:?}, not {:?}", key.name);
            return Err(StoreError::new(ErrorKind::Sealed, what, place, "use the key of that name"));
        }
        let changed = || {
            StoreError::new(
                ErrorKind::Sealed,
                "the key does not open it",
                place.clone(),
                "use the right key or a backup",
            )
        };
        if nonce.len() != size_of::<XNonce>() {
            return Err(changed());
        }
        let bound = bound_to(tenant, &kind, &key_name);
        let payload = Payload { msg: sealed.as_slice(), aad: &bound };
        key.cipher.decrypt(XNonce::from_slice(&nonce), payload).map_err(|_| changed())
    }
}

/// What a blob belongs to, as authenticated bytes; lengths keep the parts apart.
fn bound_to(tenant: TenantId, kind: &str, key_name: &str) -> Vec<u8> {
    let mut bound = tenant.0.to_le_bytes().to_vec();
    for part in [kind, key_name] {
        bound.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bound.extend_from_slice(part.as_bytes());
    }
    bound
}
