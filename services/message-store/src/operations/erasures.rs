//! The erasure of a user: what the user said and did goes, its places stay.
//!
//! A call takes one step, in one transaction, and answers what it has committed for the gateway to publish; whoever calls again
//! goes on where the last step ended, on whichever replica. So an erasure survives the death of who carries it out, holds
//! no lock for long, and others learn of it by the logs, as of everything. Decision 0050 has the stages and their reasons.

use std::sync::Arc;

use madang_domain::{
    DisplayName, Profile, RoomId, RoomName, RoomRef, Seq, Timestamp, UserId, Username,
    event::{Edited, EventBody, EventKind, Reacted, RoomChanged},
    limits::REVISIONS_MAX,
};
use madang_kit::clock::new_id;
use madang_rpc::store::{Changed, Erased, PROFILE_ROOMS_MAX, RememberedProfile, RoomKind};

use super::{deletions, engine::Engine, mentions::without_name, reactions, room_change::RoomChange};
use crate::{
    error::{OperationError, OperationResult},
    store::{Connection, ErasureRecord, LastEdit, NamedIn, Stage, SuspectMessage},
    transaction::in_transaction,
};

/// What others see in the place of the name.
const NAME: &str = "deleted user";

/// What stands in messages of others where they named the user.
const NAMED: &str = "[deleted user]";

/// The version of the profile that is shown of an erased user: none is later.
const VERSION: Timestamp = Timestamp::from_micros(i64::MAX);

/// The messages and reactions that one step changes, each with some ten statements under the room's lock.
const STEP_CHANGES: usize = 32;

/// The events of a log that one step looks at.
const STEP_EVENTS: u64 = 5_000;

/// The messages that one step reads, which may name the user.
const STEP_MESSAGES: u32 = 200;

/// The notices that one step removes, and the events in which it replaces the name of a room.
const STEP_NOTICES: u32 = 500;

/// The rooms that one step asks whether they have anything of the user: an index look-up for each.
const STEP_ROOMS: u32 = 1_000;

/// What a step has done.
type Step = OperationResult<Changed<Erased>>;

impl Engine {
    pub(crate) async fn erase_user(&self, user: UserId) -> Step {
        let nonce = new_id(&*self.clock, &*self.random).simple().to_string();
        let now = self.clock.now();
        in_transaction!(self, "erase_user", |transaction| {
            let Some(mut erasure) = transaction.lock_erasure(user).await? else {
                return begin(transaction, user, now, nonce.clone()).await;
            };
            if erasure.done_at.is_some() {
                return Ok(Changed { value: Erased { done: true, told: None }, events: Vec::new() });
            }
            let events = match erasure.stage {
                Stage::Memberships => leave_next(transaction, &mut erasure, now).await?,
                Stage::Inbox => take_inbox(transaction, &mut erasure).await?,
                Stage::Rooms => find_rooms(transaction, &mut erasure).await?,
                Stage::Logs | Stage::NameInLog | Stage::NameInInbox => {
                    look_through(transaction, &mut erasure, now).await?
                }
            };
            transaction.save_erasure(&erasure).await?;
            Ok(Changed { value: Erased { done: erasure.done_at.is_some(), told: None }, events })
        })
    }
}

/// From here on the user's name is shown nowhere, and nobody makes the user a member of a room.
async fn begin(transaction: &mut dyn Connection, user: UserId, now: Timestamp, nonce: String) -> Step {
    let username = transaction.profiles(&[user]).await?.pop().map(|profile| profile.username.to_string());
    let erasure = ErasureRecord {
        user,
        since: now,
        stage: Stage::Memberships,
        room: None,
        seq: Seq::START,
        username,
        nonce,
        done_at: None,
    };
    let hidden = Arc::new(hidden_profile(user)?);
    transaction.hide_profile(&hidden).await?;
    // Waits for who makes the user a member, who shares a lock with writers of the profile; whoever comes later sees the
    // erasure.
    transaction.lock_blocks(user).await?;
    transaction.insert_erasure(&erasure).await?;
    transaction.forget_user(user).await?;
    let rooms = transaction.rooms_of(user, PROFILE_ROOMS_MAX).await?;
    let told = Some(RememberedProfile { user: hidden, rooms });
    Ok(Changed { value: Erased { done: false, told }, events: Vec::new() })
}

