//! The word lists as a replica knows them.
//!
//! Lists are few and change rarely, and every message asks for them. So each replica has them in memory, and asks the database
//! every few seconds which have changed. While there is none, a message costs the look at one flag.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use madang_database::DatabaseResult;
use madang_domain::{RoomId, Timestamp, WordAction};
use madang_rpc::store::WordList;
use tokio::sync::Mutex;

use super::matcher::Matcher;
use crate::{
    settings::{COMMIT_DELAY, WORD_LISTS_CHUNK, WORD_LISTS_MAX},
    store::Database,
};

/// What the lists say of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Accepted,
    /// It is not to be sent.
    Refused,
    /// It is to be reported.
    Flagged,
}

/// The lists that are known.
#[derive(Debug, Default)]
pub(crate) struct WordLists {
    is_any: AtomicBool,
    known: RwLock<Arc<Known>>,
    /// The time of the last change that was heard of. Held while the database is asked, so that one asks at a time.
    heard: Mutex<Option<Timestamp>>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    /// Of the whole site, and of rooms.
    lists: HashMap<Option<RoomId>, (Arc<Matcher>, WordAction)>,
}

impl WordLists {
    /// Judges a message that a user sends in a room.
    pub(crate) fn judge(&self, room: RoomId, text: &str) -> Verdict {
        if !self.is_any.load(Ordering::Acquire) {
            return Verdict::Accepted;
        }
        let known = Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner));
        let mut verdict = Verdict::Accepted;
        for list in [None, Some(room)] {
            match known.lists.get(&list) {
                Some((words, WordAction::Refuse)) if words.finds(text) => return Verdict::Refused,
                Some((words, WordAction::Flag)) if words.finds(text) => verdict = Verdict::Flagged,
                Some(_) | None => {}
            }
        }
        verdict
    }

    /// Asks the database which lists have changed.
    pub(crate) async fn refresh(&self, database: &dyn Database) -> DatabaseResult<()> {
        let mut heard = self.heard.lock().await;
        // One that was committed late has an earlier time.
        let mut since = heard.map_or(Timestamp::from_micros(0), |at| at.minus(COMMIT_DELAY));
        loop {
            let mut connection = database.reader().await?;
            let changed = connection.word_lists_since(since, WORD_LISTS_CHUNK).await?;
            connection.commit().await?;
            let is_full = changed.len() >= WORD_LISTS_CHUNK as usize;
            let last = changed.last().map(|(.., at)| *at);
            self.learn(changed);
            match last {
                Some(last) => {
                    *heard = Some(heard.map_or(last, |heard| heard.max(last)));
                    // So many of one time are left for the next round of time.
                    if !is_full || last <= since {
                        return Ok(());
                    }
                    since = last;
                }
                None => return Ok(()),
            }
        }
    }

    fn learn(&self, changed: Vec<(Option<RoomId>, WordList, Timestamp)>) {
        if changed.is_empty() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = (**known).clone();
        for (room, list, _) in changed {
            let matcher = Matcher::new(&list.words);
            if matcher.is_empty() {
                next.lists.remove(&room);
            } else if next.lists.len() < WORD_LISTS_MAX || next.lists.contains_key(&room) {
                next.lists.insert(room, (Arc::new(matcher), list.action));
            } else {
                tracing::warn!("there are too many word lists; those beyond the bound are not heeded");
            }
        }
        self.is_any.store(!next.lists.is_empty(), Ordering::Release);
        *known = Arc::new(next);
    }
}
