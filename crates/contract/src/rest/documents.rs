//! The contract's documents, and the WebSocket that the AsyncAPI document describes.

/// The routes of the documents and of the WebSocket.
pub mod routes {
    use madang_domain::Code;
    use serde_json::{Map, Value};

    use crate::rest::{Access, Route, route::table};

    table! {
        /// Answers the OpenAPI document.
        OPENAPI = Route::get("get_openapi", "/v1/openapi.json", "Get the OpenAPI 3.1 document, which describes the REST routes")
            .access(Access::Public)
            .answers::<Map<String, Value>>(200, "The OpenAPI document.");
        /// Answers the AsyncAPI document.
        ASYNCAPI = Route::get("get_asyncapi", "/v1/asyncapi.json", "Get the AsyncAPI 3.0 document, which describes the WebSocket")
            .access(Access::Public)
            .answers::<Map<String, Value>>(200, "The AsyncAPI document.");
        /// Opens the WebSocket.
        WEBSOCKET = Route::get("open_websocket", "/v1/ws", "Open the WebSocket; the AsyncAPI document describes its frames")
            .access(Access::WebSocket)
            .answers_empty(101, "The connection is a WebSocket from now on. With an invalid credential it closes with 4401.")
            .refuses(&[Code::InvalidArgument, Code::PermissionDenied, Code::Unavailable]);
    }
}
