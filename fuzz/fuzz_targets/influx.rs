//! Feeds `checks/influx.rs` with bytes.
#![no_main]

#[path = "../checks/influx.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
