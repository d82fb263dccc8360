//! [`Unit`]: the service that a program becomes on a board.

use std::fs;
use std::io::ErrorKind;

use super::program::Program;
use crate::Result;
use crate::name::Name;

/// A service of systemd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// The program's name.
    pub(super) name: Name,
    /// What is installed, to be found on the board by `systemctl cat`.
    pub(super) note: String,
    /// The text without its first line, which has the note.
    body: String,
}

const TEMPLATE: &str = include_str!("service");

/// The command of `thingflow-adapters` that takes lines over and sets them.
pub(super) const SAFE_LINES: &str = "thingflow-safe-lines";

/// Where programs are put.
pub(super) const FOLDER: &str = "/usr/local/bin";

/// Where units are put.
pub(super) const SERVICES: &str = "/etc/systemd/system";

/// Those that give devices on Raspberry Pi OS; serial ports are `dialout`.
const GROUPS: &str = "gpio i2c spi dialout";

/// Started is what has said so; what is silent for so long hangs. It gets a SIGTERM, since its pins may still be saved.
const NOTIFYING: &str = "Type=notify\nWatchdogSec=10\nWatchdogSignal=SIGTERM";
const SILENT: &str = "Type=exec";

impl Unit {
    /// The file that lies beside the program's Cargo.toml, or, where there is none, what examples get.
    pub(super) fn of(program: &Program) -> Result<Self> {
        let path = program.folder.join(format!("{}.service", program.name));
        let body = match fs::read_to_string(&path) {
            Ok(text) if starts(&text, program.name.as_str()) => text,
            Ok(_) => {
                let line = format!("ExecStart={FOLDER}/{}", program.name);
                return Err(format!("{} does not start the program: it needs a line {line}", path.display()).into());
            }
            Err(error) if error.kind() == ErrorKind::NotFound => usual(program, program.notifies(), FOLDER),
            Err(error) => return Err(format!("{}: {error}", path.display()).into()),
        };
        let unit = Self { name: program.name.clone(), note: program.note(), body };
        if !program.safe_lines.is_empty() && !unit.sets_lines() {
            let line = stop_post(&program.safe_lines);
            let line = line.lines().last().unwrap_or_default();
            return Err(format!(
                "{} does not set the safe-lines of the manifest: it needs a line {line}",
                path.display()
            )
            .into());
        }
        Ok(unit)
    }

    pub(super) fn file_name(&self) -> String {
        format!("{}.service", self.name)
    }

    /// Whether systemd ends and starts it again when it hangs.
    pub(super) fn is_watched(&self) -> bool {
        self.body.lines().any(|line| line.starts_with("WatchdogSec="))
    }

    /// Whether it calls the command that sets lines to their safe levels, which is then installed as well.
    pub(super) fn sets_lines(&self) -> bool {
        let command = format!("{FOLDER}/{SAFE_LINES}");
        self.body.lines().any(|line| line.starts_with("ExecStopPost=") && line.contains(&command))
    }

    /// The text of the unit's file.
    pub(super) fn text(&self) -> String {
        let change = format!("so put changes into a drop-in: systemctl edit {}", self.file_name());
        format!("# {}; `cargo xtask deploy` replaces this file, {change}\n\n{}", self.note, self.body)
    }
}

/// Whether this unit runs the program where it will lie.
fn starts(unit: &str, name: &str) -> bool {
    let path = format!("{FOLDER}/{name}");
    let mut commands = unit.lines().filter_map(|line| line.strip_prefix("ExecStart="));
    commands.any(|command| {
        command.split_whitespace().any(|word| word.trim_start_matches(['-', '@', '+', '!', ':']) == path)
    })
}

/// The service of a program that lies in `folder` and has none of its own.
fn usual(program: &Program, notifies: bool, folder: &str) -> String {
    let values = [
        ("{start}", if notifies { NOTIFYING } else { SILENT }),
        ("{program}", &format!("{folder}/{}", program.name)),
        ("{groups}", GROUPS),
        ("{stop_post}", &stop_post(&program.safe_lines)),
        ("{name}", program.name.as_str()),
        // Last, so that no place is looked for in it.
        ("{description}", &described(&program.description)),
    ];
    values.iter().fold(TEMPLATE.to_owned(), |text, (place, value)| text.replace(place, value))
}

