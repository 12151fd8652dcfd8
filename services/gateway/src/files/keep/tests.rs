//! A store of files that says nothing.

use std::{fmt, future::pending, sync::Arc, time::Duration};

use async_trait::async_trait;
use madang_domain::Code;
use madang_media::PictureBounds;
use object_store::{
    CopyOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutResult,
};
use tokio::sync::Notify;
use uuid::Uuid;

use super::*;
use crate::files::{
    Bounds,
    fair::{Places, Turns},
    spool::Spool,
    store::Store,
};

/// No call takes longer.
const PATIENCE: Duration = Duration::from_secs(100);

/// A directory of another machine, which is away.
#[derive(Debug)]
struct Silent;

impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("silent")
    }
}

#[async_trait]
impl ObjectStore for Silent {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> object_store::Result<PutResult> {
        pending().await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        pending().await
    }

    async fn get_opts(&self, _: &Path, _: GetOptions) -> object_store::Result<GetResult> {
        pending().await
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        stream::pending().boxed()
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        stream::pending().boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> object_store::Result<ListResult> {
        pending().await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> object_store::Result<()> {
        pending().await
    }
}

fn silent(spool: &std::path::Path, part_bytes: usize) -> Files {
    Files {
        store: Store::of(Arc::new(Silent), part_bytes),
        spool: Spool::open(spool.to_owned()).unwrap(),
        bounds: Bounds {
            bytes: 1 << 20,
            picture: PictureBounds { pixels: 1 << 20 },
            refused_types: Vec::new(),
            upload: Duration::from_secs(1),
        },
        uploads: Places::new(1),
        pictures: Turns::new(1),
        removals: Notify::new(),
    }
}

fn content(bytes: &[u8]) -> Content {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    Content {
        content_type: madang_domain::MediaType::new("text/plain").unwrap(),
        size_bytes: bytes.len() as u64,
        image: None,
        file,
        thumbnails: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn no_call_waits_for_a_store_that_says_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let id = FileId::new(Uuid::from_u128(1));
    // One that is put whole, and one that is put in parts.
    for part_bytes in [1_000, 2] {
        let files = silent(directory.path(), part_bytes);
        let kept = timeout(PATIENCE, files.keep(id, content(b"hello"))).await;
        assert_eq!(kept.expect("an upload ends").unwrap_err().code, Code::Unavailable);
        let got = timeout(PATIENCE, files.kept(id, Part::Whole, None)).await.expect("a download ends");
        assert_eq!(got.map(drop).unwrap_err().code, Code::Unavailable);
        let removed = timeout(PATIENCE, files.remove(id)).await.expect("a removal ends");
        assert_eq!(removed.unwrap_err().code, Code::Unavailable);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_says_nothing_ends_with_an_error() {
    let first = stream::iter([Ok(Bytes::from_static(b"first"))]);
    let read = in_time(first.chain(stream::pending()).boxed()).collect();
    let read: Vec<_> = timeout(PATIENCE, read).await.expect("it ends");
    let kinds: Vec<_> = read.iter().map(|bytes| bytes.as_ref().map_err(io::Error::kind)).collect();
    assert_eq!(kinds, [Ok(&Bytes::from_static(b"first")), Err(io::ErrorKind::TimedOut)]);
}
