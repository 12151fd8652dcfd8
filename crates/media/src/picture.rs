//! The size, the placeholder and the thumbnails of a picture.

use std::io::{BufRead, Cursor, Seek};

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder as _, ImageEncoder as _, ImageError, ImageFormat,
    ImageReader, Limits,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
    error::{LimitErrorKind, ParameterErrorKind},
    metadata::Orientation,
};

use crate::{PictureError, PictureKind};

/// The longest side of the picture from which the placeholder is made: it has twelve colours.
const PLACEHOLDER_SOURCE_PIXELS: u32 = 32;
/// The colours of a placeholder, across and down.
const PLACEHOLDER_COMPONENTS: (u32, u32) = (4, 3);
/// The quality of thumbnails: artefacts are hardly seen.
const JPEG_QUALITY: u8 = 80;
/// What a decoder may take besides the pixels: windows, tables and rows.
const DECODER_MAX_BYTES: u64 = 16 << 20;
/// The bytes of one pixel of the deepest pictures: four channels of 16 bits.
const PIXEL_MAX_BYTES: u64 = 8;

/// The bounds of a picture.
#[derive(Debug, Clone, Copy)]
pub struct PictureBounds {
    /// The pixels: width times height.
    pub pixels: u64,
}

/// A size of thumbnails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThumbnailSize {
    /// For a list of messages.
    Small,
    /// For a whole screen.
    Large,
}

impl ThumbnailSize {
    /// Both sizes.
    pub const ALL: [Self; 2] = [Self::Small, Self::Large];

    /// The longest side, in pixels.
    #[must_use]
    pub const fn longest_side(self) -> u32 {
        match self {
            Self::Small => 360,
            Self::Large => 1_280,
        }
    }
}

/// A picture that was read.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The width as it is shown, in pixels.
    pub width: u32,
    /// The height as it is shown, in pixels.
    pub height: u32,
    /// A text of about 28 characters from which a blurred picture can be made (<https://blurha.sh>).
    pub placeholder: String,
    /// A thumbnail of each size.
    pub thumbnails: [Thumbnail; 2],
}

/// A smaller picture of a picture.
#[derive(Debug, Clone)]
pub struct Thumbnail {
    /// Its size.
    pub size: ThumbnailSize,
    /// The media type: JPEG, but PNG of a picture through which one sees.
    pub media_type: &'static str,
    /// The picture.
    pub bytes: Vec<u8>,
}

/// Reads a picture, of one that moves the first frame. Its size is judged before its pixels are unfolded.
///
/// # Errors
/// When the picture is broken, has more pixels than the bound, or reading fails.
pub fn read_picture(
    kind: PictureKind,
    input: impl BufRead + Seek,
    bounds: PictureBounds,
) -> Result<Picture, PictureError> {
    let format = match kind {
        PictureKind::Jpeg => ImageFormat::Jpeg,
        PictureKind::Png => ImageFormat::Png,
        PictureKind::WebP => ImageFormat::WebP,
        PictureKind::Gif => ImageFormat::Gif,
    };
    let mut reader = ImageReader::with_format(input, format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(bounds.pixels.saturating_mul(PIXEL_MAX_BYTES).saturating_add(DECODER_MAX_BYTES));
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(PictureError::broken("it has no pixels"));
    }
    if u64::from(width) * u64::from(height) > bounds.pixels {
        return Err(PictureError::TooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    let mut large = smaller(&picture, ThumbnailSize::Large.longest_side());
    drop(picture);
    large.apply_orientation(orientation);
    let is_turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let (width, height) = if is_turned { (height, width) } else { (width, height) };
    let small = smaller(&large, ThumbnailSize::Small.longest_side());
    let placeholder = placeholder(&small)?;
    let thumbnails = [thumbnail(ThumbnailSize::Small, &small)?, thumbnail(ThumbnailSize::Large, &large)?];
    Ok(Picture { width, height, placeholder, thumbnails })
}

/// The picture with eight bits a channel, made to fit into a square; as large as it is where it fits.
fn smaller(picture: &DynamicImage, side: u32) -> DynamicImage {
    let fits = picture.width() <= side && picture.height() <= side;
    let scaled = if fits { None } else { Some(picture.thumbnail(side, side)) };
    let scaled = scaled.as_ref().unwrap_or(picture);
    if scaled.color().has_alpha() { scaled.to_rgba8().into() } else { scaled.to_rgb8().into() }
}

fn placeholder(picture: &DynamicImage) -> Result<String, PictureError> {
    let source = picture.thumbnail(PLACEHOLDER_SOURCE_PIXELS, PLACEHOLDER_SOURCE_PIXELS).to_rgba8();
    let (across, down) = PLACEHOLDER_COMPONENTS;
    blurhash::encode(across, down, source.width(), source.height(), source.as_raw())
        .map_err(|error| PictureError::broken(&error.to_string()))
}

fn thumbnail(size: ThumbnailSize, picture: &DynamicImage) -> Result<Thumbnail, PictureError> {
    let mut bytes = Cursor::new(Vec::new());
    let (width, height) = (picture.width(), picture.height());
    let media_type = match picture {
        DynamicImage::ImageRgba8(pixels) if pixels.pixels().any(|pixel| pixel.0[3] != u8::MAX) => {
            let encoder = PngEncoder::new(&mut bytes);
            encoder.write_image(pixels.as_raw(), width, height, ExtendedColorType::Rgba8).map_err(refusal)?;
            "image/png"
        }
        opaque => {
            let pixels = opaque.to_rgb8();
            let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
            encoder.write_image(pixels.as_raw(), width, height, ExtendedColorType::Rgb8).map_err(refusal)?;
            "image/jpeg"
        }
    };
    Ok(Thumbnail { size, media_type, bytes: bytes.into_inner() })
}

fn refusal(error: ImageError) -> PictureError {
    match error {
        ImageError::Limits(limit)
            if matches!(
                limit.kind(),
                LimitErrorKind::DimensionError | LimitErrorKind::InsufficientMemory
            ) =>
        {
            PictureError::TooLarge
        }
        ImageError::Parameter(parameter)
            if matches!(parameter.kind(), ParameterErrorKind::DimensionMismatch) =>
        {
            PictureError::broken("its sizes contradict each other")
        }
        ImageError::IoError(error) => error.into(),
        other => PictureError::broken(&other.to_string()),
    }
}

#[cfg(test)]
mod tests;
