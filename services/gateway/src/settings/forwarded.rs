//! How proxies say who spoke to them.

use clap::ValueEnum;

/// The header in which proxies say who spoke to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`; of a request without it, `Forwarded`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239) alone.
    Forwarded,
}
