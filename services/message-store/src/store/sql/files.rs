//! Files that users upload to rooms. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{FileId, FileName, Image, MediaType, RoomId, Seq, Timestamp, UserId};
use sqlx::{FromRow, query, query_as, query_scalar};
use uuid::Uuid;

use super::{append, connection::Connection, driver::Db};
use crate::store::{
    batches::{AppendOutcome, AppendRow},
    files::{Expiry, FileContent, FileRecord, Files, NewFile},
    values::{missing, seq, signed, unsigned},
};

const INSERT_USAGE: &str = "INSERT INTO file_usage (user_id, bytes) VALUES ($1, 0) ON CONFLICT DO NOTHING";
const TAKE_SHARE: &str = "UPDATE file_usage SET bytes = bytes + $2 WHERE user_id = $1 AND bytes + $2 <= $3";
const GIVE_BACK: &str = "UPDATE file_usage SET bytes = bytes - $2 WHERE user_id = $1";
const INSERT_FILE: &str = "\
    INSERT INTO files (id, room, user_id, state, since, share_bytes, name) VALUES ($1, $2, $3, 1, $4, $5, $6) \
    ON CONFLICT DO NOTHING";
const IS_ANNOUNCED: &str = "SELECT EXISTS (SELECT 1 FROM files WHERE id = $1 AND user_id = $2 AND state < 3)";
const ANNOUNCED_SHARE: &str = "SELECT share_bytes FROM files WHERE id = $1 AND user_id = $2 AND state = 1";
const KEEP_FILE: &str = "\
    UPDATE files SET state = 2, since = $2, size_bytes = $3, content_type = $4, image = $5, share_bytes = $6 \
    WHERE id = $1 AND state = 1";
const FILE: &str = "\
    SELECT id, room, user_id, message, size_bytes, name, content_type, image FROM files WHERE id = $1 AND state = 2";
const ATTACH_FILE: &str = "\
    UPDATE files SET message = $4 \
    WHERE id = $1 AND room = $2 AND user_id = $3 AND state = 2 AND message IS NULL";

/// Has files `f` removed, of which nothing is kept but where their bytes lie and how many they are.
macro_rules! remove {
    ($at:literal, $condition:literal) => {
        concat!(
            "UPDATE files SET state = 3, since = ",
            $at,
            ", name = NULL, content_type = NULL, image = NULL WHERE ",
            $condition
        )
    };
}

const ABANDON_FILE: &str = remove!("$3", "id = $1 AND user_id = $2 AND state < 3 AND message IS NULL");
const REMOVE_FILES_OF: &str = remove!("$3", "room = $1 AND message = $2 AND state < 3");
const EXPIRE: [&str; 2] = [
    remove!(
        "$1",
        "id IN (SELECT f.id FROM files f WHERE f.state = 1 AND f.message IS NULL AND f.since < $2 \
         ORDER BY f.since LIMIT $3) AND state = 1"
    ),
    remove!(
        "$1",
        "id IN (SELECT f.id FROM files f WHERE f.state = 2 AND f.message IS NULL AND f.since < $2 \
         ORDER BY f.since LIMIT $3) AND state = 2 AND message IS NULL"
    ),
];
/// The log of a deleted room is kept for a while, and as long as it is the room stands among the purges.
const EXPIRE_OF_DELETED_ROOMS: &str = remove!(
    "$1",
    "id IN (SELECT f.id FROM purges p JOIN files f ON f.room = p.topic WHERE f.state < 3 LIMIT $2)"
);
const REMOVED_FILES: &str = "SELECT id FROM files WHERE state = 3 ORDER BY since, id LIMIT $1";
const REMOVED_FILES_AFTER: &str = "\
    SELECT f.id FROM files f JOIN files a ON a.id = $2 AND a.state = 3 \
    WHERE f.state = 3 AND f.since >= a.since AND (f.since > a.since OR f.id > a.id) ORDER BY f.since, f.id LIMIT $1";
const FORGET_FILE: &str = "DELETE FROM files WHERE id = $1 AND state = 3 RETURNING user_id, share_bytes";

#[derive(Debug, FromRow)]
struct FileRow {
    id: Uuid,
    room: Uuid,
    user_id: Uuid,
    message: Option<i64>,
    size_bytes: Option<i64>,
    name: Option<String>,
    content_type: Option<String>,
    image: Option<String>,
}

impl TryFrom<FileRow> for FileRecord {
    type Error = DatabaseError;

    fn try_from(row: FileRow) -> DatabaseResult<Self> {
        let image = row.image.map(|image| serde_json::from_str::<Image>(&image)).transpose();
        Ok(Self {
            id: FileId::new(row.id),
            room: RoomId::new(row.room),
            user: UserId::new(row.user_id),
            message: row.message.map(seq).transpose()?,
            size_bytes: unsigned(row.size_bytes.ok_or_else(|| missing("size_bytes"))?)?,
            name: FileName::new(row.name.ok_or_else(|| missing("name"))?)
                .map_err(|error| DatabaseError::corrupt("file name", error))?,
            content_type: MediaType::new(row.content_type.ok_or_else(|| missing("content_type"))?)
                .map_err(|error| DatabaseError::corrupt("media type", error))?,
            image: image.map_err(|error| DatabaseError::corrupt("image", error))?,
        })
    }
}

