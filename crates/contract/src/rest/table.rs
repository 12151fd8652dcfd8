//! The table of all routes.

use super::{Route, auth, documents, inbox, members, messages, rooms, server, users};

/// Routes that belong together.
#[derive(Debug)]
pub struct Group {
    /// The name in the documents.
    pub name: &'static str,
    /// What the routes are about.
    pub description: &'static str,
    /// The routes.
    pub routes: &'static [&'static Route],
}

/// The table of all routes.
pub static ROUTES: [Group; 8] = [
    Group {
        name: "Accounts",
        description: "Accounts, tokens and signed-in devices.",
        routes: auth::routes::ALL,
    },
    Group { name: "Users", description: "Profiles.", routes: users::routes::ALL },
    Group { name: "Rooms", description: "Rooms.", routes: rooms::routes::ALL },
    Group {
        name: "Members",
        description: "Who is in a room, and with which role.",
        routes: members::routes::ALL,
    },
    Group { name: "Messages", description: "Messages and read marks.", routes: messages::routes::ALL },
    Group { name: "Inbox", description: "What concerns one user alone.", routes: inbox::routes::ALL },
    Group {
        name: "Server API",
        description: "What the backend of an embedding site does, with an API key, as any of its users.",
        routes: server::routes::ALL,
    },
    Group {
        name: "Documents",
        description: "This description, and the WebSocket that the other one describes.",
        routes: documents::routes::ALL,
    },
];

/// Every route.
pub fn all_routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().flat_map(|group| group.routes.iter().copied())
}
