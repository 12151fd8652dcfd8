//! What the operations share.

use std::{sync::Arc, time::Duration};

use madang_database::Transactions;
use madang_domain::{AddedBy, Profile};
use madang_kit::clock::{Clock, Random, new_id};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{counted_marks::CountedMarks, profiles::KnownProfiles, reply_notices::ReplyNotices};
use crate::{error::OperationResult, indexing::Hints, store::Database, turns::Turns, words::WordLists};

/// What the operations work with. Each file of operations adds its own methods.
pub(crate) struct Engine {
    pub(crate) database: Arc<dyn Database>,
    pub(crate) transactions: Arc<Transactions>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) profiles: Arc<KnownProfiles>,
    /// Who may make a user a member, where the user has set nothing.
    pub(crate) added_by: AddedBy,
    /// How long after it was sent a message can be edited by its sender; zero: without an end.
    pub(crate) edit_window: Duration,
    /// How many searches may run at once.
    pub(crate) searches: Arc<Semaphore>,
    /// The words that are not accepted.
    pub(crate) words: Arc<WordLists>,
    /// The read marks of large rooms, as they were counted lately.
    pub(crate) counted_marks: CountedMarks,
    /// The rooms that wait to be indexed.
    pub(crate) hints: Arc<Hints>,
    pub(crate) reply_notices: Arc<ReplyNotices>,
    /// The bytes of the files that one user may have.
    pub(crate) file_share: u64,
    /// The appends of messages with uploaded files.
    pub(crate) file_appends: Turns,
    /// The appends of messages in threads.
    pub(crate) thread_appends: Turns,
}

impl Engine {
    /// An id that nothing has yet, and that grows with the time.
    pub(crate) fn new_id(&self) -> Uuid {
        new_id(&*self.clock, &*self.random)
    }

    /// Writes the profiles that the database does not have yet, before anything names their users.
    pub(crate) async fn remember<'a>(
        &self,
        profiles: impl IntoIterator<Item = &'a Arc<Profile>>,
    ) -> OperationResult<()> {
        let newer = self.profiles.unknown(profiles);
        if !newer.is_empty() {
            self.transactions.run("save_profiles", || self.database.save_profiles(&newer)).await?;
            self.profiles.learn(&newer);
        }
        Ok(())
    }
}
