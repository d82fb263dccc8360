//! The emulated board: its serial line goes to the program that reads it on Linux, its LEDs are watched from outside.

use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use crate::{Result, process};

/// An Arm MPS2 with a Cortex-M4. Its time is counted in instructions and jumps while it sleeps, so each run is alike.
const BOARD: &str = "-M mps2-an386 -icount shift=5,sleep=off -display none -monitor none \
                     -semihosting-config enable=on,target=native";
/// The serial line, raw, is the emulator's standard output.
const LINE: &str = "-chardev stdio,id=line,signal=off -serial chardev:line";
/// The example's pins by the names of the board's LEDs.
const LEDS: [(&str, &str); 2] = [("'USERLED0'", "lamp"), ("'USERLED1'", "blind")];

/// A run takes well below a second; a program that hangs must not hang the gate.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of a run.
pub(super) struct Run {
    /// What the Linux side has read.
    pub(super) messages: Vec<String>,
    /// `pin lamp 1` and the like.
    pub(super) pins: Vec<String>,
}

/// Runs the program `image` to its end, which must be a good one; the emulator writes what its LEDs do to `log`.
pub(super) fn run(image: &str, log: &str) -> Result<Run> {
    let watch = format!("-trace led_change_intensity -D {log}");
    let mut board = process::command("qemu-system-arm", &format!("{BOARD} {LINE} {watch} -kernel {image}"));
    let mut listen = process::cargo("run --quiet --locked -p bare-metal --bin listen");
    process::announce(&board);
    process::announce(&listen);
    let mut board = board.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let line = board.stdout.take().ok_or("the emulator has no output")?;
    let listen = listen.stdin(line).stdout(Stdio::piped()).spawn()?;
    let ended_well = wait(&mut board)?;
    let output = listen.wait_with_output()?;
    if !ended_well || !output.status.success() {
        return Err(format!("the firmware or its listener failed; the emulator's log is in {log}").into());
    }
    let messages = String::from_utf8(output.stdout)?.lines().map(String::from).collect();
    Ok(Run { messages, pins: changes(&fs::read_to_string(log)?) })
}

/// Runs the program `image`, which must end well; gives what it says to the debugger.
pub(super) fn said(image: &str) -> Result<String> {
    let mut board = process::command("qemu-system-arm", &format!("{BOARD} -serial null -kernel {image}"));
    process::announce(&board);
    let output = board.stdin(Stdio::null()).output()?;
    let said = [output.stdout, output.stderr].concat();
    if output.status.success() { Ok(String::from_utf8(said)?) } else { Err("the program on the board failed".into()) }
}

/// Runs the program `image`, which must end well, beside the program that fetches its readings over the serial line, the socket
/// `line`; gives what both say.
pub(super) fn fetched(image: &str, line: &str) -> Result<(String, String)> {
    process::run(&mut process::cargo("build --quiet --locked -p bare-metal --bin fetch"))?;
    let _ = fs::remove_file(line); // of an earlier run
    let listener = UnixListener::bind(line)?;
    listener.set_nonblocking(true)?;
    let socket = format!("-chardev socket,id=line,path={line} -serial chardev:line");
    let mut board = process::command("qemu-system-arm", &format!("{BOARD} {socket} -kernel {image}"));
    let mut fetch = process::cargo("run --quiet --locked -p bare-metal --bin fetch");
    process::announce(&board);
    process::announce(&fetch);
    let mut board = board.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let line = accept(&listener, &mut board)?;
    let fetch =
        fetch.stdin(OwnedFd::from(line.try_clone()?)).stdout(OwnedFd::from(line)).stderr(Stdio::piped()).spawn()?;
    let ended_well = wait(&mut board)?;
    let (board, fetch) = (board.wait_with_output()?, fetch.wait_with_output()?);
    let said = String::from_utf8([board.stdout, board.stderr].concat())?;
    let fetched = String::from_utf8(fetch.stderr)?;
    if !ended_well || !fetch.status.success() {
        return Err(format!("{said}{fetched}").into());
    }
    // It warns that nothing but the line wakes the board.
    let said = said.split_inclusive('\n').filter(|line| !line.starts_with("qemu-system-arm: warning"));
    Ok((said.collect(), fetched))
}

/// The line of a board that starts.
fn accept(listener: &UnixListener, board: &mut Child) -> Result<UnixStream> {
    while board.try_wait()?.is_none() {
        match listener.accept() {
            Ok((line, _)) => {
                line.set_nonblocking(false)?;
                return Ok(line);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(error.into()),
        }
    }
    Err("the emulator does not start".into())
}

/// Whether it ended well, in time.
fn wait(board: &mut Child) -> io::Result<bool> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(status) = board.try_wait()? {
            return Ok(status.success());
        }
        thread::sleep(Duration::from_millis(20));
    }
    board.kill()?;
    board.wait().map(|_| false)
}

/// The changes of the pins in the emulator's log.
fn changes(log: &str) -> Vec<String> {
    let change = |line: &str| {
        let (_, pin) = LEDS.iter().find(|(led, _)| line.contains(led))?;
        Some(format!("pin {pin} {}", u8::from(!line.ends_with("-> 0%"))))
    };
    log.lines().filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_the_leds() {
        let log = "led_change_intensity LED desc:'USERLED0' color:green intensity 0% -> 100%\n\
                   led_change_intensity LED desc:'SCC LED0' color:green intensity 0% -> 100%\n\
                   led_change_intensity LED desc:'USERLED1' color:green intensity 0% -> 100%\n\
                   led_change_intensity LED desc:'USERLED0' color:green intensity 100% -> 0%\n";
        assert_eq!(changes(log), ["pin lamp 1", "pin blind 1", "pin lamp 0"]);
    }

    #[test]
    fn who_fails_did_not_end_well() {
        let ends_well = |name: &str| wait(&mut process::command(name, "").spawn().unwrap()).unwrap();
        assert!(ends_well("true"));
        assert!(!ends_well("false"));
    }
}
