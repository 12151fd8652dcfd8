//! A database for a test, services on it, and the people of the tests.

use std::{sync::Arc, time::Duration};

use madang_domain::{
    AddedBy, Cursor, DisplayName, Epoch, IdempotencyKey, Profile, Result, Role, RoomId, RoomName, RoomRef,
    Seq, Slug, Timestamp, TopicId, UserId, Username,
    event::{Event, EventBody, Message},
};
use madang_kit::{
    Host, Lifecycle, Metrics, Secret,
    clock::{Clock as _, ManualClock},
};
use madang_message_store::{Service, Settings, start};
use madang_rpc::{
    MessageStore,
    store::{
        Append, Appended, Authority, Changed, CreateRoom, GetRoom, History, HistoryFrom, HistoryQuery,
        ListRooms, LogPage, NewRoom, Open, Opened, PageQuery, Read, RoomKind, RoomView,
    },
};
use madang_test_kit::EitherDatabase;
use uuid::Uuid;

/// A database, and the time.
pub(crate) struct Fixture {
    pub(crate) url: String,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: Settings,
    /// Services close their connections before the database goes.
    lives: std::sync::Mutex<Vec<Lifecycle>>,
    /// Of the last replica.
    metrics: std::sync::Mutex<Option<Metrics>>,
    database: Option<EitherDatabase>,
}

impl From<EitherDatabase> for Fixture {
    fn from(database: EitherDatabase) -> Self {
        Self::new(database.url().to_owned(), Some(database))
    }
}

impl Fixture {
    pub(crate) fn sqlite() -> Self {
        EitherDatabase::sqlite().unwrap().into()
    }

    /// On a database that the test has.
    pub(crate) fn of_url(url: impl Into<String>) -> Self {
        Self::new(url.into(), None)
    }

    fn new(url: String, database: Option<EitherDatabase>) -> Self {
        let clock = Arc::new(ManualClock::default());
        let (lives, metrics) = (std::sync::Mutex::default(), std::sync::Mutex::default());
        Self {
            url,
            clock,
            settings: Settings { added_by: AddedBy::Anyone, ..Settings::default() },
            lives,
            metrics,
            database,
        }
    }

    /// The database that is this fixture's own.
    pub(crate) fn database(&self) -> &EitherDatabase {
        self.database.as_ref().unwrap()
    }

    pub(crate) fn host(&self) -> Host {
        let lifecycle = Lifecycle::default();
        self.lives.lock().unwrap().push(lifecycle.clone());
        let mut host = Host::new("test", lifecycle).unwrap();
        host.clock = Arc::clone(&self.clock) as _;
        *self.metrics.lock().unwrap() = Some(host.metrics.clone());
        host
    }

    /// The metrics of the last replica, as text.
    pub(crate) fn metrics(&self) -> String {
        self.metrics.lock().unwrap().as_ref().unwrap().render()
    }

    pub(crate) fn secret(&self) -> Secret {
        Secret::from(self.url.as_str())
    }

    /// What a clock shows that is behind this one.
    pub(crate) fn clock_behind(&self, by: Duration) -> Timestamp {
        self.clock.now().minus(by)
    }

    /// A replica.
    pub(crate) async fn service(&self) -> Service {
        start(&self.settings, &self.secret(), &self.host()).await.unwrap()
    }
}

impl Fixture {
    /// How many rows a query of one number counts, past the service.
    pub(crate) async fn count(&self, query: &str) -> i64 {
        self.database().number(query).await.unwrap()
    }

