//! The check of the fuzz target for a journal's files, for a while: on the corpus, on what is made of it, and on bytes at random.

use mutated::{corpus, mutated};
use proptest::prelude::*;

#[path = "../../fuzz/checks/journal.rs"]
mod journal;
#[path = "../../fuzz/checks/mutated.rs"]
mod mutated;

#[test]
fn the_corpus_passes() {
    corpus("journal").iter().for_each(|bytes| journal::check(bytes));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_journal_takes_any_bytes_as_a_file(bytes in mutated("journal")) {
        journal::check(&bytes);
    }

    /// What is put right after a change of a few bytes.
    #[test]
    fn and_files_of_its_own_that_say_something_else(
        file in prop::sample::select(corpus("journal")),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        sealed in any::<bool>(),
    ) {
        let mut bytes = file;
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes[0] = bytes[0] & !2 | u8::from(sealed) << 1;
        journal::check(&bytes);
    }
}
