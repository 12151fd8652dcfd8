//! The work of an operation in a transaction.

use madang_database::{DatabaseError, HasDatabaseError};

use crate::{
    error::{OperationError, OperationResult},
    store::Connection,
};

impl HasDatabaseError for OperationError {
    fn database_error(&self) -> Option<&DatabaseError> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

/// Ends the use of a connection as its work went: commits what succeeded, rolls back what was refused, and closes the
/// connection of what failed.
pub(crate) async fn finish<T>(
    connection: Box<dyn Connection>,
    outcome: OperationResult<T>,
) -> OperationResult<T> {
    match &outcome {
        Ok(_) => connection.commit().await?,
        Err(OperationError::Database(_)) => drop(connection),
        // The refusal is the answer; a connection that cannot roll back has closed.
        Err(_) => drop(connection.rollback().await),
    }
    outcome
}

/// Does work in a transaction of a name: `in_transaction!(self, "join", |transaction| { … })`. The block is the body of
/// an async function that ends with an `OperationResult`. It is done again when the transaction conflicts with another
/// one, and so only borrows what is around it.
///
/// A macro, because the future of a closure that takes `&mut dyn Connection` cannot be said to be `Send`.
macro_rules! in_transaction {
    ($engine:expr, $name:literal, |$transaction:ident| $work:block) => {
        $engine
            .transactions
            .run($name, || async {
                let mut connection = $engine.database.begin().await?;
                let $transaction = &mut *connection;
                let outcome: $crate::error::OperationResult<_> = async { $work }.await;
                $crate::transaction::finish(connection, outcome).await
            })
            .await
    };
}

pub(crate) use in_transaction;
