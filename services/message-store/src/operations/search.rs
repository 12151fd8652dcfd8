//! Search.

use std::collections::HashMap;

use madang_domain::{
    RoomId, Seq, Timestamp, TopicId, UserId,
    event::{Event, EventBody},
    limits::{PAGE_MAX_BYTES, SEARCH_ROOMS_MAX},
};
use madang_rpc::store::{FoundMessage, Search, SearchPage, TextRange};
use uuid::Uuid;

use super::{
    engine::Engine,
    members::{as_member, visible_after},
    page::{self, Place},
};
use crate::{
    analysis::{Query, QueryProblem},
    error::{OperationError, OperationResult},
    settings::{SEARCH_READ_MESSAGES, SEARCH_ROUNDS},
    store::{ByTime, Range, SearchedRooms, Wanted},
    transaction::finish,
};

impl Place for ByTime {
    const LIST: &'static str = "s";

    fn parts(&self) -> String {
        format!("{:x}.{}.{}", self.at.as_micros(), self.room.uuid().simple(), self.message)
    }

    fn read(text: &str) -> Option<Self> {
        let (at, text) = text.split_once('.')?;
        let (room, message) = text.split_once('.')?;
        let room = RoomId::new(page::uuid(room)?);
        Some(Self { at: page::micros(at)?, room, message: message.parse().ok().map(Seq::new)? })
    }
}

impl From<QueryProblem> for OperationError {
    fn from(problem: QueryProblem) -> Self {
        match problem {
            QueryProblem::Empty => Self::NothingToSearch,
            QueryProblem::TooLong => Self::SearchTooLong,
        }
    }
}

/// Before the first place of all.
fn start(before: Option<Timestamp>) -> ByTime {
    let at = before.unwrap_or(Timestamp::from_micros(i64::MAX));
    // Of the time itself nothing comes: no room has an id lower than this.
    ByTime { at, room: RoomId::new(Uuid::nil()), message: Seq::START }
}

/// What a page has so far.
struct Reading<'q> {
    query: &'q Query,
    /// Up to which place the user sees nothing of a room.
    hidden: &'q HashMap<RoomId, Seq>,
    limit: usize,
    bytes: usize,
    items: Vec<(ByTime, FoundMessage)>,
}

impl Reading<'_> {
    /// Adds a message if the user may see it and it says what is asked for: the index names some that have all tokens, but not together. False
    /// where the page is full before it.
    fn add(&mut self, place: ByTime, message: Event) -> bool {
        let EventBody::Message(said) = &message.body else { return true };
        // What a newcomer does not see in the room's history is not found either.
        if self.hidden.get(&place.room).is_none_or(|hidden| place.message <= *hidden) {
            return true;
        }
        let Some(ranges) = self.query.ranges(&said.text) else { return true };
        let is_full = self.items.len() >= self.limit || self.bytes >= PAGE_MAX_BYTES;
        if is_full && !self.items.is_empty() {
            return false;
        }
        self.bytes += message.body.text_bytes();
        let ranges =
            ranges.into_iter().map(|range| TextRange { start: range.start, end: range.end }).collect();
        self.items.push((place, FoundMessage { message, ranges }));
        true
    }
}

impl Engine {
    pub(crate) async fn search(&self, request: Search) -> OperationResult<SearchPage> {
        let query = Query::parse(&request.text)?;
        if query.needs_room() && request.room.is_none() {
            return Err(OperationError::SearchNeedsRoom);
        }
        let (limit, after) = page::check::<ByTime>(&request.page)?;
        // Closed by nobody, so that it only waits.
        let _turn = self.searches.acquire().await.map_err(|_| OperationError::Stopping)?;
        let (SearchedRooms { rooms, hidden, .. }, complete) = self.rooms_to_search(&request).await?;
        if rooms.is_empty() {
            return Ok(SearchPage { items: Vec::new(), next: None, complete });
        }
        let wanted = wanted(&query, &rooms, &request);
        // No later than the cursor says, and no later than the request does.
        let beyond = start(request.before);
        let beyond = after.map_or(beyond, |after| after.min(beyond));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut reading = Reading { query: &query, hidden: &hidden, limit, bytes: 0, items: Vec::new() };
        let next = self.read_found(&wanted, beyond, &mut reading).await?;
        let mut items: Vec<FoundMessage> = reading.items.into_iter().map(|(_, found)| found).collect();
        self.show_own_reactions(request.user, &mut items).await?;
        Ok(SearchPage { items, next: next.map(|place| place.cursor()), complete })
    }

