//! The documents of the contract, and the WebSocket, which the second of them describes.

/// The routes.
pub mod routes {
    use madang_domain::Code;
    use serde_json::{Map, Value};

    use crate::rest::{Access, Route, route::table};

    table! {
        /// The OpenAPI document.
        OPENAPI = Route::get("get_openapi", "/v1/openapi.json", "Get the description of the REST routes (OpenAPI 3.1)")
            .access(Access::Public)
            .answers::<Map<String, Value>>(200, "The document.");
        /// The AsyncAPI document.
        ASYNCAPI = Route::get("get_asyncapi", "/v1/asyncapi.json", "Get the description of the WebSocket (AsyncAPI 3.0)")
            .access(Access::Public)
            .answers::<Map<String, Value>>(200, "The document.");
        /// The WebSocket.
        WEBSOCKET = Route::get("open_websocket", "/v1/ws", "Open the WebSocket; its frames are described by the AsyncAPI document")
            .access(Access::WebSocket)
            .answers_empty(101, "The connection speaks WebSocket from here. A bad credential closes it with 4401.")
            .refuses(&[Code::InvalidArgument, Code::PermissionDenied, Code::Unavailable]);
    }
}
