//! Settings of uploaded files.

use std::path::PathBuf;

use clap::Args;
use madang_domain::limits::FILE_MAX_BYTES;
use madang_kit::Secret;

/// Where uploaded files are kept, and their bounds.
#[derive(Debug, Clone, Args)]
pub struct FileSettings {
    /// Where uploaded files are kept: a directory that all gateways share, or `s3://bucket/prefix` with the usual variables
    /// `AWS_REGION` and `AWS_ENDPOINT_URL`. Unset, nobody can upload. [default in the all-in-one without Redis: `files` in
    /// MADANG_DATA_DIR]
    #[arg(long, env = "MADANG_FILES_URL", value_name = "DIRECTORY OR URL")]
    pub files_url: Option<String>,

    /// The id of the access key to the store that speaks S3. Unset, the account is `AWS_ACCESS_KEY_ID` or that of the
    /// machine.
    #[arg(long, env = "MADANG_FILES_ACCESS_KEY_ID", requires = "files_secret_access_key")]
    pub files_access_key_id: Option<Secret>,

    /// The secret of that access key.
    #[arg(long, env = "MADANG_FILES_SECRET_ACCESS_KEY", requires = "files_access_key_id")]
    pub files_secret_access_key: Option<Secret>,

    /// The directory in which a file lies while it arrives, without a name. Unset, that of the system for temporary
    /// files.
    #[arg(long, env = "MADANG_FILES_SPOOL_DIR", value_name = "DIRECTORY")]
    pub files_spool_dir: Option<PathBuf>,

    /// The most bytes of one file.
    #[arg(long, env = "MADANG_FILE_MAX_BYTES", default_value_t = FILE_MAX_BYTES, value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    pub file_max_bytes: u64,

    /// The most pixels of a picture: while its thumbnails are made, each takes up to eight bytes of memory.
    #[arg(long, env = "MADANG_PICTURE_MAX_PIXELS", default_value_t = 25_000_000, value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    pub picture_max_pixels: u64,

    /// The media types that are refused, separated by commas, such as `application/x-executable`; `video/*` refuses all
    /// videos. A file's type is what its bytes say.
    #[arg(long, env = "MADANG_REFUSED_FILE_TYPES", value_delimiter = ',', value_name = "TYPES")]
    pub refused_file_types: Vec<String>,

    /// Seconds within which a file must have arrived.
    #[arg(long, env = "MADANG_UPLOAD_SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=1_800))]
    pub upload_seconds: u64,

    /// The most uploads that may be under way at this gateway.
    #[arg(long, env = "MADANG_MAX_UPLOADS", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_uploads: u32,

    /// The most uploads of one user that may be under way at this gateway.
    #[arg(long, env = "MADANG_MAX_USER_UPLOADS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_user_uploads: u32,
}

/// The access key to a store that speaks S3: its id and its secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccessKey<'a> {
    pub(crate) id: &'a Secret,
    pub(crate) secret: &'a Secret,
}

impl FileSettings {
    /// The access key that the settings have.
    pub(crate) fn access_key(&self) -> Option<AccessKey<'_>> {
        let (id, secret) = self.files_access_key_id.as_ref().zip(self.files_secret_access_key.as_ref())?;
        Some(AccessKey { id, secret })
    }
}
