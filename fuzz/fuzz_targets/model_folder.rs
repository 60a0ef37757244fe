//! The graph of a model's folder, whose weights' places are read from it; its other files are whole.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
    write("model.onnx", bytes);
    write("config.json", b"{\"eos_token_id\":[1,2],\"max_position_embeddings\":64}");
    write("tokenizer.json", b"{}");
    candor::model::onnx::fuzzing::folder(folder.path());
});
