//! What a URL of the settings may be mistaken for.

/// Whether the user or the password of a URL seems to hold a character that ends them (`/`, `?` or `#`), so that the URL
/// names another host than was meant: `postgres://user:12#34@host/` is the host `user` at port 12.
#[must_use]
pub fn login_is_cut(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // What stands behind a name and `=` is a parameter, which may hold an `@`.
    !authority.contains('@') && tail.split_once('@').is_some_and(|(before, _)| !before.contains('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_ends_at_what_is_not_encoded() {
        for url in ["a://u:p#s@h/d", "a://u:1#2@h/d", "a://u:1/2@h", "a://u:1?2@h", "a://:#@h"] {
            assert!(login_is_cut(url), "{url}");
        }
        for url in [
            "a://u:p%23s@h/d",
            "a://h/d",
            "a://h:1/d?x=a@b",
            "a:///d?host=/run&user=a@b",
            "a://u:p@s@h/d#@",
            "a",
        ] {
            assert!(!login_is_cut(url), "{url}");
        }
    }
}
