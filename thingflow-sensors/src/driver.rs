//! [`DirectDevice`] and [`SlowDevice`]: what each sensor of this crate implements. [`Sensor`](thingflow_core::Sensor) and
//! [`Conversion`](crate::Conversion) follow from them by [`sensor!`] and [`conversion!`], so that none can leave out what
//! they have in common: each reading is checked against the declared ranges, and after a failure of any kind the device is
//! set up anew.

use core::time::Duration;

use thingflow_core::SampleError;

use crate::quantity::check;
use crate::{Measures, OutOfRange, Progress, Values};

/// What both kinds of driver have in common.
pub(crate) trait Device: Measures {
    type Reading: Values;
    type Error;

    /// The error for a reading that is impossible; it names the device.
    fn refuse(&self, value: OutOfRange) -> Self::Error;

    /// Called after each failure: the device may be in any state, so the next access writes every setting that readings
    /// depend on.
    fn forget(&mut self) {}
}

/// A device that is read at once.
pub(crate) trait DirectDevice: Device {
    /// Reads the device, and sets it up before if it is not known to be.
    fn measure(&mut self) -> Result<Self::Reading, SampleError<Self::Error>>;
}

/// A device that is started, and read when it is ready.
pub(crate) trait SlowDevice: Device {
    /// As [`Conversion::start`](crate::Conversion::start), and sets the device up before if it is not known to be.
    fn begin(&mut self) -> Result<Duration, Self::Error>;

    /// As [`Conversion::read`](crate::Conversion::read).
    fn progress(&mut self) -> Result<Progress<Self::Reading>, Self::Error>;
}

pub(crate) fn sample<D: DirectDevice>(driver: &mut D) -> Result<D::Reading, SampleError<D::Error>> {
    let reading = driver.measure().and_then(|reading| Ok(checked(driver, reading)?));
    if matches!(reading, Err(SampleError::Failed(_))) {
        driver.forget();
    }
    reading
}

pub(crate) fn start<C: SlowDevice>(converter: &mut C) -> Result<Duration, C::Error> {
    let begun = converter.begin();
    begun.inspect_err(|_| converter.forget())
}

pub(crate) fn read<C: SlowDevice>(converter: &mut C) -> Result<Progress<C::Reading>, C::Error> {
    let progress = converter.progress().and_then(|progress| match progress {
        Progress::Ready(reading) => checked(converter, reading).map(Progress::Ready),
        later @ Progress::AskIn(_) => Ok(later),
    });
    progress.inspect_err(|_| converter.forget())
}

fn checked<D: Device>(device: &D, mut reading: D::Reading) -> Result<D::Reading, D::Error> {
    let outcome = check(device.quantities().as_ref(), &mut reading);
    outcome.map_err(|value| device.refuse(value)).map(|()| reading)
}

/// Makes a [`DirectDevice`] a `Sensor`: `sensor!([B: I2c] Chip<B> => f64, ChipError<B::Error>)`. Its id is the field `id`.
macro_rules! sensor {
    ([$($generics:tt)*] $device:ty => $reading:ty, $error:ty) => {
        impl<$($generics)*> thingflow_core::Sensor for $device {
            type Reading = $reading;
            type Error = $error;

            fn id(&self) -> thingflow_core::SensorId {
                self.id
            }
            fn sample(&mut self) -> Result<$reading, thingflow_core::SampleError<$error>> {
                $crate::driver::sample(self)
            }
        }
    };
}

/// Makes a [`SlowDevice`] a `Conversion`, as [`sensor!`] does.
macro_rules! conversion {
    ([$($generics:tt)*] $device:ty => $reading:ty, $error:ty) => {
        impl<$($generics)*> $crate::Conversion for $device {
            type Reading = $reading;
            type Error = $error;

            fn id(&self) -> thingflow_core::SensorId {
                self.id
            }
            fn start(&mut self) -> Result<core::time::Duration, $error> {
                $crate::driver::start(self)
            }
            fn read(&mut self) -> Result<$crate::Progress<$reading>, $error> {
                $crate::driver::read(self)
            }
        }
    };
}

pub(crate) use {conversion, sensor};
