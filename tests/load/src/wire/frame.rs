//! The frames of RFC 6455, section 5: their headers, read and written, and the masking of what a client sends.

/// The bytes of the longest header: two, an eight-byte length and a mask.
pub const HEADER_MAX_BYTES: usize = 14;
/// The payload of a larger frame is refused. The servers' own limit is 64 KiB in either direction.
pub const PAYLOAD_MAX_BYTES: usize = 1024 * 1024;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// The largest payload whose length stands in the header's second byte.
const LENGTH_INLINE_MAX: usize = 125;
const LENGTH_IN_TWO_BYTES: u8 = 126;
const LENGTH_IN_EIGHT_BYTES: u8 = 127;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// UTF-8 text: a frame of `madang.v1.json`.
    Text,
    /// Bytes.
    Binary,
    /// The end of the conversation, with a code and a reason.
    Close,
    /// To be answered by a pong with the same payload.
    Ping,
    /// The answer to a ping.
    Pong,
}

impl Opcode {
    const fn of(bits: u8) -> Result<Self, FrameError> {
        match bits {
            0x0 => Err(FrameError::Fragmented),
            0x1 => Ok(Self::Text),
            0x2 => Ok(Self::Binary),
            0x8 => Ok(Self::Close),
            0x9 => Ok(Self::Ping),
            0xa => Ok(Self::Pong),
            _ => Err(FrameError::Opcode(bits)),
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }
}

/// Bytes that are no frame that the peer may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A message in several frames. No server under test sends one, and joining them would need a buffer a socket.
    #[error("a fragmented message")]
    Fragmented,
    /// An opcode that RFC 6455 reserves.
    #[error("reserved opcode {0:#x}")]
    Opcode(u8),
    /// Reserved bits without an extension that gives them a meaning.
    #[error("reserved bits set")]
    Reserved,
    /// A masked frame of a server, or an unmasked one of a client.
    #[error("the mask is on the wrong side")]
    Mask,
    /// A payload over [`PAYLOAD_MAX_BYTES`].
    #[error("a payload of {0} bytes")]
    TooLarge(u64),
}

/// Which end of the connection wrote a frame. A client masks, a server does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The frame must be masked.
    Client,
    /// The frame must not be masked.
    Server,
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What follows.
    pub opcode: Opcode,
    /// The header's own bytes.
    pub header_bytes: usize,
    /// The bytes that follow it.
    pub payload_bytes: usize,
    /// The key by which a client masked them.
    pub mask: Option<[u8; 4]>,
}

impl Header {
    /// Reads the header at the start of `bytes`; `None` when it is not all there yet.
    ///
    /// # Errors
    /// When the bytes are no frame that `writer` may send.
    pub fn parse(bytes: &[u8], writer: Writer) -> Result<Option<Self>, FrameError> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        if first & RESERVED != 0 {
            return Err(FrameError::Reserved);
        }
        if first & FIN == 0 {
            return Err(FrameError::Fragmented);
        }
        let opcode = Opcode::of(first & OPCODE)?;
        if (second & MASKED != 0) != (writer == Writer::Client) {
            return Err(FrameError::Mask);
        }
        let (length, length_bytes) = match second & LENGTH {
            LENGTH_IN_TWO_BYTES => match rest.first_chunk::<2>() {
                Some(length) => (u64::from(u16::from_be_bytes(*length)), 2),
                None => return Ok(None),
            },
            LENGTH_IN_EIGHT_BYTES => match rest.first_chunk::<8>() {
                Some(length) => (u64::from_be_bytes(*length), 8),
                None => return Ok(None),
            },
            length => (u64::from(length), 0),
        };
        let payload_bytes = match usize::try_from(length) {
            Ok(bytes) if bytes <= PAYLOAD_MAX_BYTES => bytes,
            _ => return Err(FrameError::TooLarge(length)),
        };
        let mask = match writer {
            Writer::Server => None,
            Writer::Client => match rest[length_bytes..].first_chunk::<4>() {
                Some(mask) => Some(*mask),
                None => return Ok(None),
            },
        };
        let header_bytes = 2 + length_bytes + if mask.is_some() { 4 } else { 0 };
        Ok(Some(Self { opcode, header_bytes, payload_bytes, mask }))
    }
}

/// Appends a client's frame to `out`: header, mask, and the payload under the mask.
pub fn write_client_frame(opcode: Opcode, payload: &[u8], mask: [u8; 4], out: &mut Vec<u8>) {
    write_header(opcode, payload.len(), MASKED, out);
    out.extend_from_slice(&mask);
    let start = out.len();
    out.extend_from_slice(payload);
    apply_mask(mask, &mut out[start..]);
}

/// Appends a server's frame to `out`: header and payload.
pub fn write_server_frame(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    write_header(opcode, payload.len(), 0, out);
    out.extend_from_slice(payload);
}

