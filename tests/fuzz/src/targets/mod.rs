//! The targets. Each checks what must hold for all bytes.

pub(crate) mod access_token;
pub(crate) mod bus_entry;
pub(crate) mod channels_frame;
pub(crate) mod client_address;
pub(crate) mod client_frame;
pub(crate) mod file;
pub(crate) mod paging;
pub(crate) mod search;
pub(crate) mod site_token;
pub(crate) mod stream_entry;
pub(crate) mod text;
pub(crate) mod ticket;
pub(crate) mod token;
pub(crate) mod web_socket;

use futures_util::FutureExt as _;

/// The value of a future that has nothing to wait for: nothing here asks another service that is not in this process.
fn now<T>(future: impl Future<Output = T>) -> T {
    match future.now_or_never() {
        Some(value) => value,
        None => panic!("a call that should be answered at once waits"),
    }
}

/// The first byte of an input, and the rest.
fn choice(input: &[u8]) -> (u8, &[u8]) {
    input.split_first().map_or((0, input), |(first, rest)| (*first, rest))
}
