//! Feeds `checks/recording.rs` with bytes.
#![no_main]

#[path = "../checks/recording.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
