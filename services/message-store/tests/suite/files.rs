//! Files: who uploads them, which message has them, who may have them, and how they go.

use std::{sync::Arc, time::Duration};

use madang_domain::{
    Attachment, Code, FileId, FileName, Image, MediaType, Profile, Result, RoomDetailChanges,
    RoomFlagChanges, RoomHistory, RoomId,
    event::{Event, EventBody, Message},
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        AbandonUpload, Append, Appended, Authority, BeginUpload, DeleteMessage, DeleteRoom, FinishUpload,
        ForgetFiles, GetFile, HistoryFrom, Join, Leave, ListRemovedFiles, Restrict, RoomKind, UpdateRoom,
    },
};
use uuid::Uuid;

use crate::support::{Fixture, Words as _, message, room_of, user};

const SIZE: u64 = 10_000;

fn file_id(number: u128) -> FileId {
    FileId::new(Uuid::from_u128(0xf000 + number))
}

pub(crate) fn begin(actor: &Arc<Profile>, room: RoomId, number: u128) -> BeginUpload {
    let name = FileName::new(format!("zyzzyva-{number}.png")).unwrap();
    BeginUpload { file: file_id(number), actor: Arc::clone(actor), room: room.into(), name, size_bytes: SIZE }
}

fn finish(actor: &Profile, number: u128) -> FinishUpload {
    FinishUpload {
        user: actor.id,
        file: file_id(number),
        content_type: MediaType::new("image/png").unwrap(),
        size_bytes: SIZE,
        image: Some(Image { width: 3, height: 2, placeholder: "zyzzyva-blur".to_owned() }),
    }
}

pub(crate) async fn uploaded(
    service: &Service,
    actor: &Arc<Profile>,
    room: RoomId,
    number: u128,
) -> Attachment {
    service.begin_upload(begin(actor, room, number)).await.unwrap();
    service.finish_upload(finish(actor, number)).await.unwrap()
}

pub(crate) async fn send(
    service: &Service,
    actor: &Arc<Profile>,
    room: RoomId,
    key: &str,
    files: &[u128],
) -> Result<Appended> {
    let attachments = files.iter().map(|number| Attachment::of_file(file_id(*number)).unwrap()).collect();
    let message = Message { attachments, ..message("look", key) };
    service.append(Append { room, actor: Arc::clone(actor), message, authority: Authority::User }).await
}

async fn get(service: &Service, user: &Profile, number: u128) -> Result<Attachment> {
    service.get_file(GetFile { user: user.id, file: file_id(number) }).await
}

async fn removed(service: &Service) -> Vec<FileId> {
    service.list_removed_files(ListRemovedFiles { limit: 100, after: None }).await.unwrap()
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code)
}

fn attachments(events: &[Event]) -> Vec<Attachment> {
    let of = |event: &Event| match &event.body {
        EventBody::Message(message) => message.attachments.clone(),
        _ => Vec::new(),
    };
    events.iter().flat_map(of).collect()
}

async fn a_message_has_a_file_with_what_is_known_of_it(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let file = uploaded(&service, &mina, room, 1).await;
    assert_eq!(file.url.as_str(), format!("/v1/files/{}", file_id(1)));
    assert_eq!((file.name.as_str(), file.size_bytes, file.file), ("zyzzyva-1.png", SIZE, Some(file_id(1))));
    assert_eq!(file.image.as_ref().unwrap().width, 3);
    // A repeat of each step is the same.
    service.begin_upload(begin(&mina, room, 1)).await.unwrap();
    assert_eq!(service.finish_upload(finish(&mina, 1)).await.unwrap(), file);

    // With a mention and a reply, as any other message; and a link beside the file, in the sender's order.
    let first = service.say(room, &jun, "first").await.unwrap().seq;
    let link = Attachment { file: None, image: None, ..file.clone() };
    let sent = Message {
        attachments: vec![link.clone(), Attachment::of_file(file_id(1)).unwrap()],
        reply_to: Some(first),
        ..message("@user-2 look", "k")
    };
    let append = Append { room, actor: Arc::clone(&mina), message: sent, authority: Authority::User };
    let appended = service.append(append.clone()).await.unwrap();
    assert_eq!(appended.attachments, [link.clone(), file.clone()]);
    assert_eq!((appended.mentions.len(), appended.excerpt.is_some()), (1, true));
    assert_eq!(attachments(&service.log(room).await), [link.clone(), file.clone()]);
    let page = service.history_from(room, &jun, HistoryFrom::End, 10).await.unwrap();
    assert_eq!(attachments(&page.events), [link, file]);
    let again = service.append(append).await.unwrap();
    assert_eq!((again.seq, again.duplicate, again.attachments), (appended.seq, true, Vec::new()));
    assert_eq!(service.view(room, &jun).await.membership.unwrap().unread, 1, "it counts as one message");
    // What follows has the next place.
    assert_eq!(service.say(room, &jun, "next").await.unwrap().seq, appended.seq.next());
}

