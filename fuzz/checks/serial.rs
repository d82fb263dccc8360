//! Any bytes on a serial line: no panic, readings in range, errors that can be shown, and behind them the next frame is found.

use std::fmt::Debug;

use thingflow_sensors::Measures;
use thingflow_sensors::pms5003::Pms5003;
use thingflow_sensors::serial::{CsvLines, Decode, FrameError, Message, NamedLines, PostcardFrames, encode};

pub(crate) fn check(bytes: &[u8]) {
    let messages = read(PostcardFrames::<Message, 32>::new(), bytes);
    assert!(messages.iter().flatten().all(|message| message.value.is_finite()));
    read(PostcardFrames::<Message, 32>::new().unchecked(), bytes);
    read(PostcardFrames::<Message, 4>::new(), bytes);
    let named = read(NamedLines::new(["lux", "temp"]), bytes);
    assert!(named.iter().flatten().all(|reading| reading.val.is_finite()));
    let rows = read(CsvLines::<2>::new(), bytes);
    assert!(rows.iter().flatten().flatten().all(|value| value.is_finite()));
    let most = Pms5003::new().quantities().as_ref()[0].range();
    let dust = read(Pms5003::new(), bytes);
    assert!(
        dust.iter().flatten().all(|dust| [dust.pm1, dust.pm2_5, dust.pm10].iter().all(|value| most.contains(value)))
    );
    next_message_is_found(bytes);
}

fn read<D: Decode<Item: Debug>>(mut decoder: D, bytes: &[u8]) -> Vec<Result<D::Item, FrameError>> {
    let seen: Vec<_> = bytes.iter().filter_map(|byte| decoder.push(*byte)).collect();
    for error in seen.iter().filter_map(|frame| frame.as_ref().err()) {
        let text = error.to_string();
        assert!(text.len() < 200 && text.chars().all(|char| !char.is_control()), "{text:?}");
    }
    decoder.reset();
    bytes.iter().for_each(|byte| drop(decoder.push(*byte)));
    seen
}

/// A whole frame behind the garbage and its end.
fn next_message_is_found(bytes: &[u8]) {
    let (sent, mut buffer) = (Message { sensor: 3, ticks: 1_500, value: 21.5 }, [0; 32]);
    let frame = encode(&sent, &mut buffer).unwrap_or_default();
    let all = [bytes, &[0], frame].concat();
    let last = read(PostcardFrames::<Message, 32>::new(), &all).pop();
    assert_eq!(last, Some(Ok(sent)));
}
