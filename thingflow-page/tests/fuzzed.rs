//! The check of the fuzz target for requests, for a while: on the corpus, on what is made of it, and on bytes at random.

use mutated::{corpus, mutated};
use proptest::prelude::*;

#[path = "../../fuzz/checks/mutated.rs"]
mod mutated;
#[path = "../../fuzz/checks/requests.rs"]
mod requests;

#[test]
fn the_corpus_passes() {
    let all = corpus("requests");
    all.iter().for_each(|bytes| requests::check(bytes));
    let asked = ["GET /api/snapshot ", "GET /metrics "];
    let asked = all.iter().filter(|bytes| asked.iter().any(|start| bytes.starts_with(start.as_bytes())));
    let shown = asked.filter(|bytes| String::from_utf8_lossy(&requests::whole(bytes)).contains(requests::SECRET));
    assert!(shown.count() >= 2, "those with the token see it, so the others could");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(384) })]

    #[test]
    fn s05_requests_may_be_any_bytes(bytes in mutated("requests")) {
        requests::check(&bytes);
    }
}
