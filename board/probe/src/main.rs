//! Checks ThingFlow on a board: pins, edges, buses, ends, a broker. Prints a line `PASS` or `FAIL` for each check.
//!
//! It runs inside the emulated board of `cargo xtask board`, which judges the lines, and asks the host outside for what
//! only the world can do: see [`host`]. `board/init` says with which words it is started.

mod broker;
mod buses;
mod checks;
mod deployed;
mod edges;
mod ends;
mod host;
mod levels;
mod pi;
mod pins;
mod rhythm;
mod serial;
mod simulated;
mod waiting;

use std::env;
use std::process::ExitCode;

use checks::Checks;
use simulated::Simulated;

/// Why a check failed.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut checks = Checks::new(env::consts::ARCH);
    match words.as_slice() {
        ["pins", chip, lines] => pins::check(&mut checks, &Simulated::new(chip, lines)),
        ["edges", chip, lines] => edges::check(&mut checks, &Simulated::new(chip, lines)),
        ["levels", chip, lines] => levels::check(&mut checks, &Simulated::new(chip, lines)),
        ["vanishing", chip, lines, live] => edges::check_vanishing(&mut checks, &Simulated::new(chip, lines), live),
        ["controller", chip] => edges::check_controller(&mut checks, chip),
        ["serial"] => serial::check(&mut checks),
        ["ends", chip] => ends::check(&mut checks, chip),
        ["pwm"] => ends::check_pwm(&mut checks),
        ["heater", chip, line, how] => return ends::heater(chip, line, how),
        ["deployed", program] => deployed::check(&mut checks, program),
        ["broker"] => broker::check(&mut checks),
        ["connected", program] => broker::check_connected(&mut checks, program),
        ["station", at, folder, first, last] => return broker::station(at, folder, first, last),
        ["buses"] => buses::check(&mut checks),
        ["pi", chip] => pi::check(&mut checks, chip),
        _ => {
            println!("FAIL board-probe: no check is called {words:?}");
            return ExitCode::FAILURE;
        }
    }
    checks.exit_code()
}
