//! Rooms and members, all pages of them.

use madang_client::{Member, Room};

use crate::{
    error::Result,
    patience::patiently,
    server::{Server, segment},
};

/// Items of one page.
const PAGE: u32 = 200;

/// All rooms of the user, up to a number.
pub(crate) async fn all_rooms(server: &Server, public: bool, limit: usize) -> Result<Vec<Room>> {
    let (mut rooms, mut cursor) = (Vec::new(), None::<String>);
    while rooms.len() < limit {
        let user = server.user().await?;
        let page = patiently(async || {
            let cursor = cursor.as_deref();
            if public {
                user.public_rooms(Some(PAGE), cursor).await
            } else {
                user.rooms(Some(PAGE), cursor).await
            }
        });
        let page = page.await?;
        rooms.extend(page.items);
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    rooms.truncate(limit);
    Ok(rooms)
}

/// All members of a room.
pub(crate) async fn all_members(server: &Server, room: &Room) -> Result<Vec<Member>> {
    let (mut members, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let user = server.user().await?;
        let page = patiently(async || user.members(room.id, Some(PAGE), cursor.as_deref()).await).await?;
        members.extend(page.items);
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => return Ok(members),
        }
    }
}

/// A room by its id or slug.
pub(crate) async fn find(server: &Server, room: &str) -> Result<Room> {
    let user = server.user().await?;
    Ok(patiently(async || user.room(&segment(room)).await).await?)
}
