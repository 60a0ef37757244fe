//! A judge's reply.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    candor::score::judge_fuzzing::verdict(&String::from_utf8_lossy(bytes));
});
