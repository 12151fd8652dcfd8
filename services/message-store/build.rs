//! Builds again when a migration is added: the compiler sees only the files that it embedded the last time.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
