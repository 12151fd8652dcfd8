//! All routes of the gateway, and the middleware that they share.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{Next, from_fn, from_fn_with_state, map_response},
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, Method, Version, header};
use madang_contract::rest::routes::documents;
use madang_domain::{Code, Error};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    dialects::{channels, native},
    http::{
        Problem,
        guard::guard,
        measure::{HttpMetrics, measure},
        origin::AllowedOrigins,
        trace,
    },
    rest::{self, Routes},
    settings::GatewaySettings,
    state::GatewayState,
    web_client,
};

/// The most bytes of a request's body.
const BODY_MAX_BYTES: usize = 128 * 1024;
/// How long a browser may cache the answer to a preflight request.
const PREFLIGHT_KEPT: Duration = Duration::from_secs(3_600);

/// All routes of the gateway.
pub(crate) fn router(
    settings: &GatewaySettings,
    state: GatewayState,
    metrics: HttpMetrics,
) -> Result<Router, Error> {
    let origins = Arc::clone(&state.entrance.origins);
    let routes = contract_routes(&settings.base_path)?.into_router().with_state(state.clone());
    let routes = match settings.base_path.as_str() {
        "" => routes,
        base => Router::new().nest(base, routes),
    };
    let page = if settings.web_client { web_client::routes(&settings.base_path)? } else { Router::new() };
    let paths = paths(settings);
    Ok(routes
        .merge(page)
        .merge(channels::routes(&settings.base_path, &settings.channels, state))
        .fallback(move || not_found(paths.clone()))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(from_fn(guard))
        .layer(from_fn(traced))
        .layer(cors(origins))
        .layer(map_response(for_one_reader))
        .layer(from_fn_with_state(metrics, measure)))
}

/// Answers a request within its span.
async fn traced(request: Request, next: Next) -> Response {
    trace::in_span(request, |request| async move {
        match of_one_host(&request) {
            Ok(()) => next.run(request).await,
            Err(error) => Problem::from(error).into_response(),
        }
    })
    .await
}

/// Refuses a request that does not name one host (RFC 9112, section 3.2): of two, a proxy may have looked at the other.
fn of_one_host(request: &Request) -> Result<(), Error> {
    match request.headers().get_all(header::HOST).iter().count() {
        1 => Ok(()),
        0 if request.version() < Version::HTTP_11 => Ok(()),
        _ => Err(Error::invalid("name one host: send the header Host once")),
    }
}

/// What is answered is for whoever asked, and is what it says it is: no cache keeps it, no browser guesses. A route that
/// answers everybody alike says itself how long a cache may keep its answer.
async fn for_one_reader(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The routes of the public contract.
fn contract_routes(base_path: &str) -> Result<Routes, Error> {
    Ok(rest::routes(base_path)?.at(&documents::WEBSOCKET, native::websocket))
}

/// The existing paths, for a client that requested an unknown one.
fn paths(settings: &GatewaySettings) -> String {
    let base = &settings.base_path;
    let api = format!("the API is under {base}/v1, its WebSocket at {base}/v1/ws");
    if settings.channels.enabled() {
        let [room, simple, alarm] = channels::paths(base, &settings.channels.path);
        format!("{api}; the sockets of the Channels dialect are {room}, {simple} and {alarm}")
    } else {
        api
    }
}

/// An unknown path is answered with the list of paths. The answer does not depend on credentials.
async fn not_found(paths: String) -> Problem {
    Error::new(Code::NotFound, format!("there is nothing at this path; {paths}")).into()
}

async fn method_not_allowed() -> Problem {
    Problem::with_status(
        http::StatusCode::METHOD_NOT_ALLOWED,
        Error::invalid("this path does not support this method"),
    )
}

fn cors(origins: Arc<AllowedOrigins>) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |_, parts| origins.allow_request(&parts.headers)))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            header::IF_RANGE,
            header::RANGE,
            HeaderName::from_static("idempotency-key"),
        ])
        .expose_headers([
            header::RETRY_AFTER,
            header::ETAG,
            header::ALLOW,
            header::WWW_AUTHENTICATE,
            header::ACCEPT_RANGES,
            header::CONTENT_DISPOSITION,
            header::CONTENT_RANGE,
        ])
        .max_age(PREFLIGHT_KEPT)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use madang_contract::rest::{Route, all_routes};

    use super::*;

    #[test]
    fn what_is_served_is_what_is_described() {
        let place = |route: &Route| (route.path, route.method.as_str());
        let served: BTreeSet<_> = contract_routes("").unwrap().served().iter().copied().map(place).collect();
        let described: BTreeSet<_> = all_routes().map(place).collect();
        assert_eq!(served, described);
    }
}
