//! Bringing the names that an earlier version recorded into the form that names have now.
//!
//! That version compared usernames by case alone, so that two accounts could have one name in two forms of Unicode. Of
//! these the one whose name is in the normal form, or else the older one, keeps it. The other gets a similar name, and
//! the log says of whom. Nothing is merged. A username that has no form now stays as it is, and signs in as before.

use madang_domain::{DisplayName, Username};

use crate::{
    engine::Engine,
    error::{AuthError, Result},
    site_users::with_suffix,
    store::{Clash, FormedUsername, NameForm, RecordedNames, alone},
};

/// The accounts of one transaction: it holds their locks for some milliseconds.
const ACCOUNTS_AT_ONCE: i64 = 200;

impl Engine {
    /// Forms the names of all accounts that an earlier version made.
    pub(crate) async fn form_all_names(&self) -> Result<()> {
        let mut formed = 0;
        loop {
            match self.form_names().await? {
                0 => break,
                some => formed += some,
            }
        }
        if formed > 0 {
            tracing::info!(accounts = formed, "the names of an earlier version's accounts have their form");
        }
        Ok(())
    }

    /// Forms the names of some accounts that an earlier version made, and says of how many. A replica of that version
    /// may go on making them while it is replaced.
    pub(crate) async fn form_names(&self) -> Result<usize> {
        let recorded = self.store.recorded_names(ACCOUNTS_AT_ONCE).await?;
        if recorded.is_empty() {
            return Ok(0);
        }
        let forms: Vec<NameForm> =
            recorded.into_iter().map(|names| self.form(names)).collect::<Result<_>>()?;
        // None: a registration was quicker, and the next round looks again.
        for clash in self.store.form_names(&forms, self.clock.now()).await?.unwrap_or_default() {
            match clash {
                Clash::Same { user, other } => tracing::warn!(
                    %user, %other,
                    "two accounts had one username in two forms of Unicode; `user` has got a similar one"
                ),
                Clash::LookAlike { user, other } => tracing::warn!(
                    %user, %other,
                    "the usernames of two accounts look the same in different scripts; both stay as they are"
                ),
            }
        }
        Ok(forms.len())
    }

    fn form(&self, RecordedNames { id, username, name }: RecordedNames) -> Result<NameForm> {
        let name = DisplayName::recorded(&name).map_or(name, DisplayName::into_string);
        let Ok(recorded) = Username::recorded(username.as_str()) else {
            // No version wrote it. It must not keep the others' service from starting.
            tracing::warn!(user = %id, "the account's username is none; it stays as it is");
            let form = || FormedUsername { name: username.clone(), skeleton: alone(id) };
            return Ok(NameForm { id, username: form(), instead: form(), name });
        };
        let instead = with_suffix(&recorded, &*self.random).map_err(AuthError::defect)?;
        let (username, instead) = (FormedUsername::of(&recorded), FormedUsername::of(&instead));
        Ok(NameForm { id, username, instead, name })
    }
}
