//! The contract of the Django Channels chat that Madang replaces, spoken on a cluster and on the all-in-one.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

mod contract;
mod faults;
mod places;
mod settings;
mod site_users;

use madang_domain::RoomId;
use madang_e2e::{FrontEnd, Person, Refusal};
use serde_json::json;

/// The path of a room's socket; the room by its id, its slug or the site's number.
fn room_path(room: impl std::fmt::Display) -> String {
    format!("/ws/chat/{room}/")
}

/// A frame by which a user speaks.
fn says(room: RoomId, user: &Person, text: &str) -> String {
    json!({"room_id": room, "user_id": user.id, "message": text}).to_string()
}

/// How a handshake that must be refused is refused.
async fn refusal(base: &str, path: &str, headers: &[(&'static str, &str)]) -> Refusal {
    match FrontEnd::try_open(base, path, headers).await {
        Ok(_) => panic!("{path} was opened"),
        Err(refusal) => refusal,
    }
}

/// `오전 09:05`, of a time in RFC 3339, so many hours east of UTC.
fn clock(at: &str, east_hours: u32) -> String {
    let part = |from: usize| at[from..from + 2].parse::<u32>().expect("digits");
    let (hour, minute) = ((part(11) + east_hours) % 24, part(14));
    let half = if hour < 12 { "오전" } else { "오후" };
    format!("{half} {:02}:{minute:02}", (hour + 11) % 12 + 1)
}