/// What sets lines to their safe levels when the program has gone without doing so.
fn stop_post(safe_lines: &[String]) -> String {
    if safe_lines.is_empty() {
        return String::new();
    }
    let comment = "# After each end, also by SIGKILL and for want of memory: lines go to their safe levels.";
    format!("{comment}\nExecStopPost={FOLDER}/{SAFE_LINES} {}\n", safe_lines.join(" "))
}

/// A text as a unit takes it: in one line that goes on nowhere, and without specifiers such as `%n`.
fn described(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim_matches([' ', '\\']).replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process;

    fn program(folder: &str) -> Program {
        super::super::tests::program(&process::root().join(folder))
    }

    /// A program of this description.
    fn described_as(description: &str) -> Program {
        Program { name: Name::new("x").unwrap(), description: description.into(), ..program("examples/lux-led") }
    }

    #[test]
    fn f41_a_description_stays_in_its_line() {
        let unit = |description: &str| usual(&described_as(description), true, FOLDER);
        let harmless = unit("D").replace("=D\n", "=%%n a  ExecStart=/bin/evil {program} b\n");
        assert_eq!(unit("\n%n a\r\nExecStart=/bin/evil {program} b\\\n"), harmless);
    }

    #[test]
    fn f71_lines_are_made_safe_after_each_end() {
        let safe_lines = vec!["GPIO17=low".to_owned(), "/dev/gpiochip0:27=high".to_owned()];
        let text = usual(&Program { safe_lines, ..described_as("A lamp") }, true, FOLDER);
        let line = "\nExecStopPost=/usr/local/bin/thingflow-safe-lines GPIO17=low /dev/gpiochip0:27=high\n";
        assert!(text.contains(line), "{text}");
        assert!(!usual(&described_as("A lamp"), true, FOLDER).contains("StopPost"));
    }

    #[test]
    fn a_program_gets_a_unit() {
        let x = described_as("A lamp");
        let text = usual(&x, true, FOLDER);
        assert!(text.contains("\nExecStart=/usr/local/bin/x\n") && text.contains("\nWatchdogSec=10\n"), "{text}");
        assert!(text.contains("\nDescription=A lamp\n") && !text.contains('{'), "{text}");
        let silent = usual(&x, false, FOLDER);
        assert!(silent.contains("\nType=exec\n") && !silent.contains("WatchdogSec"), "{silent}");
    }

    #[test]
    fn what_is_installed_is_noted() {
        let unit = Unit::of(&program("examples/lux-led")).unwrap();
        let first = unit.text().lines().next().unwrap().to_owned();
        assert!(first.starts_with(concat!("# lux-led ", env!("CARGO_PKG_VERSION"), ", commit ")), "{first}");
        assert!(first.contains(", features systemd; ") && unit.is_watched(), "{first}");
    }

    #[test]
    fn a_unit_starts_the_program_where_it_is_put() {
        assert!(starts("[Service]\nExecStart=-/usr/local/bin/x --fast\n", "x"));
        assert!(starts("ExecStart=/usr/bin/nice /usr/local/bin/x", "x"));
        assert!(!starts("ExecStart=/usr/local/bin/xx\n# ExecStart=/usr/local/bin/x\n", "x"));
    }

    /// The package of `cargo-deb` and the template have units of their own, which must not lag behind. They do not know which
    /// systemd they will meet.
    #[test]
    fn the_package_and_the_template_have_the_same_unit() {
        let check = |path: &str, usual: &str| {
            let copy = fs::read_to_string(process::root().join(path)).unwrap();
            let usual = usual.replace("\nRestartSec=1\n", "\nRestartSec=30\n");
            assert_eq!(copy.lines().skip(2).collect::<Vec<_>>(), usual.lines().collect::<Vec<_>>(), "{path}");
        };
        check("examples/lux-led/debian/lux-led.service", &usual(&program("examples/lux-led"), true, "/usr/bin"));
        check("template/my-flow.service", &usual(&program("template"), true, FOLDER));
    }
}
