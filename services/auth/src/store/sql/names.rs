//! The names of accounts that an earlier version made, in SQL, for both kinds of database.

use async_trait::async_trait;
use madang_database::{once, run};
use madang_domain::{Timestamp, UserId};
use uuid::Uuid;

use super::Database;
use crate::store::{Clash, NameForm, Names, RecordedNames, Result, alone};

/// Of two that clash, the one with the same name comes first: it is the graver clash.
const OTHER: &str = "\
    SELECT id, username = $2 FROM auth_users WHERE id <> $1 AND (username = $2 OR skeleton = $3) \
    ORDER BY username = $2 DESC LIMIT 1";

/// A name that changes is news to whoever keeps the profile.
const FORM: &str = "\
    UPDATE auth_users SET username = $2, name = $3, skeleton = $4, \
        profile_version = CASE WHEN username = $2 AND name = $3 THEN profile_version \
                               WHEN profile_version < $5 THEN $5 ELSE profile_version + 1 END \
    WHERE id = $1 AND skeleton IS NULL";

#[async_trait]
impl Names for Database {
    async fn recorded_names(&self, limit: i64) -> Result<Vec<RecordedNames>> {
        let rows: Vec<(Uuid, String, String)> = once!(
            self.readers(),
            sqlx::query_as(
                "SELECT id, username, name FROM auth_users WHERE skeleton IS NULL ORDER BY id LIMIT $1"
            )
            .bind(limit),
            fetch_all
        )?;
        Ok(rows
            .into_iter()
            .map(|(id, username, name)| RecordedNames { id: UserId::new(id), username, name })
            .collect())
    }

    async fn form_names(&self, forms: &[NameForm], at: Timestamp) -> Result<Option<Vec<Clash>>> {
        self.transactions
            .run("form_names", || async {
                let mut transaction = self.begin().await?;
                let mut clashes = Vec::new();
                for form in forms {
                    let query = sqlx::query_as(OTHER)
                        .bind(form.id.uuid())
                        .bind(&form.username.name)
                        .bind(&form.username.skeleton);
                    let other: Option<(Uuid, bool)> = run!(transaction, query, fetch_optional)?;
                    let clash = other.map(|(other, is_same)| {
                        let other = UserId::new(other);
                        if is_same {
                            Clash::Same { user: form.id, other }
                        } else {
                            Clash::LookAlike { user: form.id, other }
                        }
                    });
                    let alone = alone(form.id);
                    let (username, skeleton) = match clash {
                        None => (&form.username.name, &form.username.skeleton),
                        Some(Clash::Same { .. }) => (&form.instead.name, &form.instead.skeleton),
                        Some(Clash::LookAlike { .. }) => (&form.username.name, &alone),
                    };
                    let query = sqlx::query(FORM)
                        .bind(form.id.uuid())
                        .bind(username)
                        .bind(&form.name)
                        .bind(skeleton)
                        .bind(at.as_micros());
                    let formed = query.execute(transaction.connection()).await;
                    // Somebody has taken the name since it was looked for: all of it again, by the caller.
                    if formed.as_ref().is_err_and(is_taken) {
                        return Ok(None);
                    }
                    let is_mine = transaction.settle(formed)?.rows_affected() == 1;
                    clashes.extend(clash.filter(|_| is_mine));
                }
                transaction.commit().await?;
                Ok(Some(clashes))
            })
            .await
    }
}

fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
