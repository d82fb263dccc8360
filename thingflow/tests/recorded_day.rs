//! The recording "day", replayed. Needs `thingflow` with the features `recording` and `std`.

use std::error::Error;

use thingflow::adapters::recording::Replay;
use thingflow::prelude::*;
use thingflow::testing::Recorder;

#[test]
fn recorded_day() -> Result<(), Box<dyn Error>> {
    let mut replay = Replay::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded_day.recording"))?;
    let mut scheduler = Scheduler::with_clock(replay.clock())?;
    let front_door = replay.port::<bool>("front door")?;
    let front_door_seen = Recorder::new();
    front_door.connect(front_door_seen.clone()); // put your graph in between
    let lux = replay.port::<SensorEvent<f64>>("lux")?;
    let lux_seen = Recorder::new();
    lux.connect(lux_seen.clone()); // put your graph in between

    scheduler.schedule_recurring(replay)?;
    scheduler.run_forever()?;
    assert_eq!(front_door_seen.events().len(), 2);
    assert_eq!(lux_seen.events().len(), 2);
    Ok(())
}
