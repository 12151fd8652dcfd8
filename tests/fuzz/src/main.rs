//! The long run: libFuzzer with the target that `FUZZ_TARGET` names. `scripts/fuzz.sh` builds and starts it.

#![no_main]

use std::{env, sync::OnceLock};

use madang_fuzz::Target;

static TARGET: OnceLock<&'static Target> = OnceLock::new();

fn target() -> &'static Target {
    TARGET.get_or_init(|| {
        let name = env::var("FUZZ_TARGET").unwrap_or_default();
        Target::named(&name).unwrap_or_else(|| panic!("FUZZ_TARGET names no target: {name:?}"))
    })
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| target().run(input));
