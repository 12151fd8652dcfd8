//! What a client's bytes say: WebSocket frames (RFC 6455, section 5), joined to messages.
//!
//! Nothing is queued here but the beginning of one frame and of one message, each within the bound of a message. A frame
//! that violates the protocol is refused by its header, before its payload has come.

use bytes::{Buf as _, BytesMut};
use madang_contract::{CONTROL_PAYLOAD_MAX_BYTES, WireFrame};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::outbox::Close;

/// What is read at once while no long frame is under way. Chat frames are short; an idle socket holds no more than this.
const READ_BYTES: usize = 512;
/// What is read at once of a long frame. Its memory grows with what has come, not with what its header announces.
const READ_LONG_BYTES: usize = 8 * 1024;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// Instead of a length: it stands in the next two bytes, or in the next eight.
const LENGTH_IN_TWO_BYTES: u8 = 126;
const LENGTH_IN_EIGHT_BYTES: u8 = 127;
const MASK_BYTES: usize = 4;

/// A frame that is whole, or a message that is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A text message, whole.
    Text(Utf8Bytes),
    /// A part of a message that is not whole yet.
    Fragment,
    /// A ping, with its answer.
    Ping(WireFrame),
    /// A pong.
    Pong,
    /// The client closes, with this code or with none.
    Close(Option<u16>),
}

/// Reads the frames of one client.
#[derive(Debug)]
pub(crate) struct FrameReader {
    /// What has come and is no whole frame yet.
    buffer: BytesMut,
    /// What has come of a message in several frames.
    message: Option<Box<Message>>,
    /// The most bytes of a message.
    max_bytes: usize,
}

/// The beginning of a message.
#[derive(Debug, Default)]
struct Message {
    bytes: BytesMut,
    /// The bytes up to here are whole characters.
    checked_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opcode {
    Continuation,
    Text,
    Close,
    Ping,
    Pong,
}

/// A frame's header.
#[derive(Debug, Clone, Copy)]
struct Header {
    is_final: bool,
    opcode: Opcode,
    /// The bytes of the header.
    bytes: usize,
    /// The bytes of the payload.
    payload_bytes: usize,
}

impl FrameReader {
    /// A reader of messages of at most so many bytes. The first bytes of the client may have come already.
    pub(crate) fn new(first: &[u8], max_bytes: usize) -> Self {
        Self { buffer: BytesMut::from(first), message: None, max_bytes }
    }

