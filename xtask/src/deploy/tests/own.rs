//! Programs that are no examples: where they are found, what is said of a folder that holds none, and a copy of
//! `template/` from its folder to a board.

use std::path::Path;
use std::{env, fs};

use tempfile::TempDir;

use super::{Server, program};
use crate::deploy::{Asked, Program, carry_out, unit::Unit};
use crate::name::HOSTILE;
use crate::process;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir_in(env::temp_dir().canonicalize().unwrap()).unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// What is said of a folder, with its name left out.
fn complaint(folder: &Path, bin: Option<&str>) -> String {
    let asked = Asked { folder: folder.into(), bin: bin.map(str::to_owned), ..Asked::default() };
    let error = Program::asked(&asked).and_then(|program| Unit::of(&program)).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.display()), "")
}

const MAIN: &str = "fn main() {}";
const PACKAGE: &str = "[package]\nname = \"flow\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

#[test]
fn a_program_is_what_its_manifest_says() {
    let systemd =
        format!("{PACKAGE}[features]\nsystemd = []\ngpio = []\n[[bin]]\nname = \"fan\"\npath = \"src/main.rs\"\n");
    let here = folder(&[("Cargo.toml", &systemd), ("src/main.rs", MAIN)]);
    let asked = Asked { folder: here.path().into(), features: vec!["gpio".into()], ..Asked::default() };
    let fan = Program::asked(&asked).unwrap();
    assert_eq!((fan.name.as_str(), fan.description.as_str(), fan.notifies()), ("fan", "fan", true));
    let note = fan.note();
    assert!(note.starts_with("fan 0.1.0, commit ") && note.ends_with(", features gpio,systemd"), "{note}");
    assert!(Unit::of(&fan).unwrap().is_watched());

    let silent = folder(&[("Cargo.toml", PACKAGE), ("src/main.rs", MAIN)]);
    let silent = Unit::of(&program(silent.path())).unwrap();
    assert!(silent.text().contains("\nType=exec\n") && !silent.is_watched());
}

#[test]
fn a_service_of_its_own_is_used_if_it_starts_the_program() {
    let service = "[Service]\nExecStart=/usr/local/bin/flow --fast\nWatchdogSec=60\n";
    let here = folder(&[("Cargo.toml", PACKAGE), ("src/main.rs", MAIN), ("flow.service", service)]);
    let unit = Unit::of(&program(here.path())).unwrap();
    assert!(unit.is_watched() && unit.text().ends_with(&format!("systemctl edit flow.service\n\n{service}")));

    let elsewhere = here.path().join("flow.service");
    fs::write(&elsewhere, service.replace("/flow", "/my-flow")).unwrap();
    let expected = "flow.service does not start the program: it needs a line ExecStart=/usr/local/bin/flow";
    assert_eq!(complaint(here.path(), None), expected);
}

#[test]
fn f71_a_manifest_names_the_lines_that_must_be_safe() {
    let with = |lines: &str| {
        let manifest = format!("{PACKAGE}[package.metadata.thingflow]\nsafe-lines = {lines}\n");
        let here = folder(&[("Cargo.toml", &manifest), ("src/main.rs", MAIN)]);
        Program::asked(&Asked { folder: here.path().into(), ..Asked::default() })
    };
    let unit = Unit::of(&with("[\"GPIO17=low\", \"/dev/gpiochip0:27=high\"]").unwrap()).unwrap();
    assert!(unit.sets_lines(), "{}", unit.text());
    assert!(unit.text().contains("/thingflow-safe-lines GPIO17=low /dev/gpiochip0:27=high\n"));
    assert!(!Unit::of(&with("[]").unwrap()).unwrap().sets_lines());
    let manifest = format!("{PACKAGE}[package.metadata.thingflow]\nsafe-lines = [\"GPIO17=low\"]\n");
    let service = "[Service]\nExecStart=/usr/local/bin/flow\n";
    let here = folder(&[("Cargo.toml", &manifest), ("src/main.rs", MAIN), ("flow.service", service)]);
    let expected = "flow.service does not set the safe-lines of the manifest: it needs a line \
                    ExecStopPost=/usr/local/bin/thingflow-safe-lines GPIO17=low";
    assert_eq!(complaint(here.path(), None), expected);
    for wrong in [
        "17",
        "\"GPIO17=low\"",
        "[17]",
        "[\"GPIO17\"]",
        "[\"GPIO17=on\"]",
        "[\"a b=low\"]",
        "[\"=low\"]",
        "[\"-x=low\"]",
        "[\"a;touch PWNED;=low\"]",
        "[\"a\\nExecStart=/bin/evil x=low\"]",
        "[\"%n=low\"]",
        "[\"$HOME=low\"]",
    ] {
        let error = with(wrong).expect_err(wrong).to_string();
        assert!(error.starts_with("invalid safe-lines ") && !error.contains(char::is_control), "{error}");
    }
}

