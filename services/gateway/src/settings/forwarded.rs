//! The header in which proxies report the client's address.

use clap::ValueEnum;

/// The header in which proxies report the client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`; for a request without it, `Forwarded` (RFC 7239).
    XForwardedFor,
    /// Only `Forwarded` (RFC 7239).
    Forwarded,
}
