//! Feeds `checks/times.rs` with bytes.
#![no_main]

#[path = "../checks/times.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
