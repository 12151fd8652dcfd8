//! What gateways tell each other of a user who is present: enough to name the user to anybody, with no call to the store.

use std::borrow::Cow;

use bytes::Bytes;
use madang_contract as frames;
use madang_domain::UserId;
use madang_proto::gateway::v1 as proto;
use madang_rpc::event::Profile;
use prost::Message as _;

/// A user as the socket's token described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) avatar_url: Option<String>,
    /// What the embedding site calls the user.
    pub(crate) external_id: Option<String>,
}

impl Card {
    /// The user as a frame has it.
    pub(crate) fn user(&self) -> frames::User<'_> {
        frames::User {
            id: self.user,
            name: Cow::Borrowed(&self.name),
            avatar_url: self.avatar_url.as_deref().map(Cow::Borrowed),
        }
    }
}

/// A user's card, for the bus.
pub(crate) fn encode(profile: &Profile) -> Bytes {
    let card = proto::Card {
        name: profile.name.as_str().to_owned(),
        avatar_url: profile.avatar_url.as_ref().map(|url| url.as_str().to_owned()),
        external_id: profile.external_id.as_ref().map(|id| id.as_str().to_owned()),
    };
    card.encode_to_vec().into()
}

/// Reads a card; none where another version wrote what this one cannot read.
pub(crate) fn decode(user: UserId, card: &Bytes) -> Option<Card> {
    let proto::Card { name, avatar_url, external_id } = proto::Card::decode(card.clone()).ok()?;
    Some(Card { user, name, avatar_url, external_id })
}

#[cfg(test)]
mod tests {
    use madang_domain::{AvatarUrl, DisplayName, ExternalId, Timestamp, Username};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_card_is_read_as_it_was_written() {
        let profile = Profile {
            id: UserId::new(Uuid::from_u128(7)),
            username: Username::new("mina").unwrap(),
            name: DisplayName::new("미나").unwrap(),
            avatar_url: Some(AvatarUrl::new("https://example.com/mina.png").unwrap()),
            external_id: Some(ExternalId::new("41").unwrap()),
            version: Timestamp::default(),
        };
        let card = decode(profile.id, &encode(&profile)).unwrap();
        assert_eq!(card.user(), crate::wire::user(&profile));
        assert_eq!(card.external_id.as_deref(), Some("41"));
        assert_eq!(decode(profile.id, &Bytes::from_static(b"\xff")), None);
    }
}
