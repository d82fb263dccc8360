//! The service that the tests of `deploy` start, in a process of its own: this very program with other words. Its lamp is
//! lit by each event; a handler blocks at the first start until it is told to end, and fails at the second; after that all
//! is well. What happens is told at a socket.

use std::convert::Infallible;
use std::error::Error;
use std::io::Read;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;
use std::{env, fs};

use embedded_hal::digital::{ErrorType, OutputPin};
use signal_hook::{consts::SIGTERM, low_level::pipe};
use thingflow_adapters::{gpio::pin_out, systemd};
use thingflow_core::prelude::*;

/// Where it is told; set for the service only.
pub(super) const TOLD_AT: &str = "THINGFLOW_TOLD_AT";

/// What runs the service: words for a program whose path goes before them.
pub(super) const WORDS: &str = "--exact --nocapture deploy::tests::lamp::serve";

/// Among the other tests it does nothing.
#[test]
fn serve() -> Result<(), Box<dyn Error>> {
    if env::var_os(TOLD_AT).is_none() {
        return Ok(());
    }
    let start = fs::read_dir(".")?.count() + 1;
    fs::write(start.to_string(), "")?; // it runs where it may write
    tell(&format!("start {start}"));
    let mut scheduler = Scheduler::new()?;
    let numbers = from_iter(0..).output();
    numbers.map(|_| true).connect(pin_out("lamp", Lamp { is_lit: false }));
    let (mut asked, signal) = UnixStream::pair()?;
    pipe::register(SIGTERM, signal)?;
    numbers.try_for_each(move |number| match (start, number) {
        (1, 3) => {
            tell("blocks");
            asked.read_exact(&mut [0]).map_err(|error| error.to_string())?;
            tell("asked to end");
            Ok(())
        }
        (2, 3) => Err("a handler fails".to_owned()),
        _ => Ok(()),
    });
    scheduler.schedule_periodic(numbers, Duration::from_millis(100))?;
    systemd::notify(&scheduler)?;
    let ended = scheduler.run_forever();
    tell(if ended.is_ok() { "ended" } else { "failed" });
    Ok(ended?)
}

/// In vain where nobody listens.
fn tell(what: &str) {
    if let (Ok(socket), Ok(path)) = (UnixDatagram::unbound(), env::var(TOLD_AT)) {
        drop(socket.send_to(what.as_bytes(), path));
    }
}

struct Lamp {
    is_lit: bool,
}

impl Lamp {
    fn set(&mut self, is_lit: bool) {
        if is_lit != self.is_lit {
            tell(if is_lit { "lit" } else { "dark" });
        }
        self.is_lit = is_lit;
    }
}

impl ErrorType for Lamp {
    type Error = Infallible;
}

impl OutputPin for Lamp {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.set(false);
        Ok(())
    }
    fn set_high(&mut self) -> Result<(), Infallible> {
        self.set(true);
        Ok(())
    }
}
