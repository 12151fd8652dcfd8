//! Where files are kept: a directory, or a store that speaks S3. Both by their ids, which nobody can guess a file of another
//! by, since what is there is given out by the message store's word alone.

use std::{io, ops::Range};

use bytes::Bytes;
use futures_util::{
    Stream, StreamExt as _,
    stream::{self, BoxStream},
};
use madang_domain::{Error, FileId, Result};
use madang_media::ThumbnailSize;
use object_store::{GetOptions, GetRange, ObjectStoreExt as _, PutPayload, path::Path};
use tokio::{fs::File, time::timeout};

use super::{
    Content, Files,
    store::{CALL_DEADLINE, within},
};

/// What is kept of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The file itself.
    Whole,
    /// A thumbnail.
    Thumbnail(ThumbnailSize),
}

impl Part {
    /// All that may be kept of a file.
    const ALL: [Self; 3] =
        [Self::Whole, Self::Thumbnail(ThumbnailSize::Small), Self::Thumbnail(ThumbnailSize::Large)];

    /// Where it is kept. The last digits of an id are random, those before the time: so the files spread over directories.
    fn path(self, file: FileId) -> Path {
        let id = file.to_string();
        let suffix = match self {
            Self::Whole => "",
            Self::Thumbnail(ThumbnailSize::Small) => ".small",
            Self::Thumbnail(ThumbnailSize::Large) => ".large",
        };
        Path::from(format!("{}/{id}{suffix}", &id[id.len() - 2..]))
    }
}

/// The bytes of something that is kept.
pub(crate) struct Kept {
    /// All its bytes.
    pub(crate) size_bytes: u64,
    /// Those that were asked for.
    pub(crate) range: Range<u64>,
    pub(crate) bytes: BoxStream<'static, Result<Bytes, io::Error>>,
}

impl Files {
    /// Keeps a file, last of all itself.
    pub(crate) async fn keep(&self, id: FileId, mut content: Content) -> Result<()> {
        for thumbnail in std::mem::take(&mut content.thumbnails) {
            let path = Part::Thumbnail(thumbnail.size).path(id);
            let payload = PutPayload::from(thumbnail.bytes);
            within(self.store.objects.put(&path, payload)).await.map_err(away)?;
        }
        let path = Part::Whole.path(id);
        let mut file = File::from_std(content.file);
        self.store.put(&path, &mut file, content.size_bytes).await.map_err(away)
    }

    /// The bytes of what is kept of a file, or a range of them. None where it is not kept.
    pub(crate) async fn kept(
        &self,
        id: FileId,
        part: Part,
        range: Option<Range<u64>>,
    ) -> Result<Option<Kept>> {
        let options = GetOptions::new().with_range(range.map(GetRange::Bounded));
        match within(self.store.objects.get_opts(&part.path(id), options)).await {
            Ok(found) => Ok(Some(Kept {
                size_bytes: found.meta.size,
                range: found.range.clone(),
                bytes: in_time(found.into_stream()).boxed(),
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(away(error)),
        }
    }

    /// Removes all that is kept of a file. What is not there is removed already.
    pub(crate) async fn remove(&self, id: FileId) -> Result<()> {
        for part in Part::ALL {
            match within(self.store.objects.delete(&part.path(id))).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(away(error)),
            }
        }
        Ok(())
    }
}

/// The bytes of a stream, each within the deadline of a call. With an error it ends.
fn in_time(
    bytes: BoxStream<'static, object_store::Result<Bytes>>,
) -> impl Stream<Item = Result<Bytes, io::Error>> {
    stream::unfold(Some(bytes), |bytes| async {
        let mut bytes = bytes?;
        match timeout(CALL_DEADLINE, bytes.next()).await {
            Ok(Some(Ok(next))) => Some((Ok(next), Some(bytes))),
            Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
            Ok(None) => None,
            Err(elapsed) => Some((Err(elapsed.into()), None)),
        }
    })
}

/// The store of files does not answer.
fn away(error: object_store::Error) -> Error {
    Error::unavailable("the store of files does not answer: try again later").caused_by(error)
}

#[cfg(test)]
mod tests;
