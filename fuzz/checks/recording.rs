//! Any bytes as a record of a recording: no panic, no more than there is, the same when it is read again.

use thingflow_adapters::recording::Entry;
use thingflow_core::Instant;

pub(crate) fn check(bytes: &[u8]) {
    let Some(entry) = Entry::decode(bytes) else { return };
    assert_eq!(bytes.len(), 11 + entry.stream.len() + entry.contents.len(), "all of it, and nothing twice");
    assert_eq!(Entry::decode(bytes), Some(entry));
    if let Some((moment, stepped)) = entry.moment() {
        assert_eq!(entry.contents.len(), 33);
        assert_eq!(stepped, entry.contents[0] == 2);
        let at = u64::from_le_bytes(*entry.contents[17..].first_chunk().unwrap_or(&[0; 8]));
        assert_eq!(moment.at(), Instant::from_nanos(at), "what is beyond 575 years is not told apart");
    }
    let head = bytes.len() - entry.contents.len();
    for cut in 0..head.min(300) {
        assert_eq!(Entry::decode(&bytes[..cut]), None, "cut in its head");
    }
}
