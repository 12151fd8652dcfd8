//! A message store behind gRPC: its settings, and the three calls that leave in batches.

use std::{sync::Arc, time::Duration};

use madang_domain::{Cursor, Error, Result};
use madang_proto::store::v1::{
    self as wire, append_outcome, message_store_service_client::MessageStoreServiceClient,
    message_store_service_server::SERVICE_NAME, open_inbox_outcome, open_outcome,
};
use tokio::time::Instant;
use tonic::transport::Channel;

use super::{
    batches::BATCH_MAX_ITEMS,
    inbox::{OpenInbox, OpenedInbox},
    messages::{Append, Appended, Open, Opened},
};
use crate::{
    client::{BatchSettings, Batcher, CallSettings, Caller, ClientCounters, Transport, malformed},
    method::Method,
    wire::{REQUEST_MAX_BYTES, RESPONSE_MAX_BYTES, Wire, status::from_failure},
};

/// How a client calls its message store.
#[derive(Debug, Clone)]
pub struct MessageStoreSettings {
    /// Deadlines, repetition, breaker.
    pub call: CallSettings,
    /// How appends leave together: those of plain messages, and by the same bounds those that answer others. One with
    /// uploaded files leaves alone. Their weight is their bytes, about.
    pub append: BatchSettings,
    /// How subscriptions, to rooms and to inboxes, are opened together. Their weight is the events that may be replayed to each,
    /// and one.
    pub open: BatchSettings,
}

/// A commit and the way to it take a few milliseconds: what takes longer has met a lock, or a slow disk.
const OVERLAP_AFTER: Duration = Duration::from_millis(10);

/// A call carries one append with uploaded files, so as many of them are on their way. A store works on a few at once, and
/// answers the others when their turn comes: about ten stores' worth.
const FILE_APPENDS_IN_FLIGHT: usize = 32;

/// How many further appends with uploaded files wait.
const FILE_APPENDS_WAITING: usize = 1_024;

/// A call, its transaction and the publish after it cost each process several wake-ups, whether they carry one
/// append or ten. Measured with 500 appends a second at a gateway: without a pace 0.56 ms of CPU an append in
/// gateways and stores, with 4 ms 0.37, with 5 ms 0.33, with 6 ms 0.33; the median of delivery goes from 3 to 7 ms,
/// its 99th percentile from 10 to 12.
const APPEND_PACE_MAX: Duration = Duration::from_millis(5);

impl Default for MessageStoreSettings {
    fn default() -> Self {
        Self {
            call: CallSettings::default(),
            // Past 128 rows a statement the store gains little more; a mebibyte is sent in milliseconds.
            append: BatchSettings {
                items_max: 128,
                weight_max: 1024 * 1024,
                in_flight_max: 4,
                overlap_after: OVERLAP_AFTER,
                pace_max: APPEND_PACE_MAX,
                queue_max: 8_192,
            },
            // 2,000 events of a usual 300 bytes are an answer of 600 KB.
            open: BatchSettings {
                items_max: 128,
                weight_max: 2_000,
                in_flight_max: 8,
                overlap_after: OVERLAP_AFTER,
                pace_max: Duration::ZERO,
                queue_max: 8_192,
            },
        }
    }
}

/// A message store behind gRPC.
///
/// Appends, and subscriptions to open, leave together with others of their moment: a lone one at once,
/// many in few calls. When too many wait, another is refused as `unavailable` at once.
#[derive(Debug)]
pub struct MessageStoreClient<T = Channel> {
    pub(super) rpc: MessageStoreServiceClient<T>,
    pub(super) caller: Arc<Caller>,
    pub(super) batches: Batches,
}

impl<T: Transport> MessageStoreClient<T> {
    /// A client that calls over `channel`. Must be made within a Tokio runtime, which runs the tasks
    /// that send what has gathered; they end with the client.
    pub fn new(channel: T, settings: MessageStoreSettings) -> Self {
        let rpc = MessageStoreServiceClient::new(channel)
            .max_encoding_message_size(REQUEST_MAX_BYTES)
            .max_decoding_message_size(RESPONSE_MAX_BYTES);
        let MessageStoreSettings { call, append, open } = settings;
        let caller = Arc::new(Caller::new(SERVICE_NAME, call));
        let sender = Sender { rpc: rpc.clone(), caller: Arc::clone(&caller) };
        let appends = |name, settings| {
            let sender = sender.clone();
            Batcher::spawn(name, settings, Append::wire_bytes, move |appends, deadline| {
                sender.clone().append(appends, deadline)
            })
        };
        let appends = AppendLanes {
            plain: appends("batch Append", bounded(append)),
            answering: appends("batch answering Append", bounded(append)),
            with_files: appends("Append with files", file_appends()),
        };
        let opens = Batcher::spawn(
            "batch Open",
            bounded(open),
            |open: &Open| open_weight(open.since, open.replay_limit),
            {
                let sender = sender.clone();
                move |opens, deadline| sender.clone().open(opens, deadline)
            },
        );
        let inbox_opens = Batcher::spawn(
            "batch OpenInbox",
            bounded(open),
            |open: &OpenInbox| open_weight(open.since, open.replay_limit),
            move |opens, deadline| sender.clone().open_inboxes(opens, deadline),
        );
        let batches = Batches { caller: Arc::clone(&caller), appends, opens, inbox_opens };
        Self { rpc, caller, batches }
    }