    /// Every row of every table as text, a line each, past the service.
    pub(crate) async fn dump(&self) -> String {
        let database = self.database();
        let is_sqlite = self.url.starts_with("sqlite");
        let tables = if is_sqlite {
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        } else {
            "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        };
        let mut lines = Vec::new();
        for table in database.texts(tables).await.unwrap() {
            let row = if is_sqlite {
                let columns = format!("SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')");
                database.texts(&columns).await.unwrap().join(" || ' ' || ")
            } else {
                "t::text".to_owned()
            };
            let rows = database.texts(&format!("SELECT {row} FROM {table} t")).await.unwrap();
            lines.extend(rows.into_iter().map(|row| format!("{table}: {}", row.replace('\n', " "))));
        }
        lines.join("\n")
    }

    /// Carries a statement out, past the service.
    pub(crate) async fn execute(&self, statement: &'static str) {
        self.database().execute(statement, statement).await.unwrap();
    }

    /// Makes the database refuse messages of this text, as a defect would.
    pub(crate) async fn refuse_text(&self, text: &str) {
        let check = format!("ALTER TABLE events ADD CONSTRAINT refusal CHECK (text <> '{text}')");
        let trigger = format!(
            "CREATE TRIGGER refusal BEFORE INSERT ON events WHEN new.text = '{text}' \
             BEGIN SELECT raise(ABORT, 'refused'); END"
        );
        self.database().execute(&check, &trigger).await.unwrap();
    }

    /// Makes the database refuse notices of mentions, as a defect would.
    pub(crate) async fn refuse_mentions(&self) {
        let check = "ALTER TABLE events ADD CONSTRAINT refusal CHECK (kind <> 6)";
        let trigger = "CREATE TRIGGER refusal BEFORE INSERT ON events WHEN new.kind = 6 \
             BEGIN SELECT raise(ABORT, 'refused'); END";
        self.database().execute(check, trigger).await.unwrap();
    }

    /// Makes the database refuse reports, as a defect would, or accept them again.
    pub(crate) async fn refuse_reports(&self, on: bool) {
        let (check, trigger) = if on {
            let check = "ALTER TABLE reports ADD CONSTRAINT refusal CHECK (message < 0) NOT VALID";
            let trigger =
                "CREATE TRIGGER refusal BEFORE INSERT ON reports BEGIN SELECT raise(ABORT, 'refused'); END";
            (check, trigger)
        } else {
            ("ALTER TABLE reports DROP CONSTRAINT refusal", "DROP TRIGGER refusal")
        };
        self.database().execute(check, trigger).await.unwrap();
    }

    /// A replica whose clock is ahead of the others' by so much.
    pub(crate) async fn service_ahead(&self, by: Duration) -> Service {
        let (mut host, clock) = (self.host(), ManualClock::default());
        clock.set(self.clock.now().plus(by));
        host.clock = Arc::new(clock);
        start(&self.settings, &self.secret(), &host).await.unwrap()
    }

    /// Waits until the background task has removed every event of the rooms.
    pub(crate) async fn await_no_events(&self) {
        let rows = "SELECT (SELECT count(*) FROM events WHERE kind <= 5) + (SELECT count(*) FROM purges)";
        self.await_count(rows, 0).await;
    }

    /// Waits until a query of one number counts so many. A table has nothing to await, so it is asked.
    pub(crate) async fn await_count(&self, query: &'static str, expected: i64) {
        let counts = async {
            while self.count(query).await != expected {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), counts).await.unwrap();
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        for life in self.lives.lock().unwrap().iter() {
            life.kill();
        }
    }
}

/// The user of a number, as the account was at that version.
pub(crate) fn user_at(number: u128, name: &str, version: i64) -> Arc<Profile> {
    Arc::new(Profile {
        id: UserId::new(Uuid::from_u128(0x1000 + number)),
        username: Username::new(format!("user-{number}")).unwrap(),
        name: DisplayName::new(name).unwrap(),
        avatar_url: None,
        external_id: None,
        version: Timestamp::from_micros(version),
    })
}

/// The user of a number.
pub(crate) fn user(number: u128) -> Arc<Profile> {
    user_at(number, &format!("User {number}"), 1)
}

pub(crate) fn room_of(kind: RoomKind, name: &str, members: &[&Arc<Profile>]) -> NewRoom {
    let members = members.iter().map(|member| Arc::clone(member)).collect();
    let name = RoomName::new(name).unwrap();
    NewRoom { kind, name, unnamed: false, slug: None, external_id: None, members, key: None }
}

pub(crate) fn key(text: impl Into<String>) -> IdempotencyKey {
    IdempotencyKey::new(text.into()).unwrap()
}

pub(crate) fn slug(text: &str) -> Slug {
    Slug::new(text).unwrap()
}

pub(crate) fn message(text: &str, with_key: &str) -> Message {
    Message {
        text: text.to_owned(),
        key: key(with_key),
        reply_to: None,
        attachments: Vec::new(),
        mentions: Vec::new(),
        mentions_all: None,
        metadata: None,
        excerpt: None,
        changes: None,
        thread: None,
    }
}

pub(crate) fn page(limit: u32) -> PageQuery {
    PageQuery { limit, cursor: None }
}

/// The words of the tests, over the trait.
pub(crate) trait Words: MessageStore {
    /// A private room with these members; the first owns it.
    async fn given_room(&self, members: &[&Arc<Profile>]) -> RoomId {
        let new = room_of(RoomKind::Private, "Room", &members[1..]);
        self.create_room(CreateRoom { actor: Arc::clone(members[0]), authority: Authority::User, room: new })
            .await
            .unwrap()
            .value
            .room
            .id
    }

