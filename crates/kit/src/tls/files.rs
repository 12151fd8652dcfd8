//! The files with a certificate, its key and the authorities.

use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt as _;

use super::error::CredentialError;

/// The bytes of one file. A chain has a few KiB, and a bundle of all public authorities has 250.
const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// Where the files are.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// The certificate, and the intermediate ones after it.
    pub(super) certificate: PathBuf,
    /// Its private key.
    pub(super) key: PathBuf,
    /// The authorities whose certificates are accepted.
    pub(super) authorities: Option<PathBuf>,
}

/// What the files hold.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) authorities: Option<Vec<u8>>,
}

impl Files {
    pub(super) async fn read(&self) -> Result<Contents, CredentialError> {
        let authorities = match &self.authorities {
            Some(path) => Some(read(path).await?),
            None => None,
        };
        Ok(Contents { certificate: read(&self.certificate).await?, key: read(&self.key).await?, authorities })
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, CredentialError> {
    let unreadable = |source| CredentialError::Unreadable { path: path.to_owned(), source };
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes).await.map_err(unreadable)?;
    if bytes.len() as u64 > FILE_MAX_BYTES {
        return Err(unreadable(std::io::Error::other("it is too large")));
    }
    Ok(bytes)
}
