//! The server: `lux-server BROKER DATABASE`. Prints what it finds, until Ctrl-C.

use std::error::Error;
use std::path::Path;

use thingflow::StreamError;
use thingflow::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    thingflow::adapters::logging::init();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [broker, database] = &words[..] else {
        return Err(StreamError::new("invalid arguments; usage: lux-server BROKER DATABASE").into());
    };
    let mut scheduler = Scheduler::new()?;
    distributed_lux::server(&mut scheduler, broker, Path::new(database))?.print();
    Ok(scheduler.run_forever()?)
}
