//! A run's journal.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    if let Ok(records) = candor::store::read_journal(file.path()) {
        for record in records {
            let _ = record;
        }
    }
});
