//! The internal contracts of Madang: the code generated from the `.proto` files beside this crate, and
//! nothing else. What a message or a field means stands in those files.
#![allow(missing_docs, reason = "generated: the .proto files hold the words")]
#![allow(clippy::all, clippy::pedantic, unreachable_pub, reason = "generated")]

/// People and events.
pub mod types {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("madang.types.v1");
    }
}

/// Accounts, sessions, tokens, keys.
pub mod auth {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("madang.auth.v1");
    }
}

/// Rooms, members, logs.
pub mod store {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("madang.store.v1");
    }
}

/// What gateways publish to each other.
pub mod gateway {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("madang.gateway.v1");
    }
}
