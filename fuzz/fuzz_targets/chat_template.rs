//! A model's chat template.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    candor::model::onnx::fuzzing::chat_template(&String::from_utf8_lossy(bytes));
});
