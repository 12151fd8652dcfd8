//! `export`.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use madang_client::Room;
use madang_domain::{Epoch, RoomId, Seq};

use super::{
    lines::{FORMAT, Line},
    progress::bar,
};
use crate::{
    arguments::Export,
    catalogue::{all_members, all_rooms, find},
    error::{Error, Result},
    output::visible,
    patience::patiently,
    server::Server,
};

/// Messages of one page.
const PAGE: u32 = 200;

/// Names the standard output.
const STANDARD_OUTPUT: &str = "-";

/// How far a room is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// Up to this message.
    UpTo(Seq),
    /// All of it.
    Whole,
}

/// Writes rooms to a file, or goes on with one.
pub(crate) async fn export(server: &Server, export: Export) -> Result<()> {
    let rooms = if export.all {
        all_rooms(server, false, usize::MAX).await?
    } else {
        let mut rooms = Vec::new();
        for name in &export.rooms {
            rooms.push(find(server, name).await?);
        }
        rooms
    };
    let logs = Logs { server, epoch: epoch(server).await? };
    if export.to == Path::new(STANDARD_OUTPUT) {
        let failed = Error::io("write to the standard output");
        let mut sink = Sink { out: Box::new(BufWriter::new(io::stdout())) };
        sink.begin(logs).map_err(failed)?;
        return write_rooms(logs, &rooms, &BTreeMap::new(), &mut sink, None).await;
    }
    let path = &export.to;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let mut file = file.map_err(Error::file(path))?;
    let (written, is_new) = resume(&mut file, path, server.base(), logs.epoch)?;
    let mut sink = Sink { out: Box::new(BufWriter::new(file)) };
    if is_new {
        sink.begin(logs).map_err(Error::file(path))?;
    }
    write_rooms(logs, &rooms, &written, &mut sink, Some(path)).await
}

/// The logs of a server, in the epoch in which the export began. With another epoch a `seq` names another message.
#[derive(Clone, Copy)]
struct Logs<'a> {
    server: &'a Server,
    epoch: Epoch,
}

impl Logs<'_> {
    /// That the logs still have this epoch.
    async fn check(self) -> Result<()> {
        let epoch = epoch(self.server).await?;
        if epoch == self.epoch {
            return Ok(());
        }
        let says = format!(
            "the logs of the server have got epoch {epoch} in place of {} meanwhile, as after a restore from a backup: the export \
             would mix two histories",
            self.epoch
        );
        Err(Error::usage(says, ANEW))
    }
}

/// What to do where the epoch is another one.
const ANEW: &str = "export everything anew, to another file with --to";

/// The present epoch of the server's logs, which that of the user's inbox is.
async fn epoch(server: &Server) -> Result<Epoch> {
    let user = server.user().await?;
    Ok(patiently(async || user.inbox(None, 1).await).await?.epoch)
}

/// Where lines go.
struct Sink {
    out: Box<dyn Write>,
}

impl Sink {
    fn begin(&mut self, logs: Logs<'_>) -> io::Result<()> {
        let server = logs.server.base().to_owned();
        self.line(&Line::Archive { format: FORMAT, server, epoch: Some(logs.epoch) })?;
        self.out.flush()
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }
}

async fn write_rooms(
    logs: Logs<'_>,
    rooms: &[Room],
    written: &BTreeMap<RoomId, Written>,
    sink: &mut Sink,
    path: Option<&Path>,
) -> Result<()> {
    let failed = |source: io::Error| match path {
        Some(path) => Error::File { path: path.to_owned(), source },
        None => Error::Io { what: "write to the standard output", source },
    };
    let server = logs.server;
    let bar = bar(rooms.iter().map(|room| room.head.get()).sum(), "events");
    for room in rooms {
        bar.set_message(visible(&room.name));
        let before = bar.position();
        let mut after = match written.get(&room.id) {
            Some(Written::Whole) => {
                bar.set_position(before + room.head.get());
                continue;
            }
            Some(Written::UpTo(seq)) => *seq,
            None => {
                sink.line(&Line::Room { room: Box::new(without_last(room)) }).map_err(failed)?;
                for member in all_members(server, room).await? {
                    let member = Box::new(member);
                    sink.line(&Line::Member { room: room.id, member }).map_err(failed)?;
                }
                Seq::START
            }
        };
        loop {
            let user = server.user().await?;
            let page =
                patiently(async || user.messages(room.id, None, Some(after), Some(PAGE)).await).await?;
            for message in page.items {
                after = message.seq;
                sink.line(&Line::Message { message: Box::new(message) }).map_err(failed)?;
            }
            // What was paid for is on the disk, so that it need not be fetched again.
            sink.out.flush().map_err(failed)?;
            bar.set_position(before + after.get().min(room.head.get()));
            if !page.more {
                break;
            }
        }
        logs.check().await?;
        sink.line(&Line::End { room: room.id }).and_then(|()| sink.out.flush()).map_err(failed)?;
        bar.set_position(before + room.head.get());
    }
    bar.finish_and_clear();
    Ok(())
}

/// The room without its last message, which has a line of its own.
fn without_last(room: &Room) -> Room {
    Room { last_message: None, ..room.clone() }
}

