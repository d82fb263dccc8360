//! `cross`: the examples as small ARM programs, and the libraries' tests run under an emulator of the processor.

use std::process::Command;
use std::{env, fs};

use crate::summary::Summary;
use crate::{Result, examples, process, test};

/// What a board's program must stay below when stripped.
const LIMITS: [(&str, u64); 1] = [("lux-led", 1024 * 1024)];

/// As much may `lux-led` take that publishes by MQTT, without TLS.
const CONNECTED_LIMIT: u64 = 1200 * 1024;

/// The features of the example that is deployed: those of a real board. The others have none to choose.
const DEPLOYED: &str = "--features lux-led/systemd,lux-led/gpio,lux-led/tsl2591";

/// The libraries whose tests run on the foreign processor.
const LIBRARIES: &str =
    "-p thingflow-core -p thingflow-sensors -p thingflow-signals -p thingflow-adapters --all-features";

/// How long the soak test runs.
const SOAK: &str = "THINGFLOW_SOAK_EVENTS";

const USAGE: &str =
    "usage: cargo xtask cross [--target aarch64|armv7|armv6]... [--build|--quick] [-- WORDS FOR cargo test]
       without --target: aarch64 and armv7";

/// What the words of the command line ask for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    targets: Vec<Target>,
    extent: Extent,
    test_words: &'a [String],
}

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Only what has a limit is built as it is deployed: does everything build?
    Quick,
    /// All programs, as they are deployed.
    Programs,
    /// And the libraries' tests.
    Tests,
}

/// A kind of board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// 64 bits: Raspberry Pi 3 and newer.
    Aarch64,
    /// 32 bits with hardware floating point: Raspberry Pi 2 and newer with a 32-bit system.
    Armv7,
    /// 32 bits, the first processor with hardware floating point: Raspberry Pi 1 and Zero.
    Armv6,
}

impl Target {
    const ALL: [Self; 3] = [Self::Aarch64, Self::Armv7, Self::Armv6];
    /// Those meant when none is named: a further one needs a further download.
    pub(crate) const DEFAULT: [Self; 2] = [Self::Aarch64, Self::Armv7];

    pub(crate) fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|target| target.name() == name);
        found.ok_or_else(|| format!("there is no target `{name}`; there are aarch64, armv7 and armv6").into())
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64",
            Self::Armv7 => "armv7",
            Self::Armv6 => "armv6",
        }
    }

    /// The compiler's name of it.
    pub(crate) fn triple(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64-unknown-linux-gnu",
            Self::Armv7 => "armv7-unknown-linux-gnueabihf",
            Self::Armv6 => "arm-unknown-linux-musleabihf",
        }
    }
}

/// How programs are linked with the C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linked {
    /// As a board with a system on it wants it; for [`Target::Armv6`] the library is linked in all the same.
    Dynamically,
    /// As a kernel without a system wants it.
    Statically,
}

/// Where cargo builds: a folder for each kind of program, since they may be built by other compilers and with other
/// settings, and cargo would begin anew each time.
pub(crate) fn folder(target: Target, linked: Linked) -> String {
    let suffix = if linked == Linked::Statically { "-static" } else { "" };
    process::target_folder().join("cross").join(target.name().to_owned() + suffix).display().to_string()
}

pub(crate) fn run(words: &[String]) -> Result {
    let asked = parse(words)?;
    setup(&asked.targets)?;
    let mut sum = Summary::default();
    for &target in &asked.targets {
        let examples = examples::names()?;
        let programs: Vec<&str> = examples.iter().map(String::as_str).collect();
        if asked.extent == Extent::Quick {
            build_in_short(target, &programs)?;
            continue;
        }
        build_connected(target)?;
        build(target, Linked::Dynamically, &format!("{} {DEPLOYED}", packages(&programs)))?;
        report(target, &programs)?;
        if asked.extent == Extent::Tests {
            sum += tests(target, asked.test_words)?;
        }
    }
    if asked.extent != Extent::Tests {
        return Ok(());
    }
    println!("\n{sum}");
    if sum.is_good() { Ok(()) } else { Err("tests failed on the emulated processor, or none ran".into()) }
}

fn parse(words: &[String]) -> Result<Asked<'_>> {
    let mut asked = Asked { targets: Vec::new(), extent: Extent::Tests, test_words: &[] };
    let mut rest = words;
    while let [word, after @ ..] = rest {
        rest = after;
        match (word.as_str(), after) {
            ("--target", [name, after @ ..]) => {
                asked.targets.push(Target::named(name)?);
                rest = after;
            }
            ("--build", _) => asked.extent = Extent::Programs,
            ("--quick", _) => asked.extent = Extent::Quick,
            ("--", _) => {
                asked.test_words = after;
                break;
            }
            _ => return Err(USAGE.into()),
        }
    }
    if asked.targets.is_empty() {
        asked.targets = Target::DEFAULT.to_vec();
    }
    Ok(asked)
}

/// Linkers, emulators and the compiler's libraries for ARM; what cannot be had is named by the scripts.
pub(crate) fn setup(targets: &[Target]) -> Result {
    process::run(&mut process::script("setup-host.sh", "--cross"))?;
    let names: Vec<&str> = targets.iter().map(|target| target.name()).collect();
    process::run(&mut process::script("setup-cross-toolchain.sh", &names.join(" ")))
}

