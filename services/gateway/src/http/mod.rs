//! HTTP: the server, what a WebSocket handshake needs, and errors as answers.

pub(crate) mod bearer;
mod body;
pub(crate) mod client_address;
mod connection;
pub(crate) mod etag;
pub(crate) mod guard;
pub(crate) mod measure;
pub(crate) mod origin;
mod places;
mod problem;
pub(crate) mod server;
mod stream;
mod tls;
pub(crate) mod trace;
mod unread_head;
pub(crate) mod upgrade;

pub(crate) use problem::Problem;
