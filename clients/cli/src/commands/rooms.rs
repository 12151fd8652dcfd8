//! `rooms`.

use madang_client::{Member, Room};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    arguments::Rooms,
    catalogue::{all_members, all_rooms, find},
    error::Result,
    output::{Output, Style},
    server::{Server, segment},
};

pub(super) async fn rooms(server: &Server, output: &Output, task: Rooms) -> Result<()> {
    match task {
        Rooms::List { public, limit } => list(server, output, public, limit).await,
        Rooms::Show { room } => show(server, output, &room).await,
        Rooms::Create { name, owner, kind, slug, external_id, members } => {
            let mut body = json!({"name": name, "owner": owner, "kind": kind, "members": members});
            for (field, value) in [("slug", slug), ("external_id", external_id)] {
                if let Some(value) = value {
                    body[field] = value.into();
                }
            }
            let room = server.site()?.call(Method::POST, "/rooms", &body).await?;
            if output.is_json() {
                return output.json(&room);
            }
            let text = |name: &str| room[name].as_str().unwrap_or("-").to_owned();
            output.pairs(&[
                ("name", text("name")),
                ("slug", text("slug")),
                ("kind", text("kind")),
                ("id", text("id")),
            ])
        }
        Rooms::Add { room, user, role } => {
            let path = format!("/rooms/{}/members/{}", segment(&room), segment(&user));
            let body = role.map_or_else(|| json!({}), |role| json!({"role": role}));
            let member = server.site()?.call(Method::PUT, &path, &body).await?;
            if output.is_json() {
                return output.json(&member);
            }
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            output.say(&format!("{} is {} of {room}.", text(&member["user"]["name"]), text(&member["role"])))
        }
        Rooms::Remove { room, user } => {
            let path = format!("/rooms/{}/members/{}", segment(&room), segment(&user));
            server.site()?.call_for_nothing(Method::DELETE, &path).await?;
            output.say(&format!("{user} is no member of {room}."))
        }
    }
}

async fn list(server: &Server, output: &Output, public: bool, limit: usize) -> Result<()> {
    let rooms = all_rooms(server, public, limit).await?;
    if output.is_json() {
        return output.json(&rooms);
    }
    if rooms.is_empty() {
        let said = if public { "There is no public room to join." } else { "You are in no room." };
        return output.say(&output.styled(Style::Dim, said));
    }
    let row = |room: &Room| {
        vec![
            room.name.to_string(),
            room.slug.as_deref().unwrap_or("-").to_owned(),
            word(&room.kind),
            room.members.to_string(),
            room.unread.map_or_else(|| "-".to_owned(), |unread| unread.to_string()),
            room.id.to_string(),
        ]
    };
    let rows: Vec<_> = rooms.iter().map(row).collect();
    output.table(&["name", "slug", "kind", "members", "unread", "id"], &rows)
}

async fn show(server: &Server, output: &Output, room: &str) -> Result<()> {
    let room = find(server, room).await?;
    let members = all_members(server, &room).await?;
    if output.is_json() {
        return output.json(&json!({"room": room, "members": members}));
    }
    output.pairs(&[
        ("name", room.name.to_string()),
        ("slug", room.slug.as_deref().unwrap_or("-").to_owned()),
        ("kind", word(&room.kind)),
        ("id", room.id.to_string()),
        ("created", room.created_at.to_string()),
        ("last seq", room.head.to_string()),
        ("members", room.members.to_string()),
    ])?;
    output.line("")?;
    let row = |member: &Member| {
        let role = if member.invited { "invited".to_owned() } else { word(&member.role) };
        vec![member.user.name.to_string(), member.user.username.to_string(), role, member.user.id.to_string()]
    };
    let rows: Vec<_> = members.iter().map(row).collect();
    output.table(&["name", "username", "role", "id"], &rows)
}

/// A value of a few words, as JSON has it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
