//! HTTP: the server, what a WebSocket handshake needs, and errors as answers.

pub(crate) mod bearer;
pub(crate) mod client_address;
pub(crate) mod origin;
mod problem;
pub(crate) mod server;
pub(crate) mod upgrade;

pub(crate) use problem::Problem;
