//! Recordings of other tools: the form by the first byte, a file of it behind that.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [choice, body @ ..] = bytes else { return };
    let forms = [
        ("lm-eval", "samples_a_2026-11-27.jsonl"),
        ("inspect", "log.json"),
        ("nemo-evaluator", "results.jsonl"),
        ("promptfoo", "out.json"),
        ("promptfoo", "out.jsonl"),
        ("evalscope", "row.jsonl"),
        ("freedombench", "one.json"),
        ("speechmap", "compliance_us.jsonl"),
    ];
    let (form, name) = forms[usize::from(*choice) % forms.len()];
    candor::run::import::fuzzing(form, name, body);
});
