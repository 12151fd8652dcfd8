//! Files as they arrive: into a file without a name, which is gone with whoever holds it, and with the process.

use std::{
    fs::File,
    io::{self, Seek as _},
};

use axum::body::Body;
use http_body_util::BodyExt as _;
use madang_domain::{Code, Error, Result};
use madang_media::HEAD_MAX_BYTES;
use tokio::{
    io::{AsyncWriteExt as _, BufWriter},
    time::timeout,
};

use super::Files;

/// What is gathered before it is written.
const BUFFER_BYTES: usize = 64 * 1_024;

/// A file that has arrived.
#[derive(Debug)]
pub(crate) struct Received {
    /// At its beginning.
    pub(super) file: File,
    pub(super) size_bytes: u64,
    /// The first bytes.
    pub(super) head: Vec<u8>,
}

impl Files {
    /// Receives the body of a request. `too_large`: it has more bytes than a file may have. `deadline_exceeded`: it takes
    /// longer than it may. Whoever drops this future, or what it gives, leaves nothing.
    pub(crate) async fn receive(&self, body: Body) -> Result<Received> {
        match timeout(self.bounds.upload, self.receive_all(body)).await {
            Ok(received) => received,
            Err(_elapsed) => Err(Error::new(
                Code::DeadlineExceeded,
                format!("the file did not arrive within {} s", self.bounds.upload.as_secs()),
            )),
        }
    }

    async fn receive_all(&self, mut body: Body) -> Result<Received> {
        let mut file = BufWriter::with_capacity(
            BUFFER_BYTES,
            tokio::fs::File::from_std(self.spool.file().map_err(not_written)?),
        );
        let (mut size_bytes, mut head) = (0_u64, Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Error::invalid("the file could not be read to its end"))?;
            let Ok(data) = frame.into_data() else { continue };
            size_bytes = size_bytes.saturating_add(data.len() as u64);
            if size_bytes > self.bounds.bytes {
                return Err(too_large(self.bounds.bytes));
            }
            let of_head = (HEAD_MAX_BYTES - head.len()).min(data.len());
            head.extend_from_slice(&data[..of_head]);
            file.write_all(&data).await.map_err(not_written)?;
        }
        if size_bytes == 0 {
            return Err(Error::invalid("the file is empty"));
        }
        file.flush().await.map_err(not_written)?;
        let mut file = file.into_inner().into_std().await;
        file.rewind().map_err(not_written)?;
        Ok(Received { file, size_bytes, head })
    }
}

/// A file has more bytes than it may have.
pub(crate) fn too_large(max: u64) -> Error {
    Error::new(Code::TooLarge, format!("the file has more than {max} bytes"))
}

/// The spool cannot be written: its disk may be full.
fn not_written(error: io::Error) -> Error {
    Error::unavailable("the file could not be stored: try again later").caused_by(error)
}
