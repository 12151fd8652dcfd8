//! What makes a password acceptable (OWASP ASVS 5.0, 6.2).

use std::{collections::HashSet, sync::LazyLock};

use madang_domain::{Username, to_nfc};
use madang_rpc::auth::Password;

/// The fewest characters (6.2.1).
pub(crate) const PASSWORD_MIN_CHARS: usize = 8;
/// The most characters. All of them count: argon2 takes any length, nothing is cut off (6.2.9).
pub(crate) const PASSWORD_MAX_CHARS: usize = 256;
/// The most bytes: a character of UTF-8 has at most four.
const PASSWORD_MAX_BYTES: usize = 4 * PASSWORD_MAX_CHARS;

/// The passwords that are tried first wherever passwords are tried, in lower case: those of eight
/// characters and more that lead every published list of breached ones.
static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("common_passwords.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

/// Why a password cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordProblem {
    /// Too short.
    #[error("password must have at least {PASSWORD_MIN_CHARS} characters")]
    TooShort,
    /// Too long.
    #[error("password must have at most {PASSWORD_MAX_CHARS} characters")]
    TooLong,
    /// Among the first that an attacker tries.
    #[error("password is one of the most common ones; choose another")]
    Common,
    /// The name, which everybody knows.
    #[error("password must not be the username")]
    Username,
}

/// Judges the password of a new account.
pub(crate) fn check(password: &Password, username: &Username) -> Result<(), PasswordProblem> {
    let text = password.expose();
    check_size(password)?;
    if text.chars().count() < PASSWORD_MIN_CHARS {
        return Err(PasswordProblem::TooShort);
    }
    let lower = to_nfc(text.to_lowercase());
    if lower == username.as_str() {
        return Err(PasswordProblem::Username);
    }
    if COMMON.contains(lower.as_str()) {
        return Err(PasswordProblem::Common);
    }
    Ok(())
}

/// A password in the form of RFC 8265, section 4.2 (OpaqueString): composed, and with the blank of ASCII for any other.
pub(crate) fn formed(password: &Password) -> Password {
    let text = password.expose();
    if text.is_ascii() {
        return password.clone();
    }
    let is_other_space = |c: char| c.is_whitespace() && !c.is_ascii() && !c.is_control();
    Password::new(to_nfc(text.chars().map(|c| if is_other_space(c) { ' ' } else { c }).collect()))
}

/// Bounds the work that a password at sign-in can cause.
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
