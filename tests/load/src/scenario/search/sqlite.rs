//! A message store on SQLite, in a process of its own.

use std::{path::Path, sync::Arc};

use madang_domain::{Profile, RoomId, RoomKind, RoomName};
use madang_rpc::{
    MessageStore,
    store::{Authority, CreateRoom, NewRoom},
};
use madang_test_kit::{Home, Program, Service, ServiceSpec, binaries_directory, free_address};

use super::super::appends::callers::{clients, invalid};
use crate::error::BenchError;

/// The process and its directory.
pub(super) struct SqliteStore {
    service: Service,
    file: std::path::PathBuf,
    _home: Home,
}

impl SqliteStore {
    pub(super) async fn start() -> Result<Self, BenchError> {
        let home = Home::create("search", None)?;
        let file = home.path().join("messages.db");
        let service = Service::start(ServiceSpec {
            name: "message-store on SQLite".to_owned(),
            program: Program::MessageStore,
            binaries: binaries_directory()?,
            address: free_address()?,
            ops_address: free_address()?,
            settings: vec![("MADANG_DATABASE_URL".to_owned(), format!("sqlite://{}", file.display()))],
            directory: home.path().to_owned(),
            log: home.path().join("message-store.log"),
            host: None,
        })
        .await?;
        Ok(Self { service, file, _home: home })
    }

    /// Where its database is.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// A client of it.
    pub(super) fn clients(&self) -> Result<Vec<Arc<dyn MessageStore>>, BenchError> {
        clients(&[self.service.address()])
    }

    pub(super) async fn stop(self) -> Result<(), BenchError> {
        self.service.stop().await?;
        Ok(())
    }
}

/// Makes a room of one member.
pub(super) async fn make_room(
    store: &dyn MessageStore,
    owner: &Arc<Profile>,
    number: usize,
) -> Result<RoomId, BenchError> {
    let room = NewRoom {
        kind: RoomKind::Private,
        name: RoomName::new(format!("room {number}")).map_err(invalid)?,
        unnamed: false,
        slug: None,
        external_id: None,
        members: Vec::new(),
        key: None,
    };
    let create = CreateRoom { actor: Arc::clone(owner), authority: Authority::User, room };
    Ok(store.create_room(create).await.map_err(invalid)?.value.room.id)
}
