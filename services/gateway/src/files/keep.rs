//! Where files are kept: a directory, or a store that speaks S3. Both by their ids, which nobody can guess a file of another
//! by, since what is there is given out by the message store's word alone.

use std::{fs::DirBuilder, io, ops::Range, os::unix::fs::DirBuilderExt as _, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream::BoxStream};
use madang_domain::{Error, FileId, Result};
use madang_media::ThumbnailSize;
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutPayload, local::LocalFileSystem, path::Path,
};
use tokio::{fs::File, io::AsyncReadExt as _};

use super::{Content, Files};

/// The bytes that are given to a directory at once.
const DIRECTORY_PART_BYTES: usize = 1 << 20;
/// The same for S3, which takes no smaller part but the last one.
#[cfg(feature = "s3")]
const S3_PART_BYTES: usize = 5 << 20;

/// Where files are kept.
#[derive(Debug)]
pub(super) struct Store {
    objects: Arc<dyn ObjectStore>,
    part_bytes: usize,
}

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

impl Store {
    /// Opens what a setting names; a directory is made where there is none.
    pub(super) fn open(url: &str) -> Result<Self, String> {
        if url.contains("://") {
            return Self::open_url(url);
        }
        Self::open_directory(url)
    }

    fn open_directory(directory: &str) -> Result<Self, String> {
        let refused =
            |error: &dyn std::fmt::Display| format!("cannot use the directory {directory}: {error}");
        // Files are read by their owner, and by nobody else.
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| refused(&error))?;
        let objects = LocalFileSystem::new_with_prefix(directory).map_err(|error| refused(&error))?;
        // What is acknowledged is there after a loss of power.
        Ok(Self { objects: Arc::new(objects.with_fsync(true)), part_bytes: DIRECTORY_PART_BYTES })
    }

    fn open_url(url: &str) -> Result<Self, String> {
        match url.split_once("://") {
            Some(("file", path)) => Self::open_directory(path),
            #[cfg(feature = "s3")]
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let objects = object_store::aws::AmazonS3Builder::from_env()
                    .with_bucket_name(bucket)
                    .build()
                    .map_err(|error| error.to_string())?;
                let prefix = Path::parse(prefix.trim_end_matches('/')).map_err(|error| error.to_string())?;
                let objects = object_store::prefix::PrefixStore::new(objects, prefix);
                Ok(Self { objects: Arc::new(objects), part_bytes: S3_PART_BYTES })
            }
            _ => Err("must be a directory, or s3://bucket/prefix".to_owned()),
        }
    }

    async fn put(&self, path: &Path, file: &mut File, size_bytes: u64) -> object_store::Result<()> {
        let unread = |source| object_store::Error::Generic { store: "spool", source: Box::new(source) };
        if size_bytes <= self.part_bytes as u64 {
            let bytes = read_part(file, self.part_bytes).await.map_err(unread)?;
            return self.objects.put(path, bytes.into()).await.map(drop);
        }
        let mut upload = self.objects.put_multipart(path).await?;
        let sent = async {
            loop {
                let bytes = read_part(file, self.part_bytes).await.map_err(unread)?;
                if bytes.is_empty() {
                    return upload.complete().await.map(drop);
                }
                upload.put_part(bytes.into()).await?;
            }
        };
        let sent = sent.await;
        if sent.is_err() {
            // What was sent of it would be kept, and paid for, under no name.
            let _ = upload.abort().await;
        }
        sent
    }
}

impl Files {
    /// Keeps a file, last of all itself.
    pub(crate) async fn keep(&self, id: FileId, mut content: Content) -> Result<()> {
        for thumbnail in std::mem::take(&mut content.thumbnails) {
            let path = Part::Thumbnail(thumbnail.size).path(id);
            let payload = PutPayload::from(thumbnail.bytes);
            self.store.objects.put(&path, payload).await.map_err(away)?;
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
        match self.store.objects.get_opts(&part.path(id), options).await {
            Ok(found) => Ok(Some(Kept {
                size_bytes: found.meta.size,
                range: found.range.clone(),
                bytes: found.into_stream().map(|bytes| bytes.map_err(io::Error::other)).boxed(),
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(away(error)),
        }
    }

    /// Removes all that is kept of a file. What is not there is removed already.
    pub(super) async fn remove(&self, id: FileId) -> Result<()> {
        for part in Part::ALL {
            match self.store.objects.delete(&part.path(id)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(away(error)),
            }
        }
        Ok(())
    }
}

/// The next bytes of a file: so many, but for the last ones.
async fn read_part(file: &mut File, most: usize) -> io::Result<Bytes> {
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes).await?;
    Ok(bytes.into())
}

/// The store of files does not answer.
fn away(error: object_store::Error) -> Error {
    Error::unavailable("the store of files does not answer: try again later").caused_by(error)
}
