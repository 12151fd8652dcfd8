//! The web pages that may call this gateway from a browser.
//!
//! A browser names in `Origin` the page that opens a WebSocket, and connects with the user's cookies from the
//! user's network. The allow-list keeps foreign pages out. Programs may send no `Origin` or any, so that only
//! their credential counts.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::settings::{AllowedOrigin, Origin};

/// By which scheme a proxy was asked.
const FORWARDED_SCHEME: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The same in an element of `Forwarded`.
const PROTO: &[u8] = b"proto=";

/// The allowed origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AllowedOrigins {
    /// Those served from the host and port that the request is for.
    Same {
        /// Whether a proxy in front is believed when it says by which scheme it was asked.
        trusts_proxy: bool,
        /// Whether this gateway itself is asked by HTTPS.
        by_tls: bool,
    },
    /// Those that one of these allows.
    Listed(Vec<AllowedOrigin>),
}

impl AllowedOrigins {
    /// Those that are listed; without any, those from here.
    pub(crate) fn new(listed: &[AllowedOrigin], trusts_proxy: bool) -> Self {
        if listed.is_empty() {
            Self::Same { trusts_proxy, by_tls: false }
        } else {
            Self::Listed(listed.to_vec())
        }
    }

    /// The same, of a gateway that is itself asked by HTTPS, or not.
    pub(crate) fn with_tls(self, by_tls: bool) -> Self {
        match self {
            Self::Same { trusts_proxy, .. } => Self::Same { trusts_proxy, by_tls },
            listed @ Self::Listed(_) => listed,
        }
    }

    /// Whether the origin of a request is allowed.
    pub(crate) fn allow_request(&self, headers: &HeaderMap) -> bool {
        if !headers.contains_key(header::ORIGIN) {
            return true;
        }
        // Of two, nobody knows which one is meant.
        let Some(origin) = only(headers, &header::ORIGIN) else { return false };
        match self {
            Self::Listed(listed) if listed.contains(&AllowedOrigin::Any) => true,
            Self::Listed(listed) => {
                Origin::parse(origin).is_some_and(|page| listed.iter().any(|entry| entry.allows(&page)))
            }
            Self::Same { trusts_proxy, by_tls } => {
                let Some(page) = Origin::parse(origin) else { return false };
                let was_secure = *by_tls || *trusts_proxy && said_https(headers);
                // Who asked for what by which scheme is known of the page alone: in front may stand any number of proxies.
                // But a page that anybody on the way could have written does not speak where pages are secure.
                let here = only(headers, &header::HOST)
                    .and_then(|host| Origin::parse(&format!("{}://{host}", page.scheme())));
                here.is_some_and(|here| here == page) && (page.scheme() == "https" || !was_secure)
            }
        }
    }
}

/// A header that stands once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
}

/// The value of a quoted string without a backslash, or of a token.
fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

