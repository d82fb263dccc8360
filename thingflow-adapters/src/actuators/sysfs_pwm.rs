//! [`SysfsPwm`]: a PWM output of the kernel, as a folder below `/sys/class/pwm`.
//!
//! Own code: four files are written, and the crates for that are for `embedded-hal` 0.2.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use embedded_hal::pwm::{Error, ErrorKind, ErrorType, SetDutyCycle};

/// A PWM output of the kernel: on a board whose firmware enables it (Raspberry Pi: `dtoverlay=pwm`), without root once a
/// udev rule gives the folder to a group.
///
/// - Resolution: 65,535 steps of the period, then what the chip can.
/// - It begins with duty 0 and with the polarity `normal`, whatever another program has left.
/// - Hazard: the signal goes on when the program is killed.
///
/// ```no_run
/// use std::time::Duration;
/// use thingflow_adapters::actuators::{ActuatorInput, pwm::Pwm, sysfs_pwm::SysfsPwm};
/// use thingflow_core::prelude::*;
/// let output = SysfsPwm::open(0, 0, Duration::from_micros(40))?; // 25 kHz, as fans want it
/// let fan = pipe().to(ActuatorInput::new("fan", Pwm::new(output)));
/// # let _ = fan;
/// # Ok::<(), thingflow_adapters::actuators::sysfs_pwm::SysfsPwmError>(())
/// ```
///
/// Source: the kernel's documentation, `driver-api/pwm`.
#[derive(Debug)]
pub struct SysfsPwm {
    folder: PathBuf,
    period: u64,
}

impl SysfsPwm {
    /// The output `channel` of the chip `chip`: of `/sys/class/pwm/pwmchip0` for chip 0.
    ///
    /// # Errors
    /// If there is no such output, the chip cannot do the period, or this user may not use it.
    pub fn open(chip: u32, channel: u32, period: Duration) -> Result<Self, SysfsPwmError> {
        Self::open_in(Path::new("/sys/class/pwm"), chip, channel, period)
    }

    /// As [`open`](Self::open), with another folder in the place of `/sys/class/pwm`: for tests.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_in(root: &Path, chip: u32, channel: u32, period: Duration) -> Result<Self, SysfsPwmError> {
        let chip = root.join(format!("pwmchip{chip}"));
        let count = fs::read_to_string(chip.join("npwm")).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SysfsPwmError::NoChip { chip: chip.clone(), there: chips(root) },
            _ => SysfsPwmError::other(&chip.join("npwm"), error),
        })?;
        let count = count.trim().parse().unwrap_or(0);
        if channel >= count {
            return Err(SysfsPwmError::NoChannel { chip, channel, count });
        }
        let folder = chip.join(format!("pwm{channel}"));
        let export = !folder.exists();
        if export {
            write(&chip.join("export"), channel)?;
        }
        let before = fs::read_to_string(folder.join("period")).unwrap_or_default();
        let mut output = Self { folder, period: before.trim().parse().unwrap_or(0) };
        let mut patience = if export { PATIENCE } else { 0 };
        while let Err(error) = output.set_up(period) {
            if patience == 0 || !matches!(error, SysfsPwmError::Denied { .. }) {
                return Err(error);
            }
            patience -= 1;
            thread::sleep(Duration::from_millis(20));
        }
        Ok(output)
    }

    /// Takes back what another program may have set. The kernel refuses another polarity while the output is enabled.
    fn set_up(&mut self, period: Duration) -> Result<(), SysfsPwmError> {
        // One without a period is off, and most kernels refuse to have it switched off.
        if self.period > 0 {
            self.set("enable", 0)?;
        }
        self.set_period(period)?;
        let polarity = self.folder.join("polarity");
        if fs::read_to_string(&polarity).is_ok_and(|polarity| polarity.trim() != NORMAL) {
            write(&polarity, NORMAL)?;
        }
        self.set("enable", 1)
    }

    /// Another period. The duty is 0 afterwards.
    ///
    /// # Errors
    /// If the chip cannot do it.
    pub fn set_period(&mut self, period: Duration) -> Result<(), SysfsPwmError> {
        if self.period > 0 {
            self.set("duty_cycle", 0)?; // the kernel refuses a period below the duty, and a duty without a period
        }
        let nanos = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        self.set("period", nanos)?;
        self.period = nanos;
        Ok(())
    }

    /// The period, as it was set last.
    pub fn period(&self) -> Duration {
        Duration::from_nanos(self.period)
    }

    /// The servo on this output, which is told its period.
    ///
    /// # Panics
    /// If the period leaves no room for pulses of 2 ms; a servo wants one of 20 ms.
    #[cfg(feature = "servo")]
    #[must_use]
    #[track_caller]
    pub fn servo(self) -> super::servo::Servo<Self> {
        let period = self.period();
        super::servo::Servo::new(self, period)
    }

    fn set(&mut self, what: &str, value: u64) -> Result<(), SysfsPwmError> {
        write(&self.folder.join(what), value)
    }
}

