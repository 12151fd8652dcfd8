//! The word lists as a replica knows them.
//!
//! Every message asks for them, and they change rarely. So each replica knows which rooms have one, and asks the database
//! every few seconds which have changed. The words are read when a message first asks for them, and kept for the rooms that
//! were asked for last. While there is no list, a message costs the look at one flag.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use madang_database::DatabaseResult;
use madang_domain::{RoomId, Timestamp, WordAction};
use madang_flow_control::{LruMap, lru_map};
use madang_rpc::store::WordList;

use super::matcher::Matcher;
use crate::{
    settings::{COMMIT_DELAY, WORD_LISTS_CHUNK, WORD_LISTS_KEPT, WORD_LISTS_MAX},
    store::{ChangedWordList, Database},
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
pub(crate) struct WordLists {
    is_any: AtomicBool,
    known: RwLock<Known>,
    /// The words of the rooms that were asked for last. Changed while `known` is held, so that no outdated list stays.
    kept: Mutex<LruMap<RoomId, Arc<Words>>>,
    /// When the list was set that was set last of those that are known; none before the database was asked. Held while it is
    /// asked, so that one asks at a time.
    latest: tokio::sync::Mutex<Option<Timestamp>>,
}

#[derive(Default)]
struct Known {
    /// The list of the whole site, and when it was set.
    site: Option<(Timestamp, Arc<Words>)>,
    /// The rooms that have a list, and when it was set.
    rooms: HashMap<RoomId, Timestamp>,
}

/// A list, ready to judge.
struct Words {
    matcher: Matcher,
    action: WordAction,
}

impl Words {
    fn new(list: &WordList) -> Self {
        Self { matcher: Matcher::new(&list.words), action: list.action }
    }

    fn judge(&self, text: &str) -> Verdict {
        match self.action {
            _ if !self.matcher.finds(text) => Verdict::Accepted,
            WordAction::Refuse => Verdict::Refused,
            WordAction::Flag => Verdict::Flagged,
        }
    }
}

impl std::fmt::Debug for WordLists {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WordLists").finish_non_exhaustive()
    }
}

impl Default for WordLists {
    fn default() -> Self {
        Self {
            is_any: AtomicBool::new(false),
            known: RwLock::default(),
            kept: Mutex::new(lru_map(WORD_LISTS_KEPT)),
            latest: tokio::sync::Mutex::new(None),
        }
    }
}

impl WordLists {
    /// Judges a message that a user sends in a room.
    pub(crate) async fn judge(
        &self,
        database: &dyn Database,
        room: RoomId,
        text: &str,
    ) -> DatabaseResult<Verdict> {
        if !self.is_any.load(Ordering::Acquire) {
            return Ok(Verdict::Accepted);
        }
        let (site, own) = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            (known.site.as_ref().map(|(_, words)| Arc::clone(words)), known.rooms.get(&room).copied())
        };
        let verdict = site.map_or(Verdict::Accepted, |words| words.judge(text));
        let (Some(set_at), false) = (own, verdict == Verdict::Refused) else { return Ok(verdict) };
        let words = self.of_room(database, room, set_at).await?;
        Ok(match words.judge(text) {
            Verdict::Accepted => verdict,
            own => own,
        })
    }

    /// The words of a room whose list was set at a time: those that are kept, or as they stand in the database.
    async fn of_room(
        &self,
        database: &dyn Database,
        room: RoomId,
        set_at: Timestamp,
    ) -> DatabaseResult<Arc<Words>> {
        let kept = self.kept().get(&room).cloned();
        if let Some(words) = kept {
            return Ok(words);
        }
        let mut connection = database.reader().await?;
        let list = connection.word_list(Some(room)).await?;
        connection.commit().await?;
        let words = Arc::new(Words::new(&list));
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        // What was read may be of before a change that was heard of meanwhile.
        if known.rooms.get(&room) == Some(&set_at) {
            self.kept().insert(room, Arc::clone(&words));
        }
        Ok(words)
    }

    fn kept(&self) -> MutexGuard<'_, LruMap<RoomId, Arc<Words>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the database which lists have changed since it was last asked.
    pub(crate) async fn refresh(&self, database: &dyn Database) -> DatabaseResult<()> {
        let mut latest = self.latest.lock().await;
        // By the times that the lists have, not by this replica's clock, which may be ahead of them. One that was committed
        // late has an earlier time.
        let all = Timestamp::from_micros(0);
        let mut since = latest.map_or(all, |at| at.minus(COMMIT_DELAY));
        let mut beyond = None;
        loop {
            let mut connection = database.reader().await?;
            let changed = connection.word_lists_since(since, beyond, WORD_LISTS_CHUNK).await?;
            let is_new = |list: &&ChangedWordList| list.room.is_none() && !self.is_known(list);
            let site = match changed.iter().find(is_new) {
                Some(list) => Some((list.at, Words::new(&connection.word_list(None).await?))),
                None => None,
            };
            connection.commit().await?;
            if changed.is_empty() && beyond.is_none() && since > all {
                // The list that was set last went with its room. It was perhaps set by a replica whose clock is ahead, and
                // what was set since then has an earlier time.
                (*latest, since) = (None, all);
                continue;
            }
            self.learn(&changed, site);
            // Only now: what failed before it is asked for again.
            *latest = (*latest).max(changed.last().map(|last| last.at));
            match changed.last() {
                Some(last) if changed.len() >= WORD_LISTS_CHUNK as usize => {
                    beyond = Some((last.at, last.room));
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn is_known(&self, list: &ChangedWordList) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known_at = match list.room {
            None => known.site.as_ref().map(|(at, _)| *at),
            Some(room) => known.rooms.get(&room).copied(),
        };
        known_at == Some(list.at)
    }

    fn learn(&self, changed: &[ChangedWordList], site: Option<(Timestamp, Words)>) {
        // Nearly always nothing is new, and then nobody waits for the lock.
        if changed.iter().all(|list| self.is_known(list)) {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, words)) = site {
            known.site = Some((at, Arc::new(words)));
        }
        let mut left_out = 0_u32;
        for list in changed {
            let Some(room) = list.room else { continue };
            if list.is_empty {
                known.rooms.remove(&room);
            } else if known.rooms.len() < WORD_LISTS_MAX || known.rooms.contains_key(&room) {
                if known.rooms.insert(room, list.at) == Some(list.at) {
                    continue;
                }
            } else {
                left_out += 1;
            }
            self.kept().remove(&room);
        }
        if left_out > 0 {
            tracing::warn!(left_out, "there are too many word lists; those beyond the bound are not heeded");
        }
        let has_site = known.site.as_ref().is_some_and(|(_, words)| !words.matcher.is_empty());
        self.is_any.store(has_site || !known.rooms.is_empty(), Ordering::Release);
    }
}
