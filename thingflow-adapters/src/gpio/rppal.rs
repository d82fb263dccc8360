//! Pins of a Raspberry Pi through `rppal`, by their BCM numbers.
//!
//! `rppal` is no longer developed (it knows the models up to the Pi 5). Use [`chardev`](super::chardev), which works on
//! every board, unless a program needs what only `rppal` does.
//!
//! ```no_run
//! use thingflow_adapters::gpio::{PinState, pin_out, rppal};
//! use thingflow_core::prelude::*;
//! pipe().to(pin_out("led", rppal::output(17, PinState::Low)?)).feed([true, false])?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use ::rppal::gpio::{Error, Gpio, InputPin, OutputPin, Pin};

use super::{GpioError, PinState};

/// The pin as an output at this level; give the safe one. It keeps its last level when the program ends, which for
/// [`pin_out`](super::pin_out) is the safe one.
///
/// # Errors
/// If this is no Raspberry Pi, there is no such pin, or this user may not have it.
pub fn output(bcm: u8, level: PinState) -> Result<OutputPin, GpioError> {
    let pin = pin(bcm)?;
    let mut pin = if level == PinState::High { pin.into_output_high() } else { pin.into_output_low() };
    pin.set_reset_on_drop(false);
    Ok(pin)
}

/// The pin as an input without a resistor.
///
/// # Errors
/// As for [`output`].
pub fn input(bcm: u8) -> Result<InputPin, GpioError> {
    pin(bcm).map(Pin::into_input)
}

/// The pin as an input that is high unless something pulls it down.
///
/// # Errors
/// As for [`output`].
pub fn input_pull_up(bcm: u8) -> Result<InputPin, GpioError> {
    pin(bcm).map(Pin::into_input_pullup)
}

/// The pin as an input that is low unless something pulls it up.
///
/// # Errors
/// As for [`output`].
pub fn input_pull_down(bcm: u8) -> Result<InputPin, GpioError> {
    pin(bcm).map(Pin::into_input_pulldown)
}

fn pin(bcm: u8) -> Result<Pin, GpioError> {
    Gpio::new().and_then(|gpio| gpio.get(bcm)).map_err(|error| explain(bcm, error))
}

fn explain(bcm: u8, error: Error) -> GpioError {
    let line = format!("BCM {bcm}");
    match error {
        Error::PermissionDenied(device) => GpioError::Denied { device: device.into() },
        Error::PinUsed(_) => GpioError::Busy { line, by: "another part of this program".into() },
        Error::PinNotAvailable(_) => GpioError::NoLine { line, there: vec!["BCM 0 to 27 on the header".into()] },
        Error::UnknownModel => GpioError::Other {
            line,
            cause: "this is no Raspberry Pi that `rppal` knows; use the feature `gpiocdev`, which works on every board"
                .into(),
        },
        other => GpioError::Other { line, cause: other.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do() {
        let text = explain(17, Error::PermissionDenied("/dev/gpiomem".into())).to_string();
        assert!(text.starts_with("this user may not use /dev/gpiomem; join the group"), "{text}");
        assert_eq!(
            explain(99, Error::PinNotAvailable(99)).to_string(),
            "no GPIO line BCM 99; there is BCM 0 to 27 on the header"
        );
        assert!(explain(17, Error::UnknownModel).to_string().contains("use the feature `gpiocdev`"));
    }
}
