//! The header of a file of weights.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    candor::model::onnx::fuzzing::safetensors(bytes);
});
