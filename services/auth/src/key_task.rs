//! `keys`: what an operator does with API keys, at a command line beside the database.

use std::io::Write as _;

use clap::Subcommand;
use madang_database::DatabaseError;
use madang_kit::{Escaped, Host, Secret, StartError};
use madang_rpc::auth::Scope;

use crate::{
    api_keys::{NAME_MAX_CHARS, new_key},
    settings::Settings,
    start::open,
    store::StoredApiKey,
};

/// What to do with API keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeyTask {
    /// Makes a key for a site's backend and prints it, once: only its hash is kept
    Create {
        /// What to call it, so that you know it again in the list
        #[arg(long, id = "key_name", value_parser = name)]
        name: String,
        /// What it may be used for: rooms, messages, notices, users, tickets; give one or more
        #[arg(long, id = "key_scope", required = true, value_parser = scope)]
        scope: Vec<Scope>,
    },
    /// Lists the keys, without their secrets
    List,
    /// Ends a key; gateways refuse it within five seconds
    Revoke {
        /// Its id, as the list shows it
        #[arg(id = "key_id")]
        id: String,
    },
}

/// Carries out a task and writes what there is to show to the standard output.
///
/// # Errors
///
/// When a setting is wrong, the database fails or the host stops meanwhile, or there is no such key.
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
            tracing::info!(api_key = %key.id, name = %Escaped(&key.name), scopes = %key.scopes, "an API key was made");
            format!("{text}\n")
        }
        KeyTask::List => table(&store.api_keys().await.map_err(failed)?),
        KeyTask::Revoke { id } => {
            if !store.revoke_api_key(&id, host.clock.now()).await.map_err(failed)? {
                return Err(StartError::setting("the key's id", format!("{id} is no key that is good")));
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

/// Columns with tabs between, for people and for `cut`.
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
    let text = text.trim();
    let chars = text.chars().count();
    if !(1..=NAME_MAX_CHARS).contains(&chars) || text.contains(char::is_control) {
        return Err(format!("a line of 1 to {NAME_MAX_CHARS} characters is expected"));
    }
    Ok(text.to_owned())
}

fn scope(text: &str) -> Result<Scope, madang_rpc::auth::UnknownScope> {
    text.parse()
}
