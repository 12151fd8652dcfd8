//! `import`: rooms are made anew and messages are sent again, by the server API.
//!
//! What comes over: rooms with name, kind and slug (where nobody has it), members with their roles, users with username
//! and name, and the texts of the messages, each from its sender and in order. What does not, because the server API
//! cannot say it: the time of a message (it is that of the import), replies, attachments and read marks.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use madang_client::{Member, Room, RoomMessage};
use madang_domain::{Code, Role, RoomId, RoomKind, Seq, UserId};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    lines::{FORMAT, Line},
    progress::bar,
    state::{Sent, State},
};
use crate::{
    arguments::Import,
    error::{Error, Result},
    output::Output,
    server::{Server, Site, segment},
};

/// Messages after which it is noted what is done.
const SAVE_EVERY: u64 = 100;

/// The members with whom a room is made; others are added one by one.
const FIRST_MEMBERS: usize = 100;

/// Imports a file.
pub(crate) async fn import(server: &Server, output: &Output, import: Import) -> Result<()> {
    let path = import.file.as_path();
    let state = import.state.unwrap_or_else(|| State::beside(path));
    let file = File::open(path).map_err(Error::file(path))?;
    let bytes = file.metadata().map_or(0, |data| data.len());
    let mut importer = Importer {
        site: server.site()?,
        state: State::load(state, server.base())?,
        keep_users: import.keep_users,
        open: None,
        counts: Counts::default(),
    };
    let bar = bar(bytes, "bytes");
    bar.set_message("importing");
    let mut reader = BufReader::new(file);
    let (mut text, mut number) = (Vec::new(), 0_usize);
    let outcome = loop {
        text.clear();
        match reader.read_until(b'\n', &mut text) {
            Ok(0) => break Ok(()),
            Ok(read) => bar.inc(u64::try_from(read).unwrap_or(0)),
            Err(error) => break Err(Error::file(path)(error)),
        }
        number += 1;
        let line = match read(&text, path, number) {
            Ok(line) => line,
            Err(error) => break Err(error),
        };
        let taken = tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => Err(Error::usage("interrupted", "the same command goes on where it ended")),
            taken = importer.take(line) => taken,
        };
        if let Err(error) = taken {
            break Err(error);
        }
    };
    bar.finish_and_clear();
    // What is done is done, also where the rest failed.
    importer.state.save()?;
    outcome?;
    let Counts { rooms, sent, repeated } = importer.counts;
    if output.is_json() {
        return output.json(&json!({"rooms": rooms, "sent": sent, "repeated": repeated}));
    }
    output.say(&format!("{rooms} rooms, {sent} messages; {repeated} were there already."))
}

/// The key with which a message is sent: it follows from the archive, so that a repeat is known.
fn key(room: RoomId, seq: Seq) -> String {
    format!("export:{room}:{seq}")
}

