//! Feeds `checks/mqtt.rs` with bytes.
#![no_main]

#[path = "../checks/mqtt.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
