//! The table of all REST routes.

use super::{
    Route, account, auth, documents, files, inbox, invitations, limits, members, messages, moderation, reads,
    reports, rooms, search, server, settings, sync, threads, users,
};

/// A group of routes: a tag in the OpenAPI document.
#[derive(Debug)]
pub struct Group {
    /// The name of the tag.
    pub name: &'static str,
    /// The description of the tag.
    pub description: &'static str,
    /// The routes of this group.
    pub routes: &'static [&'static Route],
}

/// All routes, in groups. The gateway serves them and the OpenAPI document describes them.
pub static ROUTES: [Group; 19] = [
    Group {
        name: "Accounts",
        description: "Accounts, tokens and sessions (signed-in devices).",
        routes: auth::routes::ALL,
    },
    Group {
        name: "Users",
        description: "Profiles and settings of users, and the users whom a user has blocked.",
        routes: users::routes::ALL,
    },
    Group {
        name: "Own account",
        description: "The end of the user's account, its password, and what the user may download.",
        routes: account::routes::ALL,
    },
    Group {
        name: "Rooms",
        description: "Rooms: create, list, change, join and leave them.",
        routes: rooms::routes::ALL,
    },
    Group {
        name: "Members",
        description: "The members of a room and their roles.",
        routes: members::routes::ALL,
    },
    Group {
        name: "Moderation",
        description: "The users who are banned from a room, and the members who are muted in it.",
        routes: moderation::routes::ALL,
    },
    Group {
        name: "Reports",
        description: "Messages that users report, what moderators do, and words that are not accepted.",
        routes: reports::routes::ALL,
    },
    Group {
        name: "Invitations",
        description: "Invitation links to rooms.",
        routes: invitations::routes::ALL,
    },
    Group {
        name: "Messages",
        description: "Messages, pinned messages and read marks.",
        routes: messages::routes::ALL,
    },
    Group {
        name: "Receipts",
        description: "How far the members of a room have read it.",
        routes: reads::routes::ALL,
    },
    Group {
        name: "Notifications",
        description: "Of what in a room the user wants to be notified.",
        routes: settings::routes::ALL,
    },
    Group { name: "Sync", description: "All that a client needs to start.", routes: sync::routes::ALL },
    Group {
        name: "Limits",
        description: "The caller's limits, and what is left of them.",
        routes: limits::routes::ALL,
    },
    Group {
        name: "Threads",
        description: "Messages that stand under another one, the root of their thread.",
        routes: threads::routes::ALL,
    },
    Group {
        name: "Files",
        description: "Files that users upload to rooms, and thumbnails of pictures.",
        routes: files::routes::ALL,
    },
    Group {
        name: "Search",
        description: "Messages by what they say, in the caller's rooms.",
        routes: search::routes::ALL,
    },
    Group {
        name: "Inbox",
        description: "The notices for one user: mentions, invitations, and notices of the embedding site.",
        routes: inbox::routes::ALL,
    },
    Group {
        name: "Server API",
        description: "The embedding site's backend acts for any of its users, with an API key.",
        routes: server::routes::ALL,
    },
    Group {
        name: "Documents",
        description: "The OpenAPI and AsyncAPI documents, and the WebSocket.",
        routes: documents::routes::ALL,
    },
];

/// Iterates over all routes.
pub fn all_routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().flat_map(|group| group.routes.iter().copied())
}
