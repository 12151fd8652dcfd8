//! Which profiles the database has already, so that an append does not write its sender's each time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use madang_domain::{Profile, Timestamp, UserId};
use madang_flow_control::{LruMap, lru_map};

/// How many users are remembered, in some 8 MB.
const USERS_MAX: usize = 100_000;

/// The versions that were seen committed. Past the bound the user who wrote least recently is forgotten, and costs one more
/// write.
#[derive(Debug)]
pub(crate) struct KnownProfiles {
    versions: Mutex<LruMap<UserId, Timestamp>>,
}

impl Default for KnownProfiles {
    fn default() -> Self {
        Self { versions: Mutex::new(lru_map(USERS_MAX)) }
    }
}

impl KnownProfiles {
    /// The profiles that must be written, each user once with the latest version, in the order of ids (so
    /// that concurrent writers lock rows in one order).
    pub(crate) fn unknown<'a>(
        &self,
        profiles: impl IntoIterator<Item = &'a Arc<Profile>>,
    ) -> Vec<Arc<Profile>> {
        let mut versions = self.versions();
        let mut is_known =
            |profile: &Profile| versions.get(&profile.id).is_some_and(|version| *version >= profile.version);
        let mut unknown: Vec<Arc<Profile>> =
            profiles.into_iter().filter(|profile| !is_known(profile)).cloned().collect();
        drop(versions);
        unknown.sort_by(|a, b| a.id.cmp(&b.id).then(b.version.cmp(&a.version)));
        unknown.dedup_by_key(|profile| profile.id);
        unknown
    }

    /// Remembers what was committed.
    pub(crate) fn learn(&self, profiles: &[Arc<Profile>]) {
        let mut versions = self.versions();
        for profile in profiles {
            let known = versions.get(&profile.id).copied();
            versions.insert(profile.id, known.map_or(profile.version, |known| known.max(profile.version)));
        }
    }

    /// Forgets everything. For when the database may not be the one that it was: a failover may have lost
    /// what was committed, and a restore has.
    pub(crate) fn forget(&self) {
        self.versions().clear();
    }

    fn versions(&self) -> MutexGuard<'_, LruMap<UserId, Timestamp>> {
        // Each change is one insertion: a panic elsewhere cannot leave half of one.
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
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
        for id in 0..=USERS_MAX as u128 {
            known.learn(&[profile(id, 1)]);
        }
        assert_eq!(known.versions().len(), USERS_MAX);
    }
}
