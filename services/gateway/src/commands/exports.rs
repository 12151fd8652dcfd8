//! What users download of theirs.

use std::time::Duration;

use madang_domain::{Code, Result};
use madang_rpc::store::{BeginExport, Export, ExportPage, ReadExport};

use super::{Action, Commands};
use crate::admission::Actor;

/// How long a page waits for the budget of reads, at least, where the refusal does not say.
const PAUSE: Duration = Duration::from_millis(100);

impl Commands {
    /// Lets a user download what is theirs.
    pub(crate) async fn begin_export(&self, actor: &Actor) -> Result<Export> {
        self.spend(actor, Action::BeginExport, None).await?.keep();
        self.store.begin_export(BeginExport { user: actor.profile.id }).await
    }

    /// The first page of an export. `not_found`: there is none of that name. `rate_limited`: the user reads too much.
    pub(crate) async fn first_export_page(&self, actor: &Actor, id: &str) -> Result<ExportPage> {
        self.pay_read(actor)?;
        self.export_page(actor, id, None).await
    }

    /// A further page. It waits for the budget of reads: a download does not end for that.
    pub(crate) async fn next_export_page(
        &self,
        actor: &Actor,
        id: &str,
        cursor: String,
    ) -> Result<ExportPage> {
        while let Err(refused) = self.pay_read(actor) {
            if refused.code != Code::RateLimited {
                return Err(refused);
            }
            tokio::time::sleep(refused.retry_after.unwrap_or(PAUSE)).await;
        }
        self.export_page(actor, id, Some(cursor)).await
    }

    async fn export_page(&self, actor: &Actor, id: &str, cursor: Option<String>) -> Result<ExportPage> {
        self.store.read_export(ReadExport { user: actor.profile.id, id: id.into(), cursor }).await
    }
}
