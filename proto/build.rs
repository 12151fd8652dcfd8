//! Compiles the .proto files with a compiler written in Rust, so that no `protoc` is needed.

const FILES: &[&str] = &[
    "madang/auth/v1/auth.proto",
    "madang/gateway/v1/envelope.proto",
    "madang/store/v1/store.proto",
    "madang/types/v1/types.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    let descriptors = protox::compile(FILES, ["."])?;
    tonic_prost_build::configure().bytes(".").build_transport(false).compile_fds(descriptors)?;
    Ok(())
}
