//! What users can do, the site's backend can do for them, or it is said here that it cannot. A new route of users has to be
//! judged here, and a new route of the server API too.

use std::collections::BTreeSet;

use madang_contract::rest::{Access, all_routes};

/// What a route of a user has in the server API.
enum Site {
    /// A route with the same effect.
    By(&'static [&'static str]),
    /// Nothing yet.
    Lacks,
    /// Nothing: it concerns the user's own session or device, or what the user alone decides.
    NotMeant,
}

/// What the site's backend does, and no user.
const OF_THE_SITE_ALONE: [&str; 1] = ["send_notice"];

fn site(route: &str) -> Site {
    match route {
        "create_room" => Site::By(&["create_site_room"]),
        "put_member" | "join_room" => Site::By(&["put_site_member"]),
        "remove_member" | "leave_room" => Site::By(&["remove_site_member"]),
        "ban" => Site::By(&["ban_as_site"]),
        "unban" => Site::By(&["unban_as_site"]),
        "mute" => Site::By(&["mute_as_site"]),
        "unmute" => Site::By(&["unmute_as_site"]),
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
        "update_room"
        | "delete_room"
        | "get_room"
        | "list_rooms"
        | "list_members"
        | "list_bans"
        | "list_messages"
        | "list_revisions"
        | "list_audit"
        | "list_pins"
        | "pin_message"
        | "unpin_message"
        | "add_reaction"
        | "remove_reaction"
        | "get_reads"
        | "search"
        | "get_user"
        | "make_invitation"
        | "list_invitations"
        | "revoke_invitation"
        | "upload_file"
        | "get_file"
        | "get_thumbnail"
        | "report_message"
        | "list_thread_messages"
        | "list_inbox"
        | "put_status" => Site::Lacks,
        "get_me" | "get_limits" | "list_sessions" | "change_password" | "begin_export" | "read_export" | "get_settings"
        | "put_settings" | "put_room_settings" | "list_blocked" | "block_user" | "unblock_user"
        | "accept_invitation" | "mark_read" | "mark_inbox_read" | "mark_thread_read" | "dismiss_notice"
        | "follow_thread" | "unfollow_thread" | "list_threads" | "sync" | "open_websocket" => Site::NotMeant,
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
    let mut lacking = Vec::new();
    for route in all_routes().filter(|route| route.access == Access::User) {
        match site(route.id) {
            Site::By(routes) => {
                for id in routes {
                    assert!(server.contains(id), "{}: there is no {id}", route.id);
                    used.insert(id);
                }
            }
            Site::Lacks => lacking.push(route.id),
            Site::NotMeant => {}
        }
    }
    assert_eq!(server, used, "each route of the server API is of a route of users, or of the site alone");
    // What is still to be built, in one place.
    assert_eq!(lacking.len(), 27, "{lacking:?}");
}
