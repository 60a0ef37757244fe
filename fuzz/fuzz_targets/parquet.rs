//! A Parquet file of rows. What panics in its reader is caught there, and is an error.
#![no_main]

use std::sync::Once;

static QUIET: Once = Once::new();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // libFuzzer's own hook would take a panic that is caught for a crash.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| ())));
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    let _ = candor::files::rows(file.path(), candor::files::Format::Parquet, None);
});
