//! The corpus of a target, and what is made of it for its bounded run as a test.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

/// The files of a target's corpus.
pub(crate) fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files = fs::read_dir(folder).expect("the corpus is in the repository");
    files.map(|file| fs::read(file.expect("a file").path()).expect("a file")).collect()
}

/// Bytes of the corpus, cut, doubled and with others in between.
pub(crate) fn mutated(target: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let piece = (prop::sample::select(corpus(target)), any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let piece = piece.prop_map(|(bytes, from, to)| {
        let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
        bytes[from.min(to)..from.max(to)].to_vec()
    });
    let signs = prop::collection::vec(prop::sample::select(&b"\"\",;\n\n\r\0\xEF\xBB\xBF\xFF01-.eT:Z#L*/@ "[..]), 0..6);
    prop::collection::vec(prop_oneof![piece, signs, prop::collection::vec(any::<u8>(), 0..4)], 0..8)
        .prop_map(|all| all.concat())
}
