//! A body of a chat endpoint, in one piece or as an event stream: the first byte chooses status and pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [choice, body @ ..] = bytes else { return };
    let status = [200, 200, 400, 403, 429, 503][usize::from(*choice) % 6];
    candor::model::remote::fuzzing::reply(status, body, usize::from(*choice >> 3) * 3 + 1);
});
