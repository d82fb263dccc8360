//! A program as it is deployed, on a pin of the board: it tells the service manager that it is up and that its loop turns,
//! takes little memory, and leaves its lamp dark when it is told to end.

use std::env;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::checks::{Checks, expect};
use crate::waiting::LONGEST;
use crate::{Result, host};

/// The pin of its lamp.
const LAMP: u32 = 17;

/// The memory it may take, in KiB.
const LIMIT: u32 = 3 * 1024;

/// As `WatchdogSec` in its unit: who is silent for longer is ended. A loop that turns is heard twice in that time.
const WATCHDOG: Duration = Duration::from_secs(4);

pub(crate) fn check(checks: &mut Checks, program: &str) {
    checks.run(&format!("{program} is a service: up, alive, small, its lamp dark at the end"), || {
        let mut service = Service::start(program, &[])?;
        expect("the first word", &service.hear()?, &"READY=1\nWATCHDOG=1".to_owned())?;
        expect("its lamp at the start", &lamp()?, &"0".to_owned())?;
        let signs = service.wait_for_light()?;
        let resident = service.resident()?.ok_or("it has gone")?;
        let seen = format!("{signs} signs of life until its lamp was lit, {resident} KiB resident");
        let status = service.end()?;
        let dark = expect("its lamp at the end", &lamp()?, &"0".to_owned())?;
        if status.success() && resident < LIMIT {
            Ok(format!("{seen}, {dark}"))
        } else {
            Err(format!("{status}, {seen}").into())
        }
    });
}

/// The lamp's level, as the host sees it.
fn lamp() -> Result<String> {
    Ok(host::ask(&format!("pin {LAMP}"))?)
}

/// A program that runs, and the socket by which it tells how it is. Killed when dropped.
pub(crate) struct Service {
    program: Child,
    manager: UnixDatagram,
}

impl Service {
    /// Starts a program with variables of its environment, beside those of the service manager.
    pub(crate) fn start(program: &str, variables: &[(&str, &str)]) -> Result<Self> {
        let socket = env::temp_dir().join("manager");
        if socket.exists() {
            fs::remove_file(&socket)?;
        }
        let manager = UnixDatagram::bind(&socket)?;
        manager.set_read_timeout(Some(WATCHDOG))?;
        let mut command = Command::new(program);
        command.envs(variables.iter().copied());
        command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        let program = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        Ok(Self { program, manager })
    }

    /// The next it says; an error where the watchdog would bite.
    fn hear(&self) -> Result<String> {
        let mut said = [0; 256];
        let length = self.manager.recv(&mut said).map_err(|error| format!("silent for {WATCHDOG:?}: {error}"))?;
        Ok(String::from_utf8_lossy(&said[..length]).into_owned())
    }

    /// How many signs of life there were until it had lit its lamp.
    fn wait_for_light(&self) -> Result<u32> {
        let end = Instant::now() + LONGEST;
        for signs in 1.. {
            expect("its word", &self.hear()?, &"WATCHDOG=1".to_owned())?;
            if lamp()? == "1" {
                return Ok(signs);
            }
            if Instant::now() > end {
                break;
            }
        }
        Err(format!("its lamp was not lit within {LONGEST:?}").into())
    }

    /// Its memory in KiB.
    pub(crate) fn resident(&self) -> Result<Option<u32>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(line.and_then(|line| line.split_whitespace().next()?.parse().ok()))
    }

    /// Ends it as systemd does.
    pub(crate) fn end(&mut self) -> Result<ExitStatus> {
        kill_process(Pid::from_child(&self.program), Signal::TERM)?;
        while self.hear()? != "STOPPING=1" {}
        Ok(self.program.wait()?)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.program.kill());
        drop(self.program.wait());
    }
}
