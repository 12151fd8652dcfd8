//! The memory allocator of every service.
//!
//! A gateway allocates in bursts (handshakes, replays) and then holds many small things for days. The system's
//! allocator keeps what a burst has freed in between them; jemalloc keeps sizes apart and gives pages back.

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
