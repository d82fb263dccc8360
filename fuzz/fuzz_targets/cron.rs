//! Feeds `checks/cron.rs` with bytes.
#![no_main]

#[path = "../checks/cron.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