    /// Asks for a room to be made.
    async fn make(&self, actor: &Arc<Profile>, room: NewRoom) -> Result<Changed<RoomView>> {
        self.create_room(CreateRoom { actor: Arc::clone(actor), authority: Authority::User, room }).await
    }

    /// The ids of a user's rooms, as one page lists them.
    async fn listed(&self, user: &Profile) -> Vec<RoomId> {
        let rooms = self
            .list_rooms(ListRooms { user: Some(user.id), joinable: false, text: None, page: page(200) })
            .await;
        rooms.unwrap().items.iter().map(|view| view.room.id).collect()
    }

    /// A public room of this owner.
    async fn given_public_room(&self, owner: &Arc<Profile>) -> RoomId {
        let new = room_of(RoomKind::Public, "Public", &[]);
        self.create_room(CreateRoom { actor: Arc::clone(owner), authority: Authority::User, room: new })
            .await
            .unwrap()
            .value
            .room
            .id
    }

    async fn say(&self, room: RoomId, actor: &Arc<Profile>, with_key: &str) -> Result<Appended> {
        let text = format!("text of {with_key}");
        self.append(Append {
            authority: Authority::User,
            room,
            actor: Arc::clone(actor),
            message: message(&text, with_key),
        })
        .await
    }

    async fn open_since(
        &self,
        room: RoomId,
        user: &Profile,
        since: Option<(u64, Option<Epoch>)>,
    ) -> Result<Opened> {
        let since = since.map(|(seq, epoch)| Cursor { seq: Seq::new(seq), epoch });
        self.open(Open { user: user.id, room, since, replay_limit: 500 }).await
    }

    /// The whole log.
    async fn log(&self, room: RoomId) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let after = events.last().map_or(Seq::START, |event: &Event| event.seq);
            let more = self.read(Read { topic: TopicId::Room(room), after, limit: 500 }).await.unwrap();
            if more.is_empty() {
                return events;
            }
            events.extend(more);
        }
    }

    async fn unread(&self, room: RoomId, user: &Profile) -> u64 {
        self.view(room, user).await.membership.unwrap().unread
    }

    async fn view(&self, room_id: RoomId, user: &Profile) -> RoomView {
        self.get_room(GetRoom { user: Some(user.id), room: RoomRef::Id(room_id) }).await.unwrap()
    }

    async fn role(&self, room: RoomId, user: &Profile) -> Role {
        self.view(room, user).await.membership.unwrap().role
    }

    async fn history_from(
        &self,
        room: RoomId,
        user: &Profile,
        from: HistoryFrom,
        limit: u32,
    ) -> Result<LogPage> {
        self.history(History {
            user: Some(user.id),
            room: RoomRef::Id(room),
            query: HistoryQuery { from, limit, messages_only: false },
        })
        .await
    }
}

impl<S: MessageStore + ?Sized> Words for S {}

pub(crate) fn seqs(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq.get()).collect()
}

/// The keys of the messages among events.
pub(crate) fn keys(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::Message(message) => Some(message.key.to_string()),
            _ => None,
        })
        .collect()
}

/// The events of a change are those of the log's end.
pub(crate) async fn assert_logged<T>(service: &Service, room: RoomId, changed: &Changed<T>) {
    let log = service.log(room).await;
    let of_room: Vec<Event> =
        changed.events.iter().filter(|event| event.topic == TopicId::Room(room)).cloned().collect();
    assert!(log.ends_with(&of_room), "{of_room:?} is the end of {log:?}");
}
