//! The store of files: a directory, or a store that speaks S3.

use std::{fs::DirBuilder, io, os::unix::fs::DirBuilderExt as _, sync::Arc, time::Duration};

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt as _, local::LocalFileSystem, path::Path};
use tokio::{fs::File, io::AsyncReadExt as _, time::timeout};

use crate::settings::AccessKey;

/// The bytes that are given to a directory at once.
const DIRECTORY_PART_BYTES: usize = 1 << 20;
/// The same for S3, which takes no smaller part but the last one.
#[cfg(feature = "s3")]
const S3_PART_BYTES: usize = 5 << 20;

/// How long one call to the store of files may take: a part, or the next bytes. A directory may be of another machine, which
/// is away, and then says nothing at all.
pub(super) const CALL_DEADLINE: Duration = Duration::from_secs(30);

/// Where files are kept.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) objects: Arc<dyn ObjectStore>,
    part_bytes: usize,
}

impl Store {
    /// One that a test has made.
    #[cfg(test)]
    pub(super) fn of(objects: Arc<dyn ObjectStore>, part_bytes: usize) -> Self {
        Self { objects, part_bytes }
    }

    /// Opens what a setting names; a directory is made where there is none.
    pub(super) fn open(url: &str, key: Option<AccessKey<'_>>) -> Result<Self, String> {
        match url.split_once("://") {
            None => Self::open_directory(url),
            Some(("file", path)) => Self::open_directory(path),
            #[cfg(feature = "s3")]
            Some(("s3", place)) => Self::open_bucket(place, key),
            _ => Err("must be a directory, or s3://bucket/prefix".to_owned()),
        }
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

    /// Opens `bucket/prefix` with a key; without one, with the account of the environment.
    #[cfg(feature = "s3")]
    fn open_bucket(place: &str, key: Option<AccessKey<'_>>) -> Result<Self, String> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let mut builder = object_store::aws::AmazonS3Builder::from_env().with_bucket_name(bucket);
        if let Some(AccessKey { id, secret }) = key {
            builder = builder.with_access_key_id(id.expose()).with_secret_access_key(secret.expose());
        }
        let objects = builder.build().map_err(|error| error.to_string())?;
        let prefix = Path::parse(prefix.trim_end_matches('/')).map_err(|error| error.to_string())?;
        let objects = object_store::prefix::PrefixStore::new(objects, prefix);
        Ok(Self { objects: Arc::new(objects), part_bytes: S3_PART_BYTES })
    }

    pub(super) async fn put(
        &self,
        path: &Path,
        file: &mut File,
        size_bytes: u64,
    ) -> object_store::Result<()> {
        let unread = |source| object_store::Error::Generic { store: "spool", source: Box::new(source) };
        if size_bytes <= self.part_bytes as u64 {
            let bytes = read_part(file, self.part_bytes).await.map_err(unread)?;
            return within(self.objects.put(path, bytes.into())).await.map(drop);
        }
        let mut upload = within(self.objects.put_multipart(path)).await?;
        let sent = async {
            loop {
                let bytes = read_part(file, self.part_bytes).await.map_err(unread)?;
                if bytes.is_empty() {
                    return within(upload.complete()).await.map(drop);
                }
                within(upload.put_part(bytes.into())).await?;
            }
        };
        let sent = sent.await;
        if sent.is_err() {
            // What was sent of it would be kept, and paid for, under no name.
            let _ = within(upload.abort()).await;
        }
        sent
    }
}

/// What a call to the store of files answers, in time.
pub(super) async fn within<T>(
    call: impl Future<Output = object_store::Result<T>>,
) -> object_store::Result<T> {
    timeout(CALL_DEADLINE, call).await.unwrap_or_else(|elapsed| {
        Err(object_store::Error::Generic { store: "files", source: Box::new(elapsed) })
    })
}

/// The next bytes of a file: so many, but for the last ones.
async fn read_part(file: &mut File, most: usize) -> io::Result<Bytes> {
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes).await?;
    Ok(bytes.into())
}
