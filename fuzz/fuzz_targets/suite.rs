//! A `suite.yaml` with two rows beside it: loaded, linted and rendered.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
    write("suite.yaml", bytes);
    write("items.jsonl", b"{\"id\":\"a\",\"question\":\"Q?\",\"target\":\"x\"}\n{\"id\":\"b\",\"q\":\"Q?\",\"choices\":[\"x\",\"y\"],\"target\":1}\n");
    let options = candor::suite::DataOptions { offline: true, ..Default::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    if let Ok(suite) = runtime.block_on(candor::suite::load(folder.path().to_str().expect("UTF-8"), &options)) {
        let _ = candor::suite::lint(&suite);
    }
});
