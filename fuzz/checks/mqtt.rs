//! Any bytes as what a broker says: no panic, in both versions, and the same packets however the bytes are cut.

use thingflow_adapters::mqtt::{Version, packets};

pub(crate) fn check(bytes: &[u8]) {
    let (cut, bytes) = bytes.split_first().map_or((1, bytes), |(first, rest)| (usize::from(*first % 16) + 1, rest));
    for version in [Version::V3_1_1, Version::V5] {
        let whole = packets(version, [bytes]);
        assert_eq!(whole, packets(version, bytes.chunks(cut)), "in pieces of {cut}");
    }
}
