//! The web pages that may call this gateway from a browser.
//!
//! A browser names in `Origin` the page that opens a WebSocket, and connects with the user's cookies from the
//! user's network. The allow-list keeps foreign pages out. Programs may send no `Origin` or any, so that only
//! their credential counts.

use http::{HeaderMap, HeaderValue, header};

/// The allowed origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AllowedOrigins {
    /// All origins.
    Any,
    /// The origin with the host and port of the request.
    Same,
    /// The listed origins. Each is compared as a whole, without prefixes and suffixes.
    Listed(Vec<String>),
}

impl AllowedOrigins {
    /// Reads the setting.
    pub(crate) fn new(listed: &[String]) -> Self {
        let listed: Vec<String> = listed
            .iter()
            .map(|origin| origin.trim().trim_end_matches('/').to_ascii_lowercase())
            .filter(|origin| !origin.is_empty())
            .collect();
        match listed.as_slice() {
            [] => Self::Same,
            all if all.iter().any(|origin| origin == "*") => Self::Any,
            _ => Self::Listed(listed),
        }
    }

    /// Whether the origin of a request is allowed.
    pub(crate) fn allow_request(&self, headers: &HeaderMap) -> bool {
        match headers.get(header::ORIGIN) {
            None => true,
            Some(origin) => self.allow(origin, headers.get(header::HOST)),
        }
    }

    /// Whether an origin is allowed.
    pub(crate) fn allow(&self, origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
        let Ok(origin) = origin.to_str().map(str::to_ascii_lowercase) else { return false };
        match self {
            Self::Any => true,
            Self::Listed(listed) => listed.contains(&origin),
            Self::Same => host
                .and_then(|host| host.to_str().ok())
                .zip(origin.split_once("://"))
                .is_some_and(|(host, (_, authority))| host.eq_ignore_ascii_case(authority)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origins: &AllowedOrigins, origin: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("chat.example.com"));
        headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        origins.allow_request(&headers)
    }

    #[test]
    fn a_listed_origin_is_compared_whole() {
        let origins = AllowedOrigins::new(&["https://example.com/".to_owned()]);
        assert!(allowed(&origins, "https://example.com"));
        for foreign in [
            "https://example.com.evil.test",
            "https://evilexample.com",
            "http://example.com",
            "https://example.com:8443",
            "null",
            "",
        ] {
            assert!(!allowed(&origins, foreign), "{foreign}");
        }
    }

    #[test]
    fn without_a_list_the_page_is_from_here() {
        let origins = AllowedOrigins::new(&[]);
        assert!(allowed(&origins, "https://chat.example.com"));
        assert!(!allowed(&origins, "https://other.example.com"));
        assert!(!allowed(&origins, "null"));
    }

    #[test]
    fn a_program_has_no_origin() {
        assert!(AllowedOrigins::new(&[]).allow_request(&HeaderMap::new()));
    }
}
