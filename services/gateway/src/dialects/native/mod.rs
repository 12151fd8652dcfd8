//! The dialect of `/v1/ws`: a credential by the handshake or the first frame, then `hello`, then requests and their
//! answers.

mod answers;
mod handshake;
mod inbox;
mod requests;
mod run;
mod subscribe;

pub(crate) use answers::malformed;
pub(crate) use handshake::{offered_token, websocket};