    /// What is counted of the calls.
    #[must_use]
    pub fn counters(&self) -> &Arc<ClientCounters> {
        self.caller.counters()
    }
}

/// The calls that leave together with others of their moment.
#[derive(Debug)]
pub(super) struct Batches {
    caller: Arc<Caller>,
    appends: AppendLanes,
    opens: Batcher<Open, Opened>,
    inbox_opens: Batcher<OpenInbox, OpenedInbox>,
}

/// Appends by what the store does for them. A call is answered when its slowest append is done: so one waits only for others
/// that cost as much.
#[derive(Debug)]
struct AppendLanes {
    /// One commit for all, and that is it.
    plain: Batcher<Append, Appended>,
    /// After the commit the store reads what each of them answers.
    answering: Batcher<Append, Appended>,
    /// Each has a transaction of its own, waits for its turn, and leaves alone.
    with_files: Batcher<Append, Appended>,
}

impl AppendLanes {
    fn of(&self, append: &Append) -> &Batcher<Append, Appended> {
        let message = &append.message;
        if message.has_files() {
            &self.with_files
        } else if message.reply_to.is_some() {
            &self.answering
        } else {
            &self.plain
        }
    }
}

impl Batches {
    pub(super) async fn append(&self, method: &Method, append: Append) -> Result<Appended> {
        self.appends.of(&append).call(append, self.caller.deadline(method)).await
    }

    pub(super) async fn open(&self, method: &Method, open: Open) -> Result<Opened> {
        self.opens.call(open, self.caller.deadline(method)).await
    }

    pub(super) async fn open_inbox(&self, method: &Method, open: OpenInbox) -> Result<OpenedInbox> {
        self.inbox_opens.call(open, self.caller.deadline(method)).await
    }
}

/// No more than a server takes.
fn bounded(settings: BatchSettings) -> BatchSettings {
    BatchSettings { items_max: settings.items_max.clamp(1, BATCH_MAX_ITEMS), ..settings }
}

/// Each leaves alone and at once.
const fn file_appends() -> BatchSettings {
    BatchSettings {
        items_max: 1,
        weight_max: usize::MAX,
        in_flight_max: FILE_APPENDS_IN_FLIGHT,
        overlap_after: Duration::ZERO,
        pace_max: Duration::ZERO,
        queue_max: FILE_APPENDS_WAITING,
    }
}

fn open_weight(since: Option<Cursor>, replay_limit: u32) -> usize {
    1 + since.map_or(0, |_| usize::try_from(replay_limit).unwrap_or(usize::MAX - 1))
}

/// Sends batches.
#[derive(Clone)]
struct Sender<T> {
    rpc: MessageStoreServiceClient<T>,
    caller: Arc<Caller>,
}

impl<T: Transport> Sender<T> {
    async fn append(self, appends: Vec<Append>, deadline: Instant) -> Result<Vec<Result<Appended>>> {
        let request = || wire::AppendRequest { appends: appends.iter().map(Append::encode).collect() };
        let send = |request| {
            let mut rpc = self.rpc.clone();
            async move { rpc.append(request).await }
        };
        let answer = self.caller.call_until(deadline, "Append", true, request, send).await?;
        let outcome = |outcome: wire::AppendOutcome| match outcome.outcome {
            Some(append_outcome::Outcome::Appended(appended)) => {
                Appended::decode(appended).map_err(malformed)
            }
            Some(append_outcome::Outcome::Failure(failure)) => Err(from_failure(failure)),
            None => Err(Error::internal("an append without an outcome")),
        };
        Ok(answer.outcomes.into_iter().map(outcome).collect())
    }

    async fn open(self, opens: Vec<Open>, deadline: Instant) -> Result<Vec<Result<Opened>>> {
        let request = || wire::OpenRequest { rooms: opens.encode() };
        let send = |request| {
            let mut rpc = self.rpc.clone();
            async move { rpc.open(request).await }
        };
        let answer = self.caller.call_until(deadline, "Open", true, request, send).await?;
        let outcome = |outcome: wire::OpenOutcome| match outcome.outcome {
            Some(open_outcome::Outcome::Opened(opened)) => Opened::decode(opened).map_err(malformed),
            Some(open_outcome::Outcome::Failure(failure)) => Err(from_failure(failure)),
            None => Err(Error::internal("a subscription without an outcome")),
        };
        Ok(answer.outcomes.into_iter().map(outcome).collect())
    }

    async fn open_inboxes(
        self,
        opens: Vec<OpenInbox>,
        deadline: Instant,
    ) -> Result<Vec<Result<OpenedInbox>>> {
        let request = || wire::OpenInboxRequest { inboxes: opens.encode() };
        let send = |request| {
            let mut rpc = self.rpc.clone();
            async move { rpc.open_inbox(request).await }
        };
        let answer = self.caller.call_until(deadline, "OpenInbox", true, request, send).await?;
        let outcome = |outcome: wire::OpenInboxOutcome| match outcome.outcome {
            Some(open_inbox_outcome::Outcome::Opened(opened)) => {
                OpenedInbox::decode(opened).map_err(malformed)
            }
            Some(open_inbox_outcome::Outcome::Failure(failure)) => Err(from_failure(failure)),
            None => Err(Error::internal("an inbox without an outcome")),
        };
        Ok(answer.outcomes.into_iter().map(outcome).collect())
    }
}
