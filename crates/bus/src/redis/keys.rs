//! The names of the keys, and which shard a topic belongs to.
//!
//! Key names are a wire between gateways of different versions, as the shard of a topic and its hash tag are: changing one
//! is a change of the key prefix. That is why the key of a gateway stream still reads `inbox:<gateway>`, the key of a topic's
//! subscribers `listeners:<topic>`, and the keys of presence `held:<gateway>` and `holders`.

use madang_domain::{GatewayId, TopicId};

/// The keys of the gateway streams, as traces name them together.
pub(super) const STREAM_TEMPLATE: &str = "madang:{shard}:inbox:{gateway}";

/// The shard of a topic: FNV-1a (64 bit, <http://www.isthe.com/chongo/tech/comp/fnv/>) of the UUID's bytes.
///
/// All gateways must agree on it, whatever their version: changing it is a change of the key prefix.
pub(super) fn shard_of(topic: TopicId, shards: u16) -> u16 {
    shard_of_bytes(topic.uuid().as_bytes(), shards)
}

/// The shard of a shared budget, likewise, of its name.
pub(super) fn shard_of_budget(budget: &str, shards: u16) -> u16 {
    shard_of_bytes(budget.as_bytes(), shards)
}

fn shard_of_bytes(bytes: &[u8], shards: u16) -> u16 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash = bytes.iter().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    u16::try_from(hash % u64::from(shards.max(1))).unwrap_or(0)
}

/// The keys of one shard, as one gateway uses them. All contain the shard's hash tag in braces, so that they share
/// a slot of a Redis Cluster, including those whose names the scripts compose from the prefixes.
#[derive(Debug, Clone)]
pub(super) struct ShardKeys {
    /// `…listeners:`, before the topic: the set of gateways that are subscribed to it.
    pub(super) subscribers_prefix: String,
    /// `…lease:`, before the gateway.
    pub(super) lease_prefix: String,
    /// `…inbox:`, before the gateway.
    pub(super) stream_prefix: String,
    /// This gateway's lease, with a time to live; the module `lease` explains its value.
    pub(super) lease: String,
    /// This gateway's stream.
    pub(super) stream: String,
    /// The shard's epoch; `pulse.lua` explains its value.
    pub(super) epoch: String,
    /// The set of gateways that have not left.
    pub(super) gateways: String,
    /// `…present:`, before the topic: a hash of users.
    pub(super) present_prefix: String,
    /// `…held:`, before the gateway: the set of pairs of topic and user of which it has sockets.
    pub(super) pairs_prefix: String,
    /// The set of pairs of this gateway.
    pub(super) pairs: String,
    /// The gateways that have pairs, by the time at which their lease expires: a sorted set.
    pub(super) pair_owners: String,
    /// `…budget:`, before the name: when a shared budget is full again.
    pub(super) budget_prefix: String,
    /// The pairs of which no gateway has sockets, by the time at which they are removed: a sorted set.
    pub(super) leaving: String,
}

impl ShardKeys {
    pub(super) fn new(prefix: &str, tag: &str, gateway: GatewayId) -> Self {
        let key = |rest: &str| format!("{prefix}:{{{tag}}}:{rest}");
        Self {
            subscribers_prefix: key("listeners:"),
            lease: key(&format!("lease:{gateway}")),
            stream: key(&format!("inbox:{gateway}")),
            lease_prefix: key("lease:"),
            stream_prefix: key("inbox:"),
            epoch: key("epoch"),
            gateways: key("gateways"),
            present_prefix: key("present:"),
            pairs: key(&format!("held:{gateway}")),
            pairs_prefix: key("held:"),
            pair_owners: key("holders"),
            budget_prefix: key("budget:"),
            leaving: key("leaving"),
        }
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::{RoomId, UserId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn keys_contain_the_hash_tag_with_its_braces() {
        let keys = ShardKeys::new("madang", "3.48", GatewayId::new(Uuid::from_u128(1)));
        assert_eq!(keys.stream, "madang:{3.48}:inbox:00000000-0000-0000-0000-000000000001");
        assert_eq!(keys.subscribers_prefix, "madang:{3.48}:listeners:");
        assert_eq!(format!("{}{}", keys.lease_prefix, Uuid::from_u128(1)), keys.lease);
    }

    #[test]
    fn the_shard_of_a_topic_never_changes() {
        // Values of this algorithm for good: gateways of two versions must agree.
        let uuid = Uuid::from_u128(0x0194_1f29_7c00_7000_8000_0000_0000_0001);
        let room = TopicId::Room(RoomId::new(uuid));
        assert_eq!([1, 2, 7, 16, 1000].map(|shards| shard_of(room, shards)), [0, 1, 3, 11, 299]);
        assert_eq!(shard_of(TopicId::Inbox(UserId::new(uuid)), 16), shard_of(room, 16));
    }

    #[test]
    fn topics_spread_over_the_shards() {
        let mut counts = [0_u32; 8];
        for number in 0..8_000 {
            let topic = TopicId::Room(RoomId::new(Uuid::from_u128(number)));
            counts[usize::from(shard_of(topic, 8))] += 1;
        }
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
    }
}
