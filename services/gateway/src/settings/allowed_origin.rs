//! The origins of pages (RFC 6454), and which of them a setting allows.

use std::str::FromStr;

use url::{Host, Url};

/// The schemes of pages that a site serves. An origin of them has a port, by default the scheme's.
const WEB_SCHEMES: [&str; 2] = ["https", "http"];
/// Those of pages that come with an app or an extension. Their origins have a name and no port.
const APP_SCHEMES: [&str; 5] = ["capacitor", "ionic", "tauri", "chrome-extension", "moz-extension"];

/// Where a page comes from: scheme, host and port, in the form that browsers send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: Box<str>,
    /// In lower case; of an international name its ASCII form.
    host: Box<str>,
    /// None of an app's pages.
    port: Option<u16>,
}

impl Origin {
    /// Reads `scheme://host` or `scheme://host:port`, and nothing more.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        // The parser of URLs would pass over some of these.
        let is_foreign = |char: char| {
            char.is_whitespace() || char.is_control() || matches!(char, '/' | '\\' | '?' | '#' | '@' | '*')
        };
        if authority.is_empty() || authority.contains(is_foreign) {
            return None;
        }
        if APP_SCHEMES.contains(&&*scheme) {
            let host = authority.to_ascii_lowercase().into();
            return Some(Self { scheme: scheme.into(), host, port: None });
        }
        if !WEB_SCHEMES.contains(&&*scheme) {
            return None;
        }
        let url = Url::parse(&format!("{scheme}://{authority}")).ok()?;
        Some(Self { scheme: scheme.into(), host: url.host_str()?.into(), port: url.port_or_known_default() })
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }
}

/// An entry of the setting: which pages may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// All.
    Any,
    /// Those of one origin.
    One(Origin),
    /// Those of the subdomains of this origin's host, however deep; not of the host itself.
    SubdomainsOf(Origin),
}

impl AllowedOrigin {
    /// Whether a page may.
    #[must_use]
    pub fn allows(&self, page: &Origin) -> bool {
        match self {
            Self::Any => true,
            Self::One(origin) => origin == page,
            Self::SubdomainsOf(origin) => {
                let name = page.host.strip_suffix(&*origin.host).and_then(|rest| rest.strip_suffix('.'));
                (&page.scheme, page.port) == (&origin.scheme, origin.port)
                    && name.is_some_and(|name| !name.is_empty())
            }
        }
    }
}

impl FromStr for AllowedOrigin {
    type Err = String;

