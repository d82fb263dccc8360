//! Feeds `checks/requests.rs` with bytes.
#![no_main]

#[path = "../checks/requests.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
