//! The Thing with three output ports.

use std::ops::RangeInclusive;

use thingflow::PortRef;
use thingflow::Receipts;
use thingflow::prelude::*;

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
}

impl Ports for Divisible {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.by_two.as_ref());
        see(self.by_three.as_ref());
        see(self.by_five.as_ref());
    }
}

impl PortSource for Divisible {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        let Some(n) = self.numbers.next() else {
            return Ok(self.tell_ports(Notice::Completed, cx)?);
        };
        // `Done` says only that nobody listens to that port; the Thing is done when it is true of all.
        let mut receipts = Receipts::default();
        if n % 2 == 0 {
            receipts.add(self.by_two.emit(n, cx)?);
        }
        if n % 3 == 0 {
            receipts.add(self.by_three.emit((n, n / 3), cx)?);
        }
        if n % 5 == 0 {
            receipts.add(self.by_five.emit(format!("{n} ends in {}", n % 10), cx)?);
        }
        Ok(self.receipt_of(receipts))
    }
}
