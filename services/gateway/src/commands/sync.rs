//! What a client needs to start.

use madang_domain::Result;
use madang_rpc::store::{GetSync, PageQuery, Synced};

use super::Commands;
use crate::admission::{Actor, Reads};

impl Commands {
    /// A page of what a client of the user needs to start.
    pub(crate) async fn sync(&self, actor: &Actor, page: PageQuery) -> Result<Synced> {
        self.reads.take(actor, Reads::SYNC)?;
        self.store.get_sync(GetSync { user: actor.profile.id, page }).await
    }
}
