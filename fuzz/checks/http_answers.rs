//! Any bytes as the answer of a web server: no panic, an end, limits that hold, the same answer in pieces.

use std::time::Duration;

use thingflow_adapters::http::read_answer;

pub(crate) fn check(bytes: &[u8]) {
    for most in [5, 1 << 16] {
        let read = |piece| read_answer(bytes, piece, most).map_err(|error| error.to_string());
        let whole = read(usize::MAX);
        for piece in [1, 97] {
            assert_eq!(whole, read(piece), "read in pieces of {piece}");
        }
        match whole {
            Ok(answer) => {
                assert!(answer.body.0.len() as u64 <= most);
                assert!(answer.wait.is_none_or(|wait| wait <= Duration::from_secs(3600)));
                assert!((100..=999).contains(&answer.status));
            }
            Err(error) => assert!(error.len() < 1000 && error.chars().all(|char| !char.is_control()), "{error:?}"),
        }
    }
}
