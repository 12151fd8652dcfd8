//! What texts are to search: their tokens, and what a user asks for.
//!
//! | module | idea |
//! | --- | --- |
//! | `text` | a text as its words and its runs of letters that are written without blanks, and the tokens of both |
//! | `query` | what a user asks for: its tokens for the index, and where it stands in a text |

mod query;
mod text;

pub(crate) use query::{Query, QueryProblem};
pub(crate) use text::tokens;
