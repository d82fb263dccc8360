//! The greenhouse of the library on a laptop: simulated sensors, pins and timer, in no time.
//!
//! ```sh
//! cargo run -p bare-metal                             # what a board would send, and what its pins would do
//! cargo run -p bare-metal --bin listen /dev/ttyACM0   # what a board sends
//! cargo xtask bare                                    # both on an emulated board, and compared
//! ```

use std::cell::{Cell, RefCell};
use std::convert::Infallible;

use bare_metal::message::{Message, Shown};
use bare_metal::{Board, TICK, simulated};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, OutputPin};
use embedded_io::Write;
use thingflow::RunError;
use thingflow::sensors::serial::{Decode, PostcardFrames};

fn main() -> Result<(), RunError> {
    for line in day()? {
        println!("{line}");
    }
    Ok(())
}

/// The lines of a day: what is sent, and `pin …` for what the pins do.
fn day() -> Result<Vec<String>, RunError> {
    let (lines, ticks) = (RefCell::default(), Cell::new(0));
    let board = Board {
        light: simulated::light(),
        temperature: simulated::temperature(),
        lamp: Pin { name: "lamp", high: false, lines: &lines },
        blind: Pin { name: "blind", high: false, lines: &lines },
        line: Line { frames: PostcardFrames::new(), lines: &lines },
    };
    board.run(&mut Timer(&ticks), || ticks.get())?;
    Ok(lines.into_inner())
}

/// A pin that notes when it changes.
struct Pin<'a> {
    name: &'static str,
    high: bool,
    lines: &'a RefCell<Vec<String>>,
}

impl Pin<'_> {
    fn set(&mut self, high: bool) {
        if std::mem::replace(&mut self.high, high) != high {
            self.lines.borrow_mut().push(format!("pin {} {}", self.name, u8::from(high)));
        }
    }
}

impl ErrorType for Pin<'_> {
    type Error = Infallible;
}

impl OutputPin for Pin<'_> {
    fn set_high(&mut self) -> Result<(), Infallible> {
        self.set(true);
        Ok(())
    }
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.set(false);
        Ok(())
    }
}

/// A serial line whose other end is here.
struct Line<'a> {
    frames: PostcardFrames<Message, { bare_metal::message::FRAME }>,
    lines: &'a RefCell<Vec<String>>,
}

impl embedded_io::ErrorType for Line<'_> {
    type Error = Infallible;
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let frames = bytes.iter().filter_map(|byte| self.frames.push(*byte));
        self.lines.borrow_mut().extend(frames.map(|frame| match frame {
            Ok(message) => Shown(message).to_string(),
            Err(error) => format!("lost: {error}"),
        }));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A timer that goes on only while the processor sleeps.
struct Timer<'a>(&'a Cell<u32>);

impl DelayNs for Timer<'_> {
    fn delay_ns(&mut self, nanos: u32) {
        self.0.set(self.0.get() + nanos / TICK.subsec_nanos());
    }
    fn delay_ms(&mut self, millis: u32) {
        self.0.set(self.0.get() + millis / TICK.subsec_millis());
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use embedded_hal::digital::ErrorKind;

    use super::*;

    /// A pin that does not answer, or brings the program down.
    struct Broken(fn() -> ErrorKind);

    impl ErrorType for Broken {
        type Error = ErrorKind;
    }

    impl OutputPin for Broken {
        fn set_high(&mut self) -> Result<(), ErrorKind> {
            Err(self.0())
        }
        fn set_low(&mut self) -> Result<(), ErrorKind> {
            Err(self.0())
        }
    }

    /// What the lamp does, which is lit at the start, when the blind is broken.
    fn lamp_beside(blind: Broken) -> Vec<String> {
        let (lines, ticks) = (RefCell::default(), Cell::new(0));
        let board = Board {
            light: simulated::light(),
            temperature: simulated::temperature(),
            lamp: Pin { name: "lamp", high: false, lines: &lines },
            blind,
            line: Line { frames: PostcardFrames::new(), lines: &lines },
        };
        let ended = catch_unwind(AssertUnwindSafe(|| board.run(&mut Timer(&ticks), || ticks.get())));
        if let Ok(ended) = ended {
            let error = ended.expect_err("the blind is broken").to_string();
            assert!(error.ends_with("the pin of the blind does not answer"), "{error}");
        }
        lines.into_inner().into_iter().filter(|line: &String| line.starts_with("pin lamp")).collect()
    }

    #[test]
    fn the_lamp_goes_out_when_another_pin_has_ended_the_run() {
        assert_eq!(lamp_beside(Broken(|| ErrorKind::Other)), ["pin lamp 1", "pin lamp 0"]);
    }

    #[test]
    fn the_lamp_goes_out_when_the_program_panics() {
        let once = || if std::thread::panicking() { ErrorKind::Other } else { panic!("a bug") };
        assert_eq!(lamp_beside(Broken(once)), ["pin lamp 1", "pin lamp 0"]);
    }

    fn of<'a>(lines: &'a [String], what: &str) -> Vec<&'a str> {
        lines.iter().filter(|line| line.contains(what)).map(String::as_str).collect()
    }

    #[test]
    fn the_averages_are_sent_at_the_rate_of_their_sensor() -> Result<(), RunError> {
        let lines = day()?;
        assert_eq!(
            of(&lines, " light ")[..4],
            ["0.00 light 1", "0.50 light 2.5", "1.00 light 4.8333335", "1.50 light 11.166667"]
        );
        assert_eq!(of(&lines, " light ").len(), 24);
        assert_eq!(of(&lines, " temperature ")[..2], ["0.00 temperature 14.5", "1.00 temperature 14.8"]);
        assert_eq!(of(&lines, " temperature ").len(), 12);
        Ok(())
    }

    #[test]
    fn the_lamp_is_lit_while_it_is_dark_and_goes_out_at_the_end() -> Result<(), RunError> {
        let lines = day()?;
        assert_eq!(of(&lines, "pin lamp"), ["pin lamp 1", "pin lamp 0", "pin lamp 1", "pin lamp 0"]);
        assert_eq!(of(&lines, "0 lamp "), ["0.00 lamp 1", "2.00 lamp 0", "11.50 lamp 1"]);
        Ok(())
    }

    #[test]
    fn the_blind_is_down_while_it_is_sunny_and_warm() -> Result<(), RunError> {
        let lines = day()?;
        let changes = ["0.00 blind 0", "5.00 blind 1", "6.50 blind 0", "7.50 blind 1", "9.50 blind 0"];
        assert_eq!(
            of(&lines, "0 blind "),
            changes,
            "up in the cold morning, for the cloud at noon, and in the evening"
        );
        assert_eq!(of(&lines, "pin blind"), ["pin blind 1", "pin blind 0", "pin blind 1", "pin blind 0"]);
        Ok(())
    }
}
