//! The service: every call with its deadline and its metrics, and what they share.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use madang_domain::{
    Attachment, AttachmentUrl, Authority, Error, FileId, MessageText, Result, RoomId, RoomName, Seq, TopicId,
    event::{Event, Message},
};
use madang_kit::{Check, Lifecycle};
use madang_rpc::{
    MessageStore,
    around::{Around, Call, Layer},
    method::Method,
    store::{
        AbandonUpload, AcceptInvitation, Append, AppendInThread, Appended, AuditEntry, BannedUser,
        BeginExport, BeginUpload, Block, BlockedUser, Changed, ChangedBlocks, CreateRoom, DeleteMessage,
        DeleteRoom, Dismiss, EditMessage, EraseUser, Erased, Export, ExportPage, FinishUpload, FollowThread,
        FollowedThread, ForgetFiles, GetFile, GetHides, GetPeople, GetReads, GetRoom, GetSync,
        GetUserSettings, GetWords, Heads, History, Inbox, InboxMark, InboxPage, Invitation, Join, Leave,
        ListAudit, ListBans, ListBlocked, ListInvitations, ListMembers, ListPins, ListRemovedFiles,
        ListReports, ListRevisions, ListRooms, ListThreadMessages, ListThreads, LogPage, MadeInvitation,
        MakeInvitation, MarkDelivered, MarkInboxRead, MarkRead, MarkThreadRead, Member, NoteSeen, Notify,
        Open, OpenInbox, Opened, OpenedInbox, Page, Person, PutMember, PutRoomSettings, PutStatus,
        PutUserSettings, PutWords, React, Read, ReadExport, ReadHides, ReadMark, RememberProfile,
        RememberedProfile, RemoveMember, Report, ReportMessage, Resolve, Resolved, Restrict, Revision,
        RevokeInvitation, RoomReads, RoomView, Search, SearchPage, SetForRoom, SetPin, SettleReport, Synced,
        TellFollowers, TellMembers, ThreadPage, ThreadPlace, ToldMembers, ToldStatus, Unblock, UpdateRoom,
        UserSettings, WordList,
    },
};
use tokio::time::timeout;

use crate::{
    batch::Queue,
    error::OperationError,
    metrics::CallMetrics,
    operations::{Appender, Engine, InboxOpener, Opener, ToAppend},
    settings::CALL_DEADLINE,
};

/// The message store, in this process. Clones are handles to the same.
pub type Service = Around<Operations, Metered>;

/// The operations, without deadlines and metrics.
#[derive(Clone)]
pub struct Operations(Arc<Inner>);

/// What the handles share.
pub(crate) struct Inner {
    pub(crate) life: Lifecycle,
    pub(crate) engine: Engine,
    pub(crate) appends: Queue<Appender>,
    pub(crate) opens: Queue<Opener>,
    pub(crate) inbox_opens: Queue<InboxOpener>,
    /// Held: what this service says of its readiness ends with it.
    pub(crate) _check: Check,
}

impl Operations {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Whether a message has a word that is to be reported. `invalid_argument`: it has one that is not accepted. The site says
    /// what it says.
    async fn is_flagged(&self, append: &Append) -> Result<bool> {
        let Append { room, actor, message, authority } = append;
        if *authority == Authority::Site {
            return Ok(false);
        }
        Ok(self.0.engine.judge_words(*room, actor.id, Some(&message.key), &message.text).await?)
    }

    /// Lets what a change says be indexed for search. Events that say nothing are passed over there, and must be, so that
    /// a room is not thought to be behind.
    fn told<T>(&self, changed: Changed<T>) -> Changed<T> {
        self.0.engine.hints.add(changed.events.iter().filter_map(|event| event.topic.room()));
        changed
    }

    /// The service's life, a child of its host's. It must end after its callers' lives: a short while after
    /// the soft stop nothing is appended any more.
    #[must_use]
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.0.life
    }
}

impl std::fmt::Debug for Operations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operations").finish_non_exhaustive()
    }
}

/// Around each call: its deadline and its metrics. The hot paths, `append`, `open` and `open_inbox`, keep their
/// deadline in their queues and are measured by the batch.
#[derive(Debug, Clone)]
pub struct Metered {
    metrics: CallMetrics,
}

impl Metered {
    pub(crate) const fn new(metrics: CallMetrics) -> Self {
        Self { metrics }
    }
}

impl<S: Sync> Layer<S> for Metered {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Method,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        let work = call(service);
        if method.batched {
            return work;
        }
        Box::pin(async move {
            let began = Instant::now();
            let result = timeout(CALL_DEADLINE, work)
                .await
                .unwrap_or_else(|_elapsed| Err(OperationError::Deadline.into()));
            let failure = result.as_ref().err().map(|error: &Error| error.code);
            self.metrics.call(method.name, began.elapsed(), failure);
            result
        })
    }
}

