//! What users can do, the site's backend can do: by a route of its own or as the user, but for sessions and passwords. A new
//! route of users has to be judged here, and a new route of the server API too.

use std::collections::BTreeSet;

use madang_contract::rest::{Access, all_routes};

/// What a route of a user has for the site's backend.
enum Site {
    /// A route of the server API with the same effect, by the site's own authority. Where the route is no session's, the
    /// site may also call it as the user.
    By(&'static [&'static str]),
    /// The route itself, as the user.
    AsUser,
    /// Nothing: it is of the user's own session or password.
    OfSession,
}

/// What the site's backend does, and no user.
const OF_THE_SITE_ALONE: [&str; 1] = ["send_notice"];

fn site(route: &str) -> Site {
    match route {
        "create_room" => Site::By(&["create_site_room"]),
        "list_rooms" => Site::By(&["list_site_rooms"]),
        "get_room" => Site::By(&["get_site_room"]),
        "update_room" => Site::By(&["update_site_room"]),
        "delete_room" => Site::By(&["delete_site_room"]),
        "list_members" => Site::By(&["list_site_members"]),
        "put_member" | "join_room" => Site::By(&["put_site_member"]),
        "remove_member" | "leave_room" => Site::By(&["remove_site_member"]),
        "ban" => Site::By(&["ban_as_site"]),
        "unban" => Site::By(&["unban_as_site"]),
        "mute" => Site::By(&["mute_as_site"]),
        "unmute" => Site::By(&["unmute_as_site"]),
        "list_messages" => Site::By(&["list_site_messages"]),
        "send_message" => Site::By(&["send_message_as"]),
        "edit_message" => Site::By(&["edit_message_as"]),
        "delete_message" => Site::By(&["delete_message_as"]),
        "update_me" => Site::By(&["put_site_user"]),
        "erase_me" => Site::By(&["erase_site_user"]),
        "create_ticket" => Site::By(&["create_site_ticket"]),
        "revoke_session" => Site::By(&["disconnect_site_user"]),
        "list_reports" => Site::By(&["list_site_reports"]),
        "settle_report" => Site::By(&["settle_site_report"]),
        "get_words" => Site::By(&["get_site_words"]),
        "put_words" => Site::By(&["put_site_words"]),
        "accept_invitation"
        | "add_reaction"
        | "begin_export"
        | "block_user"
        | "dismiss_notice"
        | "follow_thread"
        | "get_file"
        | "get_limits"
        | "get_me"
        | "get_reads"
        | "get_settings"
        | "get_thumbnail"
        | "get_user"
        | "list_audit"
        | "list_bans"
        | "list_blocked"
        | "list_inbox"
        | "list_invitations"
        | "list_pins"
        | "list_revisions"
        | "list_thread_messages"
        | "list_threads"
        | "make_invitation"
        | "mark_inbox_read"
        | "mark_read"
        | "mark_thread_read"
        | "pin_message"
        | "put_room_settings"
        | "put_settings"
        | "put_status"
        | "read_export"
        | "remove_reaction"
        | "report_message"
        | "revoke_invitation"
        | "search"
        | "sync"
        | "unblock_user"
        | "unfollow_thread"
        | "unpin_message"
        | "upload_file" => Site::AsUser,
        "list_sessions" | "change_password" => Site::OfSession,
        new => panic!("{new}: say here what the site's backend has of it"),
    }
}

#[test]
fn what_users_can_do_the_site_can_or_it_is_said() {
    let server: BTreeSet<&str> = all_routes()
        .filter(|route| matches!(route.access, Access::ApiKey(_)))
        .map(|route| route.id)
        .collect();
    let mut used: BTreeSet<&str> = OF_THE_SITE_ALONE.into();
    for route in all_routes().filter(|route| route.access.is_of_users()) {
        match site(route.id) {
            Site::By(routes) => {
                for id in routes {
                    assert!(server.contains(id), "{}: there is no {id}", route.id);
                    used.insert(id);
                }
            }
            Site::AsUser => assert_eq!(route.access, Access::User, "{}", route.id),
            Site::OfSession => assert_eq!(route.access, Access::OwnSession, "{}", route.id),
        }
    }
    assert_eq!(server, used, "each route of the server API is of a route of users, or of the site alone");
}
