//! What was measured: the figures of the README, by `make bench` on two shared virtual cores. A test compares them with it.

/// Deliveries a gateway CPU-second, in rooms of 100 sockets at two gateways.
pub const DELIVERIES_ROOM_100: u64 = 52_980;

/// Deliveries a gateway CPU-second, in rooms of 1,000 sockets at two gateways.
pub const DELIVERIES_ROOM_1000: u64 = 97_261;

/// CPU a message in rooms of 2 with a socket at each of two gateways, of gateways, message-stores and auths together, in
/// microseconds.
pub const PUBLISH_MICROS: u64 = 370;

/// Durable appends a second into one PostgreSQL.
pub const APPENDS: u64 = 29_961;

/// Clients a second that connect, authenticate, subscribe and close.
pub const CONNECTS: u64 = 5_313;

/// The figures as the README writes them, each with a part of the row that has it.
pub const README: [(&str, &str); 5] = [
    ("52,980", "deliveries a gateway CPU-second"),
    ("97,261", "deliveries a gateway CPU-second"),
    ("0.370 ms", "CPU a publish"),
    ("29,961/s", "durable appends"),
    ("5,313/s", "clients"),
];

/// The sockets at which the autoscaler adds a gateway: `k8s/components/autoscaling`.
pub const SOCKETS_AT_A_GATEWAY: u64 = 12_000;

/// The threads of a gateway's workers: `MADANG_WORKER_THREADS` in `k8s/base`.
pub const GATEWAY_THREADS: u64 = 2;

/// The share of its CPU at which the autoscaler adds a gateway, in percent.
pub const GATEWAY_CPU_PERCENT: u64 = 70;
