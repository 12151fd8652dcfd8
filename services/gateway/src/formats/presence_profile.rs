//! The profile that gateways publish with a user's presence: enough to show the user without a call to the store.

use std::borrow::Cow;

use bytes::Bytes;
use madang_contract as frames;
use madang_domain::{Profile, UserId};
use madang_proto::gateway::v1 as proto;
use prost::Message as _;

/// A user as others are shown the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PresenceProfile {
    /// The user.
    pub(crate) user: UserId,
    /// The name to show.
    pub(crate) name: String,
    /// The picture.
    pub(crate) avatar_url: Option<String>,
    /// The embedding site's id of the user.
    pub(crate) external_id: Option<String>,
}

impl PresenceProfile {
    /// The user as a frame shows the user.
    pub(crate) fn user(&self) -> frames::User<'_> {
        frames::User {
            id: self.user,
            name: Cow::Borrowed(&self.name),
            avatar_url: self.avatar_url.as_deref().map(Cow::Borrowed),
        }
    }
}

/// Encodes a user's profile for the bus.
pub(crate) fn encode(profile: &Profile) -> Bytes {
    let profile = proto::PresenceProfile {
        name: profile.name.as_str().to_owned(),
        avatar_url: profile.avatar_url.as_ref().map(|url| url.as_str().to_owned()),
        external_id: profile.external_id.as_ref().map(|id| id.as_str().to_owned()),
    };
    profile.encode_to_vec().into()
}

/// Decodes a profile; none where another version of the gateway wrote one that this version cannot read.
pub(crate) fn decode(user: UserId, profile: &Bytes) -> Option<PresenceProfile> {
    let proto::PresenceProfile { name, avatar_url, external_id } =
        proto::PresenceProfile::decode(profile.clone()).ok()?;
    Some(PresenceProfile { user, name, avatar_url, external_id })
}

#[cfg(test)]
mod tests {
    use madang_domain::{AvatarUrl, DisplayName, ExternalId, Timestamp, Username};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_profile_is_read_as_it_was_written() {
        let profile = Profile {
            id: UserId::new(Uuid::from_u128(7)),
            username: Username::new("mina").unwrap(),
            name: DisplayName::new("미나").unwrap(),
            avatar_url: Some(AvatarUrl::new("https://example.com/mina.png").unwrap()),
            external_id: Some(ExternalId::new("41").unwrap()),
            version: Timestamp::default(),
        };
        let read = decode(profile.id, &encode(&profile)).unwrap();
        assert_eq!(read.user(), super::super::native::user(&profile));
        assert_eq!(read.external_id.as_deref(), Some("41"));
        assert_eq!(decode(profile.id, &Bytes::from_static(b"\xff")), None);
    }
}
