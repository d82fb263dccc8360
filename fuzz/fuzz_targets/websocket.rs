//! Feeds `checks/websocket.rs` with bytes, whose sum says in which of its ways: all of them for each input would take 16 times as long.
#![no_main]

#[path = "../checks/websocket.rs"]
#[expect(dead_code, reason = "the tests go all ways")]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check_in(
    bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)),
    bytes
));
