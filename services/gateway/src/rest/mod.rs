//! The REST routes: a thin face over the same services and commands that sockets use.

mod auth;
mod extract;
mod inbox;
mod members;
mod messages;
mod problem;
mod rooms;
mod server;
mod users;
mod view;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{delete, get, post, put},
};
use http::{HeaderName, HeaderValue, Method, header};
use madang_domain::{Code, Error};
use tower_http::cors::{AllowOrigin, CorsLayer};

pub(crate) use problem::Problem;

use crate::{edge::Edge, origin::AllowedOrigins, reference, settings::GatewaySettings, upgrade};

/// The bytes of a request's body.
const BODY_MAX_BYTES: usize = 128 * 1024;
/// How long a browser may keep the answer to a preflight request.
const PREFLIGHT_KEPT: Duration = Duration::from_secs(3_600);

/// All routes of the gateway.
pub(crate) fn router(edge: &Arc<Edge>, origins: &Arc<AllowedOrigins>) -> Router {
    let api = Router::new()
        .route("/auth/register", post(auth::register))
        .route("/auth/login", post(auth::login))
        .route("/auth/refresh", post(auth::refresh))
        .route("/auth/logout", post(auth::logout))
        .route("/auth/ws-ticket", post(auth::ticket))
        .route("/auth/sessions", get(auth::sessions))
        .route("/auth/sessions/{session}", delete(auth::revoke))
        .route("/users/me", get(users::me).patch(users::update_me))
        .route("/users/{user}", get(users::user))
        .route("/rooms", post(rooms::create).get(rooms::list))
        .route("/rooms/{room}", get(rooms::room).patch(rooms::update).delete(rooms::remove))
        .route("/rooms/{room}/join", post(rooms::join))
        .route("/rooms/{room}/leave", post(rooms::leave))
        .route("/rooms/{room}/members", get(members::list))
        .route("/rooms/{room}/members/{user}", put(members::put).delete(members::remove))
        .route("/rooms/{room}/messages", get(messages::page).post(messages::send))
        .route("/rooms/{room}/read", put(messages::read))
        .route("/inbox", get(inbox::page))
        .route("/inbox/read", put(inbox::read))
        .nest("/server", server::router())
        .with_state(Arc::clone(edge));
    let websocket = Router::new()
        .route("/ws", get(upgrade::websocket))
        .with_state((Arc::clone(edge), Arc::clone(origins)));
    let routes = Router::new()
        .nest("/v1", api.merge(websocket))
        .route("/.well-known/jwks.json", get(auth::keys).with_state(Arc::clone(edge)));
    let routes = match edge.settings.base_path.as_str() {
        "" => routes,
        base => Router::new().nest(base, routes),
    };
    let places = places(&edge.settings);
    routes
        .merge(reference::router(edge, origins))
        .fallback(move || not_here(places.clone()))
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(cors(origins))
}

/// Where things are, for those who ask elsewhere.
fn places(settings: &GatewaySettings) -> String {
    let base = &settings.base_path;
    let api = format!("the API is under {base}/v1, its WebSocket at {base}/v1/ws");
    if settings.reference.enabled {
        let [room, simple, alarm] = reference::paths(base, &settings.reference.path);
        format!("{api}; the sockets of the reference contract are {room}, {simple} and {alarm}")
    } else {
        api
    }
}

/// A wrong path says so, and which ones there are; it is never a question of credentials.
async fn not_here(places: String) -> Problem {
    Error::new(Code::NotFound, format!("there is nothing at this path; {places}")).into()
}

async fn not_so() -> Problem {
    Problem::with_status(
        http::StatusCode::METHOD_NOT_ALLOWED,
        Error::invalid("this path does not know this method"),
    )
}

fn cors(origins: &Arc<AllowedOrigins>) -> CorsLayer {
    let origins = Arc::clone(origins);
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
