//! Frames as they stand on the wire, encoded once and shared by every socket that they go to.

use bytes::Bytes;
use serde::Serialize;

/// The longest header of an unmasked frame: two bytes and a 64-bit length (RFC 6455, section 5.2).
const HEADER_MAX_BYTES: usize = 10;
/// FIN and the opcode of a text frame.
const TEXT: u8 = 0x81;
/// FIN and the opcode of a close.
const CLOSE: u8 = 0x88;
/// FIN and the opcode of a pong.
const PONG: u8 = 0x8a;
/// The longest payload of a control frame (RFC 6455, section 5.5).
pub const CONTROL_PAYLOAD_MAX_BYTES: usize = 125;
/// The room for a usual event, so that encoding one allocates once.
const USUAL_FRAME_BYTES: usize = 512;

/// A ping with no payload.
pub const PING: WireFrame = WireFrame(Bytes::from_static(&[0x89, 0x00]));

/// A whole WebSocket frame, header and payload. A server's frames are not masked (RFC 6455, section
/// 5.1), so the same bytes serve every socket; a clone shares them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireFrame(Bytes);

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

    /// A text that is encoded already as a text frame.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let mut buffer = Self::begin(HEADER_MAX_BYTES + text.len());
        buffer.extend_from_slice(text.as_bytes());
        Self::finish(buffer)
    }

    /// The answer to a ping, which says the ping's payload again. Of a payload longer than a ping may have, the rest is
    /// left out.
    #[must_use]
    pub fn pong(payload: &[u8]) -> Self {
        Self::control(PONG, &[], payload)
    }

    /// A close with its code, or with none. Of a reason that does not fit, the rest is left out.
    #[must_use]
    pub fn close(code: Option<u16>, reason: &str) -> Self {
        let code = code.map(u16::to_be_bytes);
        let code = code.as_ref().map_or(&[][..], |bytes| bytes);
        let fits = reason.floor_char_boundary(CONTROL_PAYLOAD_MAX_BYTES - 2);
        let reason = if code.is_empty() { "" } else { &reason[..fits] };
        Self::control(CLOSE, code, reason.as_bytes())
    }

    /// A control frame, whose payload is given in two parts.
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

    /// The header's length follows from the payload's, so the payload is written behind room for the longest header,
    /// the header against it, and what room is left over is sliced off.
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

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The bytes, owned.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// How many bytes it takes on the wire.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: a frame has a header.
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
}
