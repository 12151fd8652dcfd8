//! How far the members of a room have read it.
//!
//! A member has read up to the read mark, or up to the own last message, where that is later: who has written has read what
//! stood above. So nobody counts as one who has not read the own message, and nobody need be named for that.

use std::collections::BTreeMap;

use madang_domain::{Receipts, RoomId, Seq, UserId, limits::READ_MARKS_MAX};
use madang_rpc::store::{DeliveredMark, GetReads, Mark, RoomReads};
use uuid::Uuid;

use super::{engine::Engine, members::as_member};
use crate::{
    error::{OperationError, OperationResult},
    settings::NAMES_PER_CALL,
    store::{Connection, MarkCounts, MemberMarks, RoomRecord},
    transaction::finish,
};

impl Engine {
    pub(crate) async fn reads(&self, request: GetReads) -> OperationResult<RoomReads> {
        let GetReads { user, room } = request;
        let mut connection = self.database.reader().await?;
        let outcome = async {
            // Of a gateway no membership is asked, and nobody has this id.
            let view = connection.view(user.unwrap_or(UserId::new(Uuid::nil())), &room).await?;
            let room = match user {
                Some(_) => as_member(view)?.room,
                None => view.ok_or(OperationError::RoomNotFound)?.room,
            };
            self.reads_of(&mut *connection, &room).await
        };
        let outcome = outcome.await;
        finish(connection, outcome).await
    }

    pub(crate) async fn mark_delivered(&self, mut marks: Vec<DeliveredMark>) -> OperationResult<Vec<RoomId>> {
        if marks.len() > NAMES_PER_CALL {
            return Err(OperationError::TooMany(NAMES_PER_CALL));
        }
        // In one order, so that two of a moment do not wait for each other.
        marks.sort_unstable();
        self.transactions
            .run("mark_delivered", || async {
                let mut connection = self.database.writer().await?;
                let outcome = connection.mark_delivered(&marks, READ_MARKS_MAX).await;
                finish(connection, outcome.map_err(OperationError::from)).await
            })
            .await
    }

    async fn reads_of(
        &self,
        connection: &mut dyn Connection,
        room: &RoomRecord,
    ) -> OperationResult<RoomReads> {
        let receipts = room.flags.receipts;
        let members = room.member_count;
        let (from, reads, delivered) = (Seq::START, Vec::new(), Vec::new());
        let nothing = RoomReads { room: room.id, receipts, members, from, reads, delivered };
        if !receipts.are_shown() {
            return Ok(nothing);
        }
        if room.member_count <= u64::from(READ_MARKS_MAX) {
            let marks = connection.member_marks(room.id, READ_MARKS_MAX + 1).await?;
            // It may have grown since.
            if marks.len() <= READ_MARKS_MAX as usize {
                let of = |place: fn(&MemberMarks) -> Seq| {
                    grouped(marks.iter().map(|member| (place(member), member.user)), receipts)
                };
                let (reads, delivered) = (of(|member| member.read), of(|member| member.delivered));
                return Ok(RoomReads { members: marks.len() as u64, reads, delivered, ..nothing });
            }
        }
        let now = self.clock.now();
        let counted = match self.counted_marks.of(room.id, now) {
            Some(counted) => counted,
            None => {
                let counted = connection.mark_counts(room.id, READ_MARKS_MAX).await?;
                self.counted_marks.keep(room.id, now, &counted);
                counted
            }
        };
        let (from, reads) = latest(counted);
        Ok(RoomReads { members: counted_members(&reads), from, reads, ..nothing })
    }
}

/// The members of each place, in the order of places.
fn grouped(members: impl Iterator<Item = (Seq, UserId)>, receipts: Receipts) -> Vec<Mark> {
    let mut places: BTreeMap<Seq, Mark> = BTreeMap::new();
    for (seq, user) in members {
        let mark = places.entry(seq).or_insert_with(|| Mark { seq, members: 0, users: Vec::new() });
        mark.members += 1;
        if receipts == Receipts::Names {
            mark.users.push(user);
        }
    }
    places.into_values().collect()
}

/// The latest places in order; where there are others before them, the first one stands for these too, and all is known
/// of messages after it.
fn latest(counted: MarkCounts) -> (Seq, Vec<Mark>) {
    let MarkCounts { latest, members } = counted;
    let mark = |(seq, members)| Mark { seq, members, users: Vec::new() };
    let mut marks: Vec<Mark> = latest.into_iter().rev().map(mark).collect();
    let others = members.saturating_sub(counted_members(&marks));
    match marks.first_mut().filter(|_| others > 0) {
        Some(first) => {
            first.members += others;
            (first.seq, marks)
        }
        None => (Seq::START, marks),
    }
}

fn counted_members(marks: &[Mark]) -> u64 {
    marks.iter().map(|mark| mark.members).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_latest_marks_stands_for_all_before_it() {
        let counts = |members| MarkCounts { latest: vec![(Seq::new(9), 2), (Seq::new(5), 1)], members };
        let shown = |members| {
            let (from, marks) = latest(counts(members));
            (from.get(), marks.iter().map(|mark| (mark.seq.get(), mark.members)).collect::<Vec<_>>())
        };
        assert_eq!(shown(3), (0, vec![(5, 1), (9, 2)]));
        assert_eq!(shown(40), (5, vec![(5, 38), (9, 2)]));
        assert_eq!(latest(MarkCounts::default()), (Seq::START, Vec::new()));
    }
}
