//! Feeds `checks/lines.rs` with bytes.
#![no_main]

#[path = "../checks/lines.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
