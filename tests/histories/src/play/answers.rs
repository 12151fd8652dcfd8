//! What REST and sockets answer, in one form.

use std::sync::atomic::Ordering;

use madang_client::{Error, Incoming};
use madang_contract::ServerFrame;
use madang_domain::Code;

use super::stage::Play;
use crate::{Violation, tape::Gone};

/// What came of a request.
#[derive(Debug)]
pub(super) enum Answer<T> {
    /// It was done.
    Done(T),
    /// It was refused.
    Refused(Code),
    /// It failed, or nobody knows: trying again may help.
    Failed,
}

impl Play<'_> {
    /// Reads what a route answered. What fails must have been made to.
    pub(super) fn by_rest<T>(&self, answer: Result<T, Error>) -> Result<Answer<T>, Violation> {
        match answer {
            Ok(done) => Ok(Answer::Done(done)),
            Err(Error::Problem(problem)) => self.refusal(problem.code, &problem.detail),
            Err(Error::Transport(_)) if self.is_excused() => Ok(Answer::Failed),
            Err(error) => Err(Violation::Broken(error.to_string())),
        }
    }

    /// Reads what a socket answered.
    pub(super) fn by_socket(&self, answer: Result<Incoming, Gone>) -> Result<Answer<Incoming>, Violation> {
        match answer {
            Ok(Incoming::Frame(ServerFrame::Error(error))) => self.refusal(error.code, &error.message),
            Ok(answer @ (Incoming::Frame(_) | Incoming::Ok(_))) => Ok(Answer::Done(answer)),
            Ok(other) => Err(Violation::Broken(format!("{other:?} is no answer"))),
            // Cut by an action of the same step, or its tape says why.
            Err(Gone) => Ok(Answer::Failed),
        }
    }

    fn refusal<T>(&self, code: Code, message: &str) -> Result<Answer<T>, Violation> {
        match code {
            Code::Unavailable | Code::DeadlineExceeded if self.is_excused() => Ok(Answer::Failed),
            Code::PermissionDenied | Code::FailedPrecondition | Code::NotFound => Ok(Answer::Refused(code)),
            Code::InvalidArgument
            | Code::Unauthenticated
            | Code::AlreadyExists
            | Code::RateLimited
            | Code::TooLarge
            | Code::DeadlineExceeded
            | Code::Unavailable
            | Code::Internal => {
                Err(Violation::Broken(format!("refused without a reason: {code}: {message}")))
            }
        }
    }

    fn is_excused(&self) -> bool {
        self.excused.load(Ordering::SeqCst) > 0
    }
}
