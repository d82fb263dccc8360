//! [`Outside`]: the world around an emulated board, which answers the board's questions. It reaches into the emulator by
//! two sockets: one for the registers and wires of the machine (QEMU's `qtest`), one for its devices (QMP).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use super::broker::Broker;
use crate::Result;

/// Where the pins of a Raspberry Pi 3 can be seen and driven.
const PI_SET: u32 = 0x3F20_001C;
const PI_CLEAR: u32 = 0x3F20_0028;
const PI_LEVELS: u32 = 0x3F20_0034;

/// Where its interrupts 32 to 63 are switched on and off, and the one of its I2C. Without it a transfer never ends.
const PI_INTERRUPTS_ON: u32 = 0x3F00_B214;
const PI_INTERRUPTS_OFF: u32 = 0x3F00_B220;
const PI_I2C: u32 = 1 << (53 - 32);

/// The emulator must have made its sockets by then.
const PATIENCE: Duration = Duration::from_secs(20);

/// The world.
pub(super) struct Outside {
    wires: Wires,
    devices: Devices,
    /// Where the controller of the machine `virt` is in the emulator's tree.
    controller: Option<String>,
    /// Once the board has asked for it.
    broker: Option<Broker>,
}

impl Outside {
    /// Connects to the sockets of an emulator that has just been started.
    pub(super) fn connect(wires: &Path, devices: &Path) -> Result<Self> {
        let mut devices = Devices::connect(devices)?;
        let mut wires = Wires::connect(wires)?;
        let controller = devices.controller()?;
        if let Some(controller) = &controller {
            wires.tell(&format!("irq_intercept_out {controller}"))?;
        }
        Ok(Self { wires, devices, controller, broker: None })
    }

    /// Does what the board asks for, or looks it up.
    pub(super) fn answer(&mut self, question: &str) -> String {
        self.try_answer(question).unwrap_or_else(|error| format!("error: {error}"))
    }

    fn try_answer(&mut self, question: &str) -> Result<String> {
        let words: Vec<&str> = question.split_whitespace().collect();
        match words.as_slice() {
            ["input", line, level] => {
                let controller = self.controller.as_ref().ok_or("this machine has no PL061")?;
                self.wires.tell(&format!("set_irq_in {controller} unnamed-gpio-in {line} {level}"))?;
                Ok("done".into())
            }
            ["levels", line] => self.wires.levels(line.parse()?),
            ["pin", pin] => {
                let levels = self.wires.tell(&format!("readl {PI_LEVELS:#x}"))?;
                Ok(u8::from(bit(&levels, pin.parse()?)?).to_string())
            }
            ["drive", pin, level] => {
                let (pin, register): (u32, _) = (pin.parse()?, if *level == "1" { PI_SET } else { PI_CLEAR });
                self.wires.write(register, 1 << pin)
            }
            ["i2c", "hang"] => self.wires.write(PI_INTERRUPTS_OFF, PI_I2C),
            ["i2c", "well"] => self.wires.write(PI_INTERRUPTS_ON, PI_I2C),
            ["temperature", celsius] => self.devices.set_temperature(celsius.parse()?),
            ["broker", words @ ..] => self.answer_of_broker(words),
            _ => Err(format!("nobody outside understands `{question}`").into()),
        }
    }

    fn answer_of_broker(&mut self, words: &[&str]) -> Result<String> {
        if self.broker.is_none() && words == ["start"] {
            return Ok(self.broker.insert(Broker::start()?).address());
        }
        let broker = self.broker.as_mut().ok_or("there is no broker yet")?;
        match words {
            ["start"] => {
                broker.restart()?;
                return Ok(broker.address());
            }
            ["stop"] => broker.stop(),
            ["heard", topic, text] => broker.wait_for(topic, text)?,
            ["numbers", topic] => return broker.numbers(topic),
            _ => return Err(format!("no broker understands `{}`", words.join(" ")).into()),
        }
        Ok("done".into())
    }
}

/// Whether the bit of a register is set, as `qtest` answers: `OK 0x0000000000020000`.
fn bit(answer: &str, number: u32) -> Result<bool> {
    let hex = answer.rsplit("0x").next().unwrap_or_default();
    Ok(u64::from_str_radix(hex, 16).map_err(|_| format!("no number in `{answer}`"))? >> number & 1 == 1)
}

/// A socket of the emulator on which lines go both ways.
#[derive(Debug)]
struct Lines {
    from: BufReader<UnixStream>,
    to: UnixStream,
}

