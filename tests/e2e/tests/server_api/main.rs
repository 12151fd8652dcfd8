//! What a site's backend does with an API key, on a real cluster.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

mod disconnections;
mod keys;
mod rooms;
mod users;

use madang_domain::{Code, UserId};
use madang_e2e::{Stage, fast_sends, site_settings};
use madang_test_kit::Program;
use serde_json::Value;
use tokio::sync::OnceCell;

/// All scopes there are.
const ALL: [&str; 5] = ["rooms", "messages", "notices", "users", "tickets"];

/// The cluster of all stories here; its gateways accept the tokens of the site, too.
async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    let options = || {
        site_settings()
            .into_iter()
            .fold(fast_sends(), |options, (name, value)| options.with_setting(Program::Gateway, name, value))
    };
    STAGE.get_or_init(|| Stage::start(options())).await
}

/// The code of a refusal.
fn code<T: std::fmt::Debug>(answer: Result<T, madang_client::Error>) -> Option<Code> {
    answer.expect_err("a refusal").code()
}

fn user_id(user: &Value) -> UserId {
    user["id"].as_str().and_then(|id| id.parse().ok()).expect("a user's id")
}
