//! An entry that another gateway published, and the profile of a user who is present.

use bytes::Bytes;
use madang_domain::UserId;
use madang_gateway::fuzzing::{bus_entry, presence_profile};
use serde_json::value::RawValue;

/// The texts of an entry go into a frame of each of four formats, where a byte may become six.
const FRAME_BYTES_PER_BYTE: usize = 4 * 6;
/// What stands around them.
const FRAMES_BYTES: usize = 4 * 1024;

pub(crate) fn check(input: &[u8]) {
    let input = Bytes::copy_from_slice(input);
    drop(presence_profile(UserId::new(uuid::Uuid::nil()), &input));
    let Some(entry) = bus_entry(input.clone()) else { return };
    // What this gateway would publish of it is read alike by the next.
    let Some(again) = bus_entry(entry.published.clone()) else { panic!("it cannot be read again") };
    assert_eq!(again.topic, entry.topic);
    assert_eq!(again.published, entry.published);
    assert_eq!(again.frames, entry.frames);
    for frame in &entry.frames {
        // Without a number's size or a depth, which a site's own data may have as it likes.
        let value: Result<&RawValue, _> = serde_json::from_slice(frame);
        assert!(value.is_ok_and(|value| value.get().starts_with('{')), "no frame: {}", frame.escape_ascii());
    }
    let bytes: usize = entry.frames.iter().map(Bytes::len).sum();
    assert!(bytes <= FRAMES_BYTES + FRAME_BYTES_PER_BYTE * input.len(), "{bytes} bytes of frames");
}
