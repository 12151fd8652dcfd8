//! What the databases of auth and of the message store have in common: PostgreSQL and SQLite, reached by one way.
//!
//! The SQL is the services' own. This crate has what stands around it:
//!
//! | module | holds |
//! | --- | --- |
//! | `url` | which database a URL names |
//! | `postgres`, `sqlite` | how a connection of each is made and set up, and the file mode of SQLite |
//! | `connections` | a bounded number of connections |
//! | `transaction` | one transaction on a connection |
//! | `transactions` | a name, a measurement and a bounded repetition for each transaction |
//! | `settings` | how the database is verified, and who changes its schema |
//! | `migrations` | the migrations of a service, under a lock |
//! | `error` | what each failure of a database means to the caller |
//! | `examine` | what `doctor` says of a database |
//! | `startup` | the wait for a database that does not answer yet |

mod connections;
mod error;
mod examine;
mod migrations;
mod postgres;
mod settings;
mod sqlite;
mod startup;
mod transaction;
mod transactions;
mod url;

pub use connections::{Connect, Connections, Lease};
pub use error::{DatabaseError, DatabaseResult};
pub use examine::{Examined, examine};
pub use migrations::Migrations;
pub use postgres::PostgresConnector;
pub use settings::DatabaseSettings;
pub use sqlite::{SqliteConnector, create_private_directory};
pub use startup::{Attempt, until_open};
pub use transaction::Transaction;
pub use transactions::{HasDatabaseError, Repetition, Transactions};
pub use url::{DatabaseUrl, UrlError, sqlite_url, verified_by};
