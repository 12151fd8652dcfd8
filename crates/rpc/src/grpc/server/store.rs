//! The message store.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use madang_domain::{Error, Result as Outcome, RoomName, RoomRef, Seq, Slug, UserId};
use madang_proto::store::v1::{
    self as wire, append_outcome, message_store_service_server::MessageStoreService, open_inbox_outcome,
    open_outcome,
};
use madang_proto::types::v1 as types;
use tonic::{Request, Response, Status};

use super::{answer, log_batch};
use crate::{
    MessageStore,
    grpc::{
        BATCH_MAX_ITEMS, REPLAY_MAX_BYTES,
        convert::{
            WireId, bounded_option, change, encode_ids,
            event::{Profiles, decode_profile, decode_role, decode_topic, encode_events},
            inbox::{
                decode_inbox_from, decode_notify, decode_open_inbox, encode_inbox_mark, encode_inbox_page,
                encode_notified, encode_opened_inbox,
            },
            store::{
                decode_actor_room, decode_append, decode_authority, decode_history_query, decode_new_room,
                decode_open, decode_page_query, decode_room_ref, decode_user_room, encode_appended,
                encode_heads, encode_member, encode_opened, encode_read_mark, encode_resolved, encode_view,
                events_len,
            },
        },
        status::to_failure,
    },
};

pub(super) struct Adapter(pub(super) Arc<dyn MessageStore>);

/// A batch is worked on as a whole and at once, so its size is bounded.
fn check_batch(items: usize) -> Outcome<()> {
    if items > BATCH_MAX_ITEMS {
        return Err(Error::invalid(format!("a batch of {items}; at most {BATCH_MAX_ITEMS} are taken")));
    }
    Ok(())
}

fn append_outcome(outcome: Outcome<crate::store::Appended>) -> wire::AppendOutcome {
    let outcome = match outcome {
        Ok(appended) => append_outcome::Outcome::Appended(encode_appended(&appended)),
        Err(error) => append_outcome::Outcome::Failure(to_failure(&error)),
    };
    wire::AppendOutcome { outcome: Some(outcome) }
}

/// `replay_bytes` is what is left for the replays of the batch. One that does not fit is left out, as one of too
/// many events is, and then is not complete: the client pages history.
fn bound_replay(events: &mut Vec<types::Event>, complete: &mut bool, replay_bytes: &mut usize) {
    match replay_bytes.checked_sub(events_len(events)) {
        Some(left) => *replay_bytes = left,
        None => {
            events.clear();
            *complete = false;
        }
    }
}

fn open_outcome(outcome: Outcome<crate::store::Opened>, replay_bytes: &mut usize) -> wire::OpenOutcome {
    let outcome = match outcome {
        Ok(opened) => {
            let mut opened = encode_opened(&opened);
            bound_replay(&mut opened.events, &mut opened.complete, replay_bytes);
            open_outcome::Outcome::Opened(opened)
        }
        Err(error) => open_outcome::Outcome::Failure(to_failure(&error)),
    };
    wire::OpenOutcome { outcome: Some(outcome) }
}

fn open_inbox_outcome(
    outcome: Outcome<crate::store::OpenedInbox>,
    replay_bytes: &mut usize,
) -> wire::OpenInboxOutcome {
    let outcome = match outcome {
        Ok(opened) => {
            let mut opened = encode_opened_inbox(&opened);
            bound_replay(&mut opened.events, &mut opened.complete, replay_bytes);
            open_inbox_outcome::Outcome::Opened(opened)
        }
        Err(error) => open_inbox_outcome::Outcome::Failure(to_failure(&error)),
    };
    wire::OpenInboxOutcome { outcome: Some(outcome) }
}

#[async_trait]
impl MessageStoreService for Adapter {
    async fn create_room(
        &self,
        request: Request<wire::CreateRoomRequest>,
    ) -> Result<Response<wire::CreateRoomResponse>, Status> {
        let work = async {
            let (actor, room) = decode_new_room(request.into_inner())?;
            let changed = self.0.create_room(actor, room).await?;
            Ok(wire::CreateRoomResponse {
                room: Some(encode_view(&changed.value)),
                events: encode_events(&changed.events),
            })
        };
        answer("CreateRoom", work).await
    }

