//! Any bytes as the answer of a web server: no panic, an end, limits that hold, the same answer in pieces.

use std::time::Duration;

use thingflow_adapters::http::read_answer;

pub(crate) fn check(bytes: &[u8]) {
    for most in [5, 1 << 16] {
        let read = |piece| read_answer(bytes, piece, most).map_err(|error| error.to_string());
        let whole = read(usize::MAX);
        for piece in [1, 97] {
            match (&whole, &read(piece)) {
                (Ok(a), Ok(b)) => {
                    assert_eq!((a.status, a.wait), (b.status, b.wait), "read in pieces of {piece}");
                    same_body(&a.body, &b.body, most);
                }
                (a, b) => assert_eq!(a, b, "read in pieces of {piece}"),
            }
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

/// How much of a body that is broken comes before the error depends on the pieces; what comes does not.
fn same_body((a, a_is_whole): &(Vec<u8>, bool), (b, b_is_whole): &(Vec<u8>, bool), most: u64) {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    assert!(long.starts_with(short), "other bytes");
    if *a_is_whole && *b_is_whole {
        assert_eq!(a, b, "a whole body");
    } else if a_is_whole != b_is_whole {
        assert_eq!(long.len() as u64, most, "an error in pieces only");
    }
}
