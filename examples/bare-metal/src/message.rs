//! What goes over the serial line: [`Message`]s, framed as `thingflow::sensors::serial` does it.

use core::fmt;

use embedded_io::Write;
pub use thingflow::sensors::serial::Message;
use thingflow::sensors::serial::encode;

/// The average light, in lux.
pub const LIGHT: u16 = 1;
/// The average temperature, in degrees Celsius.
pub const TEMPERATURE: u16 = 2;
/// Whether the lamp is lit: 1 or 0, when it changes.
pub const LAMP: u16 = 3;
/// Whether the blind is down: 1 or 0, when it changes.
pub const BLIND: u16 = 4;
/// How much of its stack the board has used so far, in bytes.
pub const STACK: u16 = 5;

/// The longest frame, in bytes: 11 of the message with its length (for sensors up to 127), 3 of the checksum, 2 of the
/// framing.
pub const FRAME: usize = 16;

/// Sends a message. It is false if the line did not take it.
pub fn send(line: &mut impl Write, message: &Message) -> bool {
    let mut frame = [0; FRAME];
    encode(message, &mut frame).is_ok_and(|frame| line.write_all(frame).is_ok())
}

/// A message as a line of text: `3.50 light 120`, in seconds since the board's start.
///
/// ```
/// use bare_metal::message::{LIGHT, Message, Shown};
/// assert_eq!(Shown(Message { sensor: LIGHT, ticks: 350, value: 120.0 }).to_string(), "3.50 light 120");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shown(pub Message);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Message { sensor, ticks, value } = self.0;
        write!(f, "{}.{:02} ", ticks / 100, ticks % 100)?;
        match sensor {
            LIGHT => write!(f, "light {value}"),
            TEMPERATURE => write!(f, "temperature {value}"),
            LAMP => write!(f, "lamp {value}"),
            BLIND => write!(f, "blind {value}"),
            STACK => write!(f, "stack {value}"),
            other => write!(f, "sensor {other} {value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_frame_has_room() {
        let length = |value: u32| {
            let mut line = [0; FRAME];
            let message = Message { sensor: 127, ticks: u32::MAX, value: f32::from_bits(value) };
            assert!(send(&mut line.as_mut_slice(), &message), "{message:?}");
            line.iter().position(|byte| *byte == 0).map(|end| end + 1)
        };
        let longest = (0x4142_4300..0x4142_4400).map(length).max();
        assert_eq!(longest, Some(Some(FRAME)), "the checksum takes one to three bytes");
    }

    #[test]
    fn a_line_that_takes_no_more_is_seen() {
        assert!(!send(&mut [0; 4].as_mut_slice(), &Message { sensor: LIGHT, ticks: 0, value: 1.0 }));
    }
}