async fn a_file_is_of_one_message_of_who_uploaded_it(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let (room, other) = (service.given_room(&[&mina, &jun]).await, service.given_room(&[&mina, &jun]).await);
    uploaded(&service, &mina, room, 1).await;
    uploaded(&service, &mina, room, 2).await;
    service.begin_upload(begin(&mina, room, 3)).await.unwrap();
    let head = service.view(room, &mina).await.room.head;
    for (actor, place, files, expected, at) in [
        // Another's, another room's, one that has not arrived, one that is not there, the same twice.
        (&jun, room, vec![1], Code::NotFound, 0),
        (&mina, other, vec![1], Code::NotFound, 0),
        (&mina, room, vec![1, 3], Code::NotFound, 1),
        (&mina, room, vec![1, 9], Code::NotFound, 1),
        (&mina, room, vec![1, 1], Code::FailedPrecondition, 1),
    ] {
        let refused = send(&service, actor, place, "k", &files).await.unwrap_err();
        assert_eq!(refused.code, expected, "{files:?}");
        assert_eq!(&*refused.fields[0].pointer, format!("/attachments/{at}/file"));
    }
    assert_eq!(service.view(room, &mina).await.room.head, head, "nothing was appended");
    send(&service, &mina, room, "k", &[1]).await.unwrap();
    let refused = send(&service, &mina, room, "another", &[2, 1]).await.unwrap_err();
    assert_eq!(
        (refused.code, &*refused.fields[0].pointer),
        (Code::FailedPrecondition, "/attachments/1/file")
    );
    send(&service, &mina, room, "another", &[2]).await.unwrap();
}

async fn of_sends_at_once_one_gets_the_file(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    for number in 0..5 {
        uploaded(&service, &mina, room, number).await;
        let sends = (0..6).map(|send_number| {
            let (service, mina) = (service.clone(), Arc::clone(&mina));
            async move { send(&service, &mina, room, &format!("k-{number}-{send_number}"), &[number]).await }
        });
        let sent = futures_util::future::join_all(sends).await;
        assert_eq!(sent.iter().filter(|sent| sent.is_ok()).count(), 1, "{sent:?}");
    }
    assert_eq!(attachments(&service.log(room).await).len(), 5);
}

async fn who_may_not_send_may_not_upload(fixture: Fixture) {
    let service = fixture.service().await;
    let (owner, mina, stranger) = (user(1), user(2), user(3));
    let room = service.given_room(&[&owner, &mina]).await;
    let upload = async |actor: &Arc<Profile>, number| {
        let outcome = service.begin_upload(begin(actor, room, number)).await;
        outcome.err().map(|error| error.code)
    };
    assert_eq!(upload(&stranger, 1).await, Some(Code::PermissionDenied));
    let flags = async |flags| {
        let update = UpdateRoom {
            authority: Authority::User,
            actor: Some(owner.clone()),
            room: room.into(),
            name: None,
            slug: None,
            flags,
            details: RoomDetailChanges::default(),
        };
        service.update_room(update).await.unwrap();
    };
    flags(RoomFlagChanges { announcement: Some(true), ..RoomFlagChanges::default() }).await;
    assert_eq!(upload(&mina, 2).await, Some(Code::PermissionDenied));
    assert_eq!(upload(&owner, 3).await, None);
    flags(RoomFlagChanges { announcement: Some(false), ..RoomFlagChanges::default() }).await;
    let mute = Restrict {
        actor: owner.clone(),
        authority: Authority::User,
        room: room.into(),
        user: mina.clone(),
        kind: madang_domain::Restriction::Mute,
        on: true,
        until: None,
        reason: None,
    };
    service.restrict(mute).await.unwrap();
    assert_eq!(upload(&mina, 4).await, Some(Code::PermissionDenied));
    flags(RoomFlagChanges { archived: Some(true), ..RoomFlagChanges::default() }).await;
    assert_eq!(upload(&owner, 5).await, Some(Code::FailedPrecondition));
    // An id that another has announced is not there for this one.
    assert_eq!(code(service.finish_upload(finish(&mina, 3)).await), Some(Code::NotFound));
    assert_eq!(fixture.count("SELECT count(*) FROM files").await, 1, "refusals leave nothing");
}

