//! Rooms as JSON Lines: one object a line, which `jq` and any program read.
//!
//! ```text
//! {"type":"archive","format":1,"server":"http://…","epoch":"24139c12"}
//! {"type":"room","room":{…}}                     a room, as `GET /v1/rooms/{room}` has it
//! {"type":"member","room":"<id>","member":{…}}   its members
//! {"type":"message","message":{…}}               its messages, in order
//! {"type":"end","room":"<id>"}                   all that there was when it was exported
//! ```
//!
//! An export that was cut off is continued from its own last line, as long as the server's logs have the same epoch. An
//! import is repeatable: rooms have external ids, messages keys, which both follow from the exported ids.

mod export;
mod import;
mod lines;
mod progress;
mod state;

pub(crate) use export::export;
pub(crate) use import::import;
