//! A bus that hangs holds up the sensors on it, and nobody else.
#![cfg(all(feature = "std", feature = "tmp105"))]

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, Operation};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_sensors::bus::SharedBus;
use thingflow_sensors::simulated::StopAfter;
use thingflow_sensors::tmp105::Tmp105;

/// Hangs in each transfer until it is set free.
struct Hanging {
    free: Receiver<()>,
}

impl ErrorType for Hanging {
    type Error = ErrorKind;
}
impl I2c for Hanging {
    fn transaction(&mut self, _: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        self.free.recv().map_err(|_| ErrorKind::Other)?;
        for operation in operations {
            if let Operation::Read(bytes) = operation {
                bytes.fill(0x10);
            }
        }
        Ok(())
    }
}

/// Each of the two is told to measure, and read when it has.
const TRANSFERS: usize = 4;

#[test]
fn the_reactor_goes_on_while_a_bus_hangs() {
    let (set_free, free) = channel();
    let bus = SharedBus::new(Hanging { free });
    let mut scheduler = Scheduler::new().unwrap();
    let seen = Recorder::new();
    for (id, address) in [("hall", 0x48), ("attic", 0x49)] {
        let room = StopAfter::new(2, Tmp105::new(id, bus.clone()).address(address));
        let room = scheduler.schedule_sensor_on_separate_thread(room, Duration::from_millis(1)).unwrap();
        room.map(|e| format!("{} {}", e.sensor_id, e.val)).connect(seen.clone());
    }
    let ticks = from_iter(1..=5).inspect(move |tick: &i32| {
        if *tick == 5 {
            (0..TRANSFERS).try_for_each(|_| set_free.send(())).unwrap();
        }
    });
    let ticks = ticks.map(|tick: i32| format!("tick {tick}")).connect(seen.clone());
    scheduler.schedule_periodic(ticks, Duration::from_millis(5)).unwrap();
    scheduler.run_forever().unwrap();
    let mut events = seen.events();
    events[5..].sort(); // which of the two waited first is nobody's promise
    assert_eq!(events, ["tick 1", "tick 2", "tick 3", "tick 4", "tick 5", "attic 16.0625", "hall 16.0625"]);
}
