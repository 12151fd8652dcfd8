use std::io::{Cursor, Read, Write};

use bytes::BufMut as _;
use proptest::prelude::*;
use tokio_tungstenite::tungstenite::{
    Message as LibraryMessage,
    protocol::{Role, WebSocketConfig, WebSocketContext},
};

use super::*;

const MAX_BYTES: usize = 64 * 1024;
const KEY: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// A masked frame.
fn frame(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first_byte];
    match payload.len() {
        short @ 0..=125 => frame.push(MASKED | short as u8),
        medium @ 126..=0xffff => {
            frame.push(MASKED | LENGTH_IN_TWO_BYTES);
            frame.put_u16(medium as u16);
        }
        long => {
            frame.push(MASKED | LENGTH_IN_EIGHT_BYTES);
            frame.put_u64(long as u64);
        }
    }
    frame.extend(KEY);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// All that is read of these bytes, which come in parts of this length.
fn read(bytes: &[u8], part_bytes: usize) -> (Vec<Frame>, Option<Close>) {
    let mut reader = FrameReader::new(&[], MAX_BYTES);
    let mut frames = Vec::new();
    for part in bytes.chunks(part_bytes) {
        reader.buffer().put_slice(part);
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(close) => return (frames, Some(close)),
            }
        }
    }
    (frames, None)
}

/// The bytes of a client for the library, which has nobody to answer.
struct Recorded<'a>(Cursor<&'a [u8]>);

impl Read for Recorded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(std::io::ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

impl Write for Recorded<'_> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the protocol library reads of the same bytes: texts, pings' payloads and pongs.
fn read_by_library(bytes: &[u8]) -> Vec<Frame> {
    let config = WebSocketConfig::default().max_message_size(Some(MAX_BYTES)).max_frame_size(Some(MAX_BYTES));
    let mut library = WebSocketContext::new(Role::Server, Some(config));
    let mut stream = Recorded(Cursor::new(bytes));
    let mut frames = Vec::new();
    while let Ok(message) = library.read(&mut stream) {
        match message {
            LibraryMessage::Text(text) => frames.push(Frame::Text(text)),
            LibraryMessage::Ping(payload) => frames.push(Frame::Ping(WireFrame::pong(&payload))),
            LibraryMessage::Pong(_) => frames.push(Frame::Pong),
            LibraryMessage::Close(close) => {
                frames.push(Frame::Close(close.map(|close| close.code.into())));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    frames
}

/// A message in parts, with control frames between them.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let control = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..=125).prop_map(|payload| frame(0x89, &payload)),
        proptest::collection::vec(any::<u8>(), 0..=125).prop_map(|payload| frame(0x8a, &payload)),
    ];
    let text = prop_oneof![4 => "\\PC{0,80}", 1 => "\\PC{0,4000}", 1 => Just("가".repeat(20_000))];
    (text, proptest::collection::vec((any::<prop::sample::Index>(), proptest::option::of(control)), 0..5))
        .prop_map(|(text, cuts)| {
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> =
                cuts.into_iter().map(|(at, control)| (at.index(bytes.len() + 1), control)).collect();
            cuts.sort_by_key(|(at, _)| *at);
            let (mut written, mut from) = (Vec::new(), 0);
            for (at, control) in cuts {
                let opcode = if written.is_empty() { 0x1 } else { 0x0 };
                written.extend(frame(opcode, &bytes[from..at]));
                written.extend(control.unwrap_or_default());
                from = at;
            }
            let opcode = if written.is_empty() { 0x81 } else { 0x80 };
            written.extend(frame(opcode, &bytes[from..]));
            written
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the parts in which it comes: a conversation is read as the protocol library reads it.
    #[test]
    fn a_conversation_is_read_as_the_library_reads_it(
        messages in proptest::collection::vec(message(), 1..4),
        code in prop_oneof![Just(None), (1_000_u16..=1_003).prop_map(Some), (3_000_u16..=4_999).prop_map(Some)],
        part_bytes in prop_oneof![1..8_usize, 8..2_000_usize, Just(usize::MAX)],
    ) {
        let mut bytes = messages.concat();
        let close: Vec<u8> = code.map(|code| [&code.to_be_bytes()[..], "끝".as_bytes()].concat()).unwrap_or_default();
        bytes.extend(frame(0x88, &close));
        let (mut frames, refused) = read(&bytes, part_bytes);
        prop_assert_eq!(refused, None);
        frames.retain(|frame| *frame != Frame::Fragment);
        prop_assert_eq!(frames, read_by_library(&bytes));
    }

    /// No bytes make the reader panic, or take more than they are.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400), part_bytes in 1..40_usize) {
        let _ = read(&bytes, part_bytes);
    }
}

#[test]
fn a_message_at_the_bound_is_read_and_one_over_it_is_not() {
    let fits = "x".repeat(MAX_BYTES);
    assert_eq!(read(&frame(0x81, fits.as_bytes()), 999).0, [Frame::Text(fits.as_str().into())]);
    assert_eq!(read(&frame(0x81, format!("{fits}x").as_bytes()), 999), (vec![], Some(Close::FrameTooLarge)));
    // The sum counts, and control frames between the parts do not.
    let (half, rest) = fits.split_at(MAX_BYTES / 2);
    let parts = [frame(0x01, half.as_bytes()), frame(0x89, &[0; 125]), frame(0x80, rest.as_bytes())].concat();
    assert_eq!(read(&parts, 999).0.last(), Some(&Frame::Text(fits.as_str().into())));
    let parts = [frame(0x01, fits.as_bytes()), frame(0x89, b""), frame(0x80, b"x")].concat();
    assert_eq!(read(&parts, 999).1, Some(Close::FrameTooLarge));
}

#[test]
fn memory_grows_with_what_has_come_and_is_given_back() {
    let text = frame(0x81, &[b'x'; MAX_BYTES]);
    let mut reader = FrameReader::new(&[], MAX_BYTES);
    // The header announces 64 KiB, of which nothing comes.
    reader.buffer().put_slice(&text[..14]);
    assert_eq!(reader.next_frame(), Ok(None));
    assert!(reader.buffer().capacity() <= 2 * READ_BYTES, "{} bytes for a header", reader.buffer.capacity());
    for part in text[14..].chunks(1_000) {
        reader.buffer().put_slice(part);
    }
    assert!(reader.buffer.capacity() <= 3 * MAX_BYTES, "{} bytes for a frame", reader.buffer.capacity());
    assert!(matches!(reader.next_frame(), Ok(Some(Frame::Text(_)))));
    assert_eq!(reader.buffer().capacity(), READ_BYTES, "an idle socket keeps no more");
}
