//! Boards at the other end of a serial line, played by a pair of sockets.
#![cfg(all(feature = "std", feature = "postcard"))]
#![allow(clippy::unwrap_used)] // helpers of tests

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_sensors::serial::{Decode, Framed, Message, Named, NamedLines, PostcardFrames, encode};

/// Sends bytes over a line and ends it; what a program sees of it that skips broken frames.
fn run<D>(sent: &[u8], decoder: D, event: fn(SensorEvent<D::Item>) -> SensorEvent<f64>) -> String
where
    D: Decode<Item: Clone + Send> + Send + 'static,
{
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(sent).unwrap();
    drop(theirs);
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let timing = Periodic::every(Duration::from_millis(10)).on_failure(OnFailure::Skip);
    let board = Framed::new("board", ours, decoder);
    let board = scheduler.schedule_sensor_on_separate_thread(board, timing).unwrap();
    let seen = Recorder::new();
    board.map(event).map(|e| format!("{}={}", e.sensor_id, e.val)).connect(seen.clone());
    scheduler.run_forever().unwrap();
    seen.text().replace('"', "")
}

#[test]
fn an_arduino_prints_lines() {
    let lines = b"\xFF\x00ux 3\r\nlux 25.5\r\n\r\nbooting...\r\ntemp=21.25\r\nlux 26";
    assert_eq!(run(lines, NamedLines::new(["lux", "temp"]), Named::event), "lux=25.5 temp=21.25 |");
}

#[test]
fn a_microcontroller_sends_messages() {
    let frame = |sensor, value| {
        let mut buffer = [0; 32];
        encode(&Message { sensor, ticks: 7, value }, &mut buffer).unwrap().to_vec()
    };
    let broken = frame(1, 99.0)[3..].to_vec();
    let bytes = [b"garbage\0".to_vec(), frame(1, 20.5), broken, frame(2, -1.0)].concat();
    assert_eq!(run(&bytes, PostcardFrames::<Message, 32>::new(), |e| e.val.event(e.ts)), "1=20.5 2=-1 |");
}
