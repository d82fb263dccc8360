//! [`SharedBus`]: an I2C bus for sensors on several threads.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use embedded_hal::i2c::{ErrorType, I2c, Operation};

/// A bus for sensors on edge threads: one transfer at a time. Clones are the same bus.
///
/// If a transfer hangs, those threads wait that need the bus, and nobody else.
///
/// ```
/// # #[cfg(feature = "tmp105")] {
/// use std::time::Duration;
/// use embedded_hal::i2c::I2c;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::{bus::SharedBus, tmp105::Tmp105};
/// # type Outcome = Result<(), Box<dyn std::error::Error>>;
/// # fn start<B: I2c<Error: Send + Sync> + Send + 'static>(open: B, scheduler: &Scheduler) -> Outcome {
/// let bus = SharedBus::new(open); // bus::linux::I2cBus::open(1)?
/// for (id, address) in [("hall", 0x48), ("attic", 0x49)] {
///     let room = Tmp105::new(id, bus.clone()).address(address);
///     scheduler.schedule_sensor_on_separate_thread(room, Duration::from_secs(1))?.print();
/// }
/// # Ok(())
/// # }
/// # }
/// ```
pub struct SharedBus<B>(Arc<Mutex<B>>);

impl<B> SharedBus<B> {
    /// A bus to be shared.
    pub fn new(bus: B) -> Self {
        Self(Arc::new(Mutex::new(bus)))
    }

    /// Looks at the bus itself, once it is free: for the statistics of a [`Guarded`](super::Guarded) one.
    pub fn with<R>(&self, see: impl FnOnce(&mut B) -> R) -> R {
        see(&mut self.lock())
    }

    /// A driver that panicked does not keep the others off.
    fn lock(&self) -> MutexGuard<'_, B> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Clone for SharedBus<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: ErrorType> ErrorType for SharedBus<B> {
    type Error = B::Error;
}

impl<B: I2c> I2c for SharedBus<B> {
    fn read(&mut self, address: u8, read: &mut [u8]) -> Result<(), B::Error> {
        self.lock().read(address, read)
    }
    fn write(&mut self, address: u8, write: &[u8]) -> Result<(), B::Error> {
        self.lock().write(address, write)
    }
    fn write_read(&mut self, address: u8, write: &[u8], read: &mut [u8]) -> Result<(), B::Error> {
        self.lock().write_read(address, write, read)
    }
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), B::Error> {
        self.lock().transaction(address, operations)
    }
}

impl<B> fmt::Debug for SharedBus<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedBus")
    }
}
