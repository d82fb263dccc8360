//! What must not stay on goes off when its sensor falls silent, and when its program was killed.
#![cfg(all(feature = "gpio", feature = "pwm", feature = "relay"))]

use std::time::Duration;

use thingflow_adapters::actuators::{ActuatorInput, SimulatedPwm, pwm::Pwm, relay::Relay};
use thingflow_adapters::gpio::{SimulatedPin, pin_out};
use thingflow_core::prelude::*;
use thingflow_core::testing::{FlakySensor, Recorder};

const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);

/// As the book recommends it: for ever, less and less often.
fn retry() -> OnFailure {
    OnFailure::Retry { backoff: Backoff::new(Duration::from_millis(100), MINUTE), attempts: u32::MAX }
}

/// Cold once, and then no answer for so many samplings.
fn silent(samplings: usize) -> FlakySensor<f64> {
    let readings = std::iter::once(Ok(10.0)).chain(std::iter::repeat_n(Err("no answer"), samplings));
    FlakySensor::new("room", readings.chain([Ok(10.0)]).collect::<Vec<_>>())
}

#[test]
fn f70_a_heater_is_off_after_a_day_without_a_reading() {
    let (pin, relay, duty) = (SimulatedPin::new(), SimulatedPin::new(), SimulatedPwm::new(100));
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let room = SensorOutput::new(silent(10_000));
    let cold = room.map(|event| event.val < 20.0).share();
    cold.connect(pin_out("heater", pin.clone()).safe_after(5 * MINUTE));
    let burner = Relay::new(relay.clone()).min_on(10 * MINUTE);
    cold.connect(ActuatorInput::new("burner", burner).safe_after(5 * MINUTE));
    cold.map(f64::from).connect(ActuatorInput::new("element", Pwm::new(duty.clone())).safe_after(5 * MINUTE));
    let every = Periodic::every(Duration::from_secs(1)).on_failure(retry());
    scheduler.schedule_periodic(room, every).unwrap();
    scheduler.run_for(MINUTE).unwrap();
    assert!(pin.level() && relay.level() && duty.duty() > 0.9, "it is cold");
    scheduler.run_for(DAY).unwrap();
    assert!(!pin.level() && !relay.level() && duty.duty() == 0.0, "nobody knows how warm it is");
}

#[test]
fn f70_the_next_reading_switches_it_on_again_and_the_silence_is_told_once() {
    let (pin, reports) = (SimulatedPin::new(), Recorder::new());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    let room = SensorOutput::new(silent(30));
    room.map(|event| event.val < 20.0).connect(pin_out("heater", pin.clone()).safe_after(5 * MINUTE));
    let every = Periodic::every(Duration::from_secs(1)).on_failure(retry());
    scheduler.schedule_periodic(room, every).unwrap();
    scheduler.run_for(30 * MINUTE).unwrap();
    assert_eq!(pin.writes(), [false, true, false, true, false], "off at the end, too");
    let told = reports.events().into_iter().filter(|report| report.starts_with("heater: ")).collect::<Vec<_>>();
    assert_eq!(told, ["heater: no command for 300s: it goes to its safe state"]);
}

#[test]
#[cfg(all(feature = "gpiocdev", target_os = "linux"))]
fn f71_the_command_sets_what_it_can_and_says_what_it_cannot() {
    use std::process::Command;
    // Cargo builds the command for the tests, and puts it beside their folder.
    let tests = std::env::current_exe().unwrap();
    let command = tests.parent().and_then(std::path::Path::parent).unwrap().join("thingflow-safe-lines");
    let runner = std::env::var("THINGFLOW_TEST_RUNNER").unwrap_or_default(); // of an emulated processor
    let run = |words: &[&str]| {
        let program = command.to_str().unwrap();
        let all: Vec<&str> = runner.split_whitespace().chain([program]).chain(words.iter().copied()).collect();
        let output = Command::new(all[0]).args(&all[1..]).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (well, errors, _) = run(&["/dev/gpiochip-none:3=low", "GPIO17", "/dev/gpiochip-none:4=high"]);
    let errors: Vec<_> = errors.lines().collect();
    assert!(!well && errors.len() == 3, "{errors:?}");
    assert!(errors[0].starts_with("no GPIO chip /dev/gpiochip-none"), "{errors:?}");
    assert_eq!(errors[1], "invalid line and level `GPIO17`; write GPIO17=low or /dev/gpiochip0:17=high");
    assert!(!run(&[]).0);
    let (well, _, usage) = run(&["--help"]);
    assert!(well && usage.starts_with("usage: thingflow-safe-lines LINE=low|high"), "{usage}");
}