#[test]
fn of_several_programs_one_is_chosen() {
    let here = folder(&[("Cargo.toml", PACKAGE), ("src/main.rs", MAIN), ("src/bin/lamp.rs", MAIN)]);
    let several = "Cargo.toml has several binaries; choose with --bin: flow, lamp";
    assert_eq!(complaint(here.path(), None), several);
    assert_eq!(complaint(here.path(), Some("fan")), "Cargo.toml has no binary `fan`; --bin may be one of: flow, lamp");
    let asked = Asked { folder: here.path().into(), bin: Some("lamp".into()), ..Asked::default() };
    assert_eq!(Program::asked(&asked).unwrap().name.as_str(), "lamp");
}

#[test]
fn f41_a_program_with_a_hostile_name_is_not_touched() {
    let here = folder(&[("src/main.rs", MAIN)]);
    for name in HOSTILE {
        let name: String =
            name.chars().flat_map(|c| format!("\\u{:04x}", u32::from(c)).into_bytes()).map(char::from).collect();
        let manifest = format!("{PACKAGE}[[bin]]\nname = \"{name}\"\npath = \"src/main.rs\"\n");
        fs::write(here.path().join("Cargo.toml"), manifest).unwrap();
        for (remove, dry_run) in [(true, false), (false, false), (false, true)] {
            let asked = Asked { folder: here.path().into(), remove, dry_run, ..Asked::default() };
            let error = carry_out(&asked).expect_err(&name).to_string();
            // Some are refused by cargo.
            assert!(error.starts_with("invalid name \"") || error.starts_with("cargo cannot read "), "{error}");
        }
    }
}

#[test]
fn what_is_no_program_is_named_with_what_would_be_one() {
    let none = "there is no Cargo.toml: --example wants a folder's name of examples/, --path the folder of a program";
    let nothing = folder(&[]);
    assert_eq!(complaint(nothing.path(), None), none);
    assert_eq!(complaint(&nothing.path().join("not-there"), None), none);

    let library = folder(&[("Cargo.toml", PACKAGE), ("src/lib.rs", "")]);
    let expected = "Cargo.toml has no binary: only a program can be deployed, such as a src/main.rs";
    assert_eq!(complaint(library.path(), None), expected);

    let broken = folder(&[("Cargo.toml", "[package")]);
    assert!(complaint(broken.path(), None).starts_with("cargo cannot read Cargo.toml: "));

    let members = "[workspace]\nresolver = \"3\"\nmembers = [\"flow\", \"library\"]\n";
    let library = PACKAGE.replace("flow", "library");
    let workspace = folder(&[
        ("Cargo.toml", members),
        ("flow/Cargo.toml", PACKAGE),
        ("flow/src/main.rs", MAIN),
        ("library/Cargo.toml", &library),
        ("library/src/lib.rs", ""),
    ]);
    let expected = "Cargo.toml is a workspace, not a program; give --path the folder of one: flow";
    assert_eq!(complaint(workspace.path(), None), expected);
    assert_eq!(program(&workspace.path().join("flow")).name.as_str(), "flow");
}

/// All but what the program does: that a copy with its crates builds is tested in `template`, and this one has to end.
#[test]
fn a_copy_of_the_template_is_deployed_and_removed() {
    let Some(server) = Server::start() else { return };
    let template = process::root().join("template");
    let [manifest, service] =
        ["Cargo.toml", "my-flow.service"].map(|name| fs::read_to_string(template.join(name)).unwrap());
    let (above, crates) = manifest.split_once("[dependencies]").unwrap();
    let without_crates = format!("{above}[profile{}", crates.split_once("[profile").unwrap().1);
    let main = "fn main() { println!(\"copied program\"); }";
    let copy = folder(&[("Cargo.toml", &without_crates), ("my-flow.service", &service), ("src/main.rs", main)]);

    let mut asked = Asked {
        boards: vec![server.board()],
        folder: copy.path().into(),
        target: Some("this".into()),
        prefix: server.fakes.root(),
        ..Asked::default()
    };
    carry_out(&asked).unwrap();
    let calls = "systemctl daemon-reload|systemctl enable --quiet my-flow.service|systemctl restart my-flow.service|\
                 copied program|systemctl is-active --quiet my-flow.service|\
                 journalctl --follow --lines=20 --unit=my-flow.service";
    assert_eq!(server.fakes.told().join("|"), calls);
    let installed = server.fakes.read("root/etc/systemd/system/my-flow.service");
    let (first, rest) = installed.split_once("\n\n").unwrap();
    assert!(first.starts_with("# my-flow 0.1.0, commit ") && first.contains(", features none; "), "{first}");
    assert_eq!(rest, service.replace("=gpio i2c spi dialout\n", "=gpio i2c\n"), "only the groups that are there");

    asked.remove = true;
    carry_out(&asked).unwrap();
    assert!(!fs::exists(server.fakes.folder().join("root/usr/local/bin/my-flow")).unwrap());
}
