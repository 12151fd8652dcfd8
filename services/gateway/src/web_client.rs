//! The web client: one page below the base path, and the files that it names.

use std::{future::ready, sync::Arc};

use axum::{
    Router,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use madang_domain::Error;
use madang_web::{File, HASHED, INDEX};

use crate::http::etag::{etag_of, is_known};

/// What the page may do. Its scripts and styles are files of this server; it has none in the page itself, and turns no
/// text into markup. Pictures of people are anywhere,
/// and those of messages are read with a token. No other page frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; \
    img-src 'self' blob: https: http:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";
/// The page is asked for each time whether it is still the same: it names the other files.
const PAGE_CACHING: &str = "no-cache";
/// Under a name with a hash there is never another content.
const HASHED_CACHING: &str = "public, max-age=31536000, immutable";
/// Files whose names have no hash, if there are any.
const OTHER_CACHING: &str = "public, max-age=3600";

/// What is served where the client was not built.
const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Madang</title>\n\
    <h1>Madang is running</h1>\n\
    <p>This program has no web client: it was built on a machine without Node. Install Node 20.19 or later, stop this \
    program, and start it by the same command again, such as</p>\n\
    <pre>make run</pre>\n\
    <p>It builds the web client first. <code>make web-client</code> says what is missing, where that fails.</p>\n\
    <p>The API is under <code>v1</code>; <a href=\"v1/openapi.json\">v1/openapi.json</a> describes it.</p>\n";

/// The routes of the client below a base path.
pub(crate) fn routes(base_path: &str) -> Result<Router, Error> {
    let not_built = File { path: INDEX, identity: NOT_BUILT.as_bytes(), brotli: None };
    let is_built = madang_web::FILES.iter().any(|file| file.path == INDEX);
    let files = if is_built { madang_web::FILES } else { &[not_built][..] };
    let mut router = Router::new();
    for file in files {
        let served = Served::new(file)?;
        let path = if file.path == INDEX { "" } else { file.path };
        let handler = move |headers: HeaderMap| ready(served.answer(&headers));
        router = router.route(&format!("{base_path}/{path}"), get(handler));
    }
    if base_path.is_empty() {
        return Ok(router);
    }
    // The page names its files relatively, so that its own path must end with a slash.
    let page = format!("{base_path}/");
    Ok(router.route(base_path, get(move || ready(Redirect::permanent(&page)))))
}

/// A file as it is sent.
#[derive(Clone)]
struct Served {
    identity: Representation,
    brotli: Option<Representation>,
    fixed: Arc<[(HeaderName, HeaderValue)]>,
}

#[derive(Clone)]
struct Representation {
    body: Bytes,
    etag: HeaderValue,
}

impl Representation {
    fn new(content: &'static [u8]) -> Result<Self, Error> {
        Ok(Self { body: Bytes::from_static(content), etag: etag_of(content).map_err(Error::internal)? })
    }
}

impl Served {
    fn new(file: &File) -> Result<Self, Error> {
        let is_page = file.path == INDEX;
        let caching = match file.path {
            INDEX => PAGE_CACHING,
            path if path.starts_with(HASHED) => HASHED_CACHING,
            _ => OTHER_CACHING,
        };
        let mut fixed = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static(content_type(file.path))),
            (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                HeaderValue::from_static("same-origin"),
            ),
        ];
        if is_page {
            fixed.extend([
                (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
                (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
                (
                    HeaderName::from_static("cross-origin-opener-policy"),
                    HeaderValue::from_static("same-origin"),
                ),
            ]);
        }
        Ok(Self {
            identity: Representation::new(file.identity)?,
            brotli: file.brotli.map(Representation::new).transpose()?,
            fixed: fixed.into(),
        })
    }

    fn answer(&self, request: &HeaderMap) -> Response {
        let brotli = self.brotli.as_ref().filter(|_| accepts_brotli(request));
        let chosen = brotli.unwrap_or(&self.identity);
        let mut response = if is_known(&chosen.etag, request) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            chosen.body.clone().into_response()
        };
        let headers = response.headers_mut();
        for (name, value) in self.fixed.iter() {
            headers.insert(name, value.clone());
        }
        headers.insert(header::ETAG, chosen.etag.clone());
        if brotli.is_some() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        }
        response
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("webmanifest" | "json") => "application/json",
        _ => "application/octet-stream",
    }
}

