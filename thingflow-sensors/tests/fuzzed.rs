//! The check of the fuzz target for serial lines, for a while: on the corpus, on what is made of it, and on bytes at random.
#![cfg(all(feature = "std", feature = "pms5003", feature = "postcard"))]

use mutated::{corpus, mutated};
use proptest::prelude::*;

#[path = "../../fuzz/checks/mutated.rs"]
mod mutated;
#[path = "../../fuzz/checks/serial.rs"]
mod serial;

#[test]
fn the_corpus_passes() {
    corpus("serial").iter().for_each(|bytes| serial::check(bytes));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_serial_line_takes_any_bytes(bytes in mutated("serial")) {
        serial::check(&bytes);
    }
}