    /// Where the next bytes from the client belong, with room for some.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        if !self.buffer.is_empty() {
            // What is more than is read at once is the beginning of a long frame.
            self.buffer.reserve(if self.buffer.len() < READ_BYTES { READ_BYTES } else { READ_LONG_BYTES });
        } else if self.buffer.capacity() != READ_BYTES {
            // A long frame's memory is not kept.
            self.buffer = BytesMut::with_capacity(READ_BYTES);
        }
        &mut self.buffer
    }

    /// Takes the next frame; none where it has not come yet.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, Close> {
        let Some(header) = self.header()? else { return Ok(None) };
        if self.buffer.len() < header.bytes + header.payload_bytes {
            return Ok(None);
        }
        let mut mask = [0; MASK_BYTES];
        mask.copy_from_slice(&self.buffer[header.bytes - MASK_BYTES..header.bytes]);
        self.buffer.advance(header.bytes);
        let mut payload = self.buffer.split_to(header.payload_bytes);
        unmask(&mut payload, mask);
        match header.opcode {
            Opcode::Text if header.is_final => Utf8Bytes::try_from(payload.freeze())
                .map(|text| Some(Frame::Text(text)))
                .map_err(|_| Close::NotUtf8),
            Opcode::Text | Opcode::Continuation => self.join(&payload, header.is_final).map(Some),
            Opcode::Ping => Ok(Some(Frame::Ping(WireFrame::pong(&payload)))),
            Opcode::Pong => Ok(Some(Frame::Pong)),
            Opcode::Close => close_code(&payload).map(|code| Some(Frame::Close(code))),
        }
    }

    /// Adds a part to its message.
    fn join(&mut self, part: &[u8], is_final: bool) -> Result<Frame, Close> {
        let message = self.message.get_or_insert_default();
        message.bytes.extend_from_slice(part);
        // A wrong byte is refused with the frame that brings it; a character may go on in the next.
        match std::str::from_utf8(&message.bytes[message.checked_bytes..]) {
            Ok(_) => message.checked_bytes = message.bytes.len(),
            Err(error) if error.error_len().is_none() && !is_final => {
                message.checked_bytes += error.valid_up_to();
            }
            Err(_) => return Err(Close::NotUtf8),
        }
        if !is_final {
            return Ok(Frame::Fragment);
        }
        let whole = self.message.take().unwrap_or_default().bytes.freeze();
        Utf8Bytes::try_from(whole).map(Frame::Text).map_err(|_| Close::NotUtf8)
    }

    /// Reads the header of the next frame and judges it; none where it has not come yet.
    fn header(&self) -> Result<Option<Header>, Close> {
        let [first, second, rest @ ..] = &self.buffer[..] else { return Ok(None) };
        let is_final = first & FINAL != 0;
        if first & RESERVED != 0 || second & MASKED == 0 {
            return Err(Close::ProtocolError);
        }
        let opcode = match (first & OPCODE, &self.message) {
            (0x0, Some(_)) => Opcode::Continuation,
            (0x1, None) => Opcode::Text,
            (0x2, None) => return Err(Close::Binary),
            (0x8, _) => Opcode::Close,
            (0x9, _) => Opcode::Ping,
            (0xa, _) => Opcode::Pong,
            // Reserved, or a message that begins within another or goes on without a beginning.
            _ => return Err(Close::ProtocolError),
        };
        let is_control = matches!(opcode, Opcode::Close | Opcode::Ping | Opcode::Pong);
        let short = second & LENGTH;
        if is_control && (!is_final || usize::from(short) > CONTROL_PAYLOAD_MAX_BYTES) {
            return Err(Close::ProtocolError);
        }
        // A length has the shortest form, and no sign.
        let (payload_bytes, length_bytes) = match short {
            LENGTH_IN_TWO_BYTES => {
                let Some(length) = rest.first_chunk().copied().map(u16::from_be_bytes) else {
                    return Ok(None);
                };
                if length < u16::from(LENGTH_IN_TWO_BYTES) {
                    return Err(Close::ProtocolError);
                }
                (u64::from(length), 2)
            }
            LENGTH_IN_EIGHT_BYTES => {
                let Some(length) = rest.first_chunk().copied().map(u64::from_be_bytes) else {
                    return Ok(None);
                };
                if length <= u64::from(u16::MAX) || length > i64::MAX as u64 {
                    return Err(Close::ProtocolError);
                }
                (length, 8)
            }
            short => (u64::from(short), 0),
        };
        let before = self.message.as_ref().filter(|_| !is_control).map_or(0, |message| message.bytes.len());
        let payload_bytes = usize::try_from(payload_bytes)
            .ok()
            .filter(|bytes| *bytes <= self.max_bytes - before)
            .ok_or(Close::FrameTooLarge)?;
        Ok(Some(Header { is_final, opcode, bytes: 2 + length_bytes + MASK_BYTES, payload_bytes }))
    }
}

/// Takes the mask off (RFC 6455, section 5.3).
fn unmask(payload: &mut [u8], mask: [u8; MASK_BYTES]) {
    let (chunks, rest) = payload.as_chunks_mut::<MASK_BYTES>();
    for chunk in chunks {
        *chunk = (u32::from_ne_bytes(*chunk) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

/// The code of a client's close (RFC 6455, section 7.4).
fn close_code(payload: &[u8]) -> Result<Option<u16>, Close> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(Close::ProtocolError) };
    };
    let code = u16::from_be_bytes(*code);
    // Those that RFC 6455 and its registry at IANA let a peer send, and those left to libraries and applications.
    if !matches!(code, 1_000..=1_003 | 1_007..=1_014 | 3_000..=4_999) {
        return Err(Close::ProtocolError);
    }
    std::str::from_utf8(reason).map_err(|_| Close::NotUtf8)?;
    Ok(Some(code))
}

#[cfg(test)]
mod tests;
