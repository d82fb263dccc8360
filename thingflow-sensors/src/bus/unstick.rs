//! [`unstick`]: frees an I2C bus that a chip holds down.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};

/// Frees an I2C bus whose data line a chip holds down, because it was interrupted in the middle of a byte: clocks until
/// the chip has sent the rest, at most nine times, then makes a stop condition. True if the line is free after that.
///
/// Both pins must be open drain, with pull-ups, and not in use by the I2C peripheral meanwhile.
///
/// # Errors
/// The pins' own.
pub fn unstick<P>(clock: &mut P, data: &mut P, delay: &mut impl DelayNs) -> Result<bool, <P as ErrorType>::Error>
where
    P: InputPin + OutputPin,
{
    data.set_high()?; // lets go of it
    for _ in 0..9 {
        if data.is_high()? {
            break;
        }
        clock.set_low()?;
        delay.delay_us(5);
        clock.set_high()?;
        delay.delay_us(5);
    }
    // A rising data line while the clock is high is a stop.
    clock.set_low()?;
    data.set_low()?;
    delay.delay_us(5);
    clock.set_high()?;
    delay.delay_us(5);
    data.set_high()?;
    delay.delay_us(5);
    data.is_high()
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use std::cell::{Cell, RefCell};
    use std::convert::Infallible;
    use std::rc::Rc;

    /// Two lines, and a chip that has so many zeros to send.
    #[derive(Default)]
    struct Lines {
        clock: Cell<bool>,
        data: Cell<bool>,
        zeros: Cell<u32>,
        stops: RefCell<u32>,
    }
    struct Pin(Rc<Lines>, bool);

    impl ErrorType for Pin {
        type Error = Infallible;
    }
    impl OutputPin for Pin {
        fn set_low(&mut self) -> Result<(), Infallible> {
            let Pin(lines, is_clock) = self;
            if *is_clock && lines.clock.replace(false) {
                lines.zeros.set(lines.zeros.get().saturating_sub(1));
            }
            if !*is_clock {
                lines.data.set(false);
            }
            Ok(())
        }
        fn set_high(&mut self) -> Result<(), Infallible> {
            let Pin(lines, is_clock) = self;
            if *is_clock {
                lines.clock.set(true);
            } else if !lines.data.replace(true) && lines.clock.get() && lines.zeros.get() == 0 {
                *lines.stops.borrow_mut() += 1;
            }
            Ok(())
        }
    }
    impl InputPin for Pin {
        fn is_high(&mut self) -> Result<bool, Infallible> {
            Ok(self.0.data.get() && self.0.zeros.get() == 0)
        }
        fn is_low(&mut self) -> Result<bool, Infallible> {
            self.is_high().map(|high| !high)
        }
    }

    fn free(zeros: u32) -> (bool, u32) {
        let lines = Rc::new(Lines { clock: Cell::new(true), zeros: Cell::new(zeros), ..Lines::default() });
        lines.data.set(true);
        let (mut clock, mut data) = (Pin(lines.clone(), true), Pin(lines.clone(), false));
        let freed = unstick(&mut clock, &mut data, &mut NoopDelay).unwrap();
        (freed, lines.stops.take())
    }

    #[test]
    fn clocks_the_rest_of_a_byte_out() {
        assert_eq!(free(0), (true, 1));
        assert_eq!(free(8), (true, 1));
        assert_eq!(free(100), (false, 0)); // a short circuit stays one
    }
}
