//! The key of this installation: it seals what the database must not show, passwords of trunks and the sound of calls that
//! answer detection heard.
//!
//! 32 random bytes in `data_dir/secret.key`, made at the first need, readable by their owner alone. A backup needs both the
//! database and this file; a database without it has all its rows but asks for the trunks' passwords anew.

use crate::failure::Failure;
use crate::token::hex;
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use store::{BlobKey, StoreError, TenantId};

const FILE: &str = "secret.key";
const KEY_BYTES: usize = 32;

/// See the module's head.
#[derive(Clone)]
pub(crate) struct Key {
    bytes: [u8; KEY_BYTES],
    sealer: BlobKey,
}

impl Key {
    /// Reads the key of a data folder, or makes one.
    ///
    /// # Errors
    /// The file cannot be read or made, or holds something else.
    pub(crate) fn of(data_dir: &Path) -> Result<Key, Failure> {
        let path = data_dir.join(FILE);
        let said = path.display().to_string();
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut stream = net::entropy::seed()?.stream("installation key", 0);
                let bytes: Vec<u8> = (0..KEY_BYTES / 8).flat_map(|_| stream.next_u64().to_le_bytes()).collect();
                make(&path, &hex(&bytes)).and_then(|()| std::fs::read_to_string(&path))
            }
            read => read,
        };
        let text = text.map_err(|e| Failure::io(&said, e))?;
        let bytes = read(text.trim()).ok_or_else(|| {
            Failure::failed(format!(
                "{said} holds no key; put it back from a backup, or remove it and set passwords anew"
            ))
        })?;
        Ok(Key { bytes, sealer: BlobKey::new(FILE, &bytes) })
    }

    /// Seals a text for one purpose.
    pub(crate) fn seal(&self, tenant: TenantId, purpose: &str, text: &str) -> Result<Vec<u8>, StoreError> {
        self.sealer.seal(tenant, purpose, text.as_bytes())
    }

    /// Seals bytes for one purpose.
    pub(crate) fn seal_bytes(&self, tenant: TenantId, purpose: &str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.sealer.seal(tenant, purpose, bytes)
    }

    /// Opens what was sealed for the same purpose.
    pub(crate) fn open_bytes(&self, tenant: TenantId, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.sealer.open(tenant, purpose, sealed)
    }

    /// Opens what was sealed for the same purpose; `None`: nothing was.
    pub(crate) fn open(&self, tenant: TenantId, purpose: &str, sealed: &[u8]) -> Result<Option<String>, StoreError> {
        if sealed.is_empty() {
            return Ok(None);
        }
        let text = self.sealer.open(tenant, purpose, sealed)?;
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }

    /// What tells whether a text with a secret in it has changed, and tells nothing of the secret to who has not the key.
    pub(crate) fn mark(&self, text: &str) -> String {
        let inner = Sha256::new().chain_update(self.bytes).chain_update(text.as_bytes()).finalize();
        // Twice, so that a mark cannot be lengthened (HMAC's reason for its two rounds).
        hex(&Sha256::new().chain_update(self.bytes).chain_update(inner).finalize())
    }
}

/// The file stands there whole or not at all: written under another name, then linked. Whoever was faster wins.
fn make(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension(format!("new.{}", std::process::id()));
    let _ = std::fs::remove_file(&draft);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let linked =
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| {
            match std::fs::hard_link(&draft, path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
                linked => linked,
            }
        });
    std::fs::remove_file(&draft)?;
    linked
}

fn read(text: &str) -> Option<[u8; KEY_BYTES]> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if digits.len() == 2 * KEY_BYTES { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Key::of(folder.path()).unwrap();
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Key::of(folder.path()).unwrap();
        let sealed = first.seal(TenantId::DEFAULT, "trunk a", "s3cret").unwrap();
        assert_eq!(again.open(TenantId::DEFAULT, "trunk a", &sealed).unwrap().as_deref(), Some("s3cret"));
        assert!(again.open(TenantId::DEFAULT, "trunk b", &sealed).is_err());
        assert_eq!(again.open(TenantId::DEFAULT, "trunk b", &[]).unwrap(), None);
        assert!(first.mark("x") == again.mark("x") && first.mark("x") != first.mark("y"));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(Key::of(other.path()).unwrap().mark("x"), first.mark("x"));
        for rubbish in ["", "ff", &"f".repeat(63), &"g".repeat(64), &"f".repeat(66)] {
            std::fs::write(other.path().join(FILE), rubbish).unwrap();
            assert!(Key::of(other.path()).is_err(), "{rubbish}");
        }
    }
}
