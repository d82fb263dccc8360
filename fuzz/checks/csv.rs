//! Any bytes as a CSV file: no panic, an end, errors that can be shown; what is read can be written and read again.

use std::io::Cursor;

use thingflow_adapters::csv::{Reader, Writer};
use thingflow_core::prelude::*;

type Event = SensorEvent<Option<f64>>;

pub(crate) fn check(bytes: &[u8]) {
    let whole = read(Reader::<Event, _>::new("file", bytes).max_len(256), bytes.len());
    let small = read(Reader::<Event, _>::new("file", Pieces(bytes)).max_len(256), bytes.len());
    assert_eq!(text(&whole), text(&small), "read in pieces");
    let _ = read(Reader::<SensorEvent<String>, _>::new("file", bytes).allow_unterminated(), bytes.len());
    let names = ["timestamp", "sensor_id", "value_1", "value_2"];
    let _ =
        read(Reader::<SensorEvent<(String, u8)>, _>::new("file", bytes).columns(names).without_header(), bytes.len());
    let mut again = Vec::new();
    let written = pipe().to(Writer::new("again", &mut again)).feed(whole.clone());
    assert!(written.is_ok(), "{written:?}");
    let back = read(Reader::<Event, _>::new("again", Cursor::new(again)), usize::MAX);
    assert_eq!(text(&whole), text(&back), "written and read again");
}

/// NaN is equal to itself as a text.
fn text(events: &[Event]) -> String {
    format!("{events:?}")
}

fn read<E, S: Source<Item = E>>(mut source: S, most: usize) -> Vec<E> {
    let (cx, mut events) = (&mut Context::detached(Instant::ZERO), Vec::new());
    for _ in 0..most.saturating_add(2) {
        let error = match source.pull(cx) {
            Ok(Some(event)) => {
                events.push(event);
                continue;
            }
            Ok(None) => return events,
            Err(Failure::Sample(error)) => error.to_string(),
            Err(Failure::NotYet) => panic!("a file has its rows at once"),
            Err(Failure::Fatal(token)) => {
                shown(&cx.take_error(token).to_string());
                return events;
            }
        };
        shown(&error);
    }
    panic!("more rows than bytes");
}

fn shown(error: &str) {
    assert!(error.len() < 2000 && error.chars().all(|char| !char.is_control()), "{error:?}");
}

/// A byte at a time.
struct Pieces<'a>(&'a [u8]);

impl std::io::Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let most = into.len().min(1);
        std::io::Read::read(&mut self.0, &mut into[..most])
    }
}
