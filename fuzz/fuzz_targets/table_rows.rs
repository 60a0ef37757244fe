//! A table of items in YAML, beside a suite that takes it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
    write("suite.yaml", b"format: 1\nname: s\nversion: \"1.0\"\nkind: benchmark\ntitle: T\nlicence: CC0-1.0\nsource: us\ndata: {files: [a.yaml]}\nprompt:\n  user: \"{{ question }} {{ v }}\"\nscorers:\n  - includes\n");
    write("a.yaml", bytes);
    let options = candor::suite::DataOptions { offline: true, ..Default::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let _ = runtime.block_on(candor::suite::load(folder.path().to_str().expect("UTF-8"), &options));
});
