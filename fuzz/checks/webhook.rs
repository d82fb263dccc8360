//! Any bytes as requests of a web hook: no panic, limits that hold, the same requests in pieces.

use thingflow_adapters::webhook::read_requests;

pub(crate) fn check(bytes: &[u8]) {
    for most in [0, 5, 1 << 16] {
        let whole = read_requests(bytes, usize::MAX, most);
        for piece in [1, 3, 4096] {
            assert_eq!(whole, read_requests(bytes, piece, most), "read in pieces");
        }
        assert!(whole.0.iter().all(|request| request.body.len() <= most));
        assert!(whole.0.len() * 17 <= bytes.len(), "more requests than bytes");
        assert!(whole.1.is_none_or(|status| (400..=505).contains(&status)));
    }
}