/// What is shown of an erased user. The username is nobody's, and no other erased user's.
fn hidden_profile(user: UserId) -> OperationResult<Profile> {
    let id = user.uuid().simple().to_string();
    let defect = |error| OperationError::Shared(madang_domain::Error::internal(error));
    Ok(Profile {
        id: user,
        username: Username::new(format!("deleted-{}", &id[8..])).map_err(defect)?,
        name: DisplayName::new(NAME).map_err(defect)?,
        avatar_url: None,
        external_id: None,
        version: VERSION,
    })
}

/// Leaves the next room. A direct room has its two users for good, and nobody sends there any more.
async fn leave_next(
    transaction: &mut dyn Connection,
    erasure: &mut ErasureRecord,
    now: Timestamp,
) -> OperationResult<Vec<madang_domain::event::Event>> {
    let user = erasure.user;
    let Some(room) = transaction.next_membership(user, erasure.room).await? else {
        (erasure.stage, erasure.room) = (Stage::Inbox, None);
        return Ok(Vec::new());
    };
    erasure.room = Some(room);
    transaction.insert_erasure_rooms(user, &[room]).await?;
    if transaction.lock_room(&RoomRef::Id(room)).await?.is_none() {
        // It was deleted meanwhile.
        return Ok(Vec::new());
    }
    let mut change = RoomChange::begin(&mut *transaction, user, &RoomRef::Id(room), now).await?;
    let Some(member) = change.member(user).await? else { return Ok(Vec::new()) };
    if change.room.kind == RoomKind::Direct {
        close_direct(&mut change).await?;
    } else {
        change.hand_over(&member).await?;
        change.dismiss(user).await?;
    }
    Ok(change.finish(()).await?.events)
}

/// What a direct room is called whose other user is gone.
fn room_name() -> OperationResult<RoomName> {
    RoomName::new(NAME).map_err(|error| OperationError::Shared(madang_domain::Error::internal(error)))
}

/// Nobody sends in the room any more. Its name was made of those of the two; where it stands besides goes later.
async fn close_direct(change: &mut RoomChange<'_>) -> OperationResult<()> {
    change.room.name = room_name()?;
    change.room.flags.archived = true;
    let (name, slug, flags) = (change.room.name.clone(), change.room.slug.clone(), change.room.flags);
    let details = change.room.details.clone();
    change.add(None, EventBody::RoomChanged(RoomChanged { name, slug, flags, details, deleted: false })).await
}

/// Removes notices. Those of mentions and invitations name rooms, which may hold the name in the texts of others.
async fn take_inbox(
    transaction: &mut dyn Connection,
    erasure: &mut ErasureRecord,
) -> OperationResult<Vec<madang_domain::event::Event>> {
    let notices = transaction.take_notices(erasure.user, STEP_NOTICES).await?;
    if notices.is_empty() {
        (erasure.stage, erasure.room) = (Stage::Rooms, None);
        return Ok(Vec::new());
    }
    let mut rooms: Vec<RoomId> = notices
        .into_iter()
        .filter(|(kind, _)| *kind == EventKind::Mention.number())
        .filter_map(|(kind, detail)| EventBody::read(kind, detail.as_deref(), false).ok())
        .filter_map(|body| match body {
            EventBody::Mention(mention) => Some(mention.room),
            _ => None,
        })
        .collect();
    rooms.sort_unstable();
    rooms.dedup();
    transaction.insert_erasure_rooms(erasure.user, &rooms).await?;
    Ok(Vec::new())
}

