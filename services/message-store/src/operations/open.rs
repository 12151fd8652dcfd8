//! Opening subscriptions, many at a time: after a gateway's restart thousands of sessions come at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem::size_of,
    sync::Arc,
};

use async_trait::async_trait;
use madang_domain::{
    Cursor, Epoch, RoomId, Seq, TopicId, UserId,
    event::Event,
    limits::{PAGE_MAX_BYTES, REPLAY_MAX_EVENTS},
};
use madang_rpc::store::{Open, Opened, REPLAY_MAX_BYTES};

use crate::{
    batch::Job,
    error::{OperationError, OperationResult},
    store::{Database, Range, RoomState},
};

/// How many events one query reads at most, for all whom it serves. A range of one topic is never more than
/// [`REPLAY_MAX_EVENTS`].
const EVENTS_PER_QUERY: u64 = 1_000;

/// Opens the subscriptions of one batch: one query for where everybody stands, then one for what they missed.
///
/// Where they stand is read after the call began, never remembered: a gateway registers as a listener before
/// it asks, so that what the answer lacks arrives by the bus.
pub(crate) struct Opener {
    pub(crate) database: Arc<dyn Database>,
}

#[async_trait]
impl Job for Opener {
    type Request = Open;
    type Answer = Opened;
    const NAME: &'static str = "open";

    fn bytes(_: &Open) -> usize {
        size_of::<Open>()
    }

    async fn run(&self, opens: &[Open]) -> OperationResult<Vec<OperationResult<Opened>>> {
        let places: Vec<(RoomId, UserId)> = opens.iter().map(|open| (open.room, open.user)).collect();
        let (epoch, states) = self.database.states(&places).await?;
        let missed = opens.iter().zip(&states).map(|(open, state)| match state {
            // A replay is whole or none, and part of this one must not be seen.
            RoomState::Member { visible_after, .. }
                if open.since.is_some_and(|since| since.seq < *visible_after) =>
            {
                Missed::TooMuch
            }
            RoomState::Member { head, .. } => {
                Missed::of(open.room.into(), open.since, open.replay_limit, *head, epoch)
            }
            RoomState::NoRoom | RoomState::NotMember => Missed::Nothing,
        });
        let missed: Vec<Missed> = missed.collect();
        let events = read_missed(&*self.database, &missed).await?;
        let answers = opens.iter().zip(states).zip(missed);
        Ok(answers.map(|((_, state), missed)| answer(epoch, state, missed, &events)).collect())
    }
}

/// What a subscription missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missed {
    /// Nothing, or nothing was asked for.
    Nothing,
    /// These events.
    Range(Range),
    /// More than is replayed, or it cannot be known: the cursor is of another history.
    TooMuch,
}

impl Missed {
    /// What lies between a cursor and the head of a topic.
    pub(crate) fn of(
        topic: TopicId,
        since: Option<Cursor>,
        replay_limit: u32,
        head: Seq,
        epoch: Epoch,
    ) -> Self {
        let Some(since) = since else { return Self::Nothing };
        if since.epoch.is_some_and(|seen| seen != epoch) || since.seq > head {
            return Self::TooMuch;
        }
        match head.since(since.seq) {
            0 => Self::Nothing,
            count if count > u64::from(replay_limit.min(REPLAY_MAX_EVENTS)) => Self::TooMuch,
            _ => Self::Range(Range { topic, after: since.seq, up_to: head }),
        }
    }

    /// Whether all of it can be said, and the events, of what was read for many.
    pub(crate) fn replay(self, events: &Events) -> (bool, Vec<Event>) {
        match self {
            Self::Nothing => (true, Vec::new()),
            Self::TooMuch => (false, Vec::new()),
            Self::Range(range) => {
                let of_topic = events.get(&range.topic).map(Vec::as_slice).unwrap_or_default();
                let from = of_topic.partition_point(|event| event.seq <= range.after);
                let events = &of_topic[from..];
                // Fewer where the room was deleted between the two queries, or where all that was missed is too much.
                let bytes: usize = events.iter().map(|event| event.body.text_bytes()).sum();
                let whole = is_whole(events, range) && bytes <= PAGE_MAX_BYTES;
                (whole, if whole { events.to_vec() } else { Vec::new() })
            }
        }
    }
}