/// Checks what the types of a new message do not say.
fn check_message(message: &mut Message) -> Result<()> {
    // A text that the database refuses would cost its whole batch a second try.
    message.text = MessageText::new(std::mem::take(&mut message.text))?.into_string();
    // Whom it mentions is found by its text.
    message.mentions_all = None;
    // Addresses travel as they may have been recorded; these are new ones. Names were made fit on the way.
    for (place, attachment) in message.attachments.iter().enumerate() {
        AttachmentUrl::new(attachment.url.as_str()).map_err(|error| {
            Error::invalid(error.to_string()).of_field(format!("/attachments/{place}/url"))
        })?;
    }
    Ok(())
}

#[async_trait]
impl MessageStore for Operations {
    async fn create_room(&self, mut request: CreateRoom) -> Result<Changed<RoomView>> {
        // Names travel as they may have been recorded; this is a new one.
        request.room.name = RoomName::new(request.room.name.as_str())?;
        Ok(self.told(self.0.engine.create_room(request.actor, request.authority, request.room).await?))
    }

    async fn get_room(&self, request: GetRoom) -> Result<RoomView> {
        Ok(self.0.engine.room(request.user, request.room).await?)
    }

    async fn list_rooms(&self, request: ListRooms) -> Result<Page<RoomView>> {
        Ok(self.0.engine.rooms(request).await?)
    }

    async fn update_room(&self, mut request: UpdateRoom) -> Result<Changed<RoomView>> {
        request.name = request.name.map(|name| RoomName::new(name.as_str())).transpose()?;
        Ok(self.told(self.0.engine.update_room(request).await?))
    }

    async fn delete_room(&self, request: DeleteRoom) -> Result<Changed<()>> {
        Ok(self.told(self.0.engine.delete_room(request).await?))
    }

    async fn join(&self, request: Join) -> Result<Changed<RoomView>> {
        Ok(self.told(self.0.engine.join(request.actor, request.room).await?))
    }

    async fn leave(&self, request: Leave) -> Result<Changed<()>> {
        Ok(self.told(self.0.engine.leave(request.actor, request.room).await?))
    }

    async fn list_members(&self, request: ListMembers) -> Result<Page<Member>> {
        Ok(self.0.engine.members(request.user, request.room, request.page).await?)
    }

    async fn put_member(&self, request: PutMember) -> Result<Changed<Member>> {
        Ok(self.told(
            self.0
                .engine
                .put_member(request.actor, request.authority, request.room, request.user, request.role)
                .await?,
        ))
    }

    async fn remove_member(&self, request: RemoveMember) -> Result<Changed<()>> {
        Ok(self.told(
            self.0.engine.remove_member(request.actor, request.authority, request.room, request.user).await?,
        ))
    }

    async fn restrict(&self, request: Restrict) -> Result<Changed<()>> {
        Ok(self.told(self.0.engine.restrict(request).await?))
    }

    async fn list_bans(&self, request: ListBans) -> Result<Page<BannedUser>> {
        Ok(self.0.engine.bans(request).await?)
    }

    async fn make_invitation(&self, request: MakeInvitation) -> Result<MadeInvitation> {
        Ok(self.0.engine.make_invitation(request).await?)
    }

    async fn list_invitations(&self, request: ListInvitations) -> Result<Vec<Invitation>> {
        Ok(self.0.engine.invitation_links(request).await?)
    }

    async fn revoke_invitation(&self, request: RevokeInvitation) -> Result<()> {
        Ok(self.0.engine.revoke_invitation(request).await?)
    }

    async fn accept_invitation(&self, request: AcceptInvitation) -> Result<Changed<RoomView>> {
        Ok(self.told(self.0.engine.accept_invitation(request).await?))
    }

    async fn append(&self, mut append: Append) -> Result<Appended> {
        if append.message.thread.is_some() {
            return Err(Error::invalid("a message in a thread is appended by append_in_thread"));
        }
        let is_flagged = self.is_flagged(&append).await?;
        check_message(&mut append.message)?;
        let (room, reply_to) = (append.room, append.message.reply_to);
        let everybody = self.0.engine.mentions_everybody(&append).await?;
        let is_apart = append.message.has_files() || everybody.is_some();
        let report = is_flagged.then(|| self.0.engine.new_id());
        let to_append = ToAppend { append, report };
        let mut appended = if is_apart {
            // This method keeps its deadline in its queue, in which such a message does not wait.
            timeout(CALL_DEADLINE, self.0.engine.append_apart(to_append, everybody))
                .await
                .unwrap_or_else(|_elapsed| Err(OperationError::Deadline))?
        } else {
            // One that is to be reported, too: the messages of its call wait for it.
            self.0.appends.ask(to_append).await?
        };
        // After the commit: what happens to the original from now on has events after this one. A message that answers
        // nothing pays nothing, and waits for none that does.
        if let Some(original) = reply_to.filter(|original| !appended.duplicate && *original < appended.seq) {
            appended.excerpt = self.0.engine.excerpt(room, original).await?;
        }
        Ok(appended)
    }

