//! The rules for passwords (OWASP ASVS 5.0, 6.2).

use std::{collections::HashSet, sync::LazyLock};

use madang_domain::Username;
use madang_rpc::auth::Password;

/// The fewest characters (6.2.1).
pub(crate) const PASSWORD_MIN_CHARS: usize = 8;
/// The most characters. Argon2 takes any length, so that no password is truncated (6.2.9).
pub(crate) const PASSWORD_MAX_CHARS: usize = 256;
/// The most bytes: a character has at most four bytes in UTF-8.
const PASSWORD_MAX_BYTES: usize = 4 * PASSWORD_MAX_CHARS;

/// The most common passwords, in lower case, which attackers try first. They are the first ones with at least
/// eight characters in every published list of breached passwords.
static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("common_passwords.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

/// Why a password cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordProblem {
    /// Too short.
    #[error("password: must have at least {PASSWORD_MIN_CHARS} characters")]
    TooShort,
    /// Too long.
    #[error("password: must have at most {PASSWORD_MAX_CHARS} characters")]
    TooLong,
    /// The password is one of the most common ones, which attackers try first.
    #[error("password: is one of the most common ones; choose another")]
    Common,
    /// The password is the username, which everybody knows.
    #[error("password: must not be the username")]
    Username,
}

/// Checks the password of a new account.
pub(crate) fn check(password: &Password, username: &Username) -> Result<(), PasswordProblem> {
    let text = password.expose();
    check_size(password)?;
    if text.chars().count() < PASSWORD_MIN_CHARS {
        return Err(PasswordProblem::TooShort);
    }
    let lower = text.to_lowercase();
    if lower == username.as_str() {
        return Err(PasswordProblem::Username);
    }
    if COMMON.contains(lower.as_str()) {
        return Err(PasswordProblem::Common);
    }
    Ok(())
}

/// Whether a password at sign-in is short enough to be hashed. This bounds the work of one sign-in.
pub(crate) fn check_size(password: &Password) -> Result<(), PasswordProblem> {
    let text = password.expose();
    if text.len() > PASSWORD_MAX_BYTES || text.chars().count() > PASSWORD_MAX_CHARS {
        return Err(PasswordProblem::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(password: &str) -> Result<(), PasswordProblem> {
        check(&Password::new(password.to_owned()), &Username::new("mina.kim").unwrap())
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(judge("일이삼사오육칠"), Err(PasswordProblem::TooShort));
        assert_eq!(judge("일이삼사오육칠팔"), Ok(()));
        assert_eq!(judge(&"가".repeat(256)), Ok(()));
        assert_eq!(judge(&"가".repeat(257)), Err(PasswordProblem::TooLong));
    }

    #[test]
    fn common_ones_and_the_name_are_refused() {
        assert_eq!(judge("Password123"), Err(PasswordProblem::Common));
        assert_eq!(judge("qwertyuiop"), Err(PasswordProblem::Common));
        assert_eq!(judge("Mina.Kim"), Err(PasswordProblem::Username));
        assert_eq!(judge("correct horse battery"), Ok(()));
    }

    #[test]
    fn the_list_holds_what_the_length_lets_through() {
        assert!(COMMON.len() > 200);
        for word in COMMON.iter() {
            assert!(word.chars().count() >= PASSWORD_MIN_CHARS, "{word} is refused by its length already");
            assert_eq!(*word, word.to_lowercase());
        }
    }
}