/// What was read of topics, in order.
pub(crate) type Events = BTreeMap<TopicId, Vec<Event>>;

/// Reads each range once, however many missed it, a bounded number of events at a time.
pub(crate) async fn read_missed(database: &dyn Database, missed: &[Missed]) -> OperationResult<Events> {
    let ranges = widest(missed);
    let mut events = Events::new();
    let (mut start, mut bytes) = (0, 0);
    // What is not read is not replayed here: who missed it reads it in pages.
    while start < ranges.len() && bytes < REPLAY_MAX_BYTES {
        let mut budget = EVENTS_PER_QUERY;
        let fits = ranges[start..].iter().take_while(|range| {
            let fits = budget > 0;
            budget = budget.saturating_sub(range.up_to.since(range.after));
            fits
        });
        let end = start + fits.count();
        for event in database.ranges(&ranges[start..end]).await? {
            bytes += event.body.text_bytes();
            events.entry(event.topic).or_default().push(event);
        }
        start = end;
    }
    Ok(events)
}

/// One range a topic, the widest that is asked for: the others are its ends.
fn widest(missed: &[Missed]) -> Vec<Range> {
    let ranges: BTreeSet<Range> = missed
        .iter()
        .filter_map(|missed| match missed {
            Missed::Range(range) => Some(*range),
            Missed::Nothing | Missed::TooMuch => None,
        })
        .collect();
    // Sorted by topic, then by where they begin; all of a topic end at the head of this moment.
    let mut widest: Vec<Range> = ranges.into_iter().collect();
    widest.dedup_by_key(|range| range.topic);
    widest
}

fn answer(epoch: Epoch, state: RoomState, missed: Missed, events: &Events) -> OperationResult<Opened> {
    let (head, member_count, role, read) = match state {
        RoomState::NoRoom => return Err(OperationError::RoomNotFound),
        RoomState::NotMember => return Err(OperationError::NotMember),
        RoomState::Member { head, member_count, role, read, .. } => (head, member_count, role, read),
    };
    let (complete, events) = missed.replay(events);
    Ok(Opened { epoch, head, member_count, role, read, complete, events })
}

fn is_whole(events: &[Event], range: Range) -> bool {
    let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
    count == range.up_to.since(range.after)
        && events.first().map(|event| event.seq) == Some(range.after.next())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const EPOCH: Epoch = Epoch::new(7);

    fn topic(number: u128) -> TopicId {
        TopicId::Room(RoomId::new(Uuid::from_u128(number)))
    }

    fn missed(since: Option<(u64, Option<Epoch>)>, head: u64, replay_limit: u32) -> Missed {
        let since = since.map(|(seq, epoch)| Cursor { seq: Seq::new(seq), epoch });
        Missed::of(topic(1), since, replay_limit, Seq::new(head), EPOCH)
    }

    #[test]
    fn what_was_missed_is_judged_by_epoch_head_and_limit() {
        let range = Range { topic: topic(1), after: Seq::new(3), up_to: Seq::new(5) };
        assert_eq!(missed(None, 5, 10), Missed::Nothing);
        assert_eq!(missed(Some((5, None)), 5, 10), Missed::Nothing);
        assert_eq!(missed(Some((3, None)), 5, 10), Missed::Range(range));
        assert_eq!(missed(Some((3, Some(EPOCH))), 5, 2), Missed::Range(range));
        assert_eq!(missed(Some((3, None)), 5, 1), Missed::TooMuch);
        assert_eq!(missed(Some((6, None)), 5, 10), Missed::TooMuch);
        assert_eq!(missed(Some((5, Some(Epoch::new(8)))), 5, 10), Missed::TooMuch);
    }

    #[test]
    fn one_range_of_a_topic_serves_all_who_missed_part_of_it() {
        let range =
            |number, after| Range { topic: topic(number), after: Seq::new(after), up_to: Seq::new(9) };
        let asked = [range(2, 4), range(1, 8), range(2, 1), range(1, 8)].map(Missed::Range);
        assert_eq!(widest(&asked), [range(1, 8), range(2, 1)]);
    }
}
