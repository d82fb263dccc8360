//! Any bytes as lines: no panic, an end, a limit, errors that can be shown, the same lines in pieces.

use thingflow_adapters::lines::Reader;
use thingflow_core::prelude::*;

pub(crate) fn check(bytes: &[u8]) {
    for max_len in [0, 5, 1 << 20] {
        for delimiter in [b'\n', b';', 0] {
            let whole = read(Reader::new("file", bytes).max_len(max_len).delimiter(delimiter), bytes.len());
            let small = read(Reader::new("file", Pieces(bytes)).max_len(max_len).delimiter(delimiter), bytes.len());
            assert_eq!(whole, small, "read in pieces");
            assert!(whole.iter().flatten().all(|line| line.len() <= max_len));
        }
    }
    let all = read(Reader::new("file", bytes).lossy().allow_unterminated(), bytes.len());
    let plain = !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\u{FEFF}'));
    if plain {
        let lines = std::str::from_utf8(bytes).unwrap_or_default().lines();
        assert!(all.into_iter().map(Result::unwrap_or_default).eq(lines), "as the standard library");
    }
}

fn read<S: Source<Item = String>>(mut source: S, most: usize) -> Vec<Result<String, String>> {
    let (cx, mut seen) = (&mut Context::detached(Instant::ZERO), Vec::new());
    for _ in 0..=most + 1 {
        match source.pull(cx) {
            Ok(Some(line)) => seen.push(Ok(line)),
            Ok(None) => return seen,
            Err(Failure::Sample(error)) => {
                let error = error.to_string();
                assert!(error.len() < 400 && error.chars().all(|char| !char.is_control()), "{error:?}");
                seen.push(Err(error));
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("more lines than bytes");
}

/// A byte at a time.
struct Pieces<'a>(&'a [u8]);

impl std::io::Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let most = into.len().min(1);
        std::io::Read::read(&mut self.0, &mut into[..most])
    }
}
