//! A body in one of the dialects, in one piece or as an event stream: the first byte chooses status, dialect and pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [choice, body @ ..] = bytes else { return };
    let choice = usize::from(*choice);
    let status = [200, 200, 400, 403, 429, 503][choice % 6];
    candor::model::remote::fuzzing::reply(choice / 6, status, body, choice * 3 + 1);
});
