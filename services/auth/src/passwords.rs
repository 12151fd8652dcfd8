//! What makes a password acceptable (OWASP ASVS 5.0, 6.2).

use madang_domain::Username;
use madang_rpc::auth::Password;

/// The fewest characters (6.2.1).
pub(crate) const PASSWORD_MIN_CHARS: usize = 8;
/// The most characters. All of them count: argon2 takes any length, nothing is cut off (6.2.9).
pub(crate) const PASSWORD_MAX_CHARS: usize = 256;
/// The most bytes: a character of UTF-8 has at most four.
const PASSWORD_MAX_BYTES: usize = 4 * PASSWORD_MAX_CHARS;

/// The passwords that are tried first wherever passwords are tried (6.2.4): in lower case, sorted by bytes, one a line. Where
/// they come from, and under which licence, says `services/auth/common_passwords/README.md`.
const COMMON: &str = include_str!("../common_passwords/list.txt");

/// Why a password cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordProblem {
    /// Too short.
    #[error("password: must have at least {PASSWORD_MIN_CHARS} characters")]
    TooShort,
    /// Too long.
    #[error("password: must have at most {PASSWORD_MAX_CHARS} characters")]
    TooLong,
    /// Among the first that an attacker tries.
    #[error("password: is one of the most common ones; choose another")]
    Common,
    /// The name, which everybody knows.
    #[error("password: must not be the username")]
    Username,
}

/// Judges the password of a new account.
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
    if is_common(&lower) {
        return Err(PasswordProblem::Common);
    }
    Ok(())
}

/// Whether a line of [`COMMON`] is this text. The list is searched as it is embedded: no copy of it is made.
fn is_common(text: &str) -> bool {
    let list = COMMON.as_bytes();
    let (mut from, mut to) = (0, list.len());
    // The line is, if anywhere, among those that begin in `from..to`, where a line begins at `from`.
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
