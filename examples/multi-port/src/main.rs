//! A Thing with three output ports of different types: a number goes to each port whose divisor it has.
//!
//! ```sh
//! cargo run -p multi-port
//! ```

mod divisible;

use std::error::Error;
use std::time::Duration;

use thingflow::prelude::*;

use divisible::Divisible;

fn main() -> Result<(), Box<dyn Error>> {
    let mut scheduler = Scheduler::new()?;
    let numbers = Divisible::new(1..=30);
    numbers.by_two.for_each(|n| println!("{n} is even"));
    numbers.by_three.for_each(|(n, third)| println!("{n} is three times {third}"));
    numbers.by_five.print();
    scheduler.schedule_periodic(numbers, Duration::from_millis(100))?;
    scheduler.run_forever()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::testing::Recorder;

    #[test]
    fn each_number_goes_to_the_ports_that_match() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let (twos, threes, fives) = (Recorder::new(), Recorder::new(), Recorder::new());
        let numbers = Divisible::new(1..=10);
        numbers.by_two.connect(twos.clone());
        numbers.by_three.connect(threes.clone());
        numbers.by_five.connect(fives.clone());
        scheduler.schedule_periodic(numbers, Duration::from_secs(1))?;
        scheduler.run_forever()?;
        assert_eq!(twos.timed_text(), "2@2 4@4 6@6 8@8 10@10 |@11");
        assert_eq!(threes.timed_text(), "(3, 1)@3 (6, 2)@6 (9, 3)@9 |@11");
        assert_eq!(fives.timed_text(), "\"5 ends in 5\"@5 \"10 ends in 0\"@10 |@11");
        Ok(())
    }

    #[test]
    fn it_runs_as_long_as_one_port_is_listened_to() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let (few, more) = (Recorder::new(), Recorder::new());
        let numbers = Divisible::new(1..=10);
        numbers.by_two.take(1).connect(few.clone());
        numbers.by_three.take(2).connect(more.clone());
        scheduler.schedule_periodic(numbers, Duration::from_secs(1))?;
        scheduler.run_forever()?;
        assert_eq!(few.timed_text(), "2@2 |@2");
        assert_eq!(more.timed_text(), "(3, 1)@3 (6, 2)@6 |@6");
        assert_eq!(scheduler.now(), Instant::ZERO + Duration::from_secs(6));
        Ok(())
    }
}
