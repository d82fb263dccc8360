//! Feeds `checks/requests.rs` with bytes. Whether the page goes on is asked after some of them: that takes as long as an input.
#![no_main]

#[path = "../checks/requests.rs"]
#[expect(dead_code, reason = "the tests ask after each")]
mod check;

libfuzzer_sys::fuzz_target!(
    // Where Rust begins a program this signal is ignored: here the page would end by it, when a client has hung up.
    init: {
        let heard: std::sync::Arc<std::sync::atomic::AtomicBool> = Default::default();
        signal_hook::flag::register(signal_hook::consts::SIGPIPE, heard).expect("a handler")
    },
    |bytes: &[u8]| {
        check::check_answer(bytes);
        if bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)) % 16 == 0 {
            check::check_health();
        }
    }
);