    async fn append_in_thread(&self, request: AppendInThread) -> Result<Changed<Appended>> {
        let AppendInThread(mut append) = request;
        let is_flagged = self.is_flagged(&append).await?;
        check_message(&mut append.message)?;
        Ok(self.told(self.0.engine.append_in_thread(append, is_flagged).await?))
    }

    async fn tell_followers(&self, request: TellFollowers) -> Result<Changed<bool>> {
        Ok(self.0.engine.reply_notices.tell(request).await?)
    }

    async fn tell_members(&self, request: TellMembers) -> Result<ToldMembers> {
        Ok(self.0.engine.reply_notices.tell_members(request).await?)
    }

    async fn list_thread_messages(&self, request: ListThreadMessages) -> Result<ThreadPage> {
        Ok(self.0.engine.thread_messages(request).await?)
    }

    async fn mark_thread_read(&self, request: MarkThreadRead) -> Result<ThreadPlace> {
        Ok(self.0.engine.mark_thread_read(request).await?)
    }

    async fn follow_thread(&self, request: FollowThread) -> Result<ThreadPlace> {
        Ok(self.0.engine.follow_thread(request).await?)
    }

    async fn list_threads(&self, request: ListThreads) -> Result<Page<FollowedThread>> {
        Ok(self.0.engine.threads(request).await?)
    }

    async fn open(&self, open: Open) -> Result<Opened> {
        Ok(self.0.opens.ask(open).await?)
    }

    async fn get_sync(&self, request: GetSync) -> Result<Synced> {
        Ok(self.0.engine.sync(request).await?)
    }

    async fn resolve(&self, request: Resolve) -> Result<Resolved> {
        Ok(self.0.engine.resolve(request.user, &request.rooms, request.memberships).await?)
    }

    async fn read(&self, request: Read) -> Result<Vec<Event>> {
        Ok(self.0.engine.read(request.topic, request.after, request.limit).await?)
    }

    async fn heads(&self, request: Heads) -> Result<Vec<(TopicId, Seq)>> {
        Ok(self.0.engine.heads(&request.topics).await?)
    }

    async fn history(&self, request: History) -> Result<LogPage> {
        Ok(self.0.engine.history(request.user, request.room, request.query).await?)
    }

    async fn mark_delivered(&self, request: MarkDelivered) -> Result<Vec<RoomId>> {
        Ok(self.0.engine.mark_delivered(request.marks).await?)
    }

    async fn get_reads(&self, request: GetReads) -> Result<RoomReads> {
        Ok(self.0.engine.reads(request).await?)
    }

    async fn mark_read(&self, request: MarkRead) -> Result<ReadMark> {
        Ok(self.0.engine.mark_read(request.user, request.room, request.seq).await?)
    }

    async fn edit_message(&self, mut request: EditMessage) -> Result<Changed<Event>> {
        // What the type does not say.
        request.text = MessageText::new(request.text)?.into_string();
        let is_flagged = match &request.actor {
            Some(actor) => self.0.engine.judge_words(request.room, actor.id, None, &request.text).await?,
            None => false,
        };
        Ok(self.told(self.0.engine.edit_message(request, is_flagged).await?))
    }

    async fn delete_message(&self, request: DeleteMessage) -> Result<Changed<()>> {
        Ok(self.told(self.0.engine.delete_message(request).await?))
    }

    async fn list_revisions(&self, request: ListRevisions) -> Result<Page<Revision>> {
        Ok(self.0.engine.revisions(request).await?)
    }

    async fn react(&self, request: React) -> Result<Changed<()>> {
        Ok(self.told(self.0.engine.react(request).await?))
    }

    async fn set_pin(&self, request: SetPin) -> Result<Changed<()>> {
        Ok(self.told(self.0.engine.set_pin(request).await?))
    }

    async fn list_pins(&self, request: ListPins) -> Result<Page<Event>> {
        Ok(self.0.engine.pins(request).await?)
    }

    async fn search(&self, request: Search) -> Result<SearchPage> {
        Ok(self.0.engine.search(request).await?)
    }

    async fn begin_upload(&self, request: BeginUpload) -> Result<()> {
        Ok(self.0.engine.begin_upload(request).await?)
    }

