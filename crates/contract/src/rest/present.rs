//! Fields that may be absent, null or a value.

use serde::{Deserialize, Deserializer};

/// Distinguishes null from absence: an absent field is `None`, and null is `Some(None)`.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}
