//! Feeds `checks/framing.rs` with bytes.
#![no_main]

#[path = "../checks/framing.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
