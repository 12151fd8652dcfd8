//! Encoded WebSocket frames. A frame is encoded once and shared by all sockets that receive it.

use bytes::Bytes;
use serde::Serialize;

/// The maximum length of an unmasked frame's header: two bytes and a 64-bit length (RFC 6455, section 5.2).
const HEADER_MAX_BYTES: usize = 10;
/// FIN and the opcode of a text frame.
const TEXT: u8 = 0x81;
/// FIN and the opcode of a close frame.
const CLOSE: u8 = 0x88;
/// FIN and the opcode of a pong frame.
const PONG: u8 = 0x8a;
/// The maximum length of a control frame's payload, in bytes (RFC 6455, section 5.5).
pub const CONTROL_PAYLOAD_MAX_BYTES: usize = 125;
/// The initial capacity, large enough that encoding a typical event allocates once.
const USUAL_FRAME_BYTES: usize = 512;

/// A ping frame without a payload.
pub const PING: WireFrame = WireFrame(Bytes::from_static(&[0x89, 0x00]));

/// A complete WebSocket frame: header and payload. A server does not mask its frames (RFC 6455, section 5.1), so all
/// sockets get the same bytes. A clone shares them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireFrame(Bytes);

/// The bytes of a frame, and a value that is dropped with them.
struct Keeping<T> {
    bytes: Bytes,
    _value: T,
}

impl<T> AsRef<[u8]> for Keeping<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl WireFrame {
    /// Encodes a value as a text frame of JSON.
    #[must_use]
    pub fn json(value: &impl Serialize) -> Self {
        let mut buffer = Self::begin(USUAL_FRAME_BYTES);
        if let Err(error) = serde_json::to_writer(&mut buffer, value) {
            // The frames of this crate have string keys and no failing serializers.
            unreachable!("a frame that cannot be written: {error}");
        }
        Self::finish(buffer)
    }

    /// Makes a text frame of an already encoded text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let mut buffer = Self::begin(HEADER_MAX_BYTES + text.len());
        buffer.extend_from_slice(text.as_bytes());
        Self::finish(buffer)
    }

    /// Makes a pong frame, which repeats the ping's payload. A payload over 125 bytes is cut off.
    #[must_use]
    pub fn pong(payload: &[u8]) -> Self {
        Self::control(PONG, &[], payload)
    }

    /// Makes a close frame with a code and a reason, or with neither. A reason over 123 bytes is cut off at a
    /// character.
    #[must_use]
    pub fn close(code: Option<u16>, reason: &str) -> Self {
        let code = code.map(u16::to_be_bytes);
        let code = code.as_ref().map_or(&[][..], |bytes| bytes);
        let fits = reason.floor_char_boundary(CONTROL_PAYLOAD_MAX_BYTES - 2);
        let reason = if code.is_empty() { "" } else { &reason[..fits] };
        Self::control(CLOSE, code, reason.as_bytes())
    }

    /// Makes a control frame of a payload in two parts.
    fn control(first_byte: u8, before: &[u8], payload: &[u8]) -> Self {
        let payload = &payload[..payload.len().min(CONTROL_PAYLOAD_MAX_BYTES - before.len())];
        let length = before.len() + payload.len();
        let mut frame = Vec::with_capacity(2 + length);
        frame.push(first_byte);
        frame.push(length as u8);
        frame.extend_from_slice(before);
        frame.extend_from_slice(payload);
        Self(Bytes::from(frame))
    }

    /// Reserves space for the longest header. The header's length depends on the payload's, so the header is written
    /// last, directly before the payload, and the unused space is sliced off.
    fn begin(capacity_bytes: usize) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(capacity_bytes);
        buffer.resize(HEADER_MAX_BYTES, 0);
        buffer
    }

    fn finish(mut buffer: Vec<u8>) -> Self {
        let length = buffer.len() - HEADER_MAX_BYTES;
        let start = match length {
            0..=125 => {
                buffer[8] = TEXT;
                buffer[9] = length as u8;
                8
            }
            126..=0xffff => {
                buffer[6] = TEXT;
                buffer[7] = 126;
                buffer[8..10].copy_from_slice(&(length as u16).to_be_bytes());
                6
            }
            _ => {
                buffer[0] = TEXT;
                buffer[1] = 127;
                buffer[2..10].copy_from_slice(&(length as u64).to_be_bytes());
                0
            }
        };
        Self(Bytes::from(buffer).slice(start..))
    }

    /// The same frame, which keeps a value until its last clone is dropped: until the last socket that receives it has
    /// written it, or has closed.
    #[must_use]
    pub fn keeping(self, value: impl Send + Sync + 'static) -> Self {
        Self(Bytes::from_owner(Keeping { bytes: self.0, _value: value }))
    }

    /// The bytes of the frame.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Converts the frame into its bytes.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The payload of the frame: for a text frame, its text.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        let header = match self.0[1] {
            126 => 4,
            127 => HEADER_MAX_BYTES,
            _ => 2,
        };
        &self.0[header..]
    }

    /// The length of the frame, header included, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Always false: a frame has a header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a frame back: (first byte, payload).
    fn read(frame: &WireFrame) -> (u8, &[u8]) {
        let bytes = frame.bytes();
        let (length, header) = match bytes[1] {
            126 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
            127 => (u64::from_be_bytes(bytes[2..10].try_into().unwrap()) as usize, 10),
            short => (usize::from(short), 2),
        };
        assert_eq!(bytes.len(), header + length);
        assert_eq!(frame.payload(), &bytes[header..]);
        (bytes[0], &bytes[header..])
    }

    #[test]
    fn the_header_fits_the_payload() {
        for length in [0, 1, 123, 124, 125, 126, 65_533, 65_534, 100_000] {
            let text = "x".repeat(length);
            let frame = WireFrame::json(&text);
            assert_eq!(read(&frame), (TEXT, format!("\"{text}\"").as_bytes()));
            assert_eq!(WireFrame::text(&format!("\"{text}\"")), frame);
        }
    }

    #[test]
    fn control_frames_are_short() {
        assert_eq!(read(&WireFrame::pong(b"ab")), (PONG, &b"ab"[..]));
        assert_eq!(read(&WireFrame::pong(&[7; 200])), (PONG, &[7; 125][..]));
        assert_eq!(read(&WireFrame::close(Some(1_000), "done")), (CLOSE, &b"\x03\xe8done"[..]));
        assert_eq!(read(&WireFrame::close(None, "")), (CLOSE, &b""[..]));
        let long = WireFrame::close(Some(4_401), &"가".repeat(50));
        assert_eq!(read(&long).1[2..], *"가".repeat(41).as_bytes(), "whole characters of at most 123 bytes");
    }

    #[test]
    fn what_a_frame_keeps_is_dropped_with_its_last_clone() {
        let value = std::sync::Arc::new(());
        let frame = WireFrame::text("hello");
        let kept = frame.clone().keeping(std::sync::Arc::clone(&value));
        assert_eq!(kept, frame);
        let (clone, bytes) = (kept.clone(), kept.into_bytes());
        drop(clone);
        assert_eq!(std::sync::Arc::strong_count(&value), 2);
        drop(bytes);
        assert_eq!(std::sync::Arc::strong_count(&value), 1);
    }
}
