//! A Parquet file of rows. What panics in its reader is caught there, and is an error.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    let _ = candor::files::rows(file.path(), candor::files::Format::Parquet, None);
});