/// Whether the client takes brotli (RFC 9110, section 12.5.3): named, and not with a weight of 0.
fn accepts_brotli(request: &HeaderMap) -> bool {
    let offered = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_brotli = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("br"));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        is_brotli && weight.is_none_or(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: File =
        File { path: "assets/index-1a2b3c4d.js", identity: b"console.log(1)", brotli: Some(b"compressed") };

    fn ask(file: &File, headers: &[(HeaderName, &str)]) -> Response {
        let mut request = HeaderMap::new();
        for (name, value) in headers {
            request.append(name, value.parse().unwrap());
        }
        Served::new(file).unwrap().answer(&request)
    }

    #[test]
    fn brotli_is_sent_to_whoever_takes_it() {
        let coding = |accepted: &[&str]| {
            let headers: Vec<_> = accepted.iter().map(|value| (header::ACCEPT_ENCODING, *value)).collect();
            let answer = ask(&SCRIPT, &headers);
            assert_eq!(answer.headers()[header::VARY], "accept-encoding");
            answer.headers().contains_key(header::CONTENT_ENCODING)
        };
        for accepted in [&["br"][..], &["gzip, deflate, br;q=0.9"], &["gzip", "BR"], &["br; q=0.1"]] {
            assert!(coding(accepted), "{accepted:?}");
        }
        for refused in [&[][..], &["gzip"], &["br;q=0"], &["br; q=0.0, gzip"], &["brotli"], &["br;q=x"]] {
            assert!(!coding(refused), "{refused:?}");
        }
    }

    #[test]
    fn each_representation_has_a_validator_of_its_own() {
        let plain = ask(&SCRIPT, &[]).headers()[header::ETAG].clone();
        let brotli = ask(&SCRIPT, &[(header::ACCEPT_ENCODING, "br")]).headers()[header::ETAG].clone();
        assert_ne!(plain, brotli);
        let known = [(header::ACCEPT_ENCODING, "br"), (header::IF_NONE_MATCH, brotli.to_str().unwrap())];
        assert_eq!(ask(&SCRIPT, &known).status(), StatusCode::NOT_MODIFIED);
        let other = [(header::ACCEPT_ENCODING, "br"), (header::IF_NONE_MATCH, plain.to_str().unwrap())];
        assert_eq!(ask(&SCRIPT, &other).status(), StatusCode::OK);
    }

    #[test]
    fn only_what_has_a_hash_in_its_name_is_kept_without_asking() {
        let caching = |path| {
            let answer = ask(&File { path, identity: b"x", brotli: None }, &[]);
            answer.headers()[header::CACHE_CONTROL].to_str().unwrap().to_owned()
        };
        assert!(caching("assets/index-1a2b3c4d.js").contains("immutable"));
        assert_eq!(caching(INDEX), "no-cache");
        assert!(!caching("robots.txt").contains("immutable"));
    }

    #[test]
    fn the_policy_lets_nothing_into_the_page_that_stands_in_it() {
        let page = ask(&File { path: INDEX, identity: b"x", brotli: None }, &[]);
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(!policy.contains("unsafe") && !policy.contains("data:"), "{policy}");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        for built in madang_web::FILES.iter().filter(|file| file.path == INDEX) {
            let text = std::str::from_utf8(built.identity).unwrap();
            assert!(!text.contains("<style") && !text.contains(" style="), "{text}");
            assert_eq!(text.matches("<script").count(), text.matches(" src=\"").count(), "{text}");
        }
    }
}
