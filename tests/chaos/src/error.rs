//! Why a run could not be made. What is wrong with the system under test is no error here: it is a
//! [`Defect`](crate::check::Defect).

use std::io;

/// The result of what the harness itself does.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a run could not be made, or not be judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A server or service was not started, or not broken as it should be.
    #[error(transparent)]
    Kit(#[from] madang_test_kit::Error),
    /// The set-up through the public API failed.
    #[error("cannot {action}")]
    SetUp {
        /// What was being done, to be read after "cannot".
        action: String,
        /// The client's reason.
        source: madang_client::Error,
    },
    /// One of the cast could not come in before anything was broken.
    #[error("{0}")]
    Cast(String),
    /// A client could not subscribe before anything was broken.
    #[error("cannot subscribe to a room before the first fault")]
    Subscribe(#[from] madang_client::SubscribeError),
    /// A socket could not be opened or subscribed though nothing was broken.
    #[error("cannot listen to a room")]
    Listen(#[source] madang_client::SocketError),
    /// The log of the store could not be read at the end.
    #[error("cannot read the store's log")]
    Log(#[from] sqlx::Error),
    /// A file could not be written.
    #[error("cannot {action}")]
    File {
        /// What was being done, to be read after "cannot".
        action: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The machine does not allow the open files that the clients need.
    #[error("{needed} open files are needed; raise the hard limit (`ulimit -Hn {needed}`)")]
    TooFewFiles {
        /// How many.
        needed: u64,
        /// The system's reason.
        source: io::Error,
    },
    /// A task of the harness panicked.
    #[error("a task of the harness ended early")]
    Task(#[from] tokio::task::JoinError),
}

impl Error {
    /// For `map_err`: an I/O failure while doing `action`.
    pub fn file(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::File { action, source }
    }

    /// For `map_err`: a call of the set-up that failed.
    pub fn set_up(action: impl Into<String>) -> impl FnOnce(madang_client::Error) -> Self {
        let action = action.into();
        move |source| Self::SetUp { action, source }
    }
}
