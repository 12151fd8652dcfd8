//! All routes of the gateway, and the middleware that they share.

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::DefaultBodyLimit, middleware};
use http::{HeaderName, HeaderValue, Method, header};
use madang_contract::rest::routes::documents;
use madang_domain::{Code, Error};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    dialects::{channels, native},
    http::{Problem, guard::guard, origin::AllowedOrigins},
    rest::{self, Routes},
    settings::GatewaySettings,
    state::GatewayState,
};

/// The most bytes of a request's body.
const BODY_MAX_BYTES: usize = 128 * 1024;
/// How long a browser may cache the answer to a preflight request.
const PREFLIGHT_KEPT: Duration = Duration::from_secs(3_600);

/// All routes of the gateway.
pub(crate) fn router(settings: &GatewaySettings, state: GatewayState) -> Result<Router, Error> {
    let origins = Arc::clone(&state.entrance.origins);
    let routes = contract_routes(&settings.base_path)?.into_router().with_state(state.clone());
    let routes = match settings.base_path.as_str() {
        "" => routes,
        base => Router::new().nest(base, routes),
    };
    let paths = paths(settings);
    Ok(routes
        .merge(channels::routes(&settings.base_path, &settings.channels, state))
        .fallback(move || not_found(paths.clone()))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(middleware::from_fn(guard))
        .layer(cors(origins)))
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
        Error::invalid("this path does not know this method"),
    )
}

fn cors(origins: Arc<AllowedOrigins>) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin: &HeaderValue, parts| {
            origins.allow(origin, parts.headers.get(header::HOST))
        }))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
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
