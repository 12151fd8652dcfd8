//! Just enough of the WebSocket protocol (RFC 6455) and of `madang.v1.json` to load a server with it.
//!
//! A generator shares its machine with the servers that it measures, so each received frame must cost it
//! next to nothing: frames are parsed where the kernel put them, and of their JSON only a few bytes are found.

pub mod frame;
pub mod scan;
pub mod splitter;
pub mod upgrade;