/// Reads how far the file goes, and cuts off a line that was not finished. The file is at its end then.
fn resume(
    file: &mut File,
    path: &Path,
    server: &str,
    epoch: Epoch,
) -> Result<(BTreeMap<RoomId, Written>, bool)> {
    let refused = |number: usize, says: &str, advice: &str| {
        Error::usage(format!("{}, line {number}: {says}", path.display()), advice)
    };
    let bad = |number: usize, says: &str| refused(number, says, "name another file with --to");
    let mut reader = BufReader::new(&*file);
    let (mut written, mut good, mut number) = (BTreeMap::new(), 0_u64, 0);
    let mut room = None;
    let mut text = Vec::new();
    loop {
        text.clear();
        let read = reader.read_until(b'\n', &mut text).map_err(Error::file(path))?;
        if !text.ends_with(b"\n") {
            break;
        }
        number += 1;
        let line = serde_json::from_slice(&text).map_err(|error| bad(number, &error.to_string()))?;
        match line {
            Line::Archive { format: FORMAT, server: of, .. } if number == 1 && of != server => {
                return Err(bad(number, &format!("it was exported from {of}")));
            }
            Line::Archive { format: FORMAT, epoch: of, .. } if number == 1 => {
                if of != Some(epoch) {
                    let of = of.map_or_else(|| "no epoch".to_owned(), |of| format!("epoch {of}"));
                    let says = format!(
                        "it has {of}, and the logs of the server have epoch {epoch}, as after a restore from a backup: \
                         going on would mix two histories"
                    );
                    return Err(refused(number, &says, ANEW));
                }
            }
            Line::Archive { .. } => return Err(bad(number, "it is of another format")),
            _ if number == 1 => return Err(bad(number, "it is no export")),
            // Members are written with the room, in no time: a room without a message begins anew.
            Line::Room { room: begun } => room = Some((begun.id, good)),
            Line::Member { .. } => {}
            Line::Message { message } => {
                written.insert(message.room, Written::UpTo(message.seq));
                room = None;
            }
            Line::End { room: ended } => {
                written.insert(ended, Written::Whole);
                room = None;
            }
        }
        good += u64::try_from(read).unwrap_or(0);
    }
    if let Some((_, begins)) = room {
        good = begins;
    }
    drop(reader);
    file.set_len(good).and_then(|()| file.seek(SeekFrom::Start(good))).map_err(Error::file(path))?;
    Ok((written, number == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "http://s";
    const EPOCH: Epoch = Epoch::new(0x2413_9c12);
    const ROOM: &str = "01941f29-7c00-7000-8000-0000000000ab";

    fn message(seq: u64) -> String {
        format!(
            r#"{{"type":"message","message":{{"room":"{ROOM}","seq":{seq},"at":"2026-01-01T00:00:00Z","id":"m{seq}",
            "sender":{{"id":"{ROOM}","name":"Mina","avatar_url":null}},"text":"x","key":"k","reply_to":null,
            "mentions":[],"attachments":[]}}}}"#
        )
        .replace('\n', "")
    }

    /// What a file says to go on with, and the text that is left of it.
    type Resumed = (Result<(BTreeMap<RoomId, Written>, bool)>, String);

    fn resumed(text: &str) -> Resumed {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        std::fs::write(&path, text).unwrap();
        let mut file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let resumed = resume(&mut file, &path, SERVER, EPOCH);
        file.write_all(b"!").unwrap();
        (resumed, std::fs::read_to_string(&path).unwrap())
    }

    #[test]
    fn a_line_that_was_cut_off_is_written_again() {
        let head =
            format!("{{\"type\":\"archive\",\"format\":1,\"server\":\"{SERVER}\",\"epoch\":\"{EPOCH}\"}}\n");
        let room: RoomId = ROOM.parse().unwrap();
        let (written, rest) = resumed(&format!("{head}{}\n{}\n{{\"type\":\"mess", message(1), message(4)));
        assert_eq!(written.unwrap(), (BTreeMap::from([(room, Written::UpTo(Seq::new(4)))]), false));
        assert!(rest.ends_with("}\n!"), "{rest}");
        let (written, _) =
            resumed(&format!("{head}{}\n{{\"type\":\"end\",\"room\":\"{ROOM}\"}}\n", message(1)));
        assert_eq!(written.unwrap().0.get(&room), Some(&Written::Whole));
        let (written, rest) = resumed("");
        assert_eq!((written.unwrap(), rest.as_str()), ((BTreeMap::new(), true), "!"));
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        for text in [
            "{\"type\":\"archive\",\"format\":1,\"server\":\"http://other\",\"epoch\":\"24139c12\"}\n",
            "{\"type\":\"archive\",\"format\":1,\"server\":\"http://s\",\"epoch\":\"24139c13\"}\n",
            "{\"type\":\"archive\",\"format\":1,\"server\":\"http://s\"}\n",
            "{\"type\":\"archive\",\"format\":2,\"server\":\"http://s\",\"epoch\":\"24139c12\"}\n",
            "precious\n",
        ] {
            let (resumed, left) = resumed(text);
            assert!(resumed.is_err() && left.contains(text.trim_end()), "{text}");
        }
    }
}