/// Builds in the release profile, which strips. `what` is for cargo: packages, features.
pub(crate) fn build(target: Target, linked: Linked, what: &str) -> Result {
    process::run(&mut cargo(target, linked, &format!("build --release --locked {what}")))
}

/// Builds `lux-led` with MQTT. It lies where it is put as it is deployed next.
fn build_connected(target: Target) -> Result {
    build(target, Linked::Dynamically, "-p lux-led --features lux-led/mqtt")?;
    let size = fs::metadata(program(target, Linked::Dynamically, "lux-led"))?.len();
    println!("\nlux-led with MQTT, stripped, for {}: {} KiB", target.name(), size.div_ceil(1024));
    if size <= CONNECTED_LIMIT {
        return Ok(());
    }
    Err(format!("lux-led with MQTT takes {size} bytes on {}, more than {CONNECTED_LIMIT}", target.name()).into())
}

/// Builds what has a limit as it is deployed, and the others without optimization: that takes a third of the time.
fn build_in_short(target: Target, programs: &[&str]) -> Result {
    let (limited, others): (Vec<&str>, Vec<&str>) =
        programs.iter().partition(|name| LIMITS.iter().any(|limit| limit.0 == **name));
    build(target, Linked::Dynamically, &format!("{} {DEPLOYED}", packages(&limited)))?;
    report(target, &limited)?;
    process::run(&mut cargo(target, Linked::Dynamically, &format!("build --locked {}", packages(&others))))
}

/// Where a program lies after [`build`].
pub(crate) fn program(target: Target, linked: Linked, name: &str) -> String {
    format!("{}/{}/release/{name}", folder(target, linked), target.triple())
}

fn cargo(target: Target, linked: Linked, line: &str) -> Command {
    let mut command = process::script("cross-cargo", &format!("{} {line}", target.name()));
    command.env("CARGO_TARGET_DIR", folder(target, linked));
    if linked == Linked::Statically {
        command.env("STATIC", "1");
    }
    command
}

fn packages(names: &[&str]) -> String {
    names.iter().map(|name| format!("-p {name}")).collect::<Vec<_>>().join(" ")
}

/// Prints how large the programs are; one that is too large is an error.
fn report(target: Target, programs: &[&str]) -> Result {
    println!("\nstripped, for {}:", target.name());
    let mut sizes = Vec::new();
    for name in programs {
        let size = fs::metadata(program(target, Linked::Dynamically, name))?.len();
        println!("  {name:16} {:5} KiB", size.div_ceil(1024));
        sizes.push((*name, size));
    }
    match too_large(target, &sizes).as_slice() {
        [] => Ok(()),
        complaints => Err(complaints.join("; ").into()),
    }
}

fn too_large(target: Target, sizes: &[(&str, u64)]) -> Vec<String> {
    let limit = |name: &str| LIMITS.iter().find(|limit| limit.0 == name).map(|limit| limit.1);
    let over = sizes.iter().filter(|(name, size)| limit(name).is_some_and(|limit| *size >= limit));
    over.map(|(name, size)| format!("{name} takes {size} bytes on {}, which is too much", target.name())).collect()
}

fn tests(target: Target, words: &[String]) -> Result<Summary> {
    let mut command = cargo(target, Linked::Dynamically, &format!("test --locked --no-fail-fast {LIBRARIES}"));
    if env::var_os(SOAK).is_none() {
        command.env(SOAK, "5040"); // one round after those that warm it up; the usual number takes minutes here
    }
    println!("NOT CHECKED by qemu-user, which lacks them: terminals, SPI, default effects of signals");
    test::count_tests(command.args(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_words_say_targets_and_how_far_to_go() {
        let none = words("");
        let all = Asked { targets: Target::DEFAULT.to_vec(), extent: Extent::Tests, test_words: &[] };
        assert_eq!(parse(&none).unwrap(), all);
        let some = words("--target armv7 --build -- debounce --nocapture");
        let asked = Asked { targets: vec![Target::Armv7], extent: Extent::Programs, test_words: &some[4..] };
        assert_eq!(parse(&some).unwrap(), asked);
        assert_eq!(parse(&words("--quick")).unwrap().extent, Extent::Quick);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        assert_eq!(parse(&words("--fast")).unwrap_err().to_string(), USAGE);
        assert_eq!(parse(&words("--target")).unwrap_err().to_string(), USAGE);
        let error = parse(&words("--target riscv")).unwrap_err().to_string();
        assert_eq!(error, "there is no target `riscv`; there are aarch64, armv7 and armv6");
    }

    #[test]
    fn a_program_that_has_grown_too_large_is_named() {
        assert_eq!(too_large(Target::Armv7, &[("lux-led", 1024 * 1024 - 1), ("replay", u64::MAX)]), [""; 0]);
        let complaint = "lux-led takes 1048576 bytes on armv7, which is too much";
        assert_eq!(too_large(Target::Armv7, &[("lux-led", 1024 * 1024)]), [complaint]);
    }
}