    async fn get_room(
        &self,
        request: Request<wire::GetRoomRequest>,
    ) -> Result<Response<wire::GetRoomResponse>, Status> {
        let work = async {
            let request = request.into_inner();
            let (user, room) = decode_user_room(&request.user, request.room)?;
            let view = self.0.room(user, room).await?;
            Ok(wire::GetRoomResponse { room: Some(encode_view(&view)) })
        };
        answer("GetRoom", work).await
    }

    async fn list_rooms(
        &self,
        request: Request<wire::ListRoomsRequest>,
    ) -> Result<Response<wire::ListRoomsResponse>, Status> {
        let work = async {
            let wire::ListRoomsRequest { user, joinable, limit, cursor } = request.into_inner();
            let user = UserId::decode("user", &user)?;
            let page = self.0.rooms(user, joinable, decode_page_query(limit, cursor)).await?;
            Ok(wire::ListRoomsResponse {
                rooms: page.items.iter().map(encode_view).collect(),
                next_cursor: page.next.unwrap_or_default(),
            })
        };
        answer("ListRooms", work).await
    }

    async fn update_room(
        &self,
        request: Request<wire::UpdateRoomRequest>,
    ) -> Result<Response<wire::UpdateRoomResponse>, Status> {
        let work = async {
            let wire::UpdateRoomRequest { actor, room, name, slug } = request.into_inner();
            let (actor, room) = decode_actor_room(actor, room)?;
            let name = bounded_option("name", name, RoomName::new)?;
            let slug = change("slug", slug, Slug::new)?;
            let changed = self.0.update_room(actor, room, name, slug).await?;
            Ok(wire::UpdateRoomResponse {
                room: Some(encode_view(&changed.value)),
                events: encode_events(&changed.events),
            })
        };
        answer("UpdateRoom", work).await
    }

    async fn delete_room(
        &self,
        request: Request<wire::DeleteRoomRequest>,
    ) -> Result<Response<wire::DeleteRoomResponse>, Status> {
        let work = async {
            let wire::DeleteRoomRequest { actor, room } = request.into_inner();
            let (actor, room) = decode_actor_room(actor, room)?;
            let changed = self.0.delete_room(actor, room).await?;
            Ok(wire::DeleteRoomResponse { events: encode_events(&changed.events) })
        };
        answer("DeleteRoom", work).await
    }

    async fn join(
        &self,
        request: Request<wire::JoinRequest>,
    ) -> Result<Response<wire::JoinResponse>, Status> {
        let work = async {
            let wire::JoinRequest { actor, room } = request.into_inner();
            let (actor, room) = decode_actor_room(actor, room)?;
            let changed = self.0.join(actor, room).await?;
            Ok(wire::JoinResponse {
                room: Some(encode_view(&changed.value)),
                events: encode_events(&changed.events),
            })
        };
        answer("Join", work).await
    }

    async fn leave(
        &self,
        request: Request<wire::LeaveRequest>,
    ) -> Result<Response<wire::LeaveResponse>, Status> {
        let work = async {
            let wire::LeaveRequest { actor, room } = request.into_inner();
            let (actor, room) = decode_actor_room(actor, room)?;
            let changed = self.0.leave(actor, room).await?;
            Ok(wire::LeaveResponse { events: encode_events(&changed.events) })
        };
        answer("Leave", work).await
    }

    async fn list_members(
        &self,
        request: Request<wire::ListMembersRequest>,
    ) -> Result<Response<wire::ListMembersResponse>, Status> {
        let work = async {
            let wire::ListMembersRequest { user, room, limit, cursor } = request.into_inner();
            let (user, room) = decode_user_room(&user, room)?;
            let page = self.0.members(user, room, decode_page_query(limit, cursor)).await?;
            Ok(wire::ListMembersResponse {
                members: page.items.iter().map(encode_member).collect(),
                next_cursor: page.next.unwrap_or_default(),
            })
        };
        answer("ListMembers", work).await
    }

