//! Carrying a case out, then waiting until all is quiet.

mod act;
mod answers;
mod fresh;
mod settle;
mod stage;

use futures_util::future::try_join_all;
use tokio::sync::SemaphorePermit;

use self::stage::{Play, lock};
use crate::{Case, Services, Violation, judge::facts};

/// Plays a case to its end and judges it. Answers what was late, where something was.
///
/// # Errors
/// When something was seen that must not be, or was not seen that must.
pub(crate) async fn play(services: &Services, case: &Case) -> Result<Option<String>, Violation> {
    let acting = services.acting.acquire().await.map_err(Violation::stage)?;
    let play = Play::stage(services).await?;
    let outcome = play.perform(case, acting).await;
    let late = lock(&play.late).take();
    play.leave().await;
    outcome.map(|()| late)
}

impl Play<'_> {
    async fn perform(&self, case: &Case, acting: SemaphorePermit<'_>) -> Result<(), Violation> {
        let mut bounds = Vec::with_capacity(case.steps.len() + 2);
        for (step, actions) in case.steps.iter().enumerate() {
            bounds.push(self.heads().await?);
            let together = actions.iter().enumerate().map(|(place, action)| self.act(step, place, action));
            try_join_all(together).await?;
        }
        bounds.push(self.heads().await?);
        drop(acting);
        self.settle(case).await?;
        fresh::judge(self, case.steps.len() + 1).await?;
        bounds.push(self.heads().await?);
        // Once more, from the first frame to the last: nothing may have come since to whom it was not due.
        let logs = self.logs().await?;
        self.follow(&logs)?;
        facts::judge(&lock(&self.facts), &logs, &bounds)
    }
}