    /// The rooms to search, and whether all that was committed there before can be found.
    async fn rooms_to_search(&self, request: &Search) -> OperationResult<(SearchedRooms, bool)> {
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let Some(room) = &request.room else {
                return Ok(connection.searched_rooms(request.user, SEARCH_ROOMS_MAX + 1).await?);
            };
            let view = as_member(connection.view(request.user, room).await?)?;
            let (room, hidden) = (view.room.id, visible_after(&view));
            let behind = if connection.is_behind(room).await? { vec![room] } else { Vec::new() };
            Ok(SearchedRooms { rooms: vec![room], hidden: [(room, hidden)].into(), behind })
        };
        let outcome = outcome.await;
        let mut searched: SearchedRooms = finish(connection, outcome).await?;
        let has_all = searched.rooms.len() <= SEARCH_ROOMS_MAX as usize;
        searched.rooms.truncate(SEARCH_ROOMS_MAX as usize);
        let complete = has_all && searched.behind.is_empty();
        // Whoever committed there may have died.
        self.hints.add(searched.behind.iter().copied());
        Ok((searched, complete))
    }

    /// Reads what the index names until the page is full, and answers where the next page begins.
    async fn read_found(
        &self,
        wanted: &Wanted,
        mut beyond: ByTime,
        reading: &mut Reading<'_>,
    ) -> OperationResult<Option<ByTime>> {
        // One more than the page has shows whether there is more.
        let at_once = u32::try_from(reading.limit + 1).unwrap_or(u32::MAX);
        for _ in 0..SEARCH_ROUNDS {
            let mut connection = self.database.reader().await?;
            let places = connection.found(wanted, beyond, at_once).await?;
            connection.commit().await?;
            for some in places.chunks(SEARCH_READ_MESSAGES) {
                let mut messages = self.messages(some).await?;
                for place in some {
                    // What was deleted meanwhile is not there any more.
                    let message = messages.remove(&(place.room, place.message));
                    if message.is_some_and(|message| !reading.add(*place, message)) {
                        return Ok(Some(beyond));
                    }
                    beyond = *place;
                }
            }
            if places.len() < at_once as usize {
                return Ok(None);
            }
        }
        Ok(Some(beyond))
    }

    async fn messages(&self, places: &[ByTime]) -> OperationResult<HashMap<(RoomId, Seq), Event>> {
        let range = |place: &ByTime| {
            let after = Seq::new(place.message.get().saturating_sub(1));
            Range { topic: place.room.into(), after, up_to: place.message }
        };
        let ranges: Vec<Range> = places.iter().map(range).collect();
        let events = self.database.ranges(&ranges).await?;
        Ok(events.into_iter().filter_map(|event| Some(((event.topic.room()?, event.seq), event))).collect())
    }

    /// Says in messages to which users react, whether the user is one of them.
    async fn show_own_reactions(&self, user: UserId, items: &mut [FoundMessage]) -> OperationResult<()> {
        let mut rooms: HashMap<TopicId, Vec<usize>> = HashMap::new();
        for (place, found) in items.iter().enumerate() {
            let EventBody::Message(said) = &found.message.body else { continue };
            if said.changes.as_ref().is_some_and(|changes| !changes.reactions.is_empty()) {
                rooms.entry(found.message.topic).or_default().push(place);
            }
        }
        if rooms.is_empty() {
            return Ok(());
        }
        let mut connection = self.database.reader().await?;
        for (topic, places) in rooms {
            let Some(room) = topic.room() else { continue };
            let mut events: Vec<Event> = places.iter().map(|place| items[*place].message.clone()).collect();
            connection.show_own_reactions(room, user, &mut events).await?;
            for (place, event) in places.into_iter().zip(events) {
                items[place].message = event;
            }
        }
        Ok(connection.commit().await?)
    }
}

/// What the index is asked for. One room is one more token that a message must have.
fn wanted(query: &Query, rooms: &[RoomId], request: &Search) -> Wanted {
    let after = request.after.unwrap_or(Timestamp::from_micros(i64::MIN));
    match rooms {
        [room] => Wanted { tokens: query.tokens(Some(*room), request.from), rooms: Vec::new(), after },
        rooms => Wanted { tokens: query.tokens(None, request.from), rooms: rooms.to_vec(), after },
    }
}
