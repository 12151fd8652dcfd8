//! A stream of bytes into frames, without a buffer a socket.
//!
//! All sockets are read into one shared scratch buffer, and whole frames are handled there. Only the tail of a
//! read that ends inside a frame is copied aside, and its memory is given back when the frame is complete.

use super::frame::{FrameError, Header, Opcode, Writer, apply_mask};

/// What one socket keeps between two reads: the start of a frame that was split.
#[derive(Debug, Default)]
pub struct Splitter {
    partial: Vec<u8>,
}

impl Splitter {
    /// Hands each whole frame of what was kept and `read` to `on_frame`, in order, unmasked, and keeps the rest.
    ///
    /// # Errors
    /// When the bytes are no frames of `writer`; the stream cannot be read further.
    pub fn feed(
        &mut self,
        read: &mut [u8],
        writer: Writer,
        mut on_frame: impl FnMut(Opcode, &[u8]),
    ) -> Result<(), FrameError> {
        if self.partial.is_empty() {
            let used = split(read, writer, &mut on_frame)?;
            self.partial.extend_from_slice(&read[used..]);
            return Ok(());
        }
        self.partial.extend_from_slice(read);
        let used = split(&mut self.partial, writer, &mut on_frame)?;
        if used == self.partial.len() {
            self.partial = Vec::new();
        } else {
            self.partial.drain(..used);
        }
        Ok(())
    }

    /// The bytes that wait for the rest of their frame.
    #[must_use]
    pub const fn waiting_bytes(&self) -> usize {
        self.partial.len()
    }
}

/// Handles the whole frames at the start of `bytes` and says how many bytes they were.
fn split(
    bytes: &mut [u8],
    writer: Writer,
    on_frame: &mut impl FnMut(Opcode, &[u8]),
) -> Result<usize, FrameError> {
    let mut at = 0;
    while let Some(header) = Header::parse(&bytes[at..], writer)? {
        let start = at + header.header_bytes;
        let Some(payload) = bytes.get_mut(start..start + header.payload_bytes) else { break };
        if let Some(mask) = header.mask {
            apply_mask(mask, payload);
        }
        on_frame(header.opcode, payload);
        at = start + header.payload_bytes;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame::{write_client_frame, write_server_frame};

    fn collect(splitter: &mut Splitter, read: &[u8], writer: Writer) -> Vec<(Opcode, Vec<u8>)> {
        let mut frames = Vec::new();
        splitter
            .feed(&mut read.to_vec(), writer, |opcode, payload| frames.push((opcode, payload.to_vec())))
            .unwrap();
        frames
    }

    #[test]
    fn frames_are_the_same_however_the_stream_is_cut() {
        let payloads = [vec![], vec![b'a'; 10], vec![b'b'; 200], vec![b'c'; 70_000], vec![b'd'; 3]];
        for writer in [Writer::Server, Writer::Client] {
            let mut wire = Vec::new();
            for payload in &payloads {
                match writer {
                    Writer::Server => write_server_frame(Opcode::Text, payload, &mut wire),
                    Writer::Client => write_client_frame(Opcode::Text, payload, [5, 6, 7, 8], &mut wire),
                }
            }
            for piece_bytes in [1, 2, 3, 7, 100, 4_096, 65_536, wire.len()] {
                let mut splitter = Splitter::default();
                let frames: Vec<_> = wire
                    .chunks(piece_bytes)
                    .flat_map(|piece| collect(&mut splitter, piece, writer))
                    .map(|(_, payload)| payload)
                    .collect();
                assert_eq!(frames, payloads, "pieces of {piece_bytes}");
                assert_eq!(splitter.waiting_bytes(), 0);
                assert_eq!(splitter.partial.capacity(), 0, "memory is given back");
            }
        }
    }

    #[test]
    fn a_whole_frame_leaves_nothing_behind_and_a_split_one_its_start() {
        let mut wire = Vec::new();
        write_server_frame(Opcode::Ping, b"hi", &mut wire);
        write_server_frame(Opcode::Text, b"hello", &mut wire);
        let mut splitter = Splitter::default();
        assert_eq!(collect(&mut splitter, &wire[..6], Writer::Server), [(Opcode::Ping, b"hi".to_vec())]);
        assert_eq!(splitter.waiting_bytes(), 2);
        assert_eq!(collect(&mut splitter, &wire[6..], Writer::Server), [(Opcode::Text, b"hello".to_vec())]);
        assert_eq!(splitter.waiting_bytes(), 0);
    }
}
