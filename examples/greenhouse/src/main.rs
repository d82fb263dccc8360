//! A greenhouse: temperature, humidity and the moisture of the soil. A pump waters while the soil is dry. The means of each minute
//! go to a database on the board and, by MQTT, to Home Assistant, where the greenhouse appears by itself. What cannot be
//! delivered waits on the disk: no broker, a kill and a power cut lose nothing.
//!
//! ```sh
//! cargo run -p greenhouse                                     # all simulated, in a temporary folder, until Ctrl-C
//! cargo run -p greenhouse -- --folder /tmp/greenhouse         # what waits is there at the next start
//! cargo run -p greenhouse -- --broker mqtt://homeassistant.local --page 127.0.0.1:8080
//! sqlite3 /tmp/greenhouse/readings.db 'SELECT * FROM readings'
//! ```
//!
//! The sensors are simulated; put a BME280 and an ADS1115 in their place, and a line of the GPIO in that of the pin. A hose
//! that leaks knows no program: limit what the pump can do, by the size of its tank.

mod args;
mod flow;

use std::error::Error;
use std::process::ExitCode;

use args::{Args, Options};
use thingflow::adapters::gpio::SimulatedPin;
use thingflow::page;
use thingflow::prelude::*;

fn main() -> ExitCode {
    thingflow::adapters::logging::init();
    let ended = match Args::parse(std::env::args().skip(1)) {
        Ok(Args::Help) => {
            println!("{}", args::HELP);
            Ok(())
        }
        Ok(Args::Run(options)) => run(&options),
        Err(error) => {
            log::error!("{error}");
            return ExitCode::FAILURE;
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let folder = options.folder.as_deref().unwrap_or(temporary.path());
    let mut scheduler = Scheduler::new()?;
    let meters = flow::build(&mut scheduler, options, folder, SimulatedPin::new())?;
    let page = options.page.as_ref().map(|address| {
        let page = page::Options::new(address).title("Greenhouse");
        let page = page.unit("temperature", "°C").unit("humidity", "%").unit("moisture", "%");
        let outputs = meters.iter().cloned();
        outputs.fold(page, |page, meter| page.output(meter.name().to_owned(), meter)).serve(&scheduler)
    });
    let page = page.transpose()?; // it is there as long as this is
    if let Some(page) = &page {
        println!("the page is at {}", page.url());
    }
    let ended = scheduler.run_forever();
    for meter in &meters {
        println!("{}: {}", meter.name(), meter.stats());
    }
    Ok(ended?)
}
