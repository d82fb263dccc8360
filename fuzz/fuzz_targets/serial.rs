//! Feeds `checks/serial.rs` with bytes.
#![no_main]

#[path = "../checks/serial.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
