//! How much memory a program takes while it runs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::Result;
use crate::checks::Checks;

/// In KiB.
const LIMIT: u32 = 3 * 1024;

pub(crate) fn check(checks: &mut Checks, program: &str) {
    checks.run(&format!("{program} is small and ends when told"), || {
        let mut child = Command::new(program).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        // Its second line: it is warm.
        let said = (output.next().transpose()?, output.next().transpose()?);
        let resident = resident(child.id());
        kill_process(Pid::from_child(&child), Signal::TERM)?;
        let rest = output.count();
        let status = child.wait()?;
        let (Some(resident), (_, Some(line)), true) = (resident?, said, status.success()) else {
            return Err(format!("{status}, {rest} more lines").into());
        };
        let seen = format!("{resident} KiB resident, it said `{line}`");
        if resident < LIMIT { Ok(seen) } else { Err(seen.into()) }
    });
}

fn resident(process: u32) -> Result<Option<u32>> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.and_then(|line| line.split_whitespace().next()?.parse().ok()))
}
