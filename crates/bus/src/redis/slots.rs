//! The slots of a Redis Cluster: which one contains a shard, and which node serves it.
//!
//! <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>

use redis::{ConnectionAddr, Value};

/// How many slots a cluster has.
pub(super) const SLOTS: u16 = 16_384;

/// The slot of a hash tag: CRC-16/XMODEM of the text between the braces.
pub(super) fn slot_of(tag: &str) -> u16 {
    const POLYNOMIAL: u16 = 0x1021;
    let crc = tag.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ POLYNOMIAL }
        })
    });
    crc % SLOTS
}

/// The hash tag of a shard: its number, with a suffix that puts shard `i` of `n` into the `i`-th `n`-th of the slots.
/// Masters serve ranges of slots, so that shards are spread over masters as evenly as slots are. Plain numbers would
/// cluster where their checksums happen to lie. The tag of a single shard is `0`.
///
/// All gateways must agree on the tags, whatever their version.
pub(super) fn tag_of(shard: u16, shards: u16) -> String {
    let part_of = |slot: u16| u32::from(slot) * u32::from(shards) / u32::from(SLOTS);
    let is_in_part = |tag: &String| part_of(slot_of(tag)) == u32::from(shard);
    let numbered = (1_u32..).map(|number| format!("{shard}.{number}"));
    std::iter::once(shard.to_string()).chain(numbered).find(is_in_part).unwrap_or_default()
}

/// Which nodes serve which slots, as one node reports it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SlotMap {
    ranges: Vec<Range>,
    /// All nodes, replicas too, each once.
    pub(super) nodes: Vec<ConnectionAddr>,
}

/// A range of slots, both ends included.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
    master: ConnectionAddr,
}

impl SlotMap {
    /// Decodes the reply to `CLUSTER SLOTS` of the node that was asked at this host. It skips what it does not understand:
    /// the caller asks again for a slot without a master.
    pub(super) fn decode(reply: Value, asked_host: &str) -> Self {
        let mut map = Self::default();
        // [[first, last, [host, port, id, …] of the master, of replicas…], …]
        for range in array(reply) {
            let mut range = array(range).into_iter();
            let (Some(Value::Int(first)), Some(Value::Int(last))) = (range.next(), range.next()) else {
                continue;
            };
            let nodes: Vec<Option<ConnectionAddr>> =
                range.map(|node| decode_node(node, asked_host)).collect();
            if let (Ok(first), Ok(last), Some(Some(master))) =
                (u16::try_from(first), u16::try_from(last), nodes.first())
            {
                map.ranges.push(Range { first, last, master: master.clone() });
            }
            for node in nodes.into_iter().flatten() {
                if !map.nodes.contains(&node) {
                    map.nodes.push(node);
                }
            }
        }
        map
    }

    /// The master that serves a slot.
    pub(super) fn master_of(&self, slot: u16) -> Option<&ConnectionAddr> {
        self.ranges.iter().find(|range| (range.first..=range.last).contains(&slot)).map(|range| &range.master)
    }
}

fn decode_node(node: Value, asked_host: &str) -> Option<ConnectionAddr> {
    let mut node = array(node).into_iter();
    let host = match node.next()? {
        // A node that does not know its own endpoint means the host at which it was reached.
        Value::Nil => asked_host.to_owned(),
        Value::BulkString(host) if host.is_empty() => asked_host.to_owned(),
        // A node that should announce a host name and has none.
        Value::BulkString(host) if host == b"?" => return None,
        Value::BulkString(host) => String::from_utf8(host).ok()?,
        _ => return None,
    };
    let Value::Int(port) = node.next()? else { return None };
    Some(ConnectionAddr::Tcp(host, u16::try_from(port).ok()?))
}

fn array(value: Value) -> Vec<Value> {
    if let Value::Array(values) = value { values } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many shards each of `masters` serves, with the ranges that `redis-cli --cluster create` assigns.
    fn spread(shards: u16, masters: u16) -> Vec<usize> {
        let share = f64::from(SLOTS) / f64::from(masters);
        let end = |master: u16| (share * f64::from(master)).round();
        let slots: Vec<f64> = (0..shards).map(|shard| f64::from(slot_of(&tag_of(shard, shards)))).collect();
        (0..masters)
            .map(|master| slots.iter().filter(|slot| (end(master)..end(master + 1)).contains(slot)).count())
            .collect()
    }

    #[test]
    fn slots_agree_with_redis() {
        // CLUSTER KEYSLOT says the same.
        assert_eq!(["123456789", "0", "1", "madang", ""].map(slot_of), [12_739, 13_907, 9_842, 10_698, 0]);
    }

    #[test]
    fn the_tags_never_change_and_each_is_in_its_part() {
        assert_eq!(tag_of(0, 1), "0");
        assert_eq!([0, 1, 2].map(|shard| tag_of(shard, 3)), ["0.1", "1", "2.4"]);
        let twelve =
            ["0.13", "1.10", "2.11", "3.48", "4.5", "5.2", "6.4", "7.21", "8.1", "9.13", "10.12", "11.4"];
        assert_eq!((0..12).map(|shard| tag_of(shard, 12)).collect::<Vec<_>>(), twelve);
        for shards in [1, 2, 5, 16, 100, 1024] {
            for shard in 0..shards {
                let slot = u32::from(slot_of(&tag_of(shard, shards)));
                assert_eq!(slot * u32::from(shards) / u32::from(SLOTS), u32::from(shard));
            }
        }
    }

    #[test]
    fn twelve_shards_are_spread_evenly_over_usual_numbers_of_masters() {
        for (masters, each) in [(1, 12), (2, 6), (3, 4), (4, 3), (6, 2), (12, 1)] {
            assert_eq!(spread(12, masters), vec![each; usize::from(masters)], "{masters} masters");
        }
    }

    fn node(host: Value, port: i64) -> Value {
        Value::Array(vec![host, Value::Int(port), Value::BulkString(b"id".to_vec()), Value::Array(vec![])])
    }

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn a_reply_of_redis_is_read() {
        let range = |first, last, nodes: Vec<Value>| {
            Value::Array([vec![Value::Int(first), Value::Int(last)], nodes].concat())
        };
        let map = SlotMap::decode(
            Value::Array(vec![
                range(0, 5_460, vec![node(text("one"), 7001), node(text("four"), 7004)]),
                range(5_461, 5_461, vec![node(Value::Nil, 7002), node(text("one"), 7001)]),
                range(5_462, 9_000, vec![node(text("?"), 7003)]),
                range(9_001, 99_999, vec![node(text("three"), 7003)]),
            ]),
            "asked",
        );
        let [one, four, asked, three] = [("one", 7001), ("four", 7004), ("asked", 7002), ("three", 7003)]
            .map(|(host, port)| ConnectionAddr::Tcp(host.to_owned(), port));
        assert_eq!([0, 5_460, 5_461].map(|slot| map.master_of(slot)), [Some(&one), Some(&one), Some(&asked)]);
        assert_eq!([5_462, 9_001, 16_383].map(|slot| map.master_of(slot)), [None; 3]);
        assert_eq!(map.nodes, [one, four, asked, three]);
        assert_eq!(SlotMap::decode(Value::Okay, "asked"), SlotMap::default());
    }
}
