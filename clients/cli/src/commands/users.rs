//! `users`.

use reqwest::Method;
use serde_json::{Map, Value};

use crate::{
    arguments::Users,
    error::{Error, Result},
    output::Output,
    patience::patiently,
    server::{Server, segment},
};

pub(super) async fn users(server: &Server, output: &Output, task: Users) -> Result<()> {
    match task {
        Users::Show { user } => {
            let id = user.parse().map_err(|_| {
                let advice = "`madangctl rooms show ROOM` lists members with their ids";
                Error::usage(format!("{user:?} is no id of a user"), advice)
            })?;
            let reader = server.user().await?;
            let account = patiently(async || reader.user(id).await).await?;
            show(output, &serde_json::to_value(&account).unwrap_or_default())
        }
        Users::Put { user, username, name, avatar_url } => {
            let given = [("username", username), ("name", name), ("avatar_url", avatar_url)];
            let given = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
            let body: Map<String, Value> = given.collect();
            let path = format!("/users/{}", segment(&user));
            show(output, &server.site()?.call(Method::PUT, &path, &body.into()).await?)
        }
        Users::Disconnect { user } => {
            let path = format!("/users/{}/disconnect", segment(&user));
            server.site()?.call_for_nothing(Method::POST, &path).await?;
            output.say(&format!(
                "{user} is disconnected: sockets close within a second, and sessions have ended."
            ))
        }
    }
}

fn show(output: &Output, user: &Value) -> Result<()> {
    if output.is_json() {
        return output.json(user);
    }
    let text = |name: &str| user[name].as_str().unwrap_or("-").to_owned();
    let mut pairs = vec![("username", text("username")), ("name", text("name")), ("id", text("id"))];
    pairs.push(("picture", text("avatar_url")));
    if user.get("external_id").is_some() {
        pairs.push(("site's id", text("external_id")));
    }
    output.pairs(&pairs)
}
