//! A loop in the graph: windows of two, their sum, back into the port they came from.
//!
//! ```sh
//! cargo run -p fibonacci
//! ```

use std::error::Error;
use std::time::Duration;

use thingflow::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let mut scheduler = Scheduler::new()?;
    fibonacci(&scheduler)?.take(20).print();
    scheduler.run_forever()?;
    Ok(())
}

/// The port of the numbers. Each turn of the loop goes through the scheduler, so that it starves nobody; the loop lives as
/// long as a source is connected to it or a number is on its way.
fn fibonacci(scheduler: &Scheduler) -> Result<Port<u64>, Box<dyn Error>> {
    let numbers = Port::new().named("numbers");
    numbers.pairwise().filter_map(|(a, b): (u64, u64)| a.checked_add(b)).take(20).feedback(&numbers);
    scheduler.schedule_later_one_time(from_iter([0]).connect(numbers.clone()), Duration::ZERO)?;
    scheduler.schedule_later_one_time(from_iter([1]).connect(numbers.clone()), Duration::ZERO)?;
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::testing::Recorder;

    #[test]
    fn each_number_is_the_sum_of_the_two_before() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let seen = Recorder::new();
        let numbers = fibonacci(&scheduler)?;
        numbers.take(10).connect(seen.clone());
        scheduler.run_forever()?;
        assert_eq!(seen.events(), [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]);
        Ok(())
    }
}