/// Asks the next rooms whether they have anything of the user, who may have left them long ago.
async fn find_rooms(
    transaction: &mut dyn Connection,
    erasure: &mut ErasureRecord,
) -> OperationResult<Vec<madang_domain::event::Event>> {
    if erasure.room.is_none() {
        transaction.find_other_traces(erasure.user).await?;
    }
    erasure.room = transaction.find_erasure_rooms(erasure.user, erasure.room, STEP_ROOMS).await?;
    if erasure.room.is_none() {
        (erasure.stage, erasure.seq) = (Stage::Logs, Seq::START);
    }
    Ok(Vec::new())
}

/// Goes on in the room that is being looked through, or with the next one.
async fn look_through(
    transaction: &mut dyn Connection,
    erasure: &mut ErasureRecord,
    now: Timestamp,
) -> OperationResult<Vec<madang_domain::event::Event>> {
    let user = erasure.user;
    let room = match erasure.room {
        Some(room) => room,
        None => {
            let Some(room) = transaction.next_erasure_room(user).await? else {
                (erasure.username, erasure.done_at) = (None, Some(now));
                return Ok(Vec::new());
            };
            (erasure.room, erasure.seq) = (Some(room), Seq::START);
            room
        }
    };
    if transaction.lock_room(&RoomRef::Id(room)).await?.is_none() {
        transaction.delete_erasure_room(user, room).await?;
        (erasure.room, erasure.stage) = (None, Stage::Logs);
        return Ok(Vec::new());
    }
    let mut change = RoomChange::begin(&mut *transaction, user, &RoomRef::Id(room), now).await?;
    if erasure.stage == Stage::Logs && erasure.seq == Seq::START {
        change.transaction.forget_in_room(room, user).await?;
        if take_reactions_back(&mut change, user).await? {
            return Ok(change.finish(()).await?.events);
        }
    }
    let is_through = if erasure.stage == Stage::Logs {
        erase_next(&mut change, erasure).await?
    } else {
        rename_next(&mut change, erasure).await?
    };
    if !is_through {
        return Ok(change.finish(()).await?.events);
    }
    if change.room.kind == RoomKind::Direct && erasure.stage != Stage::NameInInbox {
        let next = if erasure.stage == Stage::NameInLog { Stage::NameInInbox } else { Stage::NameInLog };
        (erasure.stage, erasure.seq) = (next, Seq::START);
        return Ok(change.finish(()).await?.events);
    }
    // Nobody is left who could read what others said there. A public room can be joined again, and so can one of the site's,
    // which lets its users in.
    let is_deserted = match change.room.kind {
        RoomKind::Direct => change.transaction.is_deserted(room).await?,
        RoomKind::Private => change.room.member_count == 0 && change.room.external_id.is_none(),
        RoomKind::Public => false,
    };
    let changed = if is_deserted { change.delete().await? } else { change.finish(()).await? };
    transaction.delete_erasure_room(user, room).await?;
    (erasure.room, erasure.stage) = (None, Stage::Logs);
    Ok(changed.events)
}

/// Takes the former name of a direct room out of the next events of its log, or of the other user's inbox. True once all were
/// looked through.
async fn rename_next(change: &mut RoomChange<'_>, erasure: &mut ErasureRecord) -> OperationResult<bool> {
    let (room, after) = (change.room.id, erasure.seq);
    let (place, head) = if erasure.stage == Stage::NameInLog {
        (NamedIn::Log(room), change.room.head)
    } else {
        let users = change.transaction.members(room, None, 2).await?;
        let other = users.iter().map(|member| member.user.id).find(|other| *other != erasure.user);
        let other = other.unwrap_or(erasure.user);
        let inbox = change.transaction.lock_inbox_if_any(other).await?;
        (NamedIn::Inbox(other, room), inbox.map_or(Seq::START, |inbox| inbox.head))
    };
    let up_to = Seq::new(after.get().saturating_add(STEP_EVENTS)).min(head);
    let last = change.transaction.rename_in(place, &room_name()?, after, up_to, STEP_NOTICES).await?;
    erasure.seq = last.unwrap_or(up_to);
    Ok(erasure.seq >= head)
}

