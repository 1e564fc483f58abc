//! API tokens: what they look like, what their holders may do, and `outpace token create`.
//!
//! A token is `op_` and 43 characters of base64url: 256 random bits. It is shown once, when it is made; the store keeps
//! its SHA-256 only. What a browser's login brings in its cookie is made alike and begins with `ol_`. A plain hash is enough, because nobody can try 2^256 values; for the same reason looking a hash up
//! in an index tells nothing by its time.

use crate::config::{Config, check_name};
use crate::failure::Failure;
use base::WallTime;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::time::SystemTime;
use store::{NewToken, Store, TenantId, TokenId};
use utoipa::ToSchema;

/// How every token begins, so that people and secret scanners know one when they see it.
const PREFIX: &str = "op_";
/// How the secret of every login begins; it never opens anything as a token.
const LOGIN_PREFIX: &str = "ol_";
/// Characters of either: the prefix, and 32 bytes in base64 without padding.
const TOKEN_CHARS: usize = PREFIX.len() + 43;

/// What the holder of a token may do; each role may all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees live figures; telephone numbers are shortened.
    Viewer,
    /// Places and ends calls, sets agents' states, records dispositions, consents and do-not-call wishes.
    Agent,
    /// Runs campaigns, imports lists, reads records with full numbers.
    Supervisor,
    /// Deletes campaigns and agents, makes tokens, reads the audit log and the configuration.
    Admin,
}

impl Role {
    /// All of them, least first.
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Agent, Role::Supervisor, Role::Admin];

    /// The word in the API and in the store.
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Agent => "agent",
            Role::Supervisor => "supervisor",
            Role::Admin => "admin",
        }
    }

    /// By its word.
    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A token in clear. Shown once, never stored.
pub struct Token(String);

impl Token {
    /// A new one, from the system's randomness.
    ///
    /// # Errors
    /// The system gives none.
    pub fn generate() -> Result<Token, net::NetError> {
        Ok(Token(format!("{PREFIX}{}", random_text(32)?)))
    }

    /// The secret of a new login.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn of_login() -> Result<Token, net::NetError> {
        Ok(Token(format!("{LOGIN_PREFIX}{}", random_text(32)?)))
    }

    /// The text to hand over.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the store keeps of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(hex(&Sha256::digest(self.0.as_bytes())))
    }
}

/// 128 random bits in base64url, for what must be drawn anew each time.
///
/// # Errors
/// The system gives none.
pub(crate) fn nonce() -> Result<String, net::NetError> {
    random_text(16)
}

/// So many random bytes in base64url.
fn random_text(bytes: usize) -> Result<String, net::NetError> {
    let mut stream = net::entropy::seed()?.stream("secret", 0);
    let words = bytes.div_ceil(8);
    let drawn: Vec<u8> = (0..words).flat_map(|_| stream.next_u64().to_le_bytes()).take(bytes).collect();
    Ok(URL_SAFE_NO_PAD.encode(drawn))
}

/// SHA-256 of a token in small hexadecimal letters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl TokenHash {
    /// Of a text that may be a token; `None` when it has not the form of one, which needs no look at the store.
    pub fn of(text: &str) -> Option<TokenHash> {
        TokenHash::beginning(PREFIX, text)
    }

    /// The same of the secret of a login.
    pub fn of_login(text: &str) -> Option<TokenHash> {
        TokenHash::beginning(LOGIN_PREFIX, text)
    }

    fn beginning(prefix: &str, text: &str) -> Option<TokenHash> {
        let fits = text.len() == TOKEN_CHARS && text.starts_with(prefix);
        fits.then(|| TokenHash(hex(&Sha256::digest(text.as_bytes()))))
    }

    /// For the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bytes in small hexadecimal letters.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Make and withdraw API tokens
#[derive(Args, Clone, Debug)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Subcommand, Clone, Debug)]
enum TokenCommand {
    Create(CreateArgs),
}

/// Make a token and print it and nothing else; it is shown this once
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  TOKEN=$(outpace token create --config outpace.toml --role admin)\n  \
    curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:8080/api/v1/whoami\n\n\
    Works beside a running outpace serve.")]
struct CreateArgs {
    /// Configuration with the store
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What the holder may do
    #[arg(long, value_enum)]
    role: Role,
    /// Who holds it, for the audit log
    #[arg(long, default_value = "cli", value_name = "NAME")]
    name: String,
}

/// Runs the command.
///
/// # Errors
/// Wrong use; a store that cannot be opened or refuses.
pub fn run(arguments: &TokenArgs) -> Result<(), Failure> {
    let TokenCommand::Create(create) = &arguments.command;
    println!("{}", make(create)?.reveal());
    Ok(())
}

fn make(arguments: &CreateArgs) -> Result<Token, Failure> {
    check_name(&arguments.name)
        .map_err(|mend| Failure::usage(&format!("--name {:?}", arguments.name), "is no name", mend))?;
    let config = Config::load(&arguments.config)?;
    let (store, _acks) = Store::open(&config.store_url())?;
    let token = Token::generate()?;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let at = WallTime::from_unix_us(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
    put(&store, TenantId::DEFAULT, &arguments.name, arguments.role, &token, at)?;
    store.close()?;
    Ok(token)
}

/// Keeps a token's hash; gives its id.
pub(crate) fn put(
    store: &Store,
    tenant: TenantId,
    name: &str,
    role: Role,
    token: &Token,
    at: WallTime,
) -> Result<TokenId, store::StoreError> {
    let row = NewToken { name: name.to_owned(), role: role.name().to_owned(), hash: token.hash().as_str().to_owned() };
    store.put_token(tenant, &row, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_have_256_bits_and_are_known_by_their_hash() {
        let (one, two) = (Token::generate().unwrap(), Token::generate().unwrap());
        assert_ne!(one.reveal(), two.reveal());
        let bytes = URL_SAFE_NO_PAD.decode(one.reveal().strip_prefix("op_").unwrap()).unwrap();
        assert_eq!(bytes.len(), 32);
        assert_eq!(one.hash().as_str().len(), 64);
        assert!(one.hash() == TokenHash::of(one.reveal()).unwrap() && one.hash() != two.hash());
        for text in ["", "op_", "op_short", &one.reveal()[1..], &format!("{}x", one.reveal())] {
            assert!(TokenHash::of(text).is_none(), "{text}");
        }
        // Neither opens what the other does.
        let login = Token::of_login().unwrap();
        assert!(TokenHash::of(login.reveal()).is_none() && TokenHash::of_login(one.reveal()).is_none());
        assert!(TokenHash::of_login(login.reveal()).unwrap() == login.hash());
    }

    #[test]
    fn roles_grow() {
        assert!(Role::ALL.is_sorted());
        assert!(Role::ALL.iter().all(|role| Role::named(role.name()) == Some(*role)));
        assert_eq!(Role::named("root"), None);
    }

    #[test]
    fn the_command_keeps_the_hash_alone() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("outpace.toml");
        std::fs::write(&config, format!("[server]\ndata_dir = {:?}\n", folder.path().display().to_string())).unwrap();
        let arguments = CreateArgs { config: config.clone(), role: Role::Supervisor, name: "desk".to_owned() };
        let token = make(&arguments).unwrap();
        let (store, _acks) = Store::open(&Config::load(&config).unwrap().store_url()).unwrap();
        let row = store.token_by_hash(token.hash().as_str()).unwrap().unwrap();
        assert_eq!((row.name.as_str(), row.role.as_str()), ("desk", "supervisor"));
        let named = make(&CreateArgs { name: "a b".to_owned(), ..arguments });
        assert_eq!(named.err().unwrap().code(), 2);
    }
}
