//! Several sensors on one bus, and a bus that may fail.
//!
//! # Sharing
//! A driver owns its bus. For several on one, put the bus into an `Rc<RefCell<…>>` and give each an `RcDevice` of
//! [`embedded-hal-bus`](https://docs.rs/embedded-hal-bus) (feature `std` or `alloc`), which borrows it for each
//! transfer:
//!
//! ```
//! # #[cfg(feature = "tmp105")] {
//! use std::{cell::RefCell, rc::Rc};
//! use embedded_hal::i2c::I2c;
//! use embedded_hal_bus::i2c::RcDevice;
//! use thingflow_core::prelude::*;
//! use thingflow_sensors::{bus::Guarded, tmp105::Tmp105};
//! // On a Raspberry Pi: bus = thingflow_sensors::bus::linux::I2cBus::open(1)?
//! fn two_rooms<B: I2c<Error: Send + Sync> + 'static>(bus: B) {
//!     let bus = Rc::new(RefCell::new(Guarded::new(bus).retries(2)));
//!     let hall = SensorOutput::new(Tmp105::new("hall", RcDevice::new(bus.clone())));
//!     let attic = SensorOutput::new(Tmp105::new("attic", RcDevice::new(bus.clone())).address(0x49));
//!     // … and now and then: bus.borrow().stats()
//! #   let _ = (hall, attic);
//! }
//! # }
//! ```
//!
//! On Linux each may as well open the bus for itself, with `bus::linux::I2cBus` (feature `linux-bus`): the kernel lets one
//! transfer through at a time.
//!
//! On SPI each device file (`/dev/spidev0.0`) is a device of its own, and the kernel shares the bus. On a
//! microcontroller use `embedded_hal_bus::spi::RefCellDevice` with a pin for each chip.
//!
//! # Failing
//! A dead or unplugged chip fails its own samplings only. What follows from that says the schedule's policy
//! ([`OnFailure`](https://docs.rs/thingflow-core)); `Retry` asks less and less often, and goes on when the chip is
//! back: the sensors of this crate set theirs up anew by themselves. [`Guarded`] repeats a disturbed transfer, counts,
//! and calls for help when the whole bus is stuck.
//!
//! # Taking long
//! Nobody can interrupt a transfer from outside. On Linux the kernel gives up by itself, after a second unless
//! `I2cBus::timeout` says otherwise; until then whoever asked is blocked. A bus that may hang belongs on edge threads,
//! so that the rest of the program keeps its rhythm: `SharedBus` (feature `std`) lets the sensors of one bus be on
//! several. A chip that needs time to measure is another matter: see [`Conversion`](crate::Conversion).

mod guarded;
#[cfg(all(feature = "linux-bus", target_os = "linux"))]
pub mod linux;
#[cfg(feature = "std")]
mod shared;
mod unstick;

pub use guarded::{BusStats, Guarded, Help, NoHelp};
#[cfg(feature = "std")]
pub use shared::SharedBus;
pub use unstick::unstick;

#[cfg(all(test, feature = "tmp105"))]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, Operation};
    use embedded_hal_bus::i2c::RcDevice;
    use thingflow_core::prelude::*;
    use thingflow_core::testing::Recorder;

    use super::Guarded;
    use crate::chips::fake::FakeChip;
    use crate::tmp105::Tmp105;

    /// A bus with two chips.
    struct Two(FakeChip, FakeChip);

    impl ErrorType for Two {
        type Error = ErrorKind;
    }
    impl I2c for Two {
        fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
            let chip = if address == 0x48 { &mut self.0 } else { &mut self.1 };
            chip.transaction(address, operations)
        }
    }

    #[test]
    fn a_dead_sensor_does_not_stop_the_other_and_comes_back() {
        let chip = |address, celsius| FakeChip::new(address).wide().with(0, &[celsius]);
        let (hall_chip, attic_chip) = (chip(0x48, 20), chip(0x49, 30));
        let bus = Rc::new(RefCell::new(Guarded::new(Two(hall_chip, attic_chip.clone())).retries(1)));
        let scheduler = Scheduler::virtual_time().unwrap();
        let (retry, seconds) = (
            OnFailure::Retry {
                backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(2)),
                attempts: u32::MAX,
            },
            Duration::from_secs(1),
        );
        let watch = |id, address| {
            let output = SensorOutput::new(Tmp105::new(id, RcDevice::new(bus.clone())).address(address));
            let seen = Recorder::new();
            output.map(|e| e.val).connect(seen.clone());
            scheduler.schedule_periodic(output, Periodic::every(seconds).on_failure(retry)).unwrap();
            seen
        };
        let (hall, attic) = (watch("hall", 0x48), watch("attic", 0x49));
        let mut scheduler = scheduler;
        scheduler.run_for(Duration::from_millis(1500)).unwrap();
        attic_chip.unplug(true);
        scheduler.run_for(Duration::from_millis(1900)).unwrap();
        attic_chip.unplug(false);
        scheduler.run_for(Duration::from_secs(2)).unwrap();
        // Each has to measure first.
        assert_eq!(hall.timed_text(), "20.0@1.32 20.0@2 20.0@3 20.0@4 20.0@5");
        // Asked at 2, 2.1, 2.3, 2.7 and 3.5 s, when it has to measure first; from then on in its time again.
        assert_eq!(attic.timed_text(), "30.0@1.32 30.0@4.3 30.0@5");
        let stats = bus.borrow().stats();
        assert_eq!((stats.lost, stats.failures, stats.recoveries), (4, 8, 0));
    }
}
