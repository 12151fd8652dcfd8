//! Fields that may be absent, null or a value.

use serde::{Deserialize, Deserializer};

/// Tells a null from an absence: absent is `None`, null is `Some(None)`.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}
