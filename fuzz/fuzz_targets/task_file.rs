//! A task file of lm-evaluation-harness with one beside it that may be included: read, and rendered on a row of its fields.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
    write("task.yaml", bytes);
    write("_base.yaml", b"dataset_path: json\noutput_type: generate_until\ndoc_to_text: \"{{question}}\"\ndoc_to_target: answer\n");
    let _ = candor::suite::check_tasks(folder.path(), None);
});
