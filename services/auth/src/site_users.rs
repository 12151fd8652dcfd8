//! The embedding site's users: created on first use, and updated from the site's claims.

use madang_domain::{
    DisplayName, ExternalId, Profile, Timestamp, UserId, UserRef, Username,
    limits::{DISPLAY_NAME_MAX_CHARS, USERNAME_MAX_CHARS},
};
use madang_kit::clock::{Random, new_id};
use madang_rpc::auth::{ExternalUser, Recognized};

use crate::{
    accounts::USERS_MAX,
    engine::Engine,
    error::{AuthError, Result},
    store::{ProfileChange, SiteUser, external_digest},
};

/// The attempts to create a user. One fails only if another call took the username or created the same user
/// meanwhile.
const ATTEMPTS: usize = 4;

/// The bytes of the random suffix of a username that was taken: 32 bits, in hexadecimal.
const SUFFIX_BYTES: usize = 4;
/// The characters of the part, with the hyphen before it.
const SUFFIX_CHARS: usize = 1 + 2 * SUFFIX_BYTES;

/// What stands before the suffix where the name itself takes none.
const REPLACED: &str = "user";

impl Engine {
    /// Finds the user of an external id, or creates it.
    pub(crate) async fn external_user(&self, mut user: ExternalUser, by_backend: bool) -> Result<Recognized> {
        // Names travel as they may have been recorded; this is to be a new one.
        user.username = user.username.and_then(|wanted| Username::near(&wanted));
        user.name = user.name.and_then(|wanted| DisplayName::new(wanted.as_str()).ok());
        for _ in 0..ATTEMPTS {
            if let Some(known) = self.store.site_user(&user.external_id).await? {
                return self.update_known(known, &user).await;
            }
            if !by_backend {
                self.refuse_erased(&user).await?;
            }
            let profile = self.new_site_user(&user).await?;
            if self.store.insert_site_user(&profile).await? {
                tracing::info!(user = %profile.id, "created a user of the site");
                return Ok(Recognized { profile, disconnected_at: None });
            }
        }
        Err(AuthError::defect("found no free username for a user of the site"))
    }

    /// Refuses a token from before the user was erased, which would make the user anew. One that does not say when it was
    /// issued may be from before. Tokens count whole seconds: one of the second of the erasure may be, too.
    async fn refuse_erased(&self, user: &ExternalUser) -> Result<()> {
        let Some(erased_at) = self.store.erased_site_user_at(&external_digest(&user.external_id)).await?
        else {
            return Ok(());
        };
        let is_later = |issued_at: Timestamp| issued_at.as_seconds() > erased_at.as_seconds();
        if user.as_of.is_some_and(is_later) { Ok(()) } else { Err(AuthError::Erased) }
    }

    /// Returns profiles by id or by external id.
    pub(crate) async fn find_users(&self, users: &[UserRef]) -> Result<Vec<Profile>> {
        if users.len() > USERS_MAX {
            return Err(AuthError::TooManyIds);
        }
        let (mut ids, mut external_ids): (Vec<UserId>, Vec<&ExternalId>) = (Vec::new(), Vec::new());
        for user in users {
            match user {
                UserRef::Id(id) => ids.push(*id),
                UserRef::External(id) => external_ids.push(id),
            }
        }
        let mut found = self.store.profiles(&ids).await?;
        for profile in self.store.site_users(&external_ids).await? {
            if !found.iter().any(|known| known.id == profile.id) {
                found.push(profile);
            }
        }
        Ok(found)
    }

    /// Updates a known user from the site's claims and returns the profile.
    async fn update_known(&self, known: SiteUser, user: &ExternalUser) -> Result<Recognized> {
        let SiteUser { profile, disconnected_at } = known;
        let change = ProfileChange {
            username: user.username.as_ref().filter(|wanted| !is_name_for(&profile.username, wanted)),
            name: user.name.as_ref().filter(|wanted| **wanted != profile.name),
            avatar_url: user
                .avatar_url
                .as_ref()
                .map(Option::as_ref)
                .filter(|wanted| *wanted != profile.avatar_url.as_ref()),
        };
        let is_news = change.username.is_some() || change.name.is_some() || change.avatar_url.is_some();
        if !is_news || user.as_of.is_some_and(|as_of| is_older(as_of, profile.version)) {
            return Ok(Recognized { profile, disconnected_at });
        }
        let changed = self.store.update_site_user(profile.id, &change, self.clock.now()).await?;
        Ok(Recognized { profile: changed.ok_or(AuthError::NoSuchUser)?, disconnected_at })
    }