async fn a_file_is_for_those_who_see_its_message(fixture: Fixture) {
    let service = fixture.service().await;
    let (owner, mina, jun, late, stranger) = (user(1), user(2), user(3), user(4), user(5));
    let room = service
        .make(&owner, room_of(RoomKind::Public, "Public", &[&mina, &jun]))
        .await
        .unwrap()
        .value
        .room
        .id;
    let flags = RoomFlagChanges { history: Some(RoomHistory::Joined), ..RoomFlagChanges::default() };
    let update = UpdateRoom {
        authority: Authority::User,
        actor: Some(owner.clone()),
        room: room.into(),
        name: None,
        slug: None,
        flags,
        details: RoomDetailChanges::default(),
    };
    service.update_room(update).await.unwrap();

    uploaded(&service, &mina, room, 1).await;
    assert!(get(&service, &mina, 1).await.is_ok(), "who uploaded it sees it before it is sent");
    for other in [&owner, &jun, &stranger] {
        assert_eq!(code(get(&service, other, 1).await), Some(Code::NotFound), "a draft is nobody else's");
    }
    send(&service, &mina, room, "k", &[1]).await.unwrap();
    for member in [&owner, &mina, &jun] {
        assert!(get(&service, member, 1).await.is_ok());
    }
    assert_eq!(code(get(&service, &stranger, 1).await), Some(Code::NotFound));
    // A newcomer has what comes after, and nothing of before.
    service.join(Join { actor: late.clone(), room: room.into() }).await.unwrap();
    assert_eq!(code(get(&service, &late, 1).await), Some(Code::NotFound));
    uploaded(&service, &mina, room, 2).await;
    send(&service, &mina, room, "k2", &[2]).await.unwrap();
    assert!(get(&service, &late, 2).await.is_ok());

    // Who leaves or is banned has it no more, also the own one.
    service.leave(Leave { actor: mina.clone(), room: room.into() }).await.unwrap();
    assert_eq!(code(get(&service, &mina, 1).await), Some(Code::NotFound));
    let ban = Restrict {
        actor: owner.clone(),
        authority: Authority::User,
        room: room.into(),
        user: jun.clone(),
        kind: madang_domain::Restriction::Ban,
        on: true,
        until: None,
        reason: None,
    };
    service.restrict(ban).await.unwrap();
    assert_eq!(code(get(&service, &jun, 1).await), Some(Code::NotFound));
    // Back again, the own one is seen, and of others what comes from now on.
    service.join(Join { actor: mina.clone(), room: room.into() }).await.unwrap();
    assert!(get(&service, &mina, 1).await.is_ok());
    assert!(get(&service, &owner, 1).await.is_ok());
}

async fn of_a_deleted_message_no_file_is_left(fixture: Fixture) {
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    for number in [1, 2, 3] {
        uploaded(&service, &mina, room, number).await;
    }
    let sent = send(&service, &mina, room, "k", &[1, 2]).await.unwrap().seq;
    send(&service, &mina, room, "other", &[3]).await.unwrap();
    let before = fixture.dump().await;
    assert!(before.matches("zyzzyva-1").count() >= 2 && before.contains("zyzzyva-blur"), "{before}");
    let delete = DeleteMessage { authority: Authority::User, actor: Some(mina.clone()), room, message: sent };
    service.delete_message(delete.clone()).await.unwrap();
    for member in [&mina, &jun] {
        assert_eq!(code(get(&service, member, 1).await), Some(Code::NotFound));
    }
    let after = fixture.dump().await;
    let left: Vec<&str> =
        after.lines().filter(|line| line.contains("zyzzyva-1") || line.contains("zyzzyva-2")).collect();
    assert!(left.is_empty(), "{left:?}");
    let mut gone = removed(&service).await;
    gone.sort_unstable();
    assert_eq!(gone, [file_id(1), file_id(2)]);
    // The send that is repeated later is still the same, though its files are gone.
    assert_eq!(send(&service, &mina, room, "k", &[1, 2]).await.unwrap().seq, sent);
    service.delete_message(delete).await.unwrap();

    service.forget_files(ForgetFiles { files: vec![file_id(1), file_id(2), file_id(3)] }).await.unwrap();
    assert_eq!(removed(&service).await, []);
    assert!(get(&service, &jun, 3).await.is_ok(), "what is not to be removed is not forgotten");
    assert_eq!(send(&service, &mina, room, "k", &[1, 2]).await.unwrap().seq, sent);
    assert_eq!(fixture.count("SELECT count(*) FROM files").await, 1);
}

