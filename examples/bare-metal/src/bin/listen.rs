//! The Linux side: reads what a board sends over a serial line, as a sensor, and prints it.
//!
//! ```sh
//! stty -F /dev/ttyACM0 raw 115200
//! cargo run -p bare-metal --bin listen /dev/ttyACM0   # without a name it reads what is piped into it
//! ```

use std::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use bare_metal::message::{FRAME, Message, Shown};
use thingflow_core::prelude::*;
use thingflow_sensors::serial::{Framed, PostcardFrames};

/// Shorter than the time between two messages of the board, so that none has to wait.
const PERIOD: Duration = Duration::from_millis(1);

fn main() -> Result<(), Box<dyn Error>> {
    let line: Box<dyn Read + Send> = match std::env::args().nth(1) {
        Some(path) => Box::new(File::open(&path).map_err(|error| format!("{path}: {error}"))?),
        None => Box::new(io::stdin()),
    };
    let mut scheduler = Scheduler::new()?;
    let board = Framed::new("board", line, PostcardFrames::<Message, FRAME>::new());
    // A frame that was garbled on the way is reported and left out.
    let every = Periodic::every(PERIOD).on_failure(OnFailure::Skip);
    let messages = scheduler.schedule_sensor_on_separate_thread(board, every)?;
    messages.map(|event| Shown(event.val)).for_each(|line| println!("{line}"));
    scheduler.run_forever()?;
    Ok(())
}