    /// Reads an entry. What no page can have as its origin is refused with what to write.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text {
            "*" => return Ok(Self::Any),
            "" => return Err("an entry is empty: is there a comma too many?".to_owned()),
            "null" => {
                return Err(
                    "`null` is what any sandboxed page says: serve the page from an origin".to_owned()
                );
            }
            _ => {}
        }
        if text.contains(|char: char| char.is_whitespace() || char == ';') {
            return Err("separate origins by commas".to_owned());
        }
        let Some((scheme, authority)) = text.split_once("://") else {
            return Err(format!("name the scheme too: https://{text}"));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "ws" | "wss" => {
                return Err("that is the scheme of a socket, and a page's is meant: https".to_owned());
            }
            known if WEB_SCHEMES.contains(&known) || APP_SCHEMES.contains(&known) => {}
            _ => {
                let known = [&WEB_SCHEMES[..], &APP_SCHEMES].concat().join(", ");
                return Err(format!("no page has this scheme; those known are {known}"));
            }
        }
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if let Some(end) = authority.find(['/', '?', '#']) {
            return Err(format!("an origin has no path: write {scheme}://{}", &authority[..end]));
        }
        if authority.contains('@') {
            return Err("an origin has no user".to_owned());
        }
        let (rest, all) = match authority.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (authority, false),
        };
        if rest.contains('*') {
            return Err("`*` stands for all subdomains, as in https://*.example.com".to_owned());
        }
        let origin = Origin::parse(&format!("{scheme}://{rest}")).ok_or("that is no host")?;
        if !all {
            return Ok(Self::One(origin));
        }
        match Host::parse(&origin.host) {
            Ok(Host::Domain(_)) if origin.port.is_some() => Ok(Self::SubdomainsOf(origin)),
            _ => Err("only a host name of the web has subdomains".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(entry: &str, page: &str) -> bool {
        let entry: AllowedOrigin = entry.parse().unwrap_or_else(|why| panic!("{entry}: {why}"));
        Origin::parse(page).is_some_and(|page| entry.allows(&page))
    }

    #[test]
    fn what_an_entry_allows() {
        for (entry, pages) in [
            ("*", &["https://a.test", "http://a.test:81", "capacitor://localhost"][..]),
            ("https://app.example.com", &["https://app.example.com", "https://app.example.com:443"]),
            ("https://app.example.com:443", &["https://app.example.com"]),
            (" HTTPS://App.Example.com/ ", &["https://app.example.com"]),
            ("http://localhost:3000", &["http://localhost:3000"]),
            ("http://127.0.0.1:3000", &["http://127.0.0.1:3000"]),
            ("http://[::1]:3000", &["http://[::1]:3000", "http://[0:0::1]:3000"]),
            ("https://*.example.com", &["https://a.example.com", "https://b.a.example.com:443"]),
            ("https://*.example.com:8443", &["https://a.example.com:8443"]),
            ("https://채팅.한국", &["https://xn--ou6bo7j.xn--3e0b707e"]),
            ("https://*.채팅.한국", &["https://a.xn--ou6bo7j.xn--3e0b707e"]),
            ("https://bücher.example", &["https://xn--bcher-kva.example"]),
            ("capacitor://localhost", &["capacitor://localhost"]),
            ("chrome-extension://abcdef", &["chrome-extension://abcdef"]),
        ] {
            for page in pages {
                assert!(allows(entry, page), "{entry} and {page}");
            }
        }
    }

    #[test]
    fn what_an_entry_does_not_allow() {
        for (entry, pages) in [
            (
                "https://example.com",
                &[
                    "https://example.com.evil.test",
                    "https://evilexample.com",
                    "https://a.example.com",
                    "http://example.com",
                    "https://example.com:8443",
                    "https://example.com/",
                    "https://user@example.com",
                    "https://example.com\\.evil.test",
                    "https:// example.com",
                    "https://",
                    "null",
                    "",
                ][..],
            ),
            (
                "https://*.example.com",
                &[
                    "https://example.com",
                    "https://.example.com",
                    "https://evilexample.com",
                    "https://a.example.com.evil.test",
                    "https://a.example.com:8443",
                    "http://a.example.com",
                ],
            ),
            ("capacitor://localhost", &["ionic://localhost", "http://localhost"]),
        ] {
            for page in pages {
                assert!(!allows(entry, page), "{entry} and {page}");
            }
        }
    }

    #[test]
    fn what_no_page_can_have_as_its_origin_is_refused_with_what_to_write() {
        for (entry, said) in [
            ("app.example.com", "https://app.example.com"),
            ("*.example.com", "https://*.example.com"),
            ("https://a.test;https://b.test", "commas"),
            ("https://a.test https://b.test", "commas"),
            ("https://a.test/chat", "write https://a.test"),
            ("https://a.test/*", "write https://a.test"),
            ("https://a.test?x", "write https://a.test"),
            ("htps://a.test", "scheme"),
            ("ftp://a.test", "scheme"),
            ("wss://a.test", "https"),
            ("https://user@a.test", "user"),
            ("https://a.*.test", "https://*.example.com"),
            ("https://*", "https://*.example.com"),
            ("https://*.*.test", "https://*.example.com"),
            ("https://*.127.0.0.1", "subdomains"),
            ("https://a.test:port", "host"),
            ("https://", "host"),
            ("null", "sandboxed"),
            ("", "comma"),
        ] {
            let why = entry.parse::<AllowedOrigin>().expect_err(entry);
            assert!(why.contains(said), "{entry}: {why}");
        }
    }
}
