//! A transaction on a leased connection.

use crate::{Connect, Connections, DatabaseResult, Lease};

/// A transaction. Dropping it closes the connection, and so rolls back what was not committed.
pub struct Transaction<C: Connect> {
    lease: Lease<C>,
}

impl<C: Connect> Transaction<C> {
    /// Begins by the statement `begin`, on a connection of `connections`.
    ///
    /// # Errors
    /// When no connection is to be had, or the database refuses.
    pub async fn begin(connections: &Connections<C>, begin: &'static str) -> DatabaseResult<Self> {
        let mut transaction = Self { lease: connections.lease().await? };
        transaction.execute(begin).await?;
        Ok(transaction)
    }

    /// The connection, for a statement. Its result goes to [`settle`](Self::settle).
    pub fn connection(&mut self) -> &mut C::Connection {
        self.lease.connection()
    }

    /// Turns a statement's result into the database's, and notes when the connection was lost.
    ///
    /// # Errors
    /// The statement's.
    pub fn settle<T>(&self, result: Result<T, sqlx::Error>) -> DatabaseResult<T> {
        self.lease.settle(result)
    }

    /// Commits, and gives the connection back.
    ///
    /// # Errors
    /// When the database refuses: then nothing was changed. When it does not answer, nobody knows.
    pub async fn commit(mut self) -> DatabaseResult<()> {
        self.execute("COMMIT").await?;
        self.lease.give_back();
        Ok(())
    }

    /// Rolls back, and gives the connection back.
    ///
    /// # Errors
    /// When the database does not answer. The connection has closed then, and the transaction ends with it.
    pub async fn rollback(mut self) -> DatabaseResult<()> {
        self.execute("ROLLBACK").await?;
        self.lease.give_back();
        Ok(())
    }

    async fn execute(&mut self, statement: &'static str) -> DatabaseResult<()> {
        let result = C::execute(self.lease.connection(), statement).await;
        self.lease.settle(result)
    }
}
