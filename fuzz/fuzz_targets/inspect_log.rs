//! A log of Inspect: a zip of JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    candor::run::import::fuzzing("inspect", "log.eval", bytes);
});