    async fn put_member(
        &self,
        request: Request<wire::PutMemberRequest>,
    ) -> Result<Response<wire::PutMemberResponse>, Status> {
        let work = async {
            let wire::PutMemberRequest { actor, room, user, role, authority } = request.into_inner();
            let (actor, room) = decode_actor_room(actor, room)?;
            let user = Arc::new(decode_profile("user", user)?);
            let role = decode_role("role", role)?;
            let authority = decode_authority(authority)?;
            let changed = self.0.put_member(actor, authority, room, user, role).await?;
            Ok(wire::PutMemberResponse {
                member: Some(encode_member(&changed.value)),
                events: encode_events(&changed.events),
            })
        };
        answer("PutMember", work).await
    }

    async fn remove_member(
        &self,
        request: Request<wire::RemoveMemberRequest>,
    ) -> Result<Response<wire::RemoveMemberResponse>, Status> {
        let work = async {
            let wire::RemoveMemberRequest { actor, room, user, authority } = request.into_inner();
            let (actor, room) = decode_actor_room(actor, room)?;
            let user = UserId::decode("user", &user)?;
            let authority = decode_authority(authority)?;
            let changed = self.0.remove_member(actor, authority, room, user).await?;
            Ok(wire::RemoveMemberResponse { events: encode_events(&changed.events) })
        };
        answer("RemoveMember", work).await
    }

    /// All appends of the batch run at once, so that the store can commit them together. A malformed one
    /// fails alone, as a refused one does.
    async fn append(
        &self,
        request: Request<wire::AppendRequest>,
    ) -> Result<Response<wire::AppendResponse>, Status> {
        let work = async {
            let appends = request.into_inner().appends;
            check_batch(appends.len())?;
            let mut profiles = Profiles::default();
            let outcomes: Vec<Outcome<_>> = join_all(appends.into_iter().map(|append| {
                let append = decode_append(append, &mut profiles);
                async move { self.0.append(append?).await }
            }))
            .await;
            log_batch("Append", &outcomes);
            let outcomes = outcomes.into_iter().map(append_outcome).collect();
            Ok(wire::AppendResponse { outcomes })
        };
        answer("Append", work).await
    }

    async fn open(
        &self,
        request: Request<wire::OpenRequest>,
    ) -> Result<Response<wire::OpenResponse>, Status> {
        let work = async {
            let rooms = request.into_inner().rooms;
            check_batch(rooms.len())?;
            let outcomes: Vec<Outcome<_>> =
                join_all(rooms.iter().map(|room| async move { self.0.open(decode_open(room)?).await })).await;
            log_batch("Open", &outcomes);
            let mut replay_bytes = REPLAY_MAX_BYTES;
            let outcomes =
                outcomes.into_iter().map(|outcome| open_outcome(outcome, &mut replay_bytes)).collect();
            Ok(wire::OpenResponse { outcomes })
        };
        answer("Open", work).await
    }

    async fn resolve(
        &self,
        request: Request<wire::ResolveRequest>,
    ) -> Result<Response<wire::ResolveResponse>, Status> {
        let work = async {
            let wire::ResolveRequest { user, rooms, memberships } = request.into_inner();
            let user = UserId::decode("user", &user)?;
            let rooms: Vec<RoomRef> = rooms
                .into_iter()
                .map(|room| decode_room_ref("rooms", Some(room)))
                .collect::<Result<_, _>>()?;
            let resolved = self.0.resolve(user, &rooms, memberships).await?;
            Ok(wire::ResolveResponse {
                rooms: encode_resolved(&resolved.rooms),
                memberships: encode_ids(&resolved.memberships),
            })
        };
        answer("Resolve", work).await
    }

