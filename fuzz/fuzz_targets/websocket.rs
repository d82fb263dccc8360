//! Feeds `checks/websocket.rs` with bytes.
#![no_main]

#[path = "../checks/websocket.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
