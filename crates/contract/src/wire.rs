//! Frames as they stand on the wire, encoded once and shared by every socket that they go to.

use bytes::Bytes;
use serde::Serialize;

/// The longest header of an unmasked frame: two bytes and a 64-bit length (RFC 6455, section 5.2).
const HEADER_MAX_BYTES: usize = 10;
/// FIN and the opcode of a text frame.
const TEXT: u8 = 0x81;
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

    /// The length of the header depends on that of the payload. So the payload is written behind space for
    /// the longest header. Then the header is written directly before it, and the unused space is sliced off.
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
}