    async fn new_site_user(&self, user: &ExternalUser) -> Result<Profile> {
        let wanted = match &user.username {
            Some(username) => username.clone(),
            None => username_of(&user.external_id),
        };
        let username = if self.store.is_username_free(&wanted).await? {
            wanted
        } else {
            with_suffix(&wanted, &*self.random).map_err(AuthError::defect)?
        };
        let name = match &user.name {
            Some(name) => name.clone(),
            None => DisplayName::new(cut(&username, DISPLAY_NAME_MAX_CHARS)).map_err(AuthError::defect)?,
        };
        Ok(Profile {
            id: UserId::new(new_id(&*self.clock, &*self.random)),
            username,
            name,
            avatar_url: user.avatar_url.clone().flatten(),
            external_id: Some(user.external_id.clone()),
            version: self.clock.now(),
        })
    }
}

/// Whether `username` is the wanted name, or the replacement that was given because the wanted one was taken.
/// A user keeps a replacement even if the wanted name becomes free, since others know the user by it.
fn is_name_for(username: &Username, wanted: &Username) -> bool {
    if username == wanted {
        return true;
    }
    let Some((base, end)) =
        username.len().checked_sub(SUFFIX_CHARS).and_then(|at| username.split_at_checked(at))
    else {
        return false;
    };
    let is_suffix = end.starts_with('-') && end[1..].bytes().all(|c| c.is_ascii_hexdigit());
    let wanted = cut(wanted, USERNAME_MAX_CHARS - SUFFIX_CHARS);
    // A name that takes no suffix, as with digits that are written from right to left, was replaced whole.
    is_suffix
        && (base == wanted || (base == REPLACED && Username::new(format!("{wanted}-00000000")).is_err()))
}

/// Tokens count whole seconds. Claims from the second of the last change count as newer.
fn is_older(as_of: Timestamp, version: Timestamp) -> bool {
    as_of.as_seconds() < version.as_seconds()
}

/// A username for a user of whom the site gives only an id.
fn username_of(id: &ExternalId) -> Username {
    Username::near(&format!("user-{id}")).unwrap_or_else(|| unreachable!("letters of ASCII make a username"))
}

/// A similar username that nobody has. Of a name that is written from right to left the suffix has digits alone: what
/// mixes directions is no username.
pub(crate) fn with_suffix(
    wanted: &Username,
    random: &dyn Random,
) -> Result<Username, madang_domain::TextError> {
    let mut suffix = [0; SUFFIX_BYTES];
    random.fill(&mut suffix);
    let number = u32::from_be_bytes(suffix);
    let base = cut(wanted, USERNAME_MAX_CHARS - SUFFIX_CHARS);
    let (letters, digits) = (format!("-{number:08x}"), format!("-{:08}", number % 100_000_000));
    Username::new(format!("{base}{letters}"))
        .or_else(|_| Username::new(format!("{base}{digits}")))
        .or_else(|_| Username::new(format!("{REPLACED}{letters}")))
}

/// The first `max` characters.
fn cut(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use madang_kit::clock::SeededRandom;

    use super::*;

    fn username(text: &str) -> Username {
        Username::new(text).unwrap()
    }

    #[test]
    fn any_id_makes_a_username() {
        let made = |id: &str| username_of(&ExternalId::new(id).unwrap()).into_string();
        assert_eq!(made("7"), "user-7");
        assert_eq!(made("Kim@example.com"), "user-kim-example.com");
        assert_eq!(made(&"가".repeat(40)), format!("user-{}", "가".repeat(27)));
        assert_eq!(made("İ"), "user-i\u{307}", "folding makes two characters of it, one of them a mere mark");
        assert_eq!(made("שלום"), "user-----", "a name has one direction");
        assert_eq!(made("\u{1112}\u{1161}\u{11ab}"), "user-한");
    }

    #[test]
    fn a_name_given_in_place_of_another_is_known_as_such() {
        let random = SeededRandom::new(1);
        for wanted in ["mina", &"미".repeat(32), "שלום", "\u{645}\u{661}"] {
            let wanted = username(wanted);
            let given = with_suffix(&wanted, &random).unwrap();
            assert_ne!(given, wanted);
            assert!(is_name_for(&given, &wanted), "{given} for {wanted}");
            assert!(!is_name_for(&given, &username("joon")));
        }
        assert!(is_name_for(&username("mina"), &username("mina")));
        assert!(!is_name_for(&username("mina"), &username("minari")));
        assert!(!is_name_for(&username("mina-seoul-ab"), &username("mina")));
    }
}
