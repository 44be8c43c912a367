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

/// Most characters: hashing takes the same time, but reading a book does not.
const MAXIMUM: usize = 500;

/// What people choose most, in lower case; its first lines say where it comes from.
const COMMON: &str = include_str!("common-passwords.txt");

/// What follows from one key to the next: two keyboards, the alphabet, the digits.
const RUNS: [&str; 4] = ["azertyuiopqsdfghjklmwxcvbn", "qwertyuiopasdfghjklzxcvbnm", "abcdefghijklmnopqrstuvwxyz", "012345678901234567890"];

/// Whether a new password is long enough, and neither common nor made of what everybody knows of the person (`about`).
///
/// # Errors
/// `password_short`, `password_long`, `password_common`, each with what to do.
pub fn check(password: &str, about: &[&str]) -> Result<()> {
    match password.chars().count() {
        0..MINIMUM => Err(Error::invalid("password_short", format!("Choisissez un mot de passe d'au moins {MINIMUM}\u{a0}caractères."))),
        MINIMUM..=MAXIMUM if is_easy(&password.to_lowercase(), about) => Err(Error::invalid(
            "password_common",
            "Ce mot de passe est trop facile à deviner. Choisissez par exemple quatre mots sans rapport entre eux ni avec vous.",
        )),
        MINIMUM..=MAXIMUM => Ok(()),
        _ => Err(Error::invalid("password_long", format!("Choisissez un mot de passe de {MAXIMUM}\u{a0}caractères au plus."))),
    }
}

fn is_common(word: &str) -> bool {
    COMMON.lines().any(|line| line == word)
}

/// `password` is in lower case.
fn is_easy(password: &str, about: &[&str]) -> bool {
    let core = password.trim_matches(|c: char| !c.is_alphabetic());
    let run = |word: &str| RUNS.iter().any(|run| run.contains(word) || run.chars().rev().collect::<String>().contains(word));
    let characters: Vec<char> = password.chars().collect();
    let distinct = characters.iter().collect::<std::collections::BTreeSet<_>>().len();
    // One word again and again.
    let unit = (1..=characters.len() / 2)
        .filter(|n| characters.len().is_multiple_of(*n))
        .find(|n| characters.chunks(*n).all(|c| c == &characters[..*n]))
        .map(|n| characters[..n].iter().collect::<String>());
    let repeated = unit.is_some_and(|unit| unit.chars().count() <= 4 || is_common(&unit) || run(&unit));
    // What is left without what is known must still be something.
    let known = about.iter().map(|word| word.to_lowercase()).filter(|word| word.chars().count() >= 4);
    let little = |rest: String| rest.chars().count() < if rest.chars().any(char::is_alphabetic) { 6 } else { 10 };
    let personal = known.into_iter().any(|word| password.contains(&word) && little(password.replace(&word, "")));
    distinct < 5 || repeated || personal || is_common(password) || is_common(core) || run(password) || (core.len() >= 6 && run(core))
}

/// Hashes a new password to a PHC string.
///
/// # Errors
/// What [`check`] says.
pub async fn hash(clock: &Clock, password: &str) -> Result<String> {
    check(password, &["retex"])?;
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

    #[test]
    fn what_everybody_tries_is_refused() {
        assert!(COMMON.lines().filter(|l| !l.starts_with('#')).count() > 10_000);
        let code = |password: &str| check(password, &["Camille Bernard", "camille", "retex"]).map_or_else(|e| e.code, |()| "ok");
        for easy in [
            "azertyuiopqsd",
            "motdepasse2026!",
            "MotDePasse1234",
            "Marseille!!!!",
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "passwordpassword",
            "123456789012",
            "987654321098",
            "camille12345",
            "2026camille!",
            "111111111112",
            "Retex2026!!!",
            "azertyuiop12",
        ] {
            assert_eq!(code(easy), "password_common", "{easy}");
        }
        for good in [
            "retex-demonstration",
            "un mot de passe",
            "un nouveau mot de passe",
            "cheval agrafe pile correct",
            "camille aime les lamas",
            "7f3c9a1e5b2d",
        ] {
            assert_eq!(code(good), "ok", "{good}");
        }
        assert_eq!((code("é".repeat(11).as_str()), code(&"é a".repeat(400))), ("password_short", "password_long"));
    }

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
