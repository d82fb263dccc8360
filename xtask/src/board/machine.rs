//! [`Machine`]: a board that the emulator knows, what is put on it, and a run of it from power-on to power-off.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::archive::Archive;
use super::outside::Outside;
use super::{PROGRAMS, Program, Verdict};
use crate::cross::{Linked, Target, program};
use crate::{Result, process};

/// A board.
#[derive(Clone, Copy, Debug)]
pub(super) struct Machine {
    /// As the emulator calls it; its init script has the same name.
    pub(super) name: &'static str,
    /// What the emulator is to build it from.
    hardware: &'static str,
    /// What the kernel is told beside its console.
    kernel: &'static str,
    /// The kernel's modules, in the order of loading.
    modules: &'static [&'static str],
    /// How many checks its init script runs.
    checks: u32,
}

pub(super) const ALL: [Machine; 2] = [
    Machine {
        name: "virt",
        hardware: "-M virt -cpu cortex-a53 -m 512 -netdev user,id=net -device virtio-net-pci,netdev=net,romfile=",
        kernel: "",
        modules: &["configfs", "gpio-sim", "failover", "net_failover", "virtio_net"],
        checks: 48,
    },
    Machine {
        name: "raspi3b",
        hardware: "-M raspi3b -device tmp105,id=thermometer,bus=i2c-bus.1,address=0x48 \
                   -device at24c-eeprom,bus=i2c-bus.1,address=0x50,rom-size=256 -device n25q256a,bus=spi",
        // Without it the kernel keeps the registers of the pins to itself, and rppal wants them.
        kernel: "iomem=relaxed",
        // The emulator ends only by the watchdog's reset.
        modules: &["bcm2835_wdt", "i2c-dev", "i2c-bcm2835", "spi-bcm2835", "pwm-bcm2835"],
        checks: 20,
    },
];

/// The sockets by which the emulator can be reached.
const WIRES: &str = "wires";
const DEVICES: &str = "devices";

/// From power-on to power-off, on a loaded machine.
const LONGEST: Duration = Duration::from_secs(300);

