//! `tail`.

use std::{path::Path, time::Duration};

use madang_client::{Body, Credential, RoomEvent, Session, SessionEvent, SessionOptions};
use madang_domain::{Cursor, Epoch, RoomId, Seq};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    arguments::Tail,
    catalogue::find,
    error::{Error, Result},
    output::{Output, Style, visible},
    server::Server,
    sign_in::{RENEW_BEFORE_SECONDS, replace},
};

/// Where an earlier call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    room: RoomId,
    seq: Seq,
    epoch: Option<Epoch>,
}

pub(super) async fn tail(server: &Server, output: &Output, tail: Tail) -> Result<()> {
    let room = find(server, &tail.room).await?;
    let remembered = tail.state.as_deref().map(load).transpose()?.flatten();
    if let (Some(place), Some(file)) = (remembered, &tail.state)
        && place.room != room.id
    {
        let says = format!("{} is the place in another room, {}", file.display(), place.room);
        return Err(Error::usage(says, "name another file with --state"));
    }
    let since = match (remembered, tail.after) {
        (Some(place), _) => Cursor { seq: place.seq, epoch: place.epoch },
        (None, Some(after)) => Cursor { seq: Seq::new(after), epoch: None },
        (None, None) => Cursor { seq: Seq::new(room.head.get().saturating_sub(tail.lines)), epoch: None },
    };
    let credential = Credential::Bearer(server.token().await?);
    let (session, mut events) =
        Session::start(vec![server.base().to_owned()], credential, SessionOptions::default());
    let opened = session.subscribe(room.id, Some(since)).await;
    let opened = opened.map_err(|error| Error::usage(error.to_string(), "only members can follow a room"))?;
    let mut follower = Follower { output, room: room.id, epoch: opened.epoch, state: tail.state.as_deref() };
    let mut left = tail.count;
    while left != Some(0) {
        let event = tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => break,
            event = events.next() => event,
            () = until_renewal(server) => {
                session.renew(server.token().await?).await;
                continue;
            }
        };
        match event {
            Ok(Some(event)) => {
                if follower.show(event)?
                    && let Some(left) = &mut left
                {
                    *left -= 1;
                }
            }
            Ok(None) => break,
            Err(fault) => {
                let advice =
                    "sign in again; where the room can still be read, this is a defect of the server";
                return Err(Error::usage(fault.to_string(), advice));
            }
        }
    }
    session.close().await;
    Ok(())
}

/// Waits until the token should be renewed; for ever where nothing can renew it.
async fn until_renewal(server: &Server) {
    match server.seconds_left() {
        Some(seconds) => sleep(Duration::from_secs(seconds.saturating_sub(RENEW_BEFORE_SECONDS))).await,
        None => std::future::pending().await,
    }
}

struct Follower<'a> {
    output: &'a Output,
    room: RoomId,
    epoch: Option<Epoch>,
    state: Option<&'a Path>,
}

impl Follower<'_> {
    /// Shows what happened; says whether it was a message.
    fn show(&mut self, event: SessionEvent) -> Result<bool> {
        match event {
            SessionEvent::Event(event) => {
                self.event(&event)?;
                self.remember(event.seq)?;
                Ok(event.message().is_some())
            }
            SessionEvent::Reset { epoch, from, .. } => {
                self.epoch = Some(epoch);
                self.remember(from)?;
                let says = "the server was restored from a backup: what was shown last may be gone, and numbers begin again";
                self.remark(&json!({"type": "reset", "epoch": epoch, "from": from}), says)?;
                Ok(false)
            }
            SessionEvent::Disconnected { close, retry_in } => {
                let says =
                    format!("disconnected ({close:?}); trying again in {:.1} s", retry_in.as_secs_f64());
                self.remark(&json!({"type": "disconnected"}), &says)?;
                Ok(false)
            }
            SessionEvent::RoomClosed { message, .. } => Err(Error::usage(
                format!("the room is open no more: {message}"),
                "you have left it, or it was deleted",
            )),
            SessionEvent::Connected(_)
            | SessionEvent::CaughtUp { .. }
            | SessionEvent::Inbox { .. }
            | SessionEvent::Notice(_)
            | SessionEvent::Ephemeral(_) => Ok(false),
        }
    }

    fn event(&self, event: &RoomEvent) -> Result<()> {
        let output = self.output;
        let message = event.message();
        if output.is_json() {
            return match (message, &event.body) {
                (Some(message), _) => output.json_line(&json!({
                    "type": "message", "room": event.room, "seq": event.seq, "at": event.at, "message": message,
                })),
                (None, Body::Known(_)) => {
                    output.json_line(&json!({"type": "event", "room": event.room, "seq": event.seq, "at": event.at}))
                }
                (None, Body::Unknown(object)) => output.json_line(object),
            };
        }
        let Some(message) = message else { return Ok(()) };
        let at = event.at.to_string();
        // 2026-11-29T17:05:12.123456Z, without what nobody reads.
        let at = at.get(..19).unwrap_or(&at).replace('T', " ");
        let (head, name) = (output.styled(Style::Dim, &at), visible(&message.sender.name));
        let mut lines = message.text.lines();
        let first = visible(lines.next().unwrap_or_default());
        output.line(&format!("{head}  {}  {first}", output.styled(Style::Name, &name)))?;
        for line in lines {
            output.line(&format!("{:21}{}", "", visible(line)))?;
        }
        for attachment in &message.attachments {
            let attachment = serde_json::to_value(attachment).unwrap_or_default();
            let url = attachment["url"].as_str().unwrap_or_default().to_owned();
            output.line(&format!("{:21}{}", "", output.styled(Style::Dim, &visible(&url))))?;
        }
        Ok(())
    }

    fn remark(&self, value: &serde_json::Value, says: &str) -> Result<()> {
        if self.output.is_json() {
            return self.output.json_line(value);
        }
        eprintln!("{}", self.output.styled(Style::Dim, &format!("-- {says}")));
        Ok(())
    }

    fn remember(&self, seq: Seq) -> Result<()> {
        let Some(path) = self.state else { return Ok(()) };
        let place = Place { room: self.room, seq, epoch: self.epoch };
        let text = serde_json::to_string(&place).unwrap_or_default();
        replace(path, text.as_bytes()).map_err(Error::file(path))
    }
}

fn load(path: &Path) -> Result<Option<Place>> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            let says = format!("{} is not the state of a tail: {error}", path.display());
            Error::usage(says, "name another file with --state")
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::File { path: path.to_owned(), source }),
    }
}