fn write_header(opcode: Opcode, payload_bytes: usize, mask_bit: u8, out: &mut Vec<u8>) {
    out.reserve(HEADER_MAX_BYTES + payload_bytes);
    out.push(FIN | opcode.bits());
    if let (Ok(length), true) = (u8::try_from(payload_bytes), payload_bytes <= LENGTH_INLINE_MAX) {
        out.push(mask_bit | length);
    } else if let Ok(length) = u16::try_from(payload_bytes) {
        out.push(mask_bit | LENGTH_IN_TWO_BYTES);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(mask_bit | LENGTH_IN_EIGHT_BYTES);
        out.extend_from_slice(&(payload_bytes as u64).to_be_bytes());
    }
}

/// Masks or unmasks: the two are the same exclusive or.
pub fn apply_mask(mask: [u8; 4], payload: &mut [u8]) {
    for chunk in payload.chunks_mut(mask.len()) {
        for (byte, key) in chunk.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
}

/// The payload of a close frame.
#[must_use]
pub fn close_payload(code: u16) -> [u8; 2] {
    code.to_be_bytes()
}

/// The code of a close frame's payload; 1005, "none given", where it is empty (RFC 6455, section 7.1.5).
#[must_use]
pub fn close_code(payload: &[u8]) -> u16 {
    const NONE_GIVEN: u16 = 1005;
    payload.first_chunk::<2>().map_or(NONE_GIVEN, |code| u16::from_be_bytes(*code))
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocket};

    use super::*;

    /// A stream that plays back what it was given and keeps what is written.
    struct Tape(std::io::Cursor<Vec<u8>>, Vec<u8>);

    impl std::io::Read for Tape {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(into)
        }
    }

    impl std::io::Write for Tape {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.1.write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    const SIZES: [usize; 9] = [0, 1, 125, 126, 127, 300, 65_535, 65_536, 100_000];

    fn text_of(bytes: usize) -> String {
        (0..bytes).map(|at| char::from(b'a' + u8::try_from(at % 26).unwrap())).collect()
    }

    #[test]
    fn another_implementation_reads_our_client_frames_at_every_length_of_header() {
        for bytes in SIZES {
            let mut wire = Vec::new();
            write_client_frame(Opcode::Text, text_of(bytes).as_bytes(), [1, 2, 3, 254], &mut wire);
            let mut peer =
                WebSocket::from_raw_socket(Tape(std::io::Cursor::new(wire), vec![]), Role::Server, None);
            assert_eq!(peer.read().unwrap(), Message::text(text_of(bytes)));
        }
    }

    #[test]
    fn we_read_another_implementations_server_frames_at_every_length_of_header() {
        for bytes in SIZES {
            let tape = Tape(std::io::Cursor::new(vec![]), vec![]);
            let mut peer = WebSocket::from_raw_socket(tape, Role::Server, None);
            peer.send(Message::text(text_of(bytes))).unwrap();
            let wire = &peer.get_ref().1;
            let header = Header::parse(wire, Writer::Server).unwrap().unwrap();
            assert_eq!((header.opcode, header.payload_bytes), (Opcode::Text, bytes));
            assert_eq!(&wire[header.header_bytes..], text_of(bytes).as_bytes());
            for cut in 0..header.header_bytes {
                assert_eq!(Header::parse(&wire[..cut], Writer::Server), Ok(None), "{cut} of {bytes}");
            }
        }
    }

    #[test]
    fn a_clients_header_is_incomplete_until_its_mask_is_there() {
        for bytes in SIZES {
            let mut wire = Vec::new();
            write_client_frame(Opcode::Binary, text_of(bytes).as_bytes(), [9, 8, 7, 6], &mut wire);
            let header = Header::parse(&wire, Writer::Client).unwrap().unwrap();
            assert_eq!(header.mask, Some([9, 8, 7, 6]));
            assert_eq!(header.header_bytes + bytes, wire.len());
            for cut in 0..header.header_bytes {
                assert_eq!(Header::parse(&wire[..cut], Writer::Client), Ok(None), "{cut} of {bytes}");
            }
        }
    }

    #[test]
    fn what_a_peer_may_not_send_is_refused() {
        let refused = |bytes: &[u8], writer| Header::parse(bytes, writer).unwrap_err();
        assert_eq!(refused(&[0xc1, 0], Writer::Server), FrameError::Reserved);
        assert_eq!(refused(&[0x01, 0], Writer::Server), FrameError::Fragmented);
        assert_eq!(refused(&[0x80, 0], Writer::Server), FrameError::Fragmented);
        assert_eq!(refused(&[0x83, 0], Writer::Server), FrameError::Opcode(3));
        assert_eq!(refused(&[0x81, 0x80, 0, 0, 0, 0], Writer::Server), FrameError::Mask);
        assert_eq!(refused(&[0x81, 0], Writer::Client), FrameError::Mask);
        let mut huge = vec![0x82, 127];
        huge.extend_from_slice(&u64::MAX.to_be_bytes());
        assert_eq!(refused(&huge, Writer::Server), FrameError::TooLarge(u64::MAX));
    }

    #[test]
    fn a_close_says_its_code() {
        assert_eq!(close_code(&close_payload(4401)), 4401);
        assert_eq!(close_code(b"\x0f\xa0slow"), 4000);
        assert_eq!(close_code(b""), 1005);
    }
}
