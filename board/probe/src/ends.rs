//! How a program ends, and the level at which it leaves its pin or its PWM output: each end is a process of its own. The host,
//! which sees the controller's output from outside, tells every level the pin has had; the kernel tells the duty of the output.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, fs};

use rustix::process::{Pid, Signal, kill_process};
use thingflow_adapters::actuators::ActuatorInput;
use thingflow_adapters::actuators::pwm::Pwm;
use thingflow_adapters::actuators::sysfs_pwm::SysfsPwm;
use thingflow_adapters::gpio::chardev::{Line, LineLevel};
use thingflow_adapters::gpio::{PinState, pin_out};
use thingflow_core::prelude::*;

use crate::checks::{Checks, expect};
use crate::{Result, host};

/// How the program ends; the line it drives; whether its exit is a success.
const ENDS: [(&str, u32, bool); 6] = [
    ("SIGTERM", 4, true),
    ("its own end", 5, true),
    ("a fatal error", 6, false),
    ("a panic", 7, false),
    (SILENCE, 0, false),
    (ERROR, 2, false),
];

/// What ends the commands and not the program. It is killed a while later, which leaves the pin as it is by then.
const SILENCE: &str = "silence of its sensor";
const ERROR: &str = "an error of its stream";

/// So many ticks that while takes, many times what the pin holds without a command.
const A_WHILE: usize = 40;

/// The ends that no program survives to do anything, and their line. They show that the others do something.
const KILLED: [(&str, u32); 2] = [("SIGKILL", 1), (MEMORY, 1)];

/// The kernel ends it.
const MEMORY: &str = "out of memory";

/// Stands for the chip where the output is the kernel's PWM; the line is its channel.
const PWM: &str = "pwm";
/// A channel of the kernel's first PWM chip, and its period. While the fan is on it is high for half of that.
const CHANNEL: u32 = 0;
const PERIOD: Duration = Duration::from_millis(1);

pub(crate) fn check(checks: &mut Checks, chip: &str) {
    for (how, line, well) in ENDS {
        checks.run(&format!("{how} leaves the pin at its safe level"), || {
            let (ended_well, said) = run(chip, line, how)?;
            expect(&format!("success ({said})"), &ended_well, &well)?;
            levels(line, "1 0")
        });
    }
    for (how, line) in KILLED {
        checks.run(&format!("{how} leaves the pin as it is, what the unit runs then makes it safe"), || {
            let (ended_well, said) = run(chip, line, how)?;
            expect(&format!("success ({said})"), &ended_well, &false)?;
            let seen = levels(line, "1")?;
            format!("{chip}:{line}=low").parse::<LineLevel>()?.set()?; // as `thingflow-safe-lines` does
            Ok(format!("{seen}, then {}", levels(line, "0")?))
        });
    }
}

/// The same for a PWM output of the kernel. Nothing outside sees its signal: what the kernel has told its driver is looked at.
pub(crate) fn check_pwm(checks: &mut Checks) {
    let safe = ENDS.map(|(how, _, well)| (how, well, "off"));
    let killed = [("SIGKILL", false, "on")];
    for (how, well, left) in safe.into_iter().chain(killed) {
        checks.run(&format!("{how} leaves the PWM output {left}"), || {
            let (ended_well, said) = run(PWM, CHANNEL, how)?;
            expect(&format!("success ({said})"), &ended_well, &well)?;
            expect("output", &duty()?, &left.to_owned())
        });
    }
}

/// What the kernel says that the output does: nothing, half of the time, or something else. Its clock does not divide evenly.
fn duty() -> Result<String> {
    let text = fs::read_to_string(format!("/sys/class/pwm/pwmchip0/pwm{CHANNEL}/duty_cycle"))?;
    let nanoseconds: u64 = text.trim().parse()?;
    Ok(match nanoseconds {
        0 => "off".into(),
        499_900..=500_100 => "on".into(),
        other => format!("high for {other} ns"),
    })
}

/// The levels that the line has had since they were last looked at.
fn levels(line: u32, expected: &str) -> Result<String> {
    expect("levels outside", &host::ask(&format!("levels {line}"))?, &expected.to_owned())
}

/// Starts the heater, ends it if it does not by itself, and tells its outcome and the last thing it said.
fn run(chip: &str, number: u32, how: &str) -> Result<(bool, String)> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["heater", chip, &number.to_string(), how]).stdin(Stdio::null());
    let mut heater = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut output = BufReader::new(heater.stdout.take().ok_or("no output")?);
    let (ticks, signal) = match how {
        "SIGTERM" => (1, Some(Signal::TERM)),
        "SIGKILL" => (1, Some(Signal::KILL)),
        SILENCE | ERROR => (A_WHILE, Some(Signal::KILL)),
        _ => (1, None),
    };
    let mut line = String::new();
    for tick in 0..ticks {
        line.clear();
        output.read_line(&mut line)?;
        if tick == 0 && chip == PWM {
            expect("its first word", &line.trim_end(), &"on")?;
        }
    }
    if let Some(signal) = signal {
        kill_process(Pid::from_child(&heater), signal)?;
    }
    let mut said = String::new();
    output.read_to_string(&mut said)?;
    said.clear();
    heater.stderr.take().ok_or("no errors")?.read_to_string(&mut said)?;
    let last = said.lines().last().unwrap_or("it said nothing").to_owned();
    Ok((heater.wait()?.success(), last))
}

/// The program that ends: a heater that is switched on.
pub(crate) fn heater(chip: &str, line: &str, how: &str) -> ExitCode {
    match heat(chip, line, how) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn heat(chip: &str, line: &str, how: &str) -> Result {
    let mut scheduler = Scheduler::new()?;
    let ticks = from_iter(0..if how == "its own end" { 5 } else { u32::MAX }).output();
    let (silent, fails) = (how == SILENCE, how == ERROR);
    let commands = ticks.filter(move |tick| !silent || *tick == 0);
    let commands = commands.try_map(move |tick| if fails && tick == 3 { Err("no such sensor") } else { Ok(true) });
    let holds = if silent { Duration::from_millis(100) } else { Duration::from_secs(3600) };
    let line = line.parse()?;
    if chip == PWM {
        let fan = Pwm::new(SysfsPwm::open(0, line, PERIOD)?);
        commands.map(|on| if on { 0.5 } else { 0.0 }).connect(ActuatorInput::new("fan", fan).safe_after(holds));
    } else {
        let heater = Line::at(chip, line).output(PinState::Low)?;
        commands.connect(pin_out("heater", heater).safe_after(holds));
    }
    let (how, is_pwm) = (how.to_owned(), chip == PWM);
    ticks.try_for_each(move |tick| match how.as_str() {
        "a fatal error" if tick == 3 => Err("the disk is full"),
        "a panic" if tick == 3 => panic!("a bug"),
        MEMORY if tick == 3 => use_up_memory(),
        _ if is_pwm => duty().map(|duty| println!("{duty}")).map_err(|_| "the kernel does not tell the duty"),
        _ => {
            println!("on");
            Ok(())
        }
    });
    scheduler.schedule_periodic(ticks, Duration::from_millis(20))?;
    scheduler.run_forever()?;
    Ok(())
}

/// Takes memory until the kernel ends the program that has most of it.
fn use_up_memory() -> std::result::Result<(), &'static str> {
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1_u8; 16 << 20]);
    }
}
