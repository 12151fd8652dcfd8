//! Words that are not accepted: how they are found in messages, and the lists as a replica knows them.

mod lists;
mod matcher;

pub(crate) use lists::{Verdict, WordLists};