async fn what_nobody_uses_goes(fixture: Fixture) {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    service.begin_upload(begin(&mina, room, 1)).await.unwrap();
    uploaded(&service, &mina, room, 2).await;
    uploaded(&service, &mina, room, 3).await;
    send(&service, &mina, room, "k", &[3]).await.unwrap();
    // An upload that is given up goes at once; a file that a message has stays.
    uploaded(&service, &mina, room, 4).await;
    for number in [3, 4] {
        service.abandon_upload(AbandonUpload { user: mina.id, file: file_id(number) }).await.unwrap();
    }
    assert_eq!(removed(&service).await, [file_id(4)]);
    // Another user gives nothing of hers up.
    service.abandon_upload(AbandonUpload { user: user(2).id, file: file_id(2) }).await.unwrap();

    fixture.clock.advance(HOUR + Duration::from_secs(1));
    // A replica that starts looks at once.
    let _second = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM files WHERE state = 3", 2).await;
    assert!(removed(&service).await.contains(&file_id(1)), "an upload that never ended");
    assert_eq!(code(service.finish_upload(finish(&mina, 1)).await), Some(Code::NotFound));
    assert!(get(&service, &mina, 2).await.is_ok(), "a draft lies for a day");
    fixture.clock.advance(23 * HOUR);
    let _third = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM files WHERE state = 3", 3).await;
    assert_eq!(code(get(&service, &mina, 2).await), Some(Code::NotFound));
    assert_eq!(code(send(&service, &mina, room, "late", &[2]).await), Some(Code::NotFound));
    assert!(get(&service, &mina, 3).await.is_ok(), "what a message has stays");
}

async fn the_files_of_a_deleted_room_go(fixture: Fixture) {
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    uploaded(&service, &mina, room, 1).await;
    uploaded(&service, &mina, room, 2).await;
    send(&service, &mina, room, "k", &[1]).await.unwrap();
    service
        .delete_room(DeleteRoom { authority: Authority::User, actor: Some(mina.clone()), room: room.into() })
        .await
        .unwrap();
    assert_eq!(code(get(&service, &mina, 1).await), Some(Code::NotFound));
    let _second = fixture.service().await;
    fixture.await_count("SELECT count(*) FROM files WHERE state = 3 AND name IS NULL", 2).await;
    let gone = removed(&service).await;
    assert_eq!(gone.len(), 2);
    let behind = async |after| {
        service.list_removed_files(ListRemovedFiles { limit: 100, after: Some(after) }).await.unwrap()
    };
    assert_eq!((behind(gone[0]).await, behind(gone[1]).await), (vec![gone[1]], Vec::new()));
    service.forget_files(ForgetFiles { files: vec![gone[0]] }).await.unwrap();
    assert_eq!(behind(gone[0]).await, [], "what is behind one that is gone is not known");
}

async fn a_user_has_a_share_of_bytes(mut fixture: Fixture) {
    fixture.settings.user_file_bytes = 3 * SIZE;
    let service = fixture.service().await;
    let (mina, jun) = (user(1), user(2));
    let room = service.given_room(&[&mina, &jun]).await;
    let usage = "SELECT CAST(coalesce(sum(bytes), 0) AS bigint) FROM file_usage";
    for number in [1, 2, 3] {
        service.begin_upload(begin(&mina, room, number)).await.unwrap();
    }
    // A repeat takes nothing more.
    service.begin_upload(begin(&mina, room, 3)).await.unwrap();
    assert_eq!(code(service.begin_upload(begin(&mina, room, 4)).await), Some(Code::FailedPrecondition));
    assert_eq!(fixture.count("SELECT count(*) FROM files").await, 3, "a refusal leaves nothing");
    service.begin_upload(begin(&jun, room, 5)).await.unwrap();
    // One that is smaller than announced gives the rest back, but for what a file takes at least.
    let small = FinishUpload { size_bytes: 1, ..finish(&mina, 1) };
    assert_eq!(service.finish_upload(small).await.unwrap().size_bytes, 1);
    assert_eq!(fixture.count(usage).await, i64::try_from(3 * SIZE + 4_096).unwrap());
    let large = FinishUpload { size_bytes: SIZE + 1, ..finish(&mina, 2) };
    assert_eq!(code(service.finish_upload(large).await), Some(Code::NotFound), "more than was announced");
    for number in [1, 2, 3] {
        service.abandon_upload(AbandonUpload { user: mina.id, file: file_id(number) }).await.unwrap();
    }
    assert_eq!(code(service.begin_upload(begin(&mina, room, 4)).await), Some(Code::FailedPrecondition));
    let gone = removed(&service).await;
    service.forget_files(ForgetFiles { files: gone }).await.unwrap();
    assert_eq!(code(service.begin_upload(begin(&mina, room, 4)).await), None, "their bytes are gone");
    assert_eq!(fixture.count(usage).await, i64::try_from(2 * SIZE).unwrap());
}

madang_test_kit::on_both! {
    a_message_has_a_file_with_what_is_known_of_it,
    a_file_is_of_one_message_of_who_uploaded_it,
    of_sends_at_once_one_gets_the_file,
    who_may_not_send_may_not_upload,
    a_file_is_for_those_who_see_its_message,
    of_a_deleted_message_no_file_is_left,
    what_nobody_uses_goes,
    the_files_of_a_deleted_room_go,
    a_user_has_a_share_of_bytes,
}
