//! `send`.

use std::io::{self, BufRead as _, Read as _};

use madang_domain::RoomId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    arguments::Send,
    catalogue::find,
    error::{Error, Result},
    output::Output,
    patience::patiently,
    server::{Server, segment},
};

pub(super) async fn send(server: &Server, output: &Output, send: Send) -> Result<()> {
    let room = match &send.sender {
        Some(_) => None,
        None => Some(find(server, &send.room).await?.id),
    };
    match send.text.as_deref().filter(|text| *text != "-") {
        Some(text) => one(server, output, &send, room, text, send.key.as_deref()).await,
        None if send.key.is_some() => {
            Err(Error::usage("one key cannot be of several messages", "give the text, or leave --key out"))
        }
        None => {
            for line in io::stdin().lock().lines() {
                let line = line.map_err(Error::io("read the standard input"))?;
                if !line.trim().is_empty() {
                    one(server, output, &send, room, &line, None).await?;
                }
            }
            Ok(())
        }
    }
}

async fn one(
    server: &Server,
    output: &Output,
    send: &Send,
    room: Option<RoomId>,
    text: &str,
    key: Option<&str>,
) -> Result<()> {
    // With a key a message that is sent again, because no answer came, is sent once.
    let key = match key {
        Some(key) => key.to_owned(),
        None => random_key()?,
    };
    let sent = match (&send.sender, room) {
        (None, Some(room)) => {
            let user = server.user().await?;
            let sent = patiently(async || user.send_message(room, text, Some(&key)).await).await?;
            serde_json::to_value(sent).unwrap_or_default()
        }
        (sender, _) => {
            let body = json!({"user": sender, "text": text, "key": key, "join": send.join});
            let path = format!("/rooms/{}/messages", segment(&send.room));
            server.site()?.call(Method::POST, &path, &body).await?
        }
    };
    if output.is_json() {
        return output.json_line(&sent);
    }
    let repeated = if sent["duplicate"] == Value::Bool(true) { " It had been sent before." } else { "" };
    output.say(&format!("Sent as {}.{repeated}", sent["seq"]))
}

/// A key that nobody else has.
fn random_key() -> Result<String> {
    let mut bytes = [0; 16];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(Error::io("read random bytes"))?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}
