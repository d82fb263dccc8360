//! `bare`: builds for Cortex-M, where there is neither std nor an allocator, and runs the example on an emulated board.
//!
//! The board must send what the same flows send on this machine, its pins must do the same, and it must fit.

mod emulator;
mod image;

use std::fs;

use crate::{Result, process};
use emulator::Run;
use image::Size;

/// With a floating-point unit and without. The emulated board can run both.
const TARGETS: [Target; 2] = [
    Target { name: "thumbv7em-none-eabihf", flash: 11_960, ram: 1_220 },
    Target { name: "thumbv6m-none-eabi", flash: 12_760, ram: 1_332 },
];

/// What the example is built for, and what it may take there, in bytes. What is beyond that has to be earned: the code of an
/// operator that a chain does not have must not be in its program.
struct Target {
    name: &'static str,
    flash: u64,
    ram: u64,
}

pub(crate) fn run(_: &[String]) -> Result {
    setup()?;
    // The firmware is built on the core without any feature. A Cortex-M0 has not the atomics that `alloc` takes.
    build("-p thingflow-core --no-default-features --features alloc", TARGETS[0].name)?;
    let here = output_here()?;
    for target in &TARGETS {
        build("--release --manifest-path firmware/Cargo.toml", target.name)?;
        check(target, &here).map_err(|error| format!("{}: {error}", target.name))?;
    }
    power_cuts()
}

/// A ring in flash, on a board that is reset in the middle of writes: it compares itself what it finds with what it had promised, and
/// a program on this machine fetches over the serial line what is kept.
fn power_cuts() -> Result {
    build("--release --manifest-path firmware/flash/Cargo.toml", TARGETS[0].name)?;
    let image = format!("{}/{}/release/flash", folder(), TARGETS[0].name);
    let (said, fetched) = emulator::fetched(&image, &format!("{}/line.sock", folder()))?;
    print!("flash: {said}serial line: {fetched}");
    let kept = number_before(&said, " readings").ok_or("the board did not say how much it kept")?;
    if number_before(&fetched, " readings") == Some(kept) {
        Ok(())
    } else {
        Err("the board has kept more readings than came over the line".into())
    }
}

/// The number in front of a word.
fn number_before(text: &str, word: &str) -> Option<u32> {
    text.split_once(word)?.0.rsplit(' ').next()?.parse().ok()
}

/// What the operators take on a Cortex-M4, as `firmware/costs` says it.
pub(crate) fn costs() -> Result<String> {
    setup()?;
    build("--release --manifest-path firmware/costs/Cargo.toml", TARGETS[0].name)?;
    emulator::said(&format!("{}/{}/release/costs", folder(), TARGETS[0].name))
}

/// What Cortex-M is built for and run with; what cannot be had is named by the scripts.
pub(crate) fn setup() -> Result {
    process::run(&mut process::script("setup-host.sh", "--bare"))?;
    process::run(&mut process::script("setup-bare-toolchain.sh", ""))
}

/// Builds in a target folder of its own, since these builds may use another compiler.
fn build(what: &str, target: &str) -> Result {
    let mut command = process::script("bare-cargo", &format!("build --locked {what} --target {target}"));
    process::run(command.env("CARGO_TARGET_DIR", folder()))
}

fn folder() -> String {
    process::target_folder().join("bare").to_string_lossy().into_owned()
}

/// What the example prints on this machine.
fn output_here() -> Result<String> {
    let mut command = process::cargo("run --quiet --locked -p bare-metal");
    process::announce(&command);
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err("it failed on this machine".into())
    }
}

/// Runs the firmware, compares it with the run on this machine, and prints what it takes.
fn check(target: &Target, here: &str) -> Result {
    let Target { name, flash: most_flash, ram: most_ram } = target;
    let image = format!("{}/{name}/release/firmware", folder());
    let size = Size::of(&fs::read(&image)?)?;
    let run = emulator::run(&image, &format!("{}/leds.log", folder()))?;
    let stack = compare(here, &run)?;
    let ram = size.ram + stack;
    println!(
        "{name}: as on this machine; flash {} of {most_flash} bytes, RAM {ram} of {most_ram} bytes ({} static, {stack} of stack)",
        size.flash, size.ram
    );
    if size.flash <= *most_flash && ram <= *most_ram { Ok(()) } else { Err("the example has become too large".into()) }
}

/// Compares messages and pins line by line; gives the board's report on its stack.
fn compare(here: &str, run: &Run) -> Result<u64> {
    let (pins, messages): (Vec<&str>, Vec<&str>) = here.lines().partition(|line| line.starts_with("pin "));
    let stack = |line: &str| line.split_once(" stack ")?.1.parse().ok();
    let stack = run.messages.last().and_then(|line| stack(line)).ok_or("the board did not come to its end")?;
    same(&messages, &run.messages[..run.messages.len() - 1])?;
    // At power-on the board flashes its LEDs.
    let flash = run.pins.len().checked_sub(pins.len()).filter(|more| *more <= 4).unwrap_or(0);
    same(&pins, &run.pins[flash..])?;
    if pins.is_empty() || messages.is_empty() { Err("nothing to compare".into()) } else { Ok(stack) }
}

fn same(here: &[&str], board: &[String]) -> Result {
    for at in 0..here.len().max(board.len()) {
        let (here, board) =
            (here.get(at).copied().unwrap_or("nothing"), board.get(at).map_or("nothing", String::as_str));
        if here != board {
            return Err(format!("line {}: here `{here}`, on the board `{board}`", at + 1).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(messages: &str, pins: &str) -> Run {
        let lines = |text: &str| text.lines().map(String::from).collect();
        Run { messages: lines(messages), pins: lines(pins) }
    }
    fn complaint(run: &Run) -> String {
        compare("0.00 light 1\npin lamp 1\n0.50 light 2", run).unwrap_err().to_string()
    }

    #[test]
    fn the_same_is_the_same_and_the_stack_is_known() {
        let here = "0.00 light 1\npin lamp 1\n0.50 light 2\n";
        let board = run("0.00 light 1\n0.50 light 2\n1.00 stack 812", "pin lamp 1\npin lamp 0\npin lamp 1");
        assert_eq!(compare(here, &board).unwrap(), 812);
    }

    #[test]
    fn what_was_kept_and_fetched_is_read_off_the_texts() {
        assert_eq!(
            number_before("500 cuts in the middle of writes, 4711 readings: nothing lost\n", " readings"),
            Some(4711)
        );
        assert_eq!(number_before("4711 readings fetched", " readings"), Some(4711));
        assert_eq!(number_before("cut 3: kept up to 5", " readings"), None);
    }

    #[test]
    fn a_difference_is_found() {
        let pins = "pin lamp 1";
        let end = "the board did not come to its end";
        assert_eq!(complaint(&run("", pins)), end);
        assert_eq!(complaint(&run("0.00 light 1\n0.50 light 2", pins)), end);
        let other = run("0.00 light 1\n0.50 light 3\n1.00 stack 8", pins);
        assert_eq!(complaint(&other), "line 2: here `0.50 light 2`, on the board `0.50 light 3`");
        let more = run("0.00 light 1\n0.50 light 2\n0.70 light 2\n1.00 stack 8", pins);
        assert_eq!(complaint(&more), "line 3: here `nothing`, on the board `0.70 light 2`");
        let dark = run("0.00 light 1\n0.50 light 2\n1.00 stack 8", "");
        assert_eq!(complaint(&dark), "line 1: here `pin lamp 1`, on the board `nothing`");
        assert!(compare("", &run("1.00 stack 8", "")).is_err(), "nothing is not the same as nothing");
    }
}
