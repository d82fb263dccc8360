//! Any bytes as frames: no panic, limits that hold, the same frames in pieces, and back to the bytes that they were.

use thingflow_adapters::framing::{Buffer, FrameError, Framing, LengthPrefixed, Lines};

pub(crate) fn check(bytes: &[u8]) {
    for max_len in [0, 5, 1 << 16] {
        for delimiter in [b'\n', b';', 0] {
            let lines = read(&Lines::default().max_len(max_len).delimiter(delimiter), bytes);
            assert!(lines.iter().flatten().all(|line| line.len() <= max_len));
            let again: Vec<u8> = encoded(&Lines::default().delimiter(delimiter), lines.iter().flatten());
            assert!(again.len() <= bytes.len() + 1);
        }
        let framing = LengthPrefixed::default().max_len(max_len);
        let frames = read(&framing, bytes);
        let again = encoded(&framing, frames.iter().flatten());
        assert!(bytes.starts_with(&again), "what was read is what was there");
        assert!(frames.iter().flatten().all(|frame| frame.len() <= max_len));
    }
    read(&Lines::default().allow_unterminated(), bytes);
}

fn encoded<'f, F: Framing>(framing: &F, frames: impl Iterator<Item = &'f F::Frame>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frames.for_each(|frame| framing.encode(frame, &mut bytes));
    bytes
}

/// The frames, of pieces of any size.
fn read<F: Framing<Frame: PartialEq + std::fmt::Debug>>(
    framing: &F,
    bytes: &[u8],
) -> Vec<Result<F::Frame, FrameError>> {
    let whole = read_pieces(framing.clone(), bytes, usize::MAX);
    for piece in [1, 7] {
        assert_eq!(whole, read_pieces(framing.clone(), bytes, piece), "read in pieces");
    }
    whole
}

fn read_pieces<F: Framing>(mut framing: F, bytes: &[u8], piece: usize) -> Vec<Result<F::Frame, FrameError>> {
    let (mut buffer, mut seen) = (Buffer::default(), Vec::new());
    for piece in bytes.chunks(piece) {
        buffer.extend(piece);
        loop {
            match framing.decode(&mut buffer) {
                Ok(Some(frame)) => seen.push(Ok(frame)),
                Ok(None) => break,
                Err(error) => {
                    seen.push(Err(error));
                    if error.is_fatal() {
                        return seen;
                    }
                }
            }
        }
    }
    match framing.finish(&mut buffer) {
        Ok(frame) => seen.extend(frame.map(Ok)),
        Err(error) => seen.push(Err(error)),
    }
    seen
}
