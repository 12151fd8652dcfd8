//! Which profiles the database has already, so that an append does not write its sender's each time.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use madang_domain::{Profile, Timestamp, UserId};

/// How many users one generation remembers; about 5 MB with the one before.
const GENERATION_USERS: usize = 50_000;

/// The versions that were seen committed. Bounded: when a generation is full, the one before it is
/// forgotten, and its users cost one more write each when they act again.
#[derive(Debug, Default)]
pub(crate) struct KnownProfiles {
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    current: HashMap<UserId, Timestamp>,
    previous: HashMap<UserId, Timestamp>,
}

impl KnownProfiles {
    /// The profiles that must be written, each user once with the latest version, in the order of ids (so
    /// that concurrent writers lock rows in one order).
    pub(crate) fn unknown<'a>(
        &self,
        profiles: impl IntoIterator<Item = &'a Arc<Profile>>,
    ) -> Vec<Arc<Profile>> {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unknown: Vec<Arc<Profile>> =
            profiles.into_iter().filter(|profile| !generations.has(profile)).cloned().collect();
        drop(generations);
        unknown.sort_by(|a, b| a.id.cmp(&b.id).then(b.version.cmp(&a.version)));
        unknown.dedup_by_key(|profile| profile.id);
        unknown
    }

    /// Remembers what was committed.
    pub(crate) fn learn(&self, profiles: &[Arc<Profile>]) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        for profile in profiles {
            generations.learn(profile);
        }
    }

    /// Forgets everything. For when the database may not be the one that it was: a failover may have lost
    /// what was committed, and a restore has.
    pub(crate) fn forget(&self) {
        *self.generations.lock().unwrap_or_else(PoisonError::into_inner) = Generations::default();
    }
}

impl Generations {
    fn has(&self, profile: &Profile) -> bool {
        let known = self.current.get(&profile.id).or_else(|| self.previous.get(&profile.id));
        known.is_some_and(|version| *version >= profile.version)
    }

    fn learn(&mut self, profile: &Profile) {
        if self.current.len() >= GENERATION_USERS {
            self.previous = mem::take(&mut self.current);
        }
        let version = self.current.entry(profile.id).or_insert(profile.version);
        *version = profile.version.max(*version);
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::{DisplayName, Username};
    use uuid::Uuid;

    use super::*;

    fn profile(id: u128, version: i64) -> Arc<Profile> {
        Arc::new(Profile {
            id: UserId::new(Uuid::from_u128(id)),
            username: Username::new("mina").unwrap(),
            name: DisplayName::new("Mina").unwrap(),
            avatar_url: None,
            external_id: None,
            version: Timestamp::from_micros(version),
        })
    }

    #[test]
    fn a_known_version_is_not_written_again_and_a_newer_one_is() {
        let known = KnownProfiles::default();
        assert_eq!(
            known.unknown([&profile(2, 5), &profile(1, 5), &profile(2, 6)]),
            [profile(1, 5), profile(2, 6)]
        );
        known.learn(&[profile(1, 5), profile(2, 6)]);
        assert!(known.unknown([&profile(1, 5), &profile(2, 5)]).is_empty());
        assert_eq!(known.unknown([&profile(1, 6)]), [profile(1, 6)]);
        known.forget();
        assert_eq!(known.unknown([&profile(1, 5)]).len(), 1);
    }

    #[test]
    fn it_is_bounded() {
        let known = KnownProfiles::default();
        for id in 0..3 * GENERATION_USERS as u128 {
            known.learn(&[profile(id, 1)]);
        }
        let generations = known.generations.lock().unwrap();
        assert!(generations.current.len() + generations.previous.len() <= 2 * GENERATION_USERS);
    }
}