#[async_trait]
impl Files for Connection {
    async fn take_share(&mut self, user: UserId, bytes: u64, share: u64) -> DatabaseResult<bool> {
        run!(self, query::<Db>(INSERT_USAGE).bind(user.uuid()), execute)?;
        let query = query::<Db>(TAKE_SHARE).bind(user.uuid()).bind(signed(bytes)).bind(signed(share));
        Ok(run!(self, query, execute)?.rows_affected() == 1)
    }

    async fn insert_file(&mut self, file: &NewFile) -> DatabaseResult<bool> {
        let query = query::<Db>(INSERT_FILE)
            .bind(file.id.uuid())
            .bind(file.room.uuid())
            .bind(file.user.uuid())
            .bind(file.since.as_micros())
            .bind(signed(file.share_bytes))
            .bind(file.name.as_str());
        Ok(run!(self, query, execute)?.rows_affected() == 1)
    }

    async fn is_announced(&mut self, file: FileId, user: UserId) -> DatabaseResult<bool> {
        let query = query_scalar::<Db, bool>(IS_ANNOUNCED).bind(file.uuid()).bind(user.uuid());
        run!(self, query, fetch_one)
    }

    async fn keep_file(
        &mut self,
        file: FileId,
        user: UserId,
        content: &FileContent,
        now: Timestamp,
    ) -> DatabaseResult<bool> {
        let announced = query_scalar::<Db, i64>(ANNOUNCED_SHARE).bind(file.uuid()).bind(user.uuid());
        let Some(announced) = run!(self, announced, fetch_optional)? else { return Ok(false) };
        let Some(left) = unsigned(announced)?.checked_sub(content.share_bytes) else { return Ok(false) };
        let image = content.image.as_ref().map(serde_json::to_string).transpose();
        let query = query::<Db>(KEEP_FILE)
            .bind(file.uuid())
            .bind(now.as_micros())
            .bind(signed(content.size_bytes))
            .bind(content.content_type.as_str())
            .bind(image.map_err(|error| DatabaseError::corrupt("image", error))?)
            .bind(signed(content.share_bytes));
        if run!(self, query, execute)?.rows_affected() == 0 {
            return Ok(false);
        }
        let query = sqlx::query::<Db>(GIVE_BACK).bind(user.uuid()).bind(signed(left));
        run!(self, query, execute)?;
        Ok(true)
    }

    async fn file(&mut self, file: FileId) -> DatabaseResult<Option<FileRecord>> {
        let row = run!(self, query_as::<Db, FileRow>(FILE).bind(file.uuid()), fetch_optional)?;
        row.map(TryInto::try_into).transpose()
    }

    async fn append_alone(&mut self, now: Timestamp, row: &AppendRow<'_>) -> DatabaseResult<AppendOutcome> {
        let result = append::append_alone(self.connection(), now, row).await;
        append::outcome(self.settle(result)?)
    }

    async fn attach_file(
        &mut self,
        file: FileId,
        room: RoomId,
        user: UserId,
        message: Seq,
    ) -> DatabaseResult<bool> {
        let query = query::<Db>(ATTACH_FILE)
            .bind(file.uuid())
            .bind(room.uuid())
            .bind(user.uuid())
            .bind(signed(message.get()));
        Ok(run!(self, query, execute)?.rows_affected() == 1)
    }

    async fn abandon_file(&mut self, file: FileId, user: UserId, now: Timestamp) -> DatabaseResult<()> {
        let query = query::<Db>(ABANDON_FILE).bind(file.uuid()).bind(user.uuid()).bind(now.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn remove_files_of(&mut self, room: RoomId, message: Seq, now: Timestamp) -> DatabaseResult<()> {
        let query =
            query::<Db>(REMOVE_FILES_OF).bind(room.uuid()).bind(signed(message.get())).bind(now.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn expire_files(&mut self, expiry: Expiry, now: Timestamp, limit: u32) -> DatabaseResult<u64> {
        let mut removed = 0;
        for (statement, before) in EXPIRE.into_iter().zip([expiry.uploads_before, expiry.unused_before]) {
            let query =
                query::<Db>(statement).bind(now.as_micros()).bind(before.as_micros()).bind(i64::from(limit));
            removed += run!(self, query, execute)?.rows_affected();
        }
        let query = query::<Db>(EXPIRE_OF_DELETED_ROOMS).bind(now.as_micros()).bind(i64::from(limit));
        Ok(removed + run!(self, query, execute)?.rows_affected())
    }

    async fn removed_files(&mut self, after: Option<FileId>, limit: u32) -> DatabaseResult<Vec<FileId>> {
        let text = if after.is_some() { REMOVED_FILES_AFTER } else { REMOVED_FILES };
        let mut query = query_scalar::<Db, Uuid>(text).bind(i64::from(limit));
        if let Some(after) = after {
            query = query.bind(after.uuid());
        }
        Ok(run!(self, query, fetch_all)?.into_iter().map(FileId::new).collect())
    }

    async fn forget_file(&mut self, file: FileId) -> DatabaseResult<()> {
        let query = query_as::<Db, (Uuid, i64)>(FORGET_FILE).bind(file.uuid());
        let Some((user, bytes)) = run!(self, query, fetch_optional)? else { return Ok(()) };
        run!(self, sqlx::query::<Db>(GIVE_BACK).bind(user).bind(bytes), execute).map(drop)
    }
}
