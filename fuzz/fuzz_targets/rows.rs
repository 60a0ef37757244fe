//! A file of rows: JSONL, JSON or CSV, by the first byte.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    use candor::files::Format;
    let [choice, body @ ..] = bytes else { return };
    let format = [Format::Jsonl, Format::Json, Format::Csv][usize::from(*choice) % 3];
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), body).expect("written");
    let _ = candor::files::rows(file.path(), format, Some("examples"));
});