/// What was asked for. None: the server has no such thing.
fn found(answer: Result<Value>) -> Result<Option<Value>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(Error::Api(error)) if error.code() == Some(Code::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(text: &[u8], path: &Path, number: usize) -> Result<Line> {
    let bad = |says: String| {
        let says = format!("{}, line {number}: {says}", path.display());
        Error::usage(says, "`madangctl export` writes such files, and finishes one that was cut off")
    };
    let line = serde_json::from_slice(text).map_err(|error| bad(error.to_string()))?;
    match (&line, number) {
        (Line::Archive { format: FORMAT, .. }, 1) => Ok(line),
        (Line::Archive { format, .. }, 1) => {
            Err(bad(format!("this program cannot read the format {format}")))
        }
        (_, 1) => Err(bad("it is no export".to_owned())),
        _ => Ok(line),
    }
}

#[derive(Debug, Default)]
struct Counts {
    rooms: u64,
    sent: u64,
    repeated: u64,
}

/// A room whose members are being read: it is made once they are known, for it needs an owner.
struct Open {
    room: Room,
    members: Vec<Member>,
}

struct Importer {
    site: Site,
    state: State,
    keep_users: bool,
    open: Option<Open>,
    counts: Counts,
}

impl Importer {
    async fn take(&mut self, line: Line) -> Result<()> {
        match line {
            Line::Archive { .. } => Ok(()),
            Line::Room { room } => {
                self.make_room().await?;
                self.forget_what_is_gone(room.id).await?;
                self.open = Some(Open { room: *room, members: Vec::new() });
                Ok(())
            }
            Line::Member { member, .. } => {
                if let Some(open) = &mut self.open {
                    open.members.push(*member);
                }
                Ok(())
            }
            Line::Message { message } => {
                self.make_room().await?;
                self.send(&message).await
            }
            Line::End { .. } => {
                self.make_room().await?;
                self.state.save()
            }
        }
    }

    /// Forgets what was noted of a room, where the server does not have it any more. An import goes on in order, and a
    /// restore from a backup takes the latest away: where the last message is there, all before it are. What is forgotten
    /// is done again; of what the server does have, external ids and keys let nothing be made twice.
    async fn forget_what_is_gone(&mut self, archived: RoomId) -> Result<()> {
        let Some(room) = self.state.done.rooms.get(&archived).copied() else { return Ok(()) };
        if found(self.site.get(&format!("/rooms/{room}")).await)?.is_none() {
            self.state.done.rooms.remove(&archived);
            self.state.done.sent.remove(&archived);
            return Ok(());
        }
        let Some(last) = self.state.done.sent.get(&archived).copied() else { return Ok(()) };
        let path = format!("/rooms/{room}/messages?after={}&limit=1", last.seq.get().saturating_sub(1));
        let page = found(self.site.get(&path).await)?.unwrap_or_default();
        // In its place may stand another message, of after the restore: the key says whose message it is.
        if page["items"][0]["key"].as_str() != Some(&key(archived, last.archived)) {
            self.state.done.sent.remove(&archived);
        }
        Ok(())
    }

    /// Makes the room that was read, with its members.
    async fn make_room(&mut self) -> Result<()> {
        let Some(Open { room, members }) = self.open.take() else { return Ok(()) };
        if self.state.done.rooms.contains_key(&room.id) {
            return Ok(());
        }
        let members: Vec<&Member> = members.iter().filter(|member| !member.invited).collect();
        let Some(owner) = members.iter().find(|member| member.role == Role::Owner).or(members.first()) else {
            let says = format!("the room {} has no members", room.name);
            return Err(Error::usage(says, "remove its lines from the file"));
        };
        for member in &members {
            self.make_user(member.user.id, Some(&member.user.username), &member.user.name).await?;
        }
        let names: BTreeMap<UserId, String> =
            members.iter().map(|member| (member.user.id, self.name_of(member.user.id))).collect();
        let others = || members.iter().filter(|member| member.user.id != owner.user.id);
        let first: Vec<&String> =
            others().take(FIRST_MEMBERS).filter_map(|member| names.get(&member.user.id)).collect();
        let mut body = json!({
            "name": room.name,
            "kind": room.kind,
            "owner": names.get(&owner.user.id),
            "members": first,
            "external_id": format!("export:{}", room.id),
        });
        if room.kind != RoomKind::Direct
            && let Some(slug) = &room.slug
        {
            body["slug"] = slug.to_string().into();
        }
        let made = match self.site.call(Method::POST, "/rooms", &body).await {
            // Somebody has the slug, perhaps the room of before.
            Err(Error::Api(error)) if error.code() == Some(Code::AlreadyExists) => {
                body["slug"] = Value::Null;
                self.site.call(Method::POST, "/rooms", &body).await?
            }
            made => made?,
        };
        let Some(id) = made["id"].as_str().and_then(|id| id.parse::<RoomId>().ok()) else {
            return Err(Error::usage(
                "the server answered without the id of the room",
                "is --url Madang's own address?",
            ));
        };
        if room.kind != RoomKind::Direct {
            for (place, member) in others().enumerate() {
                if place >= FIRST_MEMBERS || member.role != Role::Member {
                    let user = segment(names.get(&member.user.id).map_or("", String::as_str));
                    let path = format!("/rooms/{id}/members/{user}");
                    self.site.call(Method::PUT, &path, &json!({"role": member.role})).await?;
                }
            }
        }
        self.state.done.rooms.insert(room.id, id);
        self.counts.rooms += 1;
        self.state.save()
    }

    /// How the server is to find a user.
    fn name_of(&self, user: UserId) -> String {
        if self.keep_users { user.to_string() } else { format!("ext:export:{user}") }
    }

    async fn make_user(&mut self, user: UserId, username: Option<&str>, name: &str) -> Result<()> {
        if self.keep_users || self.state.done.users.contains(&user) {
            return Ok(());
        }
        let mut body = json!({"name": name});
        if let Some(username) = username {
            body["username"] = username.into();
        }
        let path = format!("/users/{}", segment(&self.name_of(user)));
        self.site.call(Method::PUT, &path, &body).await?;
        self.state.done.users.insert(user);
        Ok(())
    }

    async fn send(&mut self, message: &RoomMessage) -> Result<()> {
        let done = &self.state.done;
        if done.sent.get(&message.room).is_some_and(|last| last.archived >= message.seq) {
            self.counts.repeated += 1;
            return Ok(());
        }
        let Some(room) = done.rooms.get(&message.room).copied() else {
            return Err(Error::usage("a message stands before its room", "export anew"));
        };
        // Who has left the room since is made a member for the message.
        self.make_user(message.sender.id, None, &message.sender.name).await?;
        let text = if message.text.is_empty() { "(an attachment)" } else { &*message.text };
        let body = json!({
            "user": self.name_of(message.sender.id),
            "text": text,
            "key": key(message.room, message.seq),
            "join": true,
        });
        let sent = self.site.call(Method::POST, &format!("/rooms/{room}/messages"), &body).await?;
        if sent["duplicate"].as_bool() == Some(true) {
            self.counts.repeated += 1;
        } else {
            self.counts.sent += 1;
        }
        let seq = sent["seq"].as_u64().map_or(Seq::START, Seq::new);
        self.state.done.sent.insert(message.room, Sent { archived: message.seq, seq });
        if (self.counts.sent + self.counts.repeated).is_multiple_of(SAVE_EVERY) {
            self.state.save()?;
        }
        Ok(())
    }
}
