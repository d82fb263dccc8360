//! What you write yourself: a sensor, a filter with its fluent method, a Thing with two inputs, and operators of the library
//! written again with its public kit.
//!
//! ```sh
//! cargo run -p custom-things
//! ```

mod changed_by;
mod difference;
#[cfg_attr(not(test), allow(dead_code))] // to be read, and compared with those of the library
mod kit;
mod ramp;

use std::error::Error;
use std::time::Duration;

use thingflow::prelude::*;

use changed_by::MyFilters;
use difference::Difference;
use ramp::Ramp;

fn main() -> Result<(), Box<dyn Error>> {
    let mut scheduler = Scheduler::new()?;
    difference(&scheduler)?.print();
    scheduler.run_forever()?;
    Ok(())
}

/// Both thermometers, each through the filter, into the Thing; the port is that of its output.
fn difference(scheduler: &Scheduler) -> Result<Port<f64>, Box<dyn Error>> {
    let out = Port::new();
    let thing = Shared::new(Difference::new(out.clone()));
    let every = Duration::from_secs(1);
    scheduler.schedule_sensor(Ramp::new("indoors", 0.5), every, |sensor| {
        sensor.map(|e| e.val).changed_by(1.0).connect(thing.input(Difference::on_indoors));
    })?;
    scheduler.schedule_sensor(Ramp::new("outdoors", 0.25), every, |sensor| {
        sensor.map(|e| e.val).changed_by(1.0).connect(thing.input(Difference::on_outdoors));
    })?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::testing::Recorder;

    #[test]
    fn the_difference_follows_both_sensors() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let seen = Recorder::new();
        difference(&scheduler)?.connect(seen.clone());
        scheduler.run_forever()?;
        assert_eq!(seen.timed_text(), "0.25@1 1.25@3 2.25@5 1.25@5 2.25@7");
        Ok(())
    }

    #[test]
    fn the_filter_works_on_any_chain() {
        assert_eq!(from_iter([1.0, 1.2, 2.5, 2.4]).changed_by(1.0).collect_now(), [1.0, 2.5]);
    }
}
