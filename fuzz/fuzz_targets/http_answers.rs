//! Feeds `checks/http_answers.rs` with bytes.
#![no_main]

#[path = "../checks/http_answers.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
