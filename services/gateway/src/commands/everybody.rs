//! Members whom a message mentions all together: `@all` and `@here`.

use std::sync::Arc;

use madang_domain::{MessageId, Profile};
use madang_kit::lifecycle::Tasks;
use madang_rpc::{
    MessageStore,
    store::{TellMembers, ToldMembers},
};
use tracing::Instrument as _;

use super::{Commands, publication, settings::for_devices};
use crate::{fanout::Fanout, formats::native};

/// What it takes to tell members, in a task of its own: the sender does not wait for them.
#[derive(Clone)]
pub(super) struct Telling {
    store: Arc<dyn MessageStore>,
    fanout: Fanout,
    tasks: Tasks,
}

impl Commands {
    pub(super) fn telling(&self) -> Telling {
        let (store, fanout, tasks) = (Arc::clone(&self.store), self.fanout.clone(), self.tasks.clone());
        Telling { store, fanout, tasks }
    }
}

impl Telling {
    /// Tells the members of a room of a message of this sender that mentions everybody.
    pub(super) fn start(&self, tell: TellMembers, sender: Arc<Profile>) {
        let Self { store, fanout, tasks } = self.clone();
        tasks.spawn_contained("tell members", tell_members(store, fanout, tell, sender).in_current_span());
    }
}

/// Tells some members at a time: the store says when all are told. Notices that fail here a store writes later, and they are
/// found by the comparison of heads. Who is here is told in passing, by the gateways of the user's devices, or not at all.
async fn tell_members(store: Arc<dyn MessageStore>, fanout: Fanout, tell: TellMembers, sender: Arc<Profile>) {
    let here_frame = native::mentioned_here_frame(tell.room, MessageId::new(tell.message), &sender);
    loop {
        match store.tell_members(tell).await {
            Ok(ToldMembers { events, here, more }) => {
                let passing = here.into_iter().map(|user| for_devices(user, here_frame.clone()));
                let publications: Vec<_> = events.into_iter().map(publication).chain(passing).collect();
                fanout.publish(&publications);
                fanout.deliver_all(publications).await;
                if !more {
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(code = error.code.as_str(), "members are told later");
                return;
            }
        }
    }
}
