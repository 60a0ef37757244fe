//! A real pretrained model (Gemma 3 270M) in both layouts against Transformers: `just real-model`.

use std::path::PathBuf;

use crate::reference::check;
use crate::support::has_onnx_runtime;

#[test]
#[ignore = "needs the real model: CANDOR_REAL_MODEL names the folder that `just real-model` makes"]
fn the_real_model_agrees_with_transformers() {
    let folder = PathBuf::from(
        std::env::var_os("CANDOR_REAL_MODEL").expect("CANDOR_REAL_MODEL names the folder"),
    );
    assert!(has_onnx_runtime(), "ONNX Runtime is needed");
    // onnxruntime-genai's exporter rounds the factor of Gemma's embeddings to 25.3, which alone moves log-likelihoods by up to
    // 2e-3 nats; its graph is held against Transformers with the same factor.
    for (layout, reference, nats) in [
        ("optimum", "reference.json", 1e-4),
        ("genai-fp32", "reference-genai.json", 1e-3),
    ] {
        let agreement = check(&folder.join(layout), &folder.join(reference));
        println!(
            "{layout}: {} prompts, worst log-likelihood {:.1e} nats off",
            agreement.prompts, agreement.worst_nats
        );
        agreement.holds_within(nats);
    }
}
