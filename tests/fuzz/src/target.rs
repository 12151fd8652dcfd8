//! The list of the targets, and what holds for each of them.

use crate::targets;

/// A fuzz target.
#[derive(Debug)]
pub struct Target {
    /// The name, also of its directory in `corpus`.
    pub name: &'static str,
    check: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "access_token", check: targets::access_token::check },
    Target { name: "bus_entry", check: targets::bus_entry::check },
    Target { name: "channels_frame", check: targets::channels_frame::check },
    Target { name: "client_address", check: targets::client_address::check },
    Target { name: "client_frame", check: targets::client_frame::check },
    Target { name: "file", check: targets::file::check },
    Target { name: "paging", check: targets::paging::check },
    Target { name: "search", check: targets::search::check },
    Target { name: "site_token", check: targets::site_token::check },
    Target { name: "stream_entry", check: targets::stream_entry::check },
    Target { name: "text", check: targets::text::check },
    Target { name: "ticket", check: targets::ticket::check },
    Target { name: "web_socket", check: targets::web_socket::check },
];

impl Target {
    /// The target of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Runs one input. Panics where something does not hold.
    pub fn run(&self, input: &[u8]) {
        (self.check)(input);
    }
}
