//! Notices of the embedding site.

use std::sync::Arc;

use madang_domain::{
    Code, Error, IdempotencyKey, Result, UserRef, event::Event, limits::NOTICE_DATA_MAX_BYTES,
};
use madang_rpc::store::Notify;

use super::Commands;
use crate::admission::Spent;

impl Commands {
    /// Adds a notice of the site to a user's inbox: a JSON object, which is stored unchanged.
    pub(crate) async fn notify(
        &self,
        user: &UserRef,
        data: Box<str>,
        key: Option<IdempotencyKey>,
    ) -> Result<Event> {
        if !data.starts_with('{') {
            return Err(Error::invalid("a notice must be a JSON object"));
        }
        if data.len() > NOTICE_DATA_MAX_BYTES {
            let message = format!("a notice may have at most {NOTICE_DATA_MAX_BYTES} bytes");
            return Err(Error::new(Code::TooLarge, message));
        }
        let user = self.find_user(user).await?;
        let store = Arc::clone(&self.store);
        self.commit(Spent::by_site(), "notify", async move { store.notify(Notify { user, data, key }).await })
            .await
    }
}
