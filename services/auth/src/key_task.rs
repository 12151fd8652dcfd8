//! The command `keys`, with which an operator manages API keys directly in the database.

use std::io::Write as _;

use clap::Subcommand;
use madang_database::DatabaseError;
use madang_kit::{Host, Secret, StartError};
use madang_rpc::auth::Scope;

use crate::{
    api_keys::{NAME_MAX_CHARS, new_key},
    settings::Settings,
    start::open,
    store::StoredApiKey,
};

/// Operations on API keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeyTask {
    /// Creates a key for a site's backend and prints it once: the database stores only its hash
    Create {
        /// The name of the key in the list
        #[arg(long, id = "key_name", value_parser = name)]
        name: String,
        /// What the key allows: rooms, messages, notices, users or tickets. Repeat the option for several
        #[arg(long, id = "key_scope", required = true, value_parser = scope)]
        scope: Vec<Scope>,
    },
    /// Lists the keys, without their secrets
    List,
    /// Revokes a key. Gateways refuse it within five seconds
    Revoke {
        /// The id of the key, as in the list
        #[arg(id = "key_id")]
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
            format!("{text}\n")
        }
        KeyTask::List => table(&store.api_keys().await.map_err(failed)?),
        KeyTask::Revoke { id } => {
            if !store.revoke_api_key(&id, host.clock.now()).await.map_err(failed)? {
                return Err(StartError::setting("the key's id", format!("{id} is no key that is good")));
            }
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
    let text = text.trim();
    let chars = text.chars().count();
    if !(1..=NAME_MAX_CHARS).contains(&chars) || text.contains(char::is_control) {
        return Err(format!("expected a line of 1 to {NAME_MAX_CHARS} characters"));
    }
    Ok(text.to_owned())
}

fn scope(text: &str) -> Result<Scope, madang_rpc::auth::UnknownScope> {
    text.parse()
}