    async fn read(
        &self,
        request: Request<wire::ReadRequest>,
    ) -> Result<Response<wire::ReadResponse>, Status> {
        let work = async {
            let wire::ReadRequest { topic, after, limit } = request.into_inner();
            let events = self.0.read(decode_topic("topic", topic)?, Seq::new(after), limit).await?;
            Ok(wire::ReadResponse { events: encode_events(&events) })
        };
        answer("Read", work).await
    }

    async fn heads(
        &self,
        request: Request<wire::HeadsRequest>,
    ) -> Result<Response<wire::HeadsResponse>, Status> {
        let work = async {
            let topics: Vec<_> = request
                .into_inner()
                .topics
                .into_iter()
                .map(|topic| decode_topic("topics", Some(topic)))
                .collect::<Result<_, _>>()?;
            Ok(wire::HeadsResponse { heads: encode_heads(&self.0.heads(&topics).await?) })
        };
        answer("Heads", work).await
    }

    async fn history(
        &self,
        request: Request<wire::HistoryRequest>,
    ) -> Result<Response<wire::HistoryResponse>, Status> {
        let work = async {
            let request = request.into_inner();
            let query = decode_history_query(&request);
            let (user, room) = decode_user_room(&request.user, request.room)?;
            let events = self.0.history(user, room, query).await?;
            Ok(wire::HistoryResponse { events: encode_events(&events) })
        };
        answer("History", work).await
    }

    async fn mark_read(
        &self,
        request: Request<wire::MarkReadRequest>,
    ) -> Result<Response<wire::MarkReadResponse>, Status> {
        let work = async {
            let wire::MarkReadRequest { user, room, seq } = request.into_inner();
            let (user, room) = decode_user_room(&user, room)?;
            Ok(encode_read_mark(self.0.mark_read(user, room, Seq::new(seq)).await?))
        };
        answer("MarkRead", work).await
    }

    async fn notify(
        &self,
        request: Request<wire::NotifyRequest>,
    ) -> Result<Response<wire::NotifyResponse>, Status> {
        let work = async {
            let (user, data, key) = decode_notify(request.into_inner())?;
            Ok(encode_notified(&self.0.notify(user, data, key).await?))
        };
        answer("Notify", work).await
    }

    async fn open_inbox(
        &self,
        request: Request<wire::OpenInboxRequest>,
    ) -> Result<Response<wire::OpenInboxResponse>, Status> {
        let work = async {
            let inboxes = request.into_inner().inboxes;
            check_batch(inboxes.len())?;
            let open = async |inbox| self.0.open_inbox(decode_open_inbox(inbox)?).await;
            let outcomes: Vec<Outcome<_>> = join_all(inboxes.iter().map(open)).await;
            log_batch("OpenInbox", &outcomes);
            let mut replay_bytes = REPLAY_MAX_BYTES;
            let outcomes =
                outcomes.into_iter().map(|outcome| open_inbox_outcome(outcome, &mut replay_bytes)).collect();
            Ok(wire::OpenInboxResponse { outcomes })
        };
        answer("OpenInbox", work).await
    }

    async fn inbox(
        &self,
        request: Request<wire::InboxRequest>,
    ) -> Result<Response<wire::InboxResponse>, Status> {
        let work = async {
            let wire::InboxRequest { user, from, limit } = request.into_inner();
            let user = UserId::decode("user", &user)?;
            Ok(encode_inbox_page(&self.0.inbox(user, decode_inbox_from(from), limit).await?))
        };
        answer("Inbox", work).await
    }

    async fn mark_inbox_read(
        &self,
        request: Request<wire::MarkInboxReadRequest>,
    ) -> Result<Response<wire::MarkInboxReadResponse>, Status> {
        let work = async {
            let wire::MarkInboxReadRequest { user, seq } = request.into_inner();
            let user = UserId::decode("user", &user)?;
            Ok(encode_inbox_mark(self.0.mark_inbox_read(user, Seq::new(seq)).await?))
        };
        answer("MarkInboxRead", work).await
    }
}