/// The duty is the time for which the output is high.
const NORMAL: &str = "normal";
/// So often a folder that the kernel has just made is tried until udev has given it to its group: half a second.
const PATIENCE: u32 = 25;

fn chips(root: &Path) -> Vec<String> {
    let folders = fs::read_dir(root).into_iter().flatten().flatten();
    let mut names: Vec<_> = folders.map(|folder| folder.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn write(file: &Path, value: impl fmt::Display) -> Result<(), SysfsPwmError> {
    let written = OpenOptions::new().write(true).truncate(true).open(file).and_then(|mut open| write!(open, "{value}"));
    written.map_err(|error| SysfsPwmError::other(file, error))
}

impl ErrorType for SysfsPwm {
    type Error = SysfsPwmError;
}

impl SetDutyCycle for SysfsPwm {
    fn max_duty_cycle(&self) -> u16 {
        u16::MAX
    }
    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), SysfsPwmError> {
        let nanos = u128::from(self.period) * u128::from(duty) / u128::from(u16::MAX);
        self.set("duty_cycle", nanos as u64)
    }
}

/// A PWM output of the kernel that cannot be had or set. Its text says what is there, or what to do.
#[non_exhaustive]
pub enum SysfsPwmError {
    /// There is no such chip.
    NoChip {
        /// The chip asked for.
        chip: PathBuf,
        /// The chips there are.
        there: Vec<String>,
    },
    /// The chip has no such output.
    NoChannel {
        /// The chip.
        chip: PathBuf,
        /// The output asked for.
        channel: u32,
        /// How many outputs it has.
        count: u32,
    },
    /// The user of this program may not write a file.
    Denied {
        /// The file.
        file: PathBuf,
    },
    /// Anything else.
    Other {
        /// The file.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl SysfsPwmError {
    fn other(file: &Path, cause: io::Error) -> Self {
        let file = file.to_owned();
        if cause.kind() == io::ErrorKind::PermissionDenied {
            Self::Denied { file }
        } else {
            Self::Other { file, cause }
        }
    }
}

impl fmt::Display for SysfsPwmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChip { chip, there } if there.is_empty() => {
                write!(f, "no PWM chip {}: switch it on in the board's firmware, or load its driver", chip.display())
            }
            Self::NoChip { chip, there } => {
                write!(f, "no PWM chip {}; there is {}", chip.display(), there.join(", "))
            }
            Self::NoChannel { chip, channel, count } => {
                write!(f, "PWM chip {} has {count} outputs, counted from 0, and no {channel}", chip.display())
            }
            Self::Denied { file } => {
                let file = file.display();
                write!(f, "this user may not write {file}; add a udev rule that gives it to a group, and join that")
            }
            Self::Other { file, cause } => {
                write!(f, "{}: {cause}", file.display())?;
                f.write_str(match cause.kind() {
                    io::ErrorKind::ResourceBusy => "; a driver of the kernel has this output: take another one",
                    io::ErrorKind::InvalidInput => "; the chip cannot do that: try another period",
                    io::ErrorKind::NotFound => "; check that the chip's driver is loaded",
                    _ => "",
                })
            }
        }
    }
}

/// Reads as a sentence, since errors of `embedded-hal` are shown by this text.
impl fmt::Debug for SysfsPwmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for SysfsPwmError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Other { cause, .. } = self { Some(cause) } else { None }
    }
}

