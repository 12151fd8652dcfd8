//! The command `keys`, with which an operator manages API keys directly in the database.

use std::io::Write as _;

use clap::Subcommand;
use madang_database::DatabaseError;
use madang_domain::DisplayName;
use madang_kit::{Escaped, Host, Secret, StartError};
use madang_rpc::auth::Scope;

use crate::{api_keys::new_key, settings::Settings, start::open, store::StoredApiKey};

/// Operations on API keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeyTask {
    /// Creates a key for a site's backend and prints it. Store it: the database has only its hash
    Create {
        /// The name of the key, by which the list shows it
        #[arg(long, id = "key_name", value_parser = name, value_name = "NAME")]
        name: String,
        /// A scope of the key: rooms, messages, notices, users, tickets or impersonate. Repeat the option for several scopes
        #[arg(long, id = "key_scope", required = true, value_parser = scope, value_name = "SCOPE")]
        scope: Vec<Scope>,
    },
    /// Lists the keys, without their secrets
    List,
    /// Revokes a key. Gateways refuse it within five seconds
    Revoke {
        /// The id of the key, as the list shows it
        #[arg(id = "key_id", value_name = "ID")]
        id: String,
    },
}

/// Runs the command and writes its result to the standard output.
///
/// # Errors
///
/// When a setting is wrong, the database fails, the host stops meanwhile, or the key does not exist.
pub async fn keys(
    task: KeyTask,
    settings: &Settings,
    database: &Secret,
    host: &Host,
) -> Result<(), StartError> {
    let store = open(settings, database, host).await?;
    let failed = |error: DatabaseError| StartError::dependency("the accounts' database", error);
    let shown = match task {
        KeyTask::Create { name, scope } => {
            let (text, key, secret) = new_key(&*host.random, &name, &scope, host.clock.now());
            store.insert_api_key(&key, &secret).await.map_err(failed)?;
            tracing::info!(api_key = %key.id, name = %Escaped(&key.name), scopes = %key.scopes, "an API key was created");
            format!("{text}\n")
        }
        KeyTask::List => table(&store.api_keys().await.map_err(failed)?),
        KeyTask::Revoke { id } => {
            if !store.revoke_api_key(&id, host.clock.now()).await.map_err(failed)? {
                return Err(StartError::setting("the key's id", format!("there is no valid key {id}")));
            }
            tracing::info!(api_key = %Escaped(&id), "an API key was revoked");
            format!("{id} is revoked\n")
        }
    };
    let mut out = std::io::stdout().lock();
    out.write_all(shown.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| StartError::dependency("the standard output", error))
}

/// A table with tabs between the columns, which `cut` can read.
fn table(keys: &[StoredApiKey]) -> String {
    let mut text = "id\tname\tscopes\tcreated\tlast used\trevoked\n".to_owned();
    for key in keys {
        let time = |at: Option<madang_domain::Timestamp>| at.map_or("-".to_owned(), |at| at.to_string());
        let row = [
            key.id.clone(),
            key.name.clone(),
            key.scopes.replace(' ', ","),
            key.created_at.to_string(),
            time(key.last_used_at),
            time(key.revoked_at),
        ];
        text.push_str(&row.join("\t"));
        text.push('\n');
    }
    text
}

fn name(text: &str) -> Result<String, String> {
    // It stands in the list of keys, by which an operator chooses what to revoke.
    DisplayName::new(text)
        .map(DisplayName::into_string)
        .map_err(|error| format!("the name {}", error.problem))
}

fn scope(text: &str) -> Result<Scope, madang_rpc::auth::UnknownScope> {
    text.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_name_that_an_operator_can_read() {
        assert_eq!(name(" cafe\u{301} ").as_deref(), Ok("café"));
        assert_eq!(name(&"가".repeat(64)), Ok("가".repeat(64)));
        for text in ["", " ", "\u{200b}", "a\u{202e}b", "a\nb", &"가".repeat(65)] {
            assert!(name(text).is_err(), "{text:?}");
        }
    }
}
