//! The store of files: a directory, or a store that speaks S3.

use std::{fs::DirBuilder, io, os::unix::fs::DirBuilderExt as _, sync::Arc, time::Duration};

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt as _, local::LocalFileSystem, path::Path};
use tokio::{
    fs::File,
    io::AsyncReadExt as _,
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::settings::AccessKey;

/// The bytes that are given to a directory at once.
const DIRECTORY_PART_BYTES: usize = 1 << 20;
/// The same for S3, which takes no smaller part but the last one.
#[cfg(feature = "s3")]
const S3_PART_BYTES: usize = 5 << 20;
/// The bytes of all uploads that are in memory at once: where the store is slow, the others wait with theirs on the disk.
const PARTS_MAX_BYTES: usize = 20 << 20;
/// The bytes of a file that are read at once. The buffer stays with the file until its upload ends.
const READ_MAX_BYTES: usize = 128 << 10;

/// How long one call to the store of files may take: a part, or the next bytes. A directory may be of another machine, which
/// is away, and then says nothing at all.
pub(super) const CALL_DEADLINE: Duration = Duration::from_secs(30);

/// Where files are kept.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) objects: Arc<dyn ObjectStore>,
    part_bytes: usize,
    /// The parts that may be in memory.
    parts: Semaphore,
}

impl Store {
    pub(super) fn of(objects: Arc<dyn ObjectStore>, part_bytes: usize) -> Self {
        Self { objects, part_bytes, parts: Semaphore::new((PARTS_MAX_BYTES / part_bytes).max(1)) }
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
        Ok(Self::of(Arc::new(objects.with_fsync(true)), DIRECTORY_PART_BYTES))
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
        Ok(Self::of(Arc::new(objects), S3_PART_BYTES))
    }

    pub(super) async fn put(
        &self,
        path: &Path,
        file: &mut File,
        size_bytes: u64,
    ) -> object_store::Result<()> {
        let unread = |source| object_store::Error::Generic { store: "spool", source: Box::new(source) };
        file.set_max_buf_size(READ_MAX_BYTES);
        if size_bytes <= self.part_bytes as u64 {
            let _place = self.place().await?;
            let bytes = read_part(file, size_bytes as usize).await.map_err(unread)?;
            return within(self.objects.put(path, bytes.into())).await.map(drop);
        }
        let mut upload = within(self.objects.put_multipart(path)).await?;
        let sent = async {
            let mut left = size_bytes;
            while left > 0 {
                let _place = self.place().await?;
                let most = usize::try_from(left).map_or(self.part_bytes, |left| left.min(self.part_bytes));
                let bytes = read_part(file, most).await.map_err(unread)?;
                if bytes.is_empty() {
                    break;
                }
                left -= bytes.len() as u64;
                within(upload.put_part(bytes.into())).await?;
            }
            within(upload.complete()).await.map(drop)
        };
        let sent = sent.await;
        if sent.is_err() {
            // What was sent of it would be kept, and paid for, under no name.
            let _ = within(upload.abort()).await;
        }
        sent
    }

    /// A place for one part in memory.
    async fn place(&self) -> object_store::Result<SemaphorePermit<'_>> {
        let closed = |source| object_store::Error::Generic { store: "parts", source: Box::new(source) };
        self.parts.acquire().await.map_err(closed)
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
    // All at once: a vector that grows ends with up to twice as much.
    let mut bytes = Vec::with_capacity(most);
    file.take(most as u64).read_to_end(&mut bytes).await?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use object_store::memory::InMemory;
    use tokio::{io::AsyncSeekExt as _, io::AsyncWriteExt as _, time::timeout};

    use super::*;

    async fn spooled(bytes: &[u8]) -> File {
        let mut file = File::from_std(tempfile::tempfile().unwrap());
        file.write_all(bytes).await.unwrap();
        file.rewind().await.unwrap();
        file
    }

    #[tokio::test]
    async fn no_more_parts_are_in_memory_than_may_be() {
        const PART: usize = 1 << 20;
        let store = Store::of(Arc::new(InMemory::new()), PART);
        let bytes: Vec<u8> = (0..2 * PART + 7).map(|at| (at % 251) as u8).collect();
        for size in [7, PART, 2 * PART, 2 * PART + 7] {
            let (mut file, path) = (spooled(&bytes[..size]).await, Path::from("a"));
            // All places are taken by others.
            let places = u32::try_from(PARTS_MAX_BYTES / PART).unwrap();
            let taken = store.parts.acquire_many(places).await.unwrap();
            let kept = timeout(Duration::from_millis(20), store.put(&path, &mut file, size as u64)).await;
            assert!(kept.is_err(), "{size} bytes wait");
            drop(taken);
            let mut file = spooled(&bytes[..size]).await;
            store.put(&path, &mut file, size as u64).await.unwrap();
            let kept = store.objects.get(&path).await.unwrap().bytes().await.unwrap();
            assert!(kept == bytes[..size], "{size} bytes");
        }
    }

    #[tokio::test]
    async fn a_part_takes_no_more_memory_than_it_has_bytes() {
        const PART: usize = 5 << 20;
        let mut file = spooled(&vec![7; PART + 1]).await;
        let mut bytes = Vec::from(read_part(&mut file, PART).await.unwrap());
        assert_eq!(bytes.len(), PART);
        assert!(bytes.capacity() <= PART, "{}", bytes.capacity());
        bytes = Vec::from(read_part(&mut file, PART).await.unwrap());
        assert_eq!(bytes, [7]);
    }
}
