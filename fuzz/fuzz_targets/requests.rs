//! Feeds `checks/requests.rs` with bytes.
#![no_main]

#[path = "../checks/requests.rs"]
mod check;

libfuzzer_sys::fuzz_target!(
    // Where Rust begins a program this signal is ignored: here the page would end by it, when a client has hung up.
    init: {
        let heard: std::sync::Arc<std::sync::atomic::AtomicBool> = Default::default();
        signal_hook::flag::register(signal_hook::consts::SIGPIPE, heard).expect("a handler")
    },
    |bytes: &[u8]| check::check(bytes)
);
