//! What a model wrote: its letter, its number, its words made visible.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let choices = ["Paris", "Rome", "a cat", "42"].map(str::to_owned);
    let _ = candor::text::answer_choice(&text, &choices);
    let _ = candor::text::answer_number(&text);
    let _ = candor::text::language(&text);
    assert!(!candor::text::visible(&text).contains('\u{1b}'));
});