    async fn finish_upload(&self, request: FinishUpload) -> Result<Attachment> {
        Ok(self.0.engine.finish_upload(request).await?)
    }

    async fn abandon_upload(&self, request: AbandonUpload) -> Result<()> {
        Ok(self.0.engine.abandon_upload(request).await?)
    }

    async fn get_file(&self, request: GetFile) -> Result<Attachment> {
        Ok(self.0.engine.file(request).await?)
    }

    async fn list_removed_files(&self, request: ListRemovedFiles) -> Result<Vec<FileId>> {
        Ok(self.0.engine.removed_files(request).await?)
    }

    async fn forget_files(&self, request: ForgetFiles) -> Result<()> {
        Ok(self.0.engine.forget_files(request).await?)
    }

    async fn notify(&self, request: Notify) -> Result<Changed<Event>> {
        Ok(self.0.engine.notify(request.user, request.data, request.key).await?)
    }

    async fn open_inbox(&self, open: OpenInbox) -> Result<OpenedInbox> {
        Ok(self.0.inbox_opens.ask(open).await?)
    }

    async fn inbox(&self, request: Inbox) -> Result<InboxPage> {
        Ok(self.0.engine.inbox(request.user, request.from, request.limit).await?)
    }

    async fn dismiss(&self, request: Dismiss) -> Result<Changed<()>> {
        Ok(self.0.engine.dismiss(request).await?)
    }

    async fn put_room_settings(&self, request: PutRoomSettings) -> Result<SetForRoom> {
        Ok(self.0.engine.put_room_settings(request).await?)
    }

    async fn get_user_settings(&self, request: GetUserSettings) -> Result<UserSettings> {
        Ok(self.0.engine.user_settings(request.user).await?)
    }

    async fn put_user_settings(&self, request: PutUserSettings) -> Result<UserSettings> {
        Ok(self.0.engine.put_user_settings(request).await?)
    }

    async fn mark_inbox_read(&self, request: MarkInboxRead) -> Result<InboxMark> {
        Ok(self.0.engine.mark_inbox_read(request.user, request.seq).await?)
    }

    async fn block(&self, request: Block) -> Result<ChangedBlocks> {
        Ok(self.0.engine.block(request.actor, request.user).await?)
    }

    async fn unblock(&self, request: Unblock) -> Result<ChangedBlocks> {
        Ok(self.0.engine.unblock(request.actor, request.user).await?)
    }

    async fn list_blocked(&self, request: ListBlocked) -> Result<Page<BlockedUser>> {
        Ok(self.0.engine.blocked(request.user, request.page).await?)
    }

    async fn remember_profile(&self, request: RememberProfile) -> Result<RememberedProfile> {
        Ok(self.0.engine.remember_profile(request.user).await?)
    }

    async fn put_status(&self, request: PutStatus) -> Result<ToldStatus> {
        Ok(self.0.engine.put_status(request).await?)
    }

    async fn get_people(&self, request: GetPeople) -> Result<Vec<Person>> {
        Ok(self.0.engine.people(request).await?)
    }

    async fn note_seen(&self, request: NoteSeen) -> Result<()> {
        Ok(self.0.engine.note_seen(request).await?)
    }

    async fn get_hides(&self, request: GetHides) -> Result<ReadHides> {
        Ok(self.0.engine.hides(request).await?)
    }

    async fn erase_user(&self, request: EraseUser) -> Result<Changed<Erased>> {
        Ok(self.told(self.0.engine.erase_user(request.user).await?))
    }

    async fn begin_export(&self, request: BeginExport) -> Result<Export> {
        Ok(self.0.engine.begin_export(request.user).await?)
    }

    async fn read_export(&self, request: ReadExport) -> Result<ExportPage> {
        Ok(self.0.engine.read_export(request).await?)
    }

    async fn report_message(&self, request: ReportMessage) -> Result<Report> {
        Ok(self.0.engine.report_message(request).await?)
    }

    async fn list_reports(&self, request: ListReports) -> Result<Page<Report>> {
        Ok(self.0.engine.reports(request).await?)
    }

    async fn settle_report(&self, request: SettleReport) -> Result<Report> {
        Ok(self.0.engine.settle_report(request).await?)
    }

    async fn list_audit(&self, request: ListAudit) -> Result<Page<AuditEntry>> {
        Ok(self.0.engine.audit(request).await?)
    }

    async fn get_words(&self, request: GetWords) -> Result<WordList> {
        Ok(self.0.engine.words(request).await?)
    }

    async fn put_words(&self, request: PutWords) -> Result<WordList> {
        Ok(self.0.engine.put_words(request).await?)
    }
}
