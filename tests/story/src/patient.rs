//! Calls that are asked again where their answer was lost: as a client does whose gateway has died.

use std::time::Duration;

use madang_client::{Client as Api, Error};
use madang_domain::Code;
use tokio::time::{Instant, sleep};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// After this the outcome counts as unknown.
const GIVE_UP_AFTER: Duration = Duration::from_secs(40);

/// What came of a call.
#[derive(Debug)]
pub enum Outcome<T> {
    /// It was answered.
    Done(T),
    /// It was refused, at the first try: nothing was done.
    Refused(Code),
    /// It was refused after a try whose answer was lost, or never answered: it may have been done.
    Unknown(Option<Code>),
    /// The answer is not what the contract says.
    Broken(String),
}

impl<T> Outcome<T> {
    /// The answer, where there is one.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(answer) => Some(answer),
            Self::Refused(_) | Self::Unknown(_) | Self::Broken(_) => None,
        }
    }
}

/// Asks one place after the other until there is an answer.
pub async fn ask<T, Call>(places: &[Api], first: usize, mut call: impl FnMut(Api) -> Call) -> Outcome<T>
where
    Call: Future<Output = Result<T, Error>>,
{
    let until = Instant::now() + GIVE_UP_AFTER;
    let mut tries = 0;
    loop {
        let place = places[first.wrapping_add(tries) % places.len()].clone();
        match call(place).await {
            Ok(answer) => return Outcome::Done(answer),
            Err(error) if passes(&error) => {
                if Instant::now() >= until {
                    return Outcome::Unknown(error.code());
                }
            }
            Err(Error::Problem(problem)) if tries == 0 => return Outcome::Refused(problem.code),
            Err(Error::Problem(problem)) => return Outcome::Unknown(Some(problem.code)),
            Err(error) => return Outcome::Broken(error.to_string()),
        }
        tries += 1;
        sleep(PAUSE).await;
    }
}

/// Whether the same request may succeed later. An ingress whose gateway has died answers by itself.
fn passes(error: &Error) -> bool {
    const OF_THE_INGRESS: [u16; 3] = [502, 503, 504];
    match error {
        Error::Transport(_) => true,
        Error::Problem(problem) => {
            matches!(problem.code, Code::Unavailable | Code::DeadlineExceeded | Code::RateLimited)
        }
        Error::Contract { status, .. } => OF_THE_INGRESS.contains(status),
        Error::Base(_) => false,
    }
}
