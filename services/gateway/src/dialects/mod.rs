//! The two dialects that clients speak over WebSocket. Each has its handshake, reads requests from frames, has commands
//! carry them out, and writes the answers.

pub(crate) mod channels;
pub(crate) mod native;
