//! Appends, by group commit.

use std::{mem::size_of, sync::Arc};

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, Transactions};
use madang_domain::Timestamp;
use madang_kit::clock::Clock;
use madang_rpc::store::{Append, Appended, Authority};
use uuid::Uuid;

use super::{mentions, profiles::KnownProfiles};
use crate::{
    batch::Job,
    error::{OperationError, OperationResult},
    indexing::Hints,
    store::{AppendOutcome, AppendRow, Database, message_detail},
};

/// A message to append.
pub(crate) struct ToAppend {
    pub(crate) append: Append,
    /// The id of its report, where it has a word that is not accepted.
    pub(crate) report: Option<Uuid>,
}

/// Appends the messages of one batch in one transaction.
pub(crate) struct Appender {
    pub(crate) database: Arc<dyn Database>,
    pub(crate) transactions: Arc<Transactions>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) profiles: Arc<KnownProfiles>,
    /// The rooms that wait to be indexed.
    pub(crate) hints: Arc<Hints>,
}

#[async_trait]
impl Job for Appender {
    type Request = ToAppend;
    type Answer = Appended;
    const NAME: &'static str = "append";

    fn bytes(ToAppend { append, .. }: &ToAppend) -> usize {
        let attachments: usize = append
            .message
            .attachments
            .iter()
            .map(|file| file.url.len() + file.name.len() + file.content_type.len())
            .sum();
        let metadata = append.message.metadata.as_deref().map_or(0, |metadata| metadata.json().len());
        size_of::<ToAppend>() + metadata + append.message.text.len() + append.message.key.len() + attachments
    }

    async fn run(&self, asked: &[ToAppend]) -> OperationResult<Vec<OperationResult<Appended>>> {
        let appends = || asked.iter().map(|to_append| &to_append.append);
        // First, so that no event is ever without its sender's profile.
        let newer = self.profiles.unknown(appends().map(|append| &append.actor));
        if !newer.is_empty() {
            self.transactions.run("save_profiles", || self.database.save_profiles(&newer)).await?;
            self.profiles.learn(&newer);
        }
        // Who is a member is judged once more where the message is appended.
        let messages: Vec<_> =
            appends().map(|append| (append.room, append.actor.id, append.message.text.as_str())).collect();
        let mentions = mentions::find(&*self.database, &messages).await?;
        let details: Vec<Option<String>> = appends().map(|append| message_detail(&append.message)).collect();
        let rows: Vec<AppendRow<'_>> = asked
            .iter()
            .zip(&details)
            .zip(&mentions)
            .map(|((ToAppend { append, report }, detail), mentions)| AppendRow {
                room: append.room,
                actor: append.actor.id,
                key: &append.message.key,
                text: &append.message.text,
                detail: detail.as_deref(),
                mentions,
                by_site: append.authority == Authority::Site,
                report: *report,
            })
            .collect();
        match self.append(&rows).await {
            Ok(outcomes) => {
                self.hint(&rows, &outcomes);
                let now = self.clock.now();
                Ok(outcomes.into_iter().map(|outcome| answer(outcome, now)).collect())
            }
            Err(DatabaseError::Defect(_)) if rows.len() > 1 => Ok(self.run_apart(&rows).await),
            Err(error) => {
                if matches!(error, DatabaseError::Unavailable(_)) {
                    // What comes back may be a standby that has not seen the last profiles.
                    self.profiles.forget();
                }
                Err(error.into())
            }
        }
    }
}

impl Appender {
    async fn append(&self, rows: &[AppendRow<'_>]) -> DatabaseResult<Vec<AppendOutcome>> {
        let now = self.clock.now();
        self.transactions.run("append", || self.database.append(now, rows)).await
    }

    /// Lets the new messages be indexed, off this path: once for each room.
    fn hint(&self, rows: &[AppendRow<'_>], outcomes: &[AppendOutcome]) {
        self.hints.add(rows.iter().zip(outcomes).filter_map(|(row, outcome)| match outcome {
            AppendOutcome::Appended(appended) if !appended.duplicate => Some(row.room),
            _ => None,
        }));
    }

    /// Appends row by row what the database refused as a batch, so that the row which it cannot take fails alone.
    async fn run_apart(&self, rows: &[AppendRow<'_>]) -> Vec<OperationResult<Appended>> {
        let mut answers = Vec::with_capacity(rows.len());
        for row in rows {
            let row = std::slice::from_ref(row);
            let outcomes = self.append(row).await.inspect(|outcomes| self.hint(row, outcomes));
            let outcome = outcomes.map(|outcomes| outcomes.into_iter().next());
            answers.push(match outcome {
                Ok(Some(outcome)) => answer(outcome, self.clock.now()),
                Ok(None) => Err(DatabaseError::corrupt("append outcome", "it is absent").into()),
                Err(error) => Err(error.into()),
            });
        }
        answers
    }
}

pub(super) fn answer(outcome: AppendOutcome, now: Timestamp) -> OperationResult<Appended> {
    match outcome {
        AppendOutcome::Appended(appended) => Ok(appended),
        AppendOutcome::NoRoom => Err(OperationError::RoomNotFound),
        AppendOutcome::NotMember => Err(OperationError::NotMember),
        AppendOutcome::Refused => Err(OperationError::DirectRefused),
        AppendOutcome::OtherBlocked => Err(OperationError::OtherBlocked),
        AppendOutcome::Archived => Err(OperationError::Archived),
        AppendOutcome::OnlyModerators => Err(OperationError::OnlyModerators),
        AppendOutcome::Muted(until) => Err(OperationError::Muted(until, until.since(now))),
        AppendOutcome::TooSoon(again_at) => Err(OperationError::SlowMode(again_at.since(now))),
    }
}
