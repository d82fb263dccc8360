//! The Linux side: reads what a board sends over a serial line, as a sensor, and prints it.
//!
//! ```sh
//! cargo run -p bare-metal --bin listen /dev/ttyACM0   # without a name it reads what is piped into it
//! ```

use std::error::Error;
use std::io::{self, Read};
use std::time::Duration;

use bare_metal::message::{FRAME, Message, Shown};
use thingflow::prelude::*;
use thingflow::sensors::serial::{Framed, PostcardFrames, Reopening, Tty};

/// Shorter than the time between two messages of the board, so that none has to wait.
const PERIOD: Duration = Duration::from_millis(1);
const BAUD: u32 = 115_200;

fn main() -> Result<(), Box<dyn Error>> {
    thingflow::adapters::logging::init();
    let line: Box<dyn Read + Send> = match std::env::args().nth(1) {
        Some(path) => Box::new(Reopening::new(move || Tty::open(&path, BAUD))),
        None => Box::new(io::stdin()),
    };
    listen(Scheduler::new()?, line, |message| println!("{message}"))
}

/// Shows the messages until the line ends. A frame that was garbled on the way is reported and left out; a board that was
/// unplugged is waited for.
fn listen(
    mut scheduler: Scheduler,
    line: impl Read + Send + 'static,
    show: impl FnMut(Shown) + 'static,
) -> Result<(), Box<dyn Error>> {
    let board = Framed::new("board", line, PostcardFrames::<Message, FRAME>::new());
    let retry = OnFailure::Retry { backoff: Backoff::new(PERIOD, Duration::from_secs(1)), attempts: u32::MAX };
    let every = Periodic::every(PERIOD).on_failure(retry);
    let messages = scheduler.schedule_sensor_on_separate_thread(board, every)?;
    messages.map(|event| Shown(event.val)).for_each(show);
    scheduler.run_forever()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use bare_metal::message::{LAMP, LIGHT, send};

    use super::*;

    #[test]
    fn messages_are_shown_and_garbage_is_left_out() -> Result<(), Box<dyn Error>> {
        let mut line = b"boot v1.2\r\n\0".to_vec();
        assert!(send(&mut line, &Message { sensor: LIGHT, ticks: 50, value: 12.5 }));
        line.extend(b"\xff\0");
        assert!(send(&mut line, &Message { sensor: LAMP, ticks: 100, value: 1.0 }));
        let seen = Rc::<RefCell<Vec<String>>>::default();
        let list = seen.clone();
        listen(Scheduler::virtual_time()?, io::Cursor::new(line), move |shown| {
            list.borrow_mut().push(shown.to_string());
        })?;
        assert_eq!(*seen.borrow(), ["0.50 light 12.5", "1.00 lamp 1"]);
        Ok(())
    }
}
