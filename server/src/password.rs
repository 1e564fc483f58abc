//! Passwords: what is kept of them, how they are compared, how one is asked for. The wrapped libraries are `argon2` and
//! `rpassword`.
//!
//! Kept is Argon2id with the library's parameters (19 MiB, 2 passes, 1 lane: the first choice of OWASP's cheat sheet)
//! and a random salt, as a PHC string that names its own parameters, so that stronger ones can follow.

use crate::failure::Failure;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::io::{BufRead, IsTerminal};
use std::sync::OnceLock;

/// Fewest characters of a password (NIST SP 800-63B section 5.1.1.2).
pub const CHARS_MIN: usize = 8;
/// Most characters: a long sentence; the hash takes no longer for it.
pub const CHARS_MAX: usize = 256;

/// Whether a text can be a password.
///
/// # Errors
/// What is wrong with it.
pub fn check(password: &str) -> Result<(), String> {
    match password.chars().count() {
        CHARS_MIN..=CHARS_MAX => Ok(()),
        chars => Err(format!("has {chars} characters")),
    }
}

/// How to mend what [`check`] finds.
pub const MEND: &str = "take 8 to 256 characters";

/// What is kept of a password. Takes some 20 ms and 19 MiB: not for a thread that others wait for.
///
/// # Errors
/// The system gives no randomness.
pub fn hash(password: &str) -> Result<String, Failure> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash: PasswordHash| hash.to_string()).map_err(|e| Failure::failed(format!("a password's hash: {e}")))
}

/// Whether `kept` was made of this password. As slow as [`hash`].
pub fn fits(password: &str, kept: &str) -> bool {
    PasswordHash::new(kept).is_ok_and(|kept| Argon2::default().verify_password(password.as_bytes(), &kept).is_ok())
}

/// Takes as long as [`fits`], so that nobody learns by the clock which names there are.
pub fn fits_nobody(password: &str) -> bool {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let kept = NOBODY.get_or_init(|| hash("nobody has this password").unwrap_or_default());
    std::hint::black_box(fits(password, kept));
    false
}

/// Asks for a password twice on the terminal, without showing it; from another program it is one line of stdin.
///
/// # Errors
/// It cannot be read, is none, or the two differ.
pub fn ask() -> Result<String, Failure> {
    let told = |error| Failure::io("the password", error);
    let password = if std::io::stdin().is_terminal() {
        let once = rpassword::prompt_password("Password: ").map_err(told)?;
        let again = rpassword::prompt_password("Once more: ").map_err(told)?;
        if once != again {
            return Err(Failure::usage("the password", "differs from its repetition", "try again"));
        }
        once
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(told)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    check(&password).map_err(|what| Failure::usage("the password", &what, MEND))?;
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_fits_its_password_alone_and_no_two_are_alike() {
        let (one, two) = (hash("correct horse").unwrap(), hash("correct horse").unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && one != two, "{one}");
        assert!(fits("correct horse", &one) && fits("correct horse", &two));
        for (password, kept) in [("correct horsf", one.as_str()), ("", &one), ("x", ""), ("x", "$argon2id$rubbish")] {
            assert!(!fits(password, kept));
        }
        assert!(!fits_nobody("nobody has this password"));
    }

    #[test]
    fn passwords_are_neither_short_nor_endless() {
        assert!(check("1234567").is_err() && check(&"x".repeat(257)).is_err());
        // Characters, not bytes.
        assert!(check("пароль12").is_ok() && check("пароль1").is_err());
    }
}
