//! Frames are the same however the bytes come in pieces, and what is no frame is refused.
#![cfg(feature = "framing")]

use proptest::prelude::*;
use thingflow_adapters::framing::{Buffer, FrameError, Framing, LengthPrefixed, Lines};

/// What a framing makes of bytes that come in pieces of these lengths, until an error that is fatal.
fn decoded<F: Framing>(framing: &F, bytes: &[u8], pieces: &[usize]) -> Vec<Result<F::Frame, FrameError>> {
    let (mut framing, mut buffer, mut seen) = (framing.clone(), Buffer::default(), Vec::new());
    let (mut rest, mut pieces) = (bytes, pieces.iter().copied().cycle());
    loop {
        match framing.decode(&mut buffer) {
            Ok(Some(frame)) => seen.push(Ok(frame)),
            Err(error) => {
                seen.push(Err(error));
                if error.is_fatal() {
                    return seen;
                }
            }
            Ok(None) if rest.is_empty() => break,
            Ok(None) => {
                let (piece, after) = rest.split_at(pieces.next().unwrap_or(1).clamp(1, rest.len()));
                buffer.extend(piece);
                rest = after;
            }
        }
    }
    seen.extend(framing.finish(&mut buffer).transpose());
    assert!(buffer.is_empty());
    seen
}

#[test]
fn sz43_lines_have_their_ends_and_limits() {
    let lines = Lines::default().max_len(5);
    let texts = |bytes: &[u8]| decoded(&lines, bytes, &[1]);
    let line = |text: &str| Ok(text.to_owned());
    assert_eq!(texts(b"a\r\n\n12345\r\nrest"), [line("a"), line(""), line("12345")]);
    assert_eq!(texts(b"123456\n7\n"), [Err(FrameError::TooLong(5))]);
    assert_eq!(texts(b"1234567"), [Err(FrameError::TooLong(5))], "before its end has come");
    assert_eq!(texts(b"a\n\xFF\nb\n"), [line("a"), Err(FrameError::NotUtf8(1)), line("b")]);
    let semicolons = Lines::default().delimiter(b';').allow_unterminated();
    assert_eq!(decoded(&semicolons, b"a\r;b", &[2]), [line("a\r"), line("b")]);
}

#[test]
fn a_length_that_is_too_large_is_refused_before_its_bytes_come() {
    let framing = LengthPrefixed::default().max_len(3);
    assert_eq!(decoded(&framing, &[0, 0, 0, 4], &[4]), [Err(FrameError::TooLong(3))]);
    assert_eq!(decoded(&framing, &[0, 0, 0, 0, 0, 0, 0, 1, 9, 0], &[3]), [Ok(vec![]), Ok(vec![9])]);
    assert!(FrameError::TooLong(3).to_string().contains("max_len"));
}

proptest! {
    #[test]
    fn frames_do_not_depend_on_the_pieces(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..20),
        pieces in prop::collection::vec(1_usize..30, 1..10),
    ) {
        let (framing, mut bytes) = (LengthPrefixed::default(), Vec::new());
        frames.iter().for_each(|frame| framing.encode(frame, &mut bytes));
        let expected: Vec<_> = frames.into_iter().map(Ok).collect();
        prop_assert_eq!(decoded(&framing, &bytes, &pieces), expected);
    }

    #[test]
    fn any_bytes_are_lines_or_refused_the_same_in_all_pieces(
        bytes in prop::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n'), 1 => Just(b'\r')], 0..200),
        pieces in prop::collection::vec(1_usize..30, 1..10),
    ) {
        let lines = Lines::default().max_len(40).allow_unterminated();
        let whole: Vec<_> = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\n").map_or(line, |line| line))
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .collect();
        let seen = decoded(&lines, &bytes, &pieces);
        for (seen, line) in seen.iter().zip(&whole) {
            match seen {
                Ok(text) => prop_assert_eq!(text.as_bytes(), *line),
                Err(FrameError::TooLong(_)) => prop_assert!(line.len() > 40),
                Err(FrameError::NotUtf8(at)) => prop_assert!(str::from_utf8(&line[..at - 1]).is_ok() && str::from_utf8(line).is_err()),
                Err(_) => prop_assert!(false),
            }
        }
        let ends_early = matches!(seen.last(), Some(Err(FrameError::TooLong(_))));
        prop_assert!(ends_early || seen.len() == whole.len());
    }
}
