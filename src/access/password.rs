//! Passwords: argon2id with the library's default parameters (OWASP's minimum: 19 MiB, 2 passes), never on the async threads.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

use crate::{
    clock::Clock,
    error::{Error, Result},
};

/// Fewest characters of a password.
pub const MINIMUM: usize = 12;

/// Hash of a password nobody has: verified when the account does not exist, so that the answer takes as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$mjEByNmmZ/HOS2BGxNCRZA$mXUyHC1v1AhqI0ZJYyPSRvJ7sc4/sEHbDQf2hc6HeEM";

/// Hashes a new password to a PHC string.
///
/// # Errors
/// `password_short` under [`MINIMUM`] characters.
pub async fn hash(clock: &Clock, password: &str) -> Result<String> {
    if password.chars().count() < MINIMUM {
        return Err(Error::invalid("password_short", format!("Choisissez un mot de passe d'au moins {MINIMUM} caractères.")));
    }
    let (password, salt) = (password.to_owned(), clock.random::<16>());
    let hash =
        tokio::task::spawn_blocking(move || Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map(|h| h.to_string()));
    hash.await.map_err(Error::internal)?.map_err(|e| Error::internal(e.to_string()))
}

/// Whether `password` is the one of `hash`; takes as long when there is no hash.
pub async fn verify(hash: Option<&str>, password: &str) -> Result<bool> {
    let (known, hash, password) = (hash.is_some(), hash.unwrap_or(NOBODY).to_owned(), password.to_owned());
    let verified = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    });
    Ok(verified.await.map_err(Error::internal)? && known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_verified_and_a_short_one_refused() {
        let clock = Clock::fixed(chrono::DateTime::UNIX_EPOCH, 1);
        let hash = hash(&clock, "un mot de passe long").await.expect("hashed");
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify(Some(&hash), "un mot de passe long").await.expect("verified"));
        assert!(!verify(Some(&hash), "un mot de passe lonh").await.expect("verified"));
        assert!(!verify(None, "").await.expect("verified"));
        assert!(PasswordHash::new(NOBODY).is_ok(), "the hash of nobody is well formed, or verifying it would be quick");
        assert_eq!(super::hash(&clock, "trop court").await.expect_err("short").code, "password_short");
    }
}