/// Takes some of the user's reactions back. False where there is none.
async fn take_reactions_back(change: &mut RoomChange<'_>, user: UserId) -> OperationResult<bool> {
    let room = change.room.id;
    let limit = u32::try_from(STEP_CHANGES).unwrap_or(u32::MAX);
    let reactions = change.transaction.reactions_of(room, user, limit).await?;
    for (message, emoji) in &reactions {
        change.transaction.set_reaction(room, *message, user, emoji, false).await?;
        let mut record = change.message(*message).await?;
        let count = reactions::count(&mut record.detail.reactions, emoji, false)?;
        change.transaction.save_message(room, &record).await?;
        let (message, emoji) = (*message, emoji.clone());
        change.add(None, EventBody::Reacted(Reacted { message, emoji, on: false, count })).await?;
    }
    Ok(!reactions.is_empty())
}

/// Erases the next messages of the user, and the user's name in those of others. True once the log was looked through.
async fn erase_next(change: &mut RoomChange<'_>, erasure: &mut ErasureRecord) -> OperationResult<bool> {
    let (room, user, after) = (change.room.id, erasure.user, erasure.seq);
    let head = change.room.head;
    let up_to = Seq::new(after.get().saturating_add(STEP_EVENTS)).min(head);
    let found = change.transaction.suspect_messages(room, user, after, up_to, STEP_MESSAGES).await?;
    let is_page_full = found.len() >= STEP_MESSAGES as usize;
    let (mut changes, mut reached) = (0, after);
    for suspect in found {
        if changes >= STEP_CHANGES {
            change.transaction.replace_keys(room, user, &erasure.nonce, after, reached).await?;
            erasure.seq = reached;
            return Ok(false);
        }
        reached = suspect.seq;
        if suspect.sender == user {
            let message = change.message(suspect.seq).await?;
            deletions::erase(change, message).await?;
            changes += 1;
        } else if take_name_out(change, erasure, &suspect).await? {
            changes += 1;
        }
    }
    erasure.seq = if is_page_full { reached } else { up_to };
    change.transaction.replace_keys(room, user, &erasure.nonce, after, erasure.seq).await?;
    Ok(erasure.seq >= head)
}

/// Takes the user's name out of another's message, its former texts too. False where it is in none of them.
async fn take_name_out(
    change: &mut RoomChange<'_>,
    erasure: &ErasureRecord,
    suspect: &SuspectMessage,
) -> OperationResult<bool> {
    let room = change.room.id;
    let Some(name) = erasure.username.as_deref() else { return Ok(false) };
    let mut changed = false;
    if suspect.is_edited {
        let page = change.transaction.revisions(room, suspect.seq, u32::MAX, REVISIONS_MAX + 1).await?;
        for former in page.revisions {
            if let Some(text) = without_name(&former.text, name, NAMED, true) {
                change.transaction.rewrite_revision(room, suspect.seq, former.revision, &text).await?;
                changed = true;
            }
        }
    }
    let text = without_name(&suspect.text, name, NAMED, suspect.is_mention);
    if text.is_none() && !suspect.is_mention {
        return Ok(changed);
    }
    let mut record = change.message(suspect.seq).await?;
    if let Some(text) = text {
        record.text = text;
    }
    record.detail.mentions.retain(|mentioned| *mentioned != erasure.user);
    let revision = match record.detail.edit {
        Some(last) => {
            change.transaction.erase_edit(room, last.event, record.seq, last.revision).await?;
            last.revision + 1
        }
        None => 1,
    };
    change.transaction.unindex(room, record.seq).await?;
    let edited = Edited {
        message: record.seq,
        revision,
        text: Some(record.text.clone()),
        mentions: record.detail.mentions.clone(),
        mentions_all: record.detail.mentions_all,
    };
    change.add(None, EventBody::Edited(edited)).await?;
    let (at, event) = (change.room.active_at.as_micros(), change.room.head);
    record.detail.edit = Some(LastEdit { revision, at, event });
    change.transaction.save_message(room, &record).await?;
    Ok(true)
}
