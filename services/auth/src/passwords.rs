//! The rules for passwords (OWASP ASVS 5.0, 6.2).

use madang_domain::{Username, to_nfc};
use madang_rpc::auth::Password;

/// The fewest characters (6.2.1).
pub(crate) const PASSWORD_MIN_CHARS: usize = 8;
/// The most characters. Argon2 takes any length, so that no password is truncated (6.2.9).
pub(crate) const PASSWORD_MAX_CHARS: usize = 256;
/// The most bytes before it is composed: a composed character comes of at most four, each of at most four bytes in UTF-8.
/// This bounds the work of composing.
const PASSWORD_MAX_BYTES: usize = 4 * 4 * PASSWORD_MAX_CHARS;

/// The most common passwords, which attackers try first (6.2.4): in lower case, sorted by bytes, one a line.
/// `services/auth/common_passwords/README.md` names their source and its licence.
const COMMON: &str = include_str!("../common_passwords/list.txt");

/// Why a password cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordProblem {
    /// Too short.
    #[error("password must have at least {PASSWORD_MIN_CHARS} characters")]
    TooShort,
    /// Too long.
    #[error("password must have at most {PASSWORD_MAX_CHARS} characters")]
    TooLong,
    /// The password is one of the most common ones, which attackers try first.
    #[error("password is one of the most common ones; choose another")]
    Common,
    /// The password is the username, which everybody knows.
    #[error("password must not be the username")]
    Username,
}

/// Checks the password of a new account, in the form in which it is hashed: the letters of a decomposed one would count
/// as characters.
pub(crate) fn check(password: &Password, username: &Username) -> Result<(), PasswordProblem> {
    check_size(password)?;
    let formed = formed(password);
    let text = formed.expose();
    if text.chars().count() < PASSWORD_MIN_CHARS {
        return Err(PasswordProblem::TooShort);
    }
    let lower = to_nfc(text.to_lowercase());
    if lower == username.as_str() {
        return Err(PasswordProblem::Username);
    }
    if is_common(&lower) {
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

/// Whether this text is a line of [`COMMON`]. A binary search reads the embedded list without a copy of it.
fn is_common(text: &str) -> bool {
    let list = COMMON.as_bytes();
    let (mut from, mut to) = (0, list.len());
    // If the list has the line, it begins in `from..to`. A line begins at `from`.
    while from < to {
        let middle = from + (to - from) / 2;
        let start =
            list[from..middle].iter().rposition(|byte| *byte == b'\n').map_or(from, |at| from + at + 1);
        let end = list[middle..].iter().position(|byte| *byte == b'\n').map_or(list.len(), |at| middle + at);
        match list[start..end].cmp(text.as_bytes()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => from = end + 1,
            std::cmp::Ordering::Greater => to = start,
        }
    }
    false
}

/// Whether a password at sign-in is short enough to be hashed. This bounds the work of one sign-in.
pub(crate) fn check_size(password: &Password) -> Result<(), PasswordProblem> {
    if password.expose().len() > PASSWORD_MAX_BYTES
        || formed(password).expose().chars().count() > PASSWORD_MAX_CHARS
    {
        return Err(PasswordProblem::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ASVS 5.0, 6.2.4, asks for.
    const COMMON_LEAST: usize = 3_000;

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
    fn a_length_is_that_of_the_form() {
        let decomposed = |syllables| "\u{1112}\u{1161}\u{11ab}".repeat(syllables);
        assert_eq!(judge(&decomposed(7)), Err(PasswordProblem::TooShort));
        assert_eq!(judge(&decomposed(8)), Ok(()));
        assert_eq!(judge(&decomposed(256)), Ok(()));
        assert_eq!(judge(&decomposed(257)), Err(PasswordProblem::TooLong));
        assert_eq!(judge(&"a\u{301}\u{301}\u{301}".repeat(100)), Err(PasswordProblem::TooLong));
        assert_eq!(judge("correct\u{a0}horse"), Ok(()));
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
        let words: Vec<&str> = COMMON.lines().collect();
        assert!(words.len() >= COMMON_LEAST, "{} words", words.len());
        assert!(words.is_sorted_by(|one, next| one.as_bytes() < next.as_bytes()), "sorted, none twice");
        for word in words {
            assert!(word.chars().count() >= PASSWORD_MIN_CHARS, "{word} is refused by its length already");
            assert_eq!(word, word.to_lowercase());
        }
    }

    #[test]
    fn each_word_of_the_list_is_found_and_no_other_is() {
        for word in COMMON.lines() {
            assert!(is_common(word), "{word}");
            assert!(!is_common(&word[..7]) && !is_common(&format!("{word}\u{7f}")), "{word}");
        }
        let list = COMMON.lines();
        for other in [
            "",
            "\n",
            "zzzzzzzzzzzzzzzzzzzz",
            "correct horse battery",
            list.take(2).collect::<Vec<_>>().join("\n").as_str(),
        ] {
            assert!(!is_common(other), "{other}");
        }
    }
}