impl Machine {
    /// Boots it and counts its checks. Its whole output is kept in `target/board/`. `home` holds what is booted.
    pub(super) fn boot(self, home: &Path) -> Result<Verdict> {
        println!("\n== {}", self.name);
        let start = Instant::now();
        let folder = work_folder()?;
        fs::write(folder.join("files"), self.files(home)?)?;
        // Not in the target folder, whose path may be too long for a socket.
        let sockets = tempfile::tempdir()?;
        let (log, complaints) = (folder.join(format!("{}.log", self.name)), folder.join("emulator.log"));
        let mut command = self.command(home, &folder.join("files"), sockets.path());
        let mut emulator = Emulator::start(command.stderr(File::create(&complaints)?))?;
        let mut run = || {
            let mut outside = Outside::connect(&sockets.path().join(WIRES), &sockets.path().join(DEVICES))?;
            emulator.run(Verdict::of(self.checks), &mut outside, &mut File::create(&log)?)
        };
        let ran = run();
        println!("== {} after {} s; all it said: {}", self.name, start.elapsed().as_secs(), log.display());
        let failed = |why: String| format!("{}: {why}; the emulator said: {}", self.name, read(&complaints)).into();
        match ran {
            Ok((verdict, true)) => Ok(verdict),
            Ok((_, false)) => Err(failed("it went out before it was done".into())),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    fn command(self, home: &Path, files: &Path, sockets: &Path) -> Command {
        let mut command = process::command(&home.join("qemu").to_string_lossy(), self.hardware);
        if self.name != "virt" {
            command.arg("-dtb").arg(home.join(format!("{}.dtb", self.name)));
        }
        let socket = |name: &str| format!("unix:{},server=on,wait=off", sockets.join(name).display());
        command.args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot", "-qtest-log", "none"]);
        command.arg("-qtest").arg(socket(WIRES)).arg("-qmp").arg(socket(DEVICES));
        command.arg("-kernel").arg(home.join("modules/vmlinuz")).arg("-initrd").arg(files);
        command.arg("-append").arg(format!("console=ttyAMA0,115200 panic=-1 loglevel=3 {}", self.kernel));
        command
    }

    /// All files on the board.
    fn files(self, home: &Path) -> Result<Vec<u8>> {
        let mut archive = Archive::default();
        for folder in ["bin", "modules"] {
            archive.folder(folder);
        }
        archive.file("bin/busybox", &fs::read(home.join("busybox"))?);
        let init = process::root().join("board/init");
        archive.file("start", &fs::read(init.join("start"))?);
        archive.file("init", &fs::read(init.join(self.name))?);
        for (number, name) in self.modules.iter().enumerate() {
            archive.file(&format!("modules/{number}-{name}.ko"), &module(home, name)?);
        }
        for (target, bits) in [(Target::Aarch64, "64"), (Target::Armv7, "32")] {
            for Program { package, name, .. } in PROGRAMS {
                archive.file(&format!("{name}{bits}"), &fs::read(program(target, Linked::Statically, package))?);
            }
        }
        Ok(archive.finish())
    }
}

/// What was written there, in one line.
fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default().lines().collect::<Vec<_>>().join(" | ")
}

fn work_folder() -> Result<PathBuf> {
    let folder = process::target_folder().join("board");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A module of the kernel, unpacked.
fn module(home: &Path, name: &str) -> Result<Vec<u8>> {
    let file = find(&home.join("modules/kernel"), name)?.ok_or_else(|| format!("the kernel has no module {name}"))?;
    if file.extension().is_some_and(|ending| ending == "xz") {
        let unpacked = Command::new("xz").arg("-dc").arg(&file).output()?;
        if !unpacked.status.success() {
            return Err(String::from_utf8_lossy(&unpacked.stderr).trim_end().to_owned().into());
        }
        return Ok(unpacked.stdout);
    }
    Ok(fs::read(file)?)
}

fn find(folder: &Path, name: &str) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if let Some(found) = find(&path, name)? {
                return Ok(Some(found));
            }
        } else if file.strip_prefix(name).is_some_and(|ending| ending == ".ko" || ending == ".ko.xz") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// A board that is switched on. Switched off when dropped.
struct Emulator {
    child: Child,
    said: Receiver<String>,
    /// How to reach the board: its serial console.
    to: Box<dyn Write>,
}

impl Emulator {
    fn start(command: &mut Command) -> Result<Self> {
        process::announce(command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (output, input) = (child.stdout.take().ok_or("no output")?, child.stdin.take().ok_or("no input")?);
        let (sender, said) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(output).split(b'\n').map_while(std::result::Result::ok);
            lines.try_for_each(|line| sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()))
        });
        Ok(Self { child, said, to: Box::new(input) })
    }

    /// Listens, answers and counts until the board is switched off. False if it was not done by then.
    fn run(&mut self, none: Verdict, outside: &mut Outside, log: &mut impl Write) -> Result<(Verdict, bool)> {
        let (mut verdict, mut done, end) = (none, false, Instant::now() + LONGEST);
        loop {
            let line = match self.said.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => line,
                Err(RecvTimeoutError::Disconnected) => return Ok((verdict, done)),
                Err(RecvTimeoutError::Timeout) => return Err(format!("the board hung for {LONGEST:?}").into()),
            };
            writeln!(log, "{line}")?;
            verdict.hear(&line);
            done |= line == "BOARD: DONE";
            if let Some(question) = line.strip_prefix("HOST: ") {
                let answer = outside.answer(question);
                writeln!(log, "answer: {answer}")?;
                self.to.write_all(format!("{answer}\n").as_bytes())?;
                self.to.flush()?;
            } else if ["PASS ", "FAIL ", "BOARD: "].iter().any(|start| line.starts_with(start)) {
                println!("{line}");
            }
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
