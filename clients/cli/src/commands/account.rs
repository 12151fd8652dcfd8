//! `login`, `logout`, `whoami`.

use crate::{
    error::{Error, Result},
    output::Output,
    patience::patiently,
    server::Server,
    sign_in::{SignIn, ask_password},
};

pub(super) async fn login(server: &Server, output: &Output, username: &str) -> Result<()> {
    let password = ask_password()?;
    let tokens = server.guest().login(username, &password).await?;
    let name = tokens.user.name.to_string();
    server.remember(SignIn::new(server.base(), tokens))?;
    output.say(&format!("Signed in as {name} at {}.", server.base()))
}

pub(super) async fn logout(server: &Server, output: &Output) -> Result<()> {
    let Some(known) = server.signed_in() else {
        return Err(Error::usage(
            format!("nobody is signed in at {}", server.base()),
            "nothing is to be done",
        ));
    };
    patiently(async || server.guest().logout(&known.refresh_token).await).await?;
    SignIn::forget()?;
    output.say(&format!("Signed out {}.", known.username))
}

pub(super) async fn whoami(server: &Server, output: &Output) -> Result<()> {
    let user = server.user().await?;
    let me = patiently(async || user.me().await).await?;
    if output.is_json() {
        return output.json(&me);
    }
    output.pairs(&[
        ("username", me.username.to_string()),
        ("name", me.name.to_string()),
        ("id", me.id.to_string()),
        ("server", server.base().to_owned()),
    ])
}
