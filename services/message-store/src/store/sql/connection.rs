//! One connection, within a transaction or not. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseResult, Lease, run};

use super::driver::Connector;
use crate::store::database;

/// A connection, within a transaction or not.
pub(super) struct Connection {
    lease: Lease<Connector>,
    in_transaction: bool,
}

impl Connection {
    /// Without a transaction: each statement for itself.
    pub(super) fn reading(lease: Lease<Connector>) -> Self {
        Self { lease, in_transaction: false }
    }

    /// In a transaction, begun by `begin`.
    pub(super) async fn writing(lease: Lease<Connector>, begin: &'static str) -> DatabaseResult<Self> {
        let mut transaction = Self { lease, in_transaction: true };
        run!(transaction, sqlx::raw_sql(begin), execute)?;
        Ok(transaction)
    }

    /// The connection of the driver.
    pub(super) fn connection(&mut self) -> &mut <Connector as madang_database::Connect>::Connection {
        self.lease.connection()
    }

    /// Turns a statement's result into the database's, and notes when the connection was lost.
    pub(super) fn settle<T>(&self, result: Result<T, sqlx::Error>) -> DatabaseResult<T> {
        self.lease.settle(result)
    }

    async fn end(mut self: Box<Self>, statement: &'static str) -> DatabaseResult<()> {
        if self.in_transaction {
            run!(self, sqlx::raw_sql(statement), execute)?;
        }
        self.lease.give_back();
        Ok(())
    }
}

#[async_trait]
impl database::Connection for Connection {
    async fn commit(self: Box<Self>) -> DatabaseResult<()> {
        self.end("COMMIT").await
    }

    async fn rollback(self: Box<Self>) -> DatabaseResult<()> {
        self.end("ROLLBACK").await
    }
}