/// Whether a proxy was asked by HTTPS, by either header that says so. A client can only make its own page less trusted.
fn said_https(headers: &HeaderMap) -> bool {
    let parts = |name: &HeaderName, separators: &'static [u8]| {
        let values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
        values.flat_map(|value| value.split(|byte| separators.contains(byte))).map(<[u8]>::trim_ascii)
    };
    let is_https = |scheme: &[u8]| scheme.eq_ignore_ascii_case(b"https");
    parts(&FORWARDED_SCHEME, b",").any(is_https)
        // RFC 7239, section 5.4.
        || parts(&header::FORWARDED, b",;").any(|pair| {
            let (name, scheme) = pair.split_at_checked(PROTO.len()).unwrap_or_default();
            name.eq_ignore_ascii_case(PROTO) && is_https(unquoted(scheme))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(named: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in named {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn same(host: &str, origin: &str) -> bool {
        let origins = AllowedOrigins::new(&[], false);
        origins.allow_request(&headers(&[("host", host), ("origin", origin)]))
    }

    #[test]
    fn without_a_list_the_page_is_from_here() {
        for (host, origin) in [
            ("chat.example.com", "https://chat.example.com"),
            ("chat.example.com", "http://chat.example.com"),
            ("chat.example.com:443", "https://chat.example.com"),
            ("chat.example.com", "https://chat.example.com:443"),
            ("chat.example.com:80", "http://chat.example.com"),
            ("Chat.Example.COM", "https://chat.example.com"),
            ("chat.example.com:8443", "https://chat.example.com:8443"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert!(same(host, origin), "{origin} at {host}");
        }
        for (host, origin) in [
            ("chat.example.com", "https://other.example.com"),
            ("chat.example.com", "https://chat.example.com.evil.test"),
            ("chat.example.com", "https://chat.example.com:8443"),
            ("chat.example.com:443", "http://chat.example.com"),
            ("chat.example.com:80", "https://chat.example.com"),
            ("chat.example.com:8443", "https://chat.example.com"),
            ("chat.example.com", "ftp://chat.example.com"),
            ("chat.example.com/x", "https://chat.example.com"),
            ("evil.test@chat.example.com", "https://chat.example.com"),
            ("", "https://chat.example.com"),
            ("chat.example.com", "null"),
            ("chat.example.com", ""),
        ] {
            assert!(!same(host, origin), "{origin} at {host}");
        }
    }

    #[test]
    fn where_a_trusted_proxy_was_asked_by_https_the_page_is_secure_too() {
        let asked = |trusts_proxy: bool, proto: &str, origin: &str| {
            let origins = AllowedOrigins::new(&[], trusts_proxy);
            let named = [("host", "chat.test"), ("origin", origin), ("x-forwarded-proto", proto)];
            origins.allow_request(&headers(&named))
        };
        assert!(asked(true, "https", "https://chat.test"));
        assert!(!asked(true, "https", "http://chat.test"));
        let by_tls = AllowedOrigins::new(&[], false).with_tls(true);
        let page = |origin: &str| headers(&[("host", "chat.test"), ("origin", origin)]);
        assert!(
            by_tls.allow_request(&page("https://chat.test"))
                && !by_tls.allow_request(&page("http://chat.test"))
        );
        assert!(!asked(true, "HTTPS, http", "http://chat.test"));
        assert!(asked(false, "https", "http://chat.test"), "the word of a proxy that is not trusted");
        for (element, is_secure) in [
            ("for=192.0.2.1;proto=https", true),
            ("for=192.0.2.1; Proto=\"HTTPS\"", true),
            ("for=192.0.2.1;proto=http, for=192.0.2.2;proto=https", true),
            ("for=192.0.2.1;proto=http", false),
            ("for=\"proto=https\"", false),
            ("for=192.0.2.1", false),
        ] {
            let origins = AllowedOrigins::new(&[], true);
            let named = [("host", "chat.test"), ("origin", "http://chat.test"), ("forwarded", element)];
            assert_eq!(!origins.allow_request(&headers(&named)), is_secure, "{element}");
        }
        // A proxy behind the one that ends TLS was asked by HTTP.
        assert!(asked(true, "http", "https://chat.test"));
        assert!(asked(true, "http", "http://chat.test"));
    }

    #[test]
    fn of_two_origins_or_two_hosts_none_counts() {
        let here = ("host", "chat.test");
        let page = ("origin", "https://chat.test");
        for origins in [
            AllowedOrigins::new(&[], false),
            AllowedOrigins::new(&["https://chat.test".parse().unwrap()], false),
        ] {
            assert!(origins.allow_request(&headers(&[here, page])));
            assert!(!origins.allow_request(&headers(&[here, page, page])));
        }
        assert!(!AllowedOrigins::new(&[], false).allow_request(&headers(&[here, here, page])));
    }

    #[test]
    fn a_listed_page_may_and_no_other() {
        let origins = AllowedOrigins::new(
            &["https://example.com".parse().unwrap(), "https://*.example.com".parse().unwrap()],
            false,
        );
        let asked = |origin| origins.allow_request(&headers(&[("host", "chat.test"), ("origin", origin)]));
        assert!(asked("https://example.com") && asked("https://a.example.com"));
        assert!(!asked("https://chat.test") && !asked("https://example.com.evil.test") && !asked("null"));
        let any = AllowedOrigins::new(&["*".parse().unwrap()], false);
        assert!(any.allow_request(&headers(&[("origin", "null")])));
    }

    #[test]
    fn a_program_has_no_origin() {
        assert!(AllowedOrigins::new(&[], false).allow_request(&HeaderMap::new()));
    }
}
