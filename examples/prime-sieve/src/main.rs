//! A graph that grows while it runs: the sieve gets a filter for each prime, connected by the Thing that has found it.
//!
//! ```sh
//! cargo run -p prime-sieve
//! ```

use std::error::Error;

use thingflow::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let mut scheduler = Scheduler::new()?;
    let primes = primes(&scheduler, 2..)?;
    primes.take(20).print();
    scheduler.run_forever()?; // ends with the 20th: nobody listens any more, and the receipt travels up to the numbers
    Ok(())
}

/// The port of the primes among `numbers`, which begin with one.
fn primes(scheduler: &Scheduler, numbers: impl Iterator<Item = u32> + 'static) -> Result<Port<u32>, Box<dyn Error>> {
    let (numbers, primes) = (from_iter(numbers).output(), Port::new().named("primes"));
    numbers.connect(Sieve { numbers: numbers.port().clone(), primes: primes.clone() });
    scheduler.schedule_recurring(numbers)?;
    Ok(primes)
}

/// The end of the sieve: the first of the numbers that come so far is prime.
struct Sieve {
    numbers: Port<u32>,
    primes: Port<u32>,
}

impl Sink for Sieve {
    type Event = u32;
    fn on_next(&mut self, prime: u32, cx: &mut Context<'_>) -> Receipt {
        if self.primes.emit(prime, cx)? != Demand::Done {
            let rest = Port::new();
            self.numbers.filter(move |n| n % prime != 0).connect(rest.clone());
            rest.connect(Self { numbers: rest.clone(), primes: self.primes.clone() });
        }
        Ok(Demand::Done) // it has done its work: a filter stands in its place
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.primes.complete(cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.primes.fail(error, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::testing::Recorder;

    #[test]
    fn the_sieve_lets_the_primes_through() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let seen = Recorder::new();
        primes(&scheduler, 2..30)?.connect(seen.clone());
        scheduler.run_forever()?;
        assert_eq!(seen.text(), "2 3 5 7 11 13 17 19 23 29 |");
        Ok(())
    }

    #[test]
    fn it_ends_when_nobody_wants_more() -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let seen = Recorder::new();
        primes(&scheduler, 2..)?.take(5).connect(seen.clone());
        scheduler.run_forever()?;
        assert_eq!(seen.text(), "2 3 5 7 11 |");
        Ok(())
    }
}
