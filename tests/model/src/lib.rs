//! A model of Madang's delivery protocol, small enough for a checker to explore everything that can happen in it.
//!
//! Read it as the specification. Each action names the code that it stands for. Each promise is a property that
//! [`check`](check::check) verifies in every reachable state within some [`Bounds`](bounds::Bounds). The tests of this
//! crate check the protocol as it is, and also with one rule broken, which the check must detect.
//!
//! # The parts
//!
//! | part | what it is | in the code |
//! | --- | --- | --- |
//! | [`Log`](log::Log) | the log of one room, and its members by it | `services/message-store` |
//! | [`Gateway`](gateway::Gateway) ×2 | appends in progress, a hub, a handle to the bus | `services/gateway/src/commands`, `hub` |
//! | [`Hub`](hub::Hub) | delivered events, waiting events, subscribers | `services/gateway/src/hub/topic_hub.rs` |
//! | [`Bus`](gateway::Bus) | lease task, publisher and reader | `crates/bus/src/redis/{lease,publisher,reader}/` |
//! | [`Redis`](redis::Redis) | subscribers of the room, a lease and a stream for each gateway | `crates/bus/src/redis/scripts/*.lua` |
//! | [`Request`](state::Request) | what a sender knows of its message, or of a removal | `crates/client/src/session/outbox.rs` |
//! | [`Subscriber`](state::Subscriber) | the state of a socket, its cursor, the events sent to it | `crates/client/src/session/room.rs` |
//!
//! # The rules
//!
//! **Sending.** 1. A sender sends a message with its key through a gateway. After an unknown outcome it sends the same
//! key again, through any gateway ([`Step::Send`]). 2. Under the room's lock, the store looks up the key, assigns the
//! next sequence number, and commits ([`Step::Commit`]). 3. Only then does the gateway publish the event, acknowledge
//! it, and pass it to its own hub ([`Step::Say`]). An event that was in the log before is acknowledged with its original
//! sequence number and not published again. 4. A started request continues after its client has disconnected. The store
//! may still execute a call of a dead gateway ([`Step::CommitLate`]).
//!
//! **From gateway to gateway.** 5. A publish appends to the streams of the other gateways that are subscribed and have a
//! valid lease ([`Step::Publish`]). Publishes of one gateway arrive in order, perhaps twice. Publishes of two gateways may
//! overtake each other. 6. A gateway may find its lease expired, or another process serving its data. It then takes a
//! lease, registers all its topics and compares its heads with the store ([`Step::Pulse`], [`Step::Register`],
//! [`Step::Reset`], in this order). After a reconnection it also compares. 7. A publisher that dropped an event tells the
//! others. The next probe reveals a stream that lost entries. The lease reveals a dead gateway ([`Step::Pulse`],
//! [`Step::MissLease`]). Every gateway that learns of such a loss compares. 8. Every gateway also compares periodically
//! ([`Step::Sweep`]). Nothing else finds the last event of a room after two simultaneous faults or a lost answer to its
//! append.
//!
//! **Delivering.** 9. A hub delivers an event after it has delivered the previous one, holds a few early events, and
//! drops duplicates ([`Hub::accept`](hub::Hub::accept)). 10. A hub that knows of a sequence number beyond its head reads
//! the events after its head from the store ([`Step::Repair`]).
//!
//! **Subscribing.** 11. A socket joins the hub, and the gateway becomes a listener of the room, before the store is asked
//! ([`Step::Connect`], then [`Step::Open`]). If Redis is unreachable, the wanted registration stays, and rule 6 makes up
//! for it ([`Step::Defer`]). 12. The store answers only members, with the current head. The session writes the events
//! between cursor and head to the socket. Events that the hub delivers meanwhile wait behind them ([`Step::Activate`]).
//! 13. A hub starts at the head of the first subscription that is ready. A subscription with an older head takes the hub
//! back to that head ([`Hub::activate`](hub::Hub::activate)). 14. A client that loses its socket reconnects, to any
//! gateway, with the last sequence number that has arrived.
//!
//! **Removing.** 15. A removal is an event of the log, made under the room's lock. After a hub has delivered it to the
//! removed user, it delivers nothing more to that user, and drops what waited behind a catch-up. After the commit, the
//! store refuses that user.
//!
//! # What fails
//!
//! See [`Fault`](bounds::Fault). A gateway dies at any moment, between any two of the steps above. Redis loses all data,
//! or a lease, or the content of a stream. It fails over to a replica that lacks the last writes, while the old master
//! continues to answer. Connections break, with the last call executed or not. Entries are dropped. Answers, senders and
//! sockets are lost. The checker chooses when, where and how often, within the budget of a bound.
//!
//! # What is promised
//!
//! See [`promise`](model::promise). D1 to D4 and D7 of the design hold in every state. A state is *at rest* if nothing
//! more happens without another fault. In every state at rest, every permitted subscriber has received everything and
//! every request is answered. Every gateway that should be a listener is one, so that the next event does not wait for
//! the sweep. The check also proves that rest is always reached: every step makes
//! [`State::distance`](state::State::distance) smaller. So eventual delivery needs no assumption of fairness, except that
//! a possible step is taken in the end.
//!
//! A subscriber has *received* what its gateway has put into its outbox, since from there on the socket keeps the order.
//! When the client names its next cursor, the checker chooses how much of it had arrived before the socket broke: any
//! prefix.
//!
//! # How it stays true to the code
//!
//! `services/gateway/src/hub/topic_hub/conformance.rs` drives [`Hub`](hub::Hub) and the gateway's own hub through every
//! sequence of calls that leads to a new state, and compares their answers. The other parts follow the named code line
//! by line; reviewers compare them. A change of the protocol must be made here first.
//!
//! # What is left out
//!
//! Time: a timer is a step that can be taken at any moment, which covers every value of it, and hence says nothing of how long
//! something takes. One room, since rooms share nothing that delivery depends on but the order of their entries in a
//! gateway stream. A replay that is too long, or of another epoch (the client then pages history), slow clients that are closed
//! (to the protocol a lost socket), rejoining, and several shards. Commands of abandoned connections that Redis runs
//! late: the lease's fence is against them, and `crates/bus/tests/bus/faults.rs` tests it on a real Redis. PostgreSQL
//! losing what it acknowledged is beyond the protocol.
//!
//! [`Step::Send`]: step::Step::Send
//! [`Step::Commit`]: step::Step::Commit
//! [`Step::CommitLate`]: step::Step::CommitLate
//! [`Step::Say`]: step::Step::Say
//! [`Step::Publish`]: step::Step::Publish
//! [`Step::Pulse`]: step::Step::Pulse
//! [`Step::Register`]: step::Step::Register
//! [`Step::Reset`]: step::Step::Reset
//! [`Step::MissLease`]: step::Step::MissLease
//! [`Step::Sweep`]: step::Step::Sweep
//! [`Step::Repair`]: step::Step::Repair
//! [`Step::Connect`]: step::Step::Connect
//! [`Step::Open`]: step::Step::Open
//! [`Step::Defer`]: step::Step::Defer
//! [`Step::Activate`]: step::Step::Activate

pub mod bounds;
pub mod check;
mod delivery;
mod fanout;
pub mod faults;
pub mod gateway;
pub mod hub;
pub mod list;
pub mod log;
pub mod model;
pub mod redis;
mod sending;
mod sizes;
pub mod state;
pub mod step;
mod subscribing;
