//! TLS by certificates in files, which are read again while the process runs.
//!
//! - [`ServiceTls`] is for calls between the services: each shows a certificate, and its name says which service it is.
//! - [`ListenerTls`] is for a listener whose clients show none.
//!
//! A certificate names its service in a URI (`spiffe://madang/gateway`) or a DNS name of its subject alternative names. The
//! setting `MADANG_TLS_PEERS` says which name is which service. A pod's address says nothing: it belongs to another pod soon.
//!
//! TLS 1.3 alone, and no resumption: each connection is judged by the certificates of its moment.

mod credentials;
mod error;
mod explain;
mod files;
mod keeper;
mod listener;
mod names;
mod services;
mod settings;
mod stream;
mod trust;
mod verify;

pub use error::CredentialError;
pub(crate) use explain::explain;
pub use listener::ListenerTls;
pub use names::{InvalidPeerName, PeerName};
pub(crate) use services::Dial;
pub use services::ServiceTls;
pub use settings::{ListenerTlsSettings, ServiceTlsSettings};
pub use stream::AcceptedStream;
