//! gRPC adapters of the traits.
