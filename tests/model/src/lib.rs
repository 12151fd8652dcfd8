//! The delivery protocol of Madang as a model, small enough for everything that can happen in it to be looked at.
//!
//! Read it as the specification: each action names the code that it stands for, and each promise is a property that
//! [`check`](check::check) verifies in every state that can be reached within some [`Bounds`](bounds::Bounds). Tests of
//! this crate do so for the protocol as it is, and for the same with one rule broken, which must be caught.
//!
//! # The parts
//!
//! | part | what it is | in the code |
//! | --- | --- | --- |
//! | [`Log`](log::Log) | the log of one room, its members by it | `services/message-store` |
//! | [`Gateway`](gateway::Gateway) ×2 | appends under way, a hub, an end of the bus | `services/gateway/src/commands`, `hub` |
//! | [`Hub`](hub::Hub) | what was delivered here, what waits, who listens | `services/gateway/src/hub/topic_hub.rs` |
//! | [`Bus`](gateway::Bus) | lease task, publisher and reader | `crates/bus/src/redis/{lease,publisher,reader}/` |
//! | [`Redis`](redis::Redis) | subscribers of the room, a lease and a stream for each gateway | `crates/bus/src/redis/scripts/*.lua` |
//! | [`Request`](state::Request) | what a sender knows of its message, or of a removal | `crates/client/src/session/outbox.rs` |
//! | [`Subscriber`](state::Subscriber) | where a socket is, its cursor, what it was sent | `crates/client/src/session/room.rs` |
//!
//! # The rules
//!
//! **Sending.** 1. A sender sends a message with its key by way of a gateway; after an unknown outcome it sends the same
//! key again, by way of any ([`Step::Send`]). 2. The store looks for the key, gives the next place, and commits, under the
//! room's lock ([`Step::Commit`]). 3. Only then the gateway publishes the event, acknowledges it, and gives it to its own
//! hub ([`Step::Say`]). What was in the log before is acknowledged with its first place and not said again. 4. What has
//! begun goes on when its client has gone; what a dead gateway had asked for may still be carried out
//! ([`Step::CommitLate`]).
//!
//! **From gateway to gateway.** 5. A publish appends to the streams of those other gateways that are subscribed and whose lease
//! lives ([`Step::Publish`]). Publishes of one gateway arrive in their order, perhaps twice; those of two overtake each other.
//! 6. A gateway that finds its lease gone, or another process serving its data, takes a lease, registers all that it wants
//! and then compares its heads with the store ([`Step::Pulse`], [`Step::Register`], [`Step::Reset`], in this order). After a
//! reconnection it compares, too. 7. Who dropped what it should have published tells the others; a stream that lost
//! entries is told by its next probe; a gateway that died, by its lease ([`Step::Pulse`], [`Step::MissLease`]): whoever hears
//! of it compares. 8. And every gateway compares now and then, whatever it heard ([`Step::Sweep`]): nothing else finds
//! the last event of a room, if two faults fell together or the answer of its append was lost.
//!
//! **Delivering.** 9. A hub delivers an event when it has delivered the one before, holds a few that are early, and drops
//! what it has had ([`Hub::accept`](hub::Hub::accept)). 10. A hub that knows of a place beyond its head reads the events
//! after its head from the store ([`Step::Repair`]).
//!
//! **Subscribing.** 11. A socket joins the hub, and the gateway becomes a listener of the room, before the store is asked
//! ([`Step::Connect`], then [`Step::Open`]). Where Redis is away, the wish stands, and 6 makes up for it
//! ([`Step::Defer`]). 12. The store answers members alone, with the head of that moment; the events between cursor and head
//! are written to the socket; what the hub delivers meanwhile waits behind ([`Step::Activate`]). 13. A hub begins at the head
//! of the subscription that is first ready. One that was answered with an older head takes the hub back to there
//! ([`Hub::activate`](hub::Hub::activate)). 14. A client that loses its socket comes back, to any gateway, with the last
//! place that has arrived.
//!
//! **Removing.** 15. A removal is an event of the log, made under the room's lock. A hub that delivers it to the one removed
//! delivers nothing after it to that one, also not what waited behind a catch-up. Who asks the store after the commit is
//! refused.
//!
//! # What fails
//!
//! See [`Fault`](bounds::Fault): a gateway dies at any moment, between any two of the steps above; Redis forgets everything,
//! or a lease, or the content of a stream; it fails over to a replica that lacks the last writes, while the old master
//! goes on answering; connections break with the last call carried out or not; entries are dropped; answers,
//! senders and sockets are lost. When, where and how often is free within the budget of a bound.
//!
//! # What is promised
//!
//! See [`promise`](model::promise). Of every state: D1 to D4 and D7 of the design. Of every state *at rest*, in which
//! nothing more happens unless something fails again: every subscriber that may has been told everything, every
//! request is answered, and every gateway that should listen does, so that what comes next does not wait for the sweep.
//! That rest is always reached is checked as well: every step makes [`State::distance`](state::State::distance)
//! smaller. So "in the end" needs no assumption of fairness beyond that what can go on does.
//!
//! What a subscriber was *told* is what its gateway put into its outbox, for from there on the socket keeps the order. How much
//! of it had arrived when a socket broke is chosen when the client names its next cursor: any first part.
//!
//! # How it stays true to the code
//!
//! `services/gateway/src/hub/topic_hub/conformance.rs` drives [`Hub`](hub::Hub) and the gateway's own hub through every
//! sequence of calls that leads to a new state, and compares what they say. The other parts follow the code line by line as
//! named there, and are compared by readers. Whoever changes the protocol changes it here first.
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
