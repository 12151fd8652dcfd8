//! What a node of a Redis Cluster knows of the others, in the words of `CLUSTER NODES`.

/// One node, as one of them sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeView {
    pub(super) id: String,
    pub(super) port: u16,
    pub(super) is_myself: bool,
    /// It has not joined yet.
    pub(super) is_new: bool,
    pub(super) is_master: bool,
    /// Of a replica: the id of its master.
    pub(super) master: Option<String>,
    /// Of two nodes that claim a slot, the one with the greater epoch is right.
    pub(super) epoch: u64,
    /// Ranges of slots, both ends included.
    pub(super) slots: Vec<(u16, u16)>,
}

impl NodeView {
    pub(super) fn serves(&self, slot: u16) -> bool {
        self.slots.iter().any(|(first, last)| (*first..=*last).contains(&slot))
    }

    pub(super) fn slot_count(&self) -> u32 {
        self.slots.iter().map(|(first, last)| u32::from(last - first) + 1).sum()
    }

    /// What all nodes have to agree on.
    pub(super) fn place(&self) -> (&str, bool, Option<&str>, &[(u16, u16)]) {
        (&self.id, self.is_master, self.master.as_deref(), &self.slots)
    }
}

/// The answer to `CLUSTER NODES`, by id. A line that is not understood is left out.
pub(super) fn parse(answer: &str) -> Vec<NodeView> {
    let mut nodes: Vec<NodeView> = answer.lines().filter_map(parse_line).collect();
    nodes.sort();
    nodes
}

/// `<id> <ip:port@cport> <flags> <master> <ping-sent> <pong-received> <config-epoch> <link> <slot> … <slot>`
fn parse_line(line: &str) -> Option<NodeView> {
    let mut fields = line.split(' ');
    let id = fields.next()?.to_owned();
    let address = fields.next()?.split(['@', ',']).next()?;
    let port = address.rsplit_once(':')?.1.parse().ok()?;
    let flags: Vec<&str> = fields.next()?.split(',').collect();
    let master = fields.next().filter(|master| *master != "-").map(str::to_owned);
    let epoch = fields.nth(2)?.parse().ok()?;
    let slots = fields.skip(1).filter_map(parse_slots).collect();
    let is = |flag| flags.contains(&flag);
    Some(NodeView {
        id,
        port,
        is_myself: is("myself"),
        is_new: is("handshake"),
        is_master: is("master"),
        master,
        epoch,
        slots,
    })
}

/// `7`, `0-5460`; slots on the move (`[7->-id]`) are not counted twice.
fn parse_slots(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((first.parse().ok()?, last.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_redis_is_read() {
        let nodes = parse(
            "07c3 127.0.0.1:30004@31004,host slave e7d1 0 1426238317239 4 connected\n\
             67ed 127.0.0.1:30002@31002 master,fail? - 0 1426238316232 2 connected 5461-10922\n\
             e7d1 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5459 5460 [93->-292f] [77-<-e7d1]\n\
             9999 :0@0 noaddr,handshake - 0 0 0 disconnected\n",
        );
        assert_eq!(nodes.iter().map(|node| node.port).collect::<Vec<_>>(), [30_004, 30_002, 0, 30_001]);
        let [replica, other, new, myself] = nodes.as_slice() else { panic!("{nodes:?}") };
        assert_eq!((replica.master.as_deref(), replica.is_master), (Some("e7d1"), false));
        assert_eq!((other.epoch, other.is_master, other.slots.as_slice()), (2, true, &[(5_461, 10_922)][..]));
        assert!(new.is_new && myself.is_myself && !other.is_myself);
        assert_eq!((myself.slot_count(), myself.serves(5_460), myself.serves(93)), (5_461, true, true));
    }
}