impl Lines {
    fn connect(path: &Path) -> Result<Self> {
        for _ in 0..PATIENCE.as_millis() / 50 {
            if let Ok(to) = UnixStream::connect(path) {
                to.set_read_timeout(Some(PATIENCE))?;
                return Ok(Self { from: BufReader::new(to.try_clone()?), to });
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(format!("the emulator has not made its socket {} (is it there: {})", path.display(), fs::exists(path)?)
            .into())
    }

    fn say(&mut self, line: &str) -> Result {
        Ok(self.to.write_all(format!("{line}\n").as_bytes())?)
    }

    fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.from.read_line(&mut line)? == 0 {
            return Err("the emulator has closed its socket".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

/// The registers and wires of the machine.
#[derive(Debug)]
struct Wires {
    lines: Lines,
    /// The levels that the controller has put on its lines, in order.
    seen: Vec<(u32, bool)>,
}

impl Wires {
    fn connect(path: &Path) -> Result<Self> {
        Ok(Self { lines: Lines::connect(path)?, seen: Vec::new() })
    }

    /// Has a command done. What changed on a wire meanwhile is kept.
    fn tell(&mut self, command: &str) -> Result<String> {
        self.lines.say(command)?;
        loop {
            let line = self.lines.hear()?;
            if let Some(change) = change(&line) {
                self.seen.push(change);
            } else if line.starts_with("OK") {
                return Ok(line);
            } else {
                return Err(format!("`{command}`: {line}").into());
            }
        }
    }

    fn write(&mut self, register: u32, value: u32) -> Result<String> {
        self.tell(&format!("writel {register:#x} {value:#x}"))?;
        Ok("done".into())
    }

    /// All levels that a line has had since this was last asked.
    fn levels(&mut self, line: u32) -> Result<String> {
        self.tell("endianness")?; // any command: what changed before comes before its answer
        Ok(taken(&mut self.seen, line))
    }
}

/// The levels of a line, which are forgotten.
fn taken(seen: &mut Vec<(u32, bool)>, line: u32) -> String {
    let levels: Vec<&str> =
        seen.extract_if(.., |(changed, _)| *changed == line).map(|(_, high)| if high { "1" } else { "0" }).collect();
    if levels.is_empty() { "none".into() } else { levels.join(" ") }
}

/// The wire and its level in `IRQ raise 4`.
fn change(line: &str) -> Option<(u32, bool)> {
    let (level, wire) = line.strip_prefix("IRQ ")?.split_once(' ')?;
    Some((wire.parse().ok()?, level == "raise"))
}

/// The devices of the machine.
#[derive(Debug)]
struct Devices(Lines);

impl Devices {
    fn connect(path: &Path) -> Result<Self> {
        let mut lines = Lines::connect(path)?;
        lines.hear()?; // its greeting
        let mut devices = Self(lines);
        devices.tell(r#"{"execute": "qmp_capabilities"}"#)?;
        Ok(devices)
    }

    fn tell(&mut self, command: &str) -> Result<String> {
        self.0.say(command)?;
        loop {
            let answer = self.0.hear()?;
            if answer.starts_with(r#"{"return""#) {
                return Ok(answer);
            }
            if answer.starts_with(r#"{"error""#) {
                return Err(format!("`{command}`: {answer}").into());
            }
        }
    }

    /// Where the GPIO controller is in the emulator's tree, if the machine has that one.
    fn controller(&mut self) -> Result<Option<String>> {
        let ask = r#"{"execute": "human-monitor-command", "arguments": {"command-line": "info qom-tree"}}"#;
        Ok(controller_in(&self.tell(ask)?))
    }

    fn set_temperature(&mut self, celsius: f64) -> Result<String> {
        let place = r#""path": "/machine/peripheral/thermometer", "property": "temperature""#;
        let millis = (celsius * 1000.0).round();
        self.tell(&format!(r#"{{"execute": "qom-set", "arguments": {{{place}, "value": {millis}}}}}"#))?;
        Ok("done".into())
    }
}

/// `/machine/unattached/device[9]` from a tree with a line `/device[9] (pl061)`.
fn controller_in(tree: &str) -> Option<String> {
    let before = tree.split_once(" (pl061)")?.0;
    Some(format!("/machine/unattached/{}", before.rsplit('/').next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_emulator_are_understood() {
        assert!(bit("OK 0x0000000000020000", 17).unwrap());
        assert!(!bit("OK 0x0000000000020000", 18).unwrap());
        assert_eq!(bit("OK", 18).unwrap_err().to_string(), "no number in `OK`");
        assert_eq!(change("IRQ raise 4"), Some((4, true)));
        assert_eq!(change("IRQ lower 5"), Some((5, false)));
        assert_eq!(change("OK"), None);
    }

    #[test]
    fn levels_are_told_once() {
        let mut seen = vec![(4, true), (5, true), (4, false)];
        assert_eq!(taken(&mut seen, 4), "1 0");
        assert_eq!(taken(&mut seen, 4), "none");
        assert_eq!(taken(&mut seen, 5), "1");
    }

    #[test]
    fn the_controller_is_found_in_the_tree() {
        let tree =
            r#"{"return": "/machine (virt)\r\n    /device[8] (pl031)\r\n    /device[9] (pl061)\r\n      /x[0] (irq)"}"#;
        assert_eq!(controller_in(tree).as_deref(), Some("/machine/unattached/device[9]"));
        assert_eq!(controller_in("/device[9] (pl011)"), None);
    }
}