impl Error for SysfsPwmError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chip with two outputs, the first of them exported.
    fn chip() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("pwmchip0/pwm0");
        fs::create_dir_all(&output).unwrap();
        fs::write(root.path().join("pwmchip0/npwm"), "2\n").unwrap();
        fs::write(root.path().join("pwmchip0/export"), "").unwrap();
        for file in ["duty_cycle", "period", "enable"] {
            fs::write(output.join(file), "0\n").unwrap();
        }
        root
    }

    #[test]
    fn sets_period_and_duty_in_nanoseconds() {
        let root = chip();
        let mut output = SysfsPwm::open_in(root.path(), 0, 0, Duration::from_millis(20)).unwrap();
        let read = |file: &str| fs::read_to_string(root.path().join("pwmchip0/pwm0").join(file)).unwrap();
        assert_eq!(["duty_cycle", "period", "enable"].map(read), ["0\n", "20000000", "1"]);
        output.set_duty_cycle(u16::MAX).unwrap();
        assert_eq!(read("duty_cycle"), "20000000");
        output.set_duty_cycle_percent(50).unwrap();
        assert_eq!(read("duty_cycle"), "9999847"); // half a step below
    }

    #[cfg(feature = "servo")]
    #[test]
    fn a_servo_knows_the_period_of_its_output() {
        use crate::actuators::ActuatorInput;
        let root = chip();
        for millis in [20, 10] {
            let output = SysfsPwm::open_in(root.path(), 0, 0, Duration::from_millis(millis)).unwrap();
            let mut arm = ActuatorInput::new("arm", output.servo());
            let cx = &mut thingflow_core::Context::detached(thingflow_core::Instant::ZERO);
            let _ = thingflow_core::InputThing::next(&mut arm, 90.0, cx).unwrap();
            let pulse = fs::read_to_string(root.path().join("pwmchip0/pwm0/duty_cycle")).unwrap();
            assert!((1_499_800..=1_500_200).contains(&pulse.parse::<u32>().unwrap()), "{pulse} ns in {millis} ms");
        }
    }

    #[test]
    fn an_output_that_is_on_goes_off_before_its_period_changes() {
        let root = chip();
        let output = root.path().join("pwmchip0/pwm0");
        fs::write(output.join("period"), "40000\n").unwrap();
        fs::write(output.join("duty_cycle"), "30000\n").unwrap();
        SysfsPwm::open_in(root.path(), 0, 0, Duration::from_micros(20)).unwrap();
        assert_eq!(fs::read_to_string(output.join("duty_cycle")).unwrap(), "0");
    }

    /// Linux before 6.11 takes no change of an output that has no period, not even that it is off.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_new_output_is_not_switched_off_before_it_has_a_period() {
        let root = chip();
        let enable = root.path().join("pwmchip0/pwm0/enable");
        fs::remove_file(&enable).unwrap();
        // A file of the kernel that takes 1 and refuses 0.
        std::os::unix::fs::symlink("/proc/self/clear_refs", &enable).unwrap();
        assert!(write(&enable, 0).is_err());
        SysfsPwm::open_in(root.path(), 0, 0, Duration::from_millis(20)).unwrap();
    }

    #[test]
    fn f30_the_polarity_of_another_program_does_not_count() {
        let root = chip();
        let output = root.path().join("pwmchip0/pwm0");
        for (left, expected) in [("inversed\n", "normal"), ("normal\n", "normal\n")] {
            fs::write(output.join("polarity"), left).unwrap();
            fs::write(output.join("enable"), "1\n").unwrap();
            SysfsPwm::open_in(root.path(), 0, 0, Duration::from_millis(20)).unwrap();
            let read = |file: &str| fs::read_to_string(output.join(file)).unwrap();
            assert_eq!(["polarity", "enable"].map(read), [expected, "1"]);
        }
    }

    #[test]
    fn an_output_that_nobody_uses_yet_is_exported() {
        let root = chip();
        let error = SysfsPwm::open_in(root.path(), 0, 1, Duration::from_millis(20)).unwrap_err().to_string();
        assert_eq!(fs::read_to_string(root.path().join("pwmchip0/export")).unwrap(), "1");
        assert!(error.contains("pwmchip0/pwm1/period: No such file"), "{error}"); // this kernel did not make it
    }

    #[test]
    fn what_is_missing_is_named() {
        let root = chip();
        let open = |chip, channel| SysfsPwm::open_in(root.path(), chip, channel, Duration::from_millis(20));
        let error = open(3, 0).unwrap_err().to_string();
        assert!(error.ends_with("pwmchip3; there is pwmchip0"), "{error}");
        let error = open(0, 2).unwrap_err().to_string();
        assert!(error.ends_with("pwmchip0 has 2 outputs, counted from 0, and no 2"), "{error}");
        let nothing = root.path().join("nothing");
        let error = SysfsPwm::open_in(&nothing, 0, 0, Duration::from_millis(20)).unwrap_err().to_string();
        assert!(error.ends_with("switch it on in the board's firmware, or load its driver"), "{error}");
    }

    #[test]
    fn a_file_that_may_not_be_written_asks_for_a_rule() {
        let denied = SysfsPwmError::other(Path::new("/sys/x"), io::ErrorKind::PermissionDenied.into()).to_string();
        assert_eq!(denied, "this user may not write /sys/x; add a udev rule that gives it to a group, and join that");
    }
}
