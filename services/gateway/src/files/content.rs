//! What a file that has arrived is, and how it is kept.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Seek as _, Write as _},
};

use madang_domain::{Code, Error, Image, MediaType, Result, UserId};
use madang_media::{
    Picture, PictureBounds, PictureError, PictureKind, Thumbnail, read_picture, remove_metadata, sniff,
};

use tokio::time::timeout;

use super::{COME_BACK_AFTER, Files, PICTURE_TURN, Received, spool::Spool};

pub(crate) use madang_media::is_shown_inline;

/// What a file is, and its bytes as they are kept.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) content_type: MediaType,
    pub(crate) size_bytes: u64,
    pub(crate) image: Option<Image>,
    /// At its beginning.
    pub(super) file: File,
    /// Of a picture.
    pub(super) thumbnails: Vec<Thumbnail>,
}

impl Files {
    /// Finds out what a file is by its bytes, and makes of a picture what is kept of it: itself without its metadata, and
    /// thumbnails. `invalid_argument`: its type is refused, or it is a broken picture. `too_large`: the picture has more
    /// pixels than one may have. `unavailable`: it is not its turn in time.
    pub(crate) async fn examine(&self, user: UserId, received: Received) -> Result<Content> {
        let Received { file, size_bytes, head } = received;
        let sniffed = sniff(&head);
        if self.bounds.refused_types.iter().any(|refused| is_of(refused, sniffed.media_type)) {
            return Err(Error::invalid(format!("files of the type {} are refused", sniffed.media_type)));
        }
        let content_type = MediaType::new(sniffed.media_type)?;
        let Some(kind) = sniffed.picture else {
            return Ok(Content { content_type, size_bytes, image: None, file, thumbnails: Vec::new() });
        };
        let turn = timeout(PICTURE_TURN, self.pictures.take(user)).await.map_err(|_elapsed| {
            Error::unavailable("too many pictures are being read: try again later")
                .retry_after(COME_BACK_AFTER)
        })?;
        let (spool, bounds) = (self.spool.clone(), self.bounds.picture);
        let read = tokio::task::spawn_blocking(move || {
            // Whoever waits may go; the turn lasts until the work has ended.
            let _turn = turn;
            picture_of(kind, file, &spool, bounds)
        });
        let (file, picture) = read.await.map_err(Error::internal)?.map_err(refusal)?;
        let size_bytes = file.metadata().map_err(|error| refusal(error.into()))?.len();
        let Picture { width, height, placeholder, thumbnails } = picture;
        Ok(Content {
            content_type,
            size_bytes,
            image: Some(Image { width, height, placeholder }),
            file,
            thumbnails: thumbnails.into(),
        })
    }
}

/// A picture without its metadata, and what there is to know of it.
fn picture_of(
    kind: PictureKind,
    file: File,
    spool: &Spool,
    bounds: PictureBounds,
) -> Result<(File, Picture), PictureError> {
    let mut kept = BufWriter::new(spool.file()?);
    remove_metadata(kind, &mut BufReader::new(file), &mut kept)?;
    kept.flush()?;
    let mut kept = kept.into_inner().map_err(io::IntoInnerError::into_error)?;
    kept.rewind()?;
    let picture = read_picture(kind, BufReader::new(&kept), bounds)?;
    kept.rewind()?;
    Ok((kept, picture))
}

/// Whether a media type is this one, or of this kind: `video/*`. Parameters do not count.
fn is_of(wanted: &str, media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    match wanted.trim().strip_suffix("/*") {
        Some(kind) => essence.split('/').next().is_some_and(|is| is.eq_ignore_ascii_case(kind)),
        None => essence.eq_ignore_ascii_case(wanted.trim()),
    }
}

fn refusal(error: PictureError) -> Error {
    match &error {
        PictureError::Broken(_) => Error::invalid(error.to_string()),
        PictureError::TooLarge => Error::new(Code::TooLarge, error.to_string()),
        PictureError::Io(_) => {
            Error::unavailable("the file could not be stored: try again later").caused_by(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_refused_one_by_one_or_by_their_kind() {
        assert!(is_of("text/html", "text/html"));
        assert!(is_of(" Text/Plain ", "text/plain; charset=utf-8"));
        assert!(is_of("video/*", "video/mp4"));
        assert!(!is_of("video/*", "image/png"));
        assert!(!is_of("image/png", "image/jpeg"));
    }
}
