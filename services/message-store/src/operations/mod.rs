//! What the service does, by concept. Each file adds its methods to [`Engine`], or is the job of a batched queue.

mod append;
mod blocks;
mod cursors;
mod deletions;
mod edits;
mod engine;
mod erasures;
mod exports;
mod history;
mod inbox;
mod invitation_links;
mod invitations;
mod members;
mod mentions;
mod moderation;
mod open;
mod page;
mod people;
mod pins;
mod profiles;
mod reactions;
mod reads;
mod reports;
mod room_change;
mod rooms;
mod search;
mod settings;
mod sync;
mod words;

pub(crate) use append::Appender;
pub use cursors::read_cursor;
pub(crate) use engine::Engine;
pub(crate) use inbox::InboxOpener;
pub(crate) use open::Opener;
pub(crate) use profiles::KnownProfiles;
pub(crate) use reads::CountedMarks;
