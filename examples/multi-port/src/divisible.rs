//! The Thing with three output ports.

use std::ops::RangeInclusive;

use thingflow_core::Visitor;
use thingflow_core::prelude::*;

pub(crate) struct Divisible {
    numbers: RangeInclusive<u64>,
    pub(crate) by_two: Port<u64>,
    pub(crate) by_three: Port<(u64, u64)>,
    pub(crate) by_five: Port<String>,
}

impl Divisible {
    pub(crate) fn new(numbers: RangeInclusive<u64>) -> Self {
        Self { numbers, by_two: Port::new(), by_three: Port::new(), by_five: Port::new() }
    }

    /// A port that nobody listens to answers `Done`; the Thing is done when that is true of all.
    fn demand(&self, receipts: [Demand; 3]) -> Demand {
        if !self.is_listened() {
            Demand::Done
        } else if receipts.contains(&Demand::Full) {
            Demand::Full
        } else {
            Demand::More
        }
    }
}

impl OutputThing for Divisible {
    fn produce(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let Some(n) = self.numbers.next() else {
            self.by_two.complete(cx)?;
            self.by_three.complete(cx)?;
            self.by_five.complete(cx)?;
            return Ok(Demand::Done);
        };
        let mut receipts = [Demand::More; 3];
        if n % 2 == 0 {
            receipts[0] = self.by_two.emit(n, cx)?;
        }
        if n % 3 == 0 {
            receipts[1] = self.by_three.emit((n, n / 3), cx)?;
        }
        if n % 5 == 0 {
            receipts[2] = self.by_five.emit(format!("{n} ends in {}", n % 10), cx)?;
        }
        Ok(self.demand(receipts))
    }
    fn start(&mut self, cx: &mut Context<'_>) -> Receipt {
        let receipts = [self.by_two.on_start(cx)?, self.by_three.on_start(cx)?, self.by_five.on_start(cx)?];
        Ok(self.demand(receipts))
    }
    fn fail(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.by_two.fail(error.clone(), cx)?;
        self.by_three.fail(error.clone(), cx)?;
        self.by_five.fail(error, cx)
    }
    fn is_listened(&self) -> bool {
        self.by_two.is_listened() || self.by_three.is_listened() || self.by_five.is_listened()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.port(self.by_two.as_ref(), false);
        visitor.port(self.by_three.as_ref(), false);
        visitor.port(self.by_five.as_ref(), false);
    }
}
