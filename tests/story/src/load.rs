//! A fresh load of what a client shows.

use std::collections::BTreeMap;

use madang_client::{Client as Api, Error, InboxPage, Member, Room};
use madang_contract::{
    Restricted,
    rest::{BannedUser, Page},
};
use madang_domain::{MessageId, Role, RoomId, Seq, UserId};
use reqwest::Method;

use crate::{notices::Notices, page::RoomPage};

/// The longest page.
const PAGE: u32 = 200;

/// What a room says of itself to one of its members, beside what the page has.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// All that a client shows.
    pub page: RoomPage,
    /// The unread messages, as the server counts them.
    pub unread: u64,
    /// How many members there are.
    pub members: u64,
    /// The last message of the room.
    pub last_message: Option<Seq>,
    /// Whether the user may see who is banned.
    pub sees_bans: bool,
}

/// Loads a room; none where the user is no member.
///
/// # Errors
/// What the calls fail with.
pub async fn room(api: &Api, me: UserId, id: RoomId) -> Result<Option<Loaded>, Error> {
    let room: Room = api.room(&id.to_string()).await?;
    // Whoever is not in the room is not shown where one has read it.
    let (Some(role), Some(read), Some(unread)) = (room.role, room.read, room.unread) else {
        return Ok(None);
    };
    let mut page = RoomPage {
        me,
        name: room.name.into_owned(),
        flags: room.flags,
        members: BTreeMap::new(),
        mutes: BTreeMap::new(),
        bans: BTreeMap::new(),
        messages: BTreeMap::new(),
        pins: Vec::new(),
        read,
        // What follows is loaded later than this place was: events after it are applied once more.
        cursor: room.head,
    };
    members(api, id, &mut page).await?;
    let sees_bans = role != Role::Member;
    if sees_bans {
        bans(api, id, &mut page).await?;
    }
    messages(api, id, &mut page).await?;
    page.pins = pins(api, id).await?;
    let last_message = room.last_message.map(|last| last.seq);
    Ok(Some(Loaded { page, unread, members: room.members, last_message, sees_bans }))
}

async fn members(api: &Api, room: RoomId, page: &mut RoomPage) -> Result<(), Error> {
    let mut cursor: Option<String> = None;
    loop {
        let list: Page<Member> = api.members(room, Some(PAGE), cursor.as_deref()).await?;
        for member in list.items {
            let user = member.user.id;
            page.members.insert(user, member.role);
            let muted = member.muted_until.map(|until| restricted(user, Some(until)));
            page.mutes.insert(user, muted);
        }
        cursor = list.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

async fn bans(api: &Api, room: RoomId, page: &mut RoomPage) -> Result<(), Error> {
    let mut cursor: Option<String> = None;
    loop {
        let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let path = format!("/v1/rooms/{room}/bans?limit={PAGE}{after}");
        let list: Page<BannedUser<'static>> = api.call(api.request(Method::GET, &path)).await?;
        for banned in list.items {
            page.bans.insert(banned.user.id, Some(restricted(banned.user.id, banned.until)));
        }
        cursor = list.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

const fn restricted(user: UserId, until: Option<madang_domain::Timestamp>) -> Restricted {
    Restricted { user, on: true, until, by: user }
}

async fn messages(api: &Api, room: RoomId, page: &mut RoomPage) -> Result<(), Error> {
    let mut after = Seq::START;
    loop {
        let list = api.messages(room, None, Some(after), Some(PAGE)).await?;
        for item in &list.items {
            after = item.seq;
            page.show(item.seq, item.at, &item.message);
        }
        if !list.more {
            break;
        }
    }
    let roots: Vec<Seq> =
        page.messages.iter().filter(|(_, shown)| shown.thread.is_some()).map(|(seq, _)| *seq).collect();
    for root in roots {
        let mut after = Seq::START;
        loop {
            let list = api.thread_messages(room, MessageId::new(root), None, Some(after), Some(PAGE)).await?;
            for item in &list.items {
                after = item.seq;
                page.show(item.seq, item.at, &item.message);
            }
            if !list.more {
                break;
            }
        }
    }
    Ok(())
}

async fn pins(api: &Api, room: RoomId) -> Result<Vec<Seq>, Error> {
    let mut pins = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let list = api.pins(room, Some(PAGE), cursor.as_deref()).await?;
        pins.extend(list.items.iter().map(|item| item.seq));
        cursor = list.next_cursor;
        if cursor.is_none() {
            return Ok(pins);
        }
    }
}

/// Loads the inbox, and the number of unread notices as the server counts them.
///
/// # Errors
/// What the calls fail with.
pub async fn inbox(api: &Api) -> Result<(Notices, u64), Error> {
    let mut notices = Notices::default();
    let mut before = None;
    loop {
        let list: InboxPage = api.inbox(before, PAGE).await?;
        for notice in &list.items {
            notices.apply(notice);
            before = Some(notice.seq);
        }
        notices.read = list.read;
        if !list.more {
            return Ok((notices, list.unread));
        }
    }
}

/// The rooms of the user.
///
/// # Errors
/// What the calls fail with.
pub async fn rooms(api: &Api) -> Result<Vec<RoomId>, Error> {
    let mut rooms = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = api.sync(Some(PAGE), cursor.as_deref()).await?;
        rooms.extend(page.rooms.iter().map(|synced| synced.room.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(rooms);
        }
    }
}
