//! Deploys to this machine: an SSH server of the test's own, a folder in place of the root, and in place of systemd a
//! script that notes what it is told. What the real one makes of it is tested in `booted`.

mod booted;
mod fakes;
mod lamp;
mod own;
mod package;

use std::cell::RefCell;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use super::*;
use crate::name::HOSTILE;
use fakes::{Fakes, Server};

/// The program of this folder.
pub(super) fn program(folder: &Path) -> Program {
    Program::asked(&Asked { folder: folder.into(), ..Asked::default() }).unwrap()
}

/// The same for all of a test: what it notes, a commit elsewhere may change.
fn unit() -> Unit {
    static UNIT: LazyLock<Unit> =
        LazyLock::new(|| Unit::of(&program(&process::root().join("examples/lux-led"))).unwrap());
    UNIT.clone()
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// What systemd is told for one start.
fn start(of: &str) -> Vec<String> {
    let calls = "systemctl daemon-reload|systemctl enable --quiet lux-led.service|systemctl restart lux-led.service";
    let calls = format!("{calls}|{of} program|systemctl is-active --quiet lux-led.service");
    calls.split('|').map(str::to_owned).collect()
}

#[test]
fn a_program_is_installed_started_and_watched() {
    let Some(server) = Server::start() else { return };
    let board = server.board();
    let connection = board.connect().unwrap();
    for round in ["first", "second"] {
        let program = server.fakes.built(&format!("echo {round} program"));
        connection.install(&unit(), &program, &server.fakes.root()).unwrap();
    }
    assert_eq!(server.fakes.told(), [start("first"), start("second")].concat());
    let installed = server.fakes.read("root/etc/systemd/system/lux-led.service");
    let expected = unit().text().replace("=gpio i2c spi dialout\n", "=gpio i2c\n");
    assert_eq!(installed, expected, "only the groups that are there");
    assert!(server.fakes.read("root/usr/local/bin/lux-led.previous").contains("first program"));
    assert_eq!(server.fakes.left_behind(), 0);

    connection.show_log(&unit()).unwrap();
    assert_eq!(server.fakes.told().last().unwrap(), "journalctl --follow --lines=20 --unit=lux-led.service");
    assert!(!connection.kind().unwrap().is_empty());
}

#[test]
fn what_fails_on_the_board_is_an_error_here() {
    let Some(server) = Server::start() else { return };
    let board = server.board();
    let connection = board.connect().unwrap();
    let program = server.fakes.built("exit 1");
    let error = connection.install(&unit(), &program, &server.fakes.root()).unwrap_err().to_string();
    assert_eq!(error, "lux-led was not installed: the board says why, above");
    let error = connection.install(&unit(), &program, "/proc/no-folder").unwrap_err().to_string();
    assert_eq!(error, "lux-led was not installed: the board says why, above");
    assert_eq!(server.fakes.left_behind(), 0);
    assert!(connection.remove(&unit().name, &server.fakes.root()).is_err(), "there is nothing");
}

#[test]
fn a_board_that_is_not_there_is_named() {
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = words(&format!("-F none -o BatchMode=yes -o Port={nowhere}"));
    let Err(error) = (Board { host: "127.0.0.1".into(), options }).connect().map(drop) else { panic!("it is there") };
    let error = error.to_string();
    assert!(error.starts_with("it cannot be reached: ") && error.ends_with("try `ssh 127.0.0.1` by hand"), "{error}");
}

#[test]
fn of_many_boards_one_that_fails_does_not_keep_the_others_from_theirs() {
    let Some(server) = Server::start() else { return };
    let good = server.board();
    let gone =
        Board { host: "gone".into(), options: words("-F none -o BatchMode=yes -o HostName=127.0.0.1 -o Port=1") };
    let asked = Asked { boards: vec![good.clone(), gone, good], prefix: server.fakes.root(), ..Asked::default() };
    let program = server.fakes.built("echo same program");
    let built = RefCell::new(Vec::new());
    let error = deploy(&asked, &unit(), |kind| {
        built.borrow_mut().push(kind.to_owned());
        Ok(program.clone())
    });
    assert_eq!(error.unwrap_err().to_string(), "failed on 1 of 3 boards: gone");
    assert_eq!(server.fakes.told(), [start("same"), start("same")].concat());
    assert_eq!(built.borrow().len(), 1, "boards of a kind share the program");
}

#[test]
fn a_program_that_does_not_build_is_not_built_again() {
    let built = RefCell::new(0);
    let mut programs = Programs {
        build: |_: &str| {
            *built.borrow_mut() += 1;
            Err("does not build".into())
        },
        built: HashMap::new(),
    };
    for _ in 0..2 {
        assert_eq!(programs.get("armv7").unwrap_err().to_string(), "does not build");
    }
    assert_eq!(*built.borrow(), 1);
}

#[test]
fn what_was_there_is_put_back_when_the_new_one_does_not_start() {
    let fakes = Fakes::new("252");
    fakes.install("echo good program");
    let before = fakes.read("root/etc/systemd/system/lux-led.service");
    fs::write(fakes.folder().join("told"), "").unwrap();
    let (said, is_fine) = fakes.install("echo bad program; exit 1");
    assert!(!is_fine);
    assert!(said.contains("this is the end of its log:\nwhat lux-led.service has logged\n"), "{said}");
    assert!(said.ends_with("the one before it was put back, and runs\n"), "{said}");
    assert_eq!(fakes.read("root/usr/local/bin/lux-led"), "#!/bin/sh\necho good program\n");
    assert_eq!(fakes.read("root/etc/systemd/system/lux-led.service"), before);
    assert_eq!(fakes.told()[fakes.told().len() - 5..], start("good"));

    fs::write(fakes.folder().join("root/usr/local/bin/lux-led"), "#!/bin/sh\nexit 1\n").unwrap();
    let (said, is_fine) = fakes.install("exit 1");
    assert!(!is_fine && said.ends_with("and does not start either\n"), "{said}");
}

#[test]
fn a_disk_that_is_full_in_the_middle_leaves_what_was_there() {
    let fakes = Fakes::new("252");
    fakes.install("echo good program");
    let files =
        || ["usr/local/bin", "etc/systemd/system"].map(|folder| contents(&fakes.folder().join("root").join(folder)));
    let (before, told) = (files(), fakes.told());
    for whole in 0..2 {
        let left = fakes.folder().join("left");
        fs::write(&left, "x".repeat(whole)).unwrap();
        let left = left.display();
        let install = format!(
            "for last; do :; done\nif [ -s {left} ]; then : > {left}; exec /usr/bin/install \"$@\"; fi\n\
             echo half > \"$last\"\necho 'install: No space left on device' >&2\nexit 1"
        );
        fakes::write_program(&fakes.folder().join("bin/install"), &install);
        let (said, is_fine) = fakes.install("echo new program");
        assert!(!is_fine && said.contains("No space left"), "{said}");
        assert_eq!(files(), before, "{whole} files had room");
        assert_eq!(fakes.told(), told, "nothing is started");
    }
}

/// The files of a folder, with what is in them.
fn contents(folder: &Path) -> Vec<(String, String)> {
    let read =
        |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap());
    let mut all: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect();
    all.sort();
    all
}

#[test]
fn what_was_there_is_put_back_though_nobody_listens_any_more() {
    let fakes = Fakes::new("252");
    fakes.install("echo good program");
    fs::write(fakes.folder().join("told"), "").unwrap();
    let (mut installing, _copied) = fakes.installing(&unit().text(), "echo bad program; exit 1");
    let (listener, said) = std::io::pipe().unwrap();
    drop(listener);
    assert!(!installing.stderr(said).status().unwrap().success());
    assert_eq!(fakes.read("root/usr/local/bin/lux-led"), "#!/bin/sh\necho good program\n");
    let told = fakes.told();
    assert!(told.len() > 5 && told[told.len() - 5..] == start("good"), "{told:?}");
}

#[test]
fn a_first_one_that_does_not_start_leaves_nothing() {
    let fakes = Fakes::new("252");
    let (said, is_fine) = fakes.install("exit 1");
    assert!(!is_fine && said.ends_with("there was none before it, so it was removed again\n"), "{said}");
    assert!(!fs::exists(fakes.folder().join("root/usr/local/bin/lux-led")).unwrap());
    assert!(!fs::exists(fakes.folder().join("root/etc/systemd/system/lux-led.service")).unwrap());
    assert!(fakes.told().contains(&"systemctl disable --quiet --now lux-led.service".to_owned()));
}

#[test]
fn restarts_back_off_as_far_as_systemd_can() {
    let restarts = |version| {
        let fakes = Fakes::new(version);
        assert!(fakes.install("true").1);
        let unit = fakes.read("root/etc/systemd/system/lux-led.service");
        unit.lines().filter(|line| line.starts_with("Restart")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(restarts("252"), "Restart=on-failure RestartSec=30");
    let backing_off = "Restart=on-failure RestartSec=1 RestartSteps=8 RestartMaxDelaySec=5min";
    assert_eq!(restarts("254"), backing_off);
    assert_eq!(restarts("257"), backing_off);

    let fakes = Fakes::new("252");
    let own = "[Service]\nType=notify\nExecStart=/usr/local/bin/lux-led\nRestartSec=5\n";
    assert!(fakes.install_as(own, "true").1);
    assert_eq!(fakes.read("root/etc/systemd/system/lux-led.service"), own, "it asks for nothing that is not there");
}

#[test]
fn systemd_understands_every_line() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        assert!(std::env::var_os("CI").is_none(), "no systemd-analyze: `cargo xtask setup --deploy` installs it");
        println!("NOT TESTED: there is no systemd-analyze here; `cargo xtask setup --deploy` installs it");
        return;
    };
    let version = String::from_utf8_lossy(&version.stdout).split_whitespace().nth(1).unwrap().to_owned();
    let fakes = Fakes::new(&version);
    assert!(fakes.install("true").1);
    let path = fakes.folder().join("root/etc/systemd/system/lux-led.service");
    let unit = fakes.read("root/etc/systemd/system/lux-led.service").replace("=/usr/local/bin/lux-led", "=/bin/true");
    fs::write(&path, unit).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    // Other units of this machine are not ours to judge.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("lux-led.service")).collect();
    assert_eq!(ours, [""; 0]);
}

#[test]
fn it_can_be_removed() {
    let Some(server) = Server::start() else { return };
    let board = server.board();
    let connection = board.connect().unwrap();
    for _ in 0..2 {
        connection.install(&unit(), &server.fakes.built("true"), &server.fakes.root()).unwrap();
    }
    connection.remove(&unit().name, &server.fakes.root()).unwrap();
    let told = server.fakes.told();
    assert_eq!(told[told.len() - 2..], ["systemctl disable --quiet --now lux-led.service", "systemctl daemon-reload"]);
    for folder in ["root/usr/local/bin", "root/etc/systemd/system"] {
        assert_eq!(fs::read_dir(server.fakes.folder().join(folder)).unwrap().count(), 0, "{folder}");
    }
}

#[test]
fn the_words_say_what_goes_where() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hosts").display().to_string();
    fs::write(&file, "# the greenhouse\npi@north\n\n  pi@south # the old one\n").unwrap();
    let line = "--host pi@a --example lux-led --host pi@b --features gpio,tsl2591 --port 2222 --no-log --hosts";
    let asked = parse(&words(&format!("{line} {file}"))).unwrap();
    let hosts: Vec<&str> = asked.boards.iter().map(|board| board.host.as_str()).collect();
    assert_eq!(hosts, ["pi@a", "pi@b", "pi@north", "pi@south"]);
    assert!(asked.boards.iter().all(|board| board.options == words("-o Port=2222")));
    assert_eq!(asked.folder, process::root().join("examples/lux-led"));
    assert_eq!((asked.no_log, asked.features), (true, words("gpio tsl2591")));
    let own = parse(&words("--path ../my-flow --bin fan --host pi@a")).unwrap();
    assert_eq!((own.folder, own.bin), ("../my-flow".into(), Some("fan".to_owned())));
    assert!(parse(&words("--remove --host pi@a --example lux-led")).unwrap().remove);
    let both = ["--host a --path ../my-flow --example lux-led", "--host a --example lux-led --path ../my-flow"];
    let others = ["", "--host pi@board", "--example lux-led", "--fast yes"];
    for wrong in both.into_iter().chain(others) {
        assert_eq!(parse(&words(wrong)).unwrap_err().to_string(), USAGE, "{wrong}");
    }
    let error = parse(&words("--host a --example lux-led --example replay")).unwrap_err().to_string();
    assert!(error.starts_with("--example is there twice\nusage: "), "{error}");
}

#[test]
fn f41_hostile_words_are_refused() {
    let refused = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let error = parse(&words).expect_err(&format!("{words:?}")).to_string();
        assert!(error.ends_with(USAGE) && !error.replace('\n', "").contains(char::is_control), "{error}");
    };
    let hosts = [
        "-oProxyCommand=x",
        "pi@-oProxyCommand=x",
        "a b",
        "a;touch PWNED",
        "$(touch PWNED)",
        "a\nb",
        "a@b@c",
        "",
        "@a",
    ];
    for host in hosts {
        refused(&["--example", "lux-led", "--host", host]);
    }
    for port in ["0x16", "22 -oProxyCommand=x", "65536", "-1", ""] {
        refused(&["--example", "lux-led", "--host", "a", "--port", port]);
    }
    for features in ["gpio,-x", "a\nExecStart=/bin/evil", "a;b", "a b", ""] {
        refused(&["--example", "lux-led", "--host", "a", "--features", features]);
    }
    assert!(["pi@a-b.local", "10.0.0.1", "pi@[fe80::1%eth0]", "::1"].into_iter().all(is_host));
}

#[test]
fn f41_scripts_on_the_board_refuse_hostile_names() {
    let here = tempfile::tempdir().unwrap();
    for (name, script) in HOSTILE.iter().flat_map(|name| [(name, board::INSTALL), (name, board::REMOVE)]) {
        let Ok(name) = std::ffi::CString::new(*name).map(|name| name.into_string().unwrap()) else { continue };
        let root = here.path().join("root");
        let mut command = Command::new("sh");
        command.args(["-c", script, "script", &name]).arg(&root).current_dir(here.path());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{name:?}");
        assert_eq!(output.stderr, b"deploy: invalid name of a program\n", "{name:?}");
        assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0, "{name:?}");
    }
}

#[test]
fn f41_what_is_copied_may_have_any_path() {
    let Some(server) = Server::start() else { return };
    let board = server.board();
    let connection = board.connect().unwrap();
    let root = format!("{}/a b';touch PWNED;'$(touch PWNED)", server.fakes.root());
    let program = server.fakes.built("exit 0");
    // The fake systemd looks for the program elsewhere, so it does not start, and is taken back.
    connection.install(&unit(), &program, &root).unwrap_err();
    assert!(fs::exists(format!("{root}/etc/systemd/system")).unwrap());
    assert_eq!(server.fakes.left_behind(), 0);
    assert!(!fs::exists("PWNED").unwrap() && !fs::exists(server.fakes.folder().join("PWNED")).unwrap());
}

#[test]
fn f85_a_dry_run_says_what_would_be_done() {
    let plan = |line: &str| {
        let asked =
            parse(&words(&format!("{line} --dry-run --example lux-led --host pi@a.invalid --port 2222"))).unwrap();
        carry_out(&asked).unwrap(); // nobody is reached, or this would fail
        let program = Program::asked(&asked).unwrap();
        plan::text(&asked, &program).unwrap()
    };
    let install = plan("--features gpio");
    for part in [
        "dry run: nothing is built, nobody is reached, nothing changes\nprogram: lux-led ",
        ", features gpio,systemd, from ",
        "\npi@a.invalid: ssh -o Port=2222 pi@a.invalid\n  ask which kind of board it is: dpkg ",
        "\n  copy, and install as root: /usr/local/bin/lux-led, /etc/systemd/system/lux-led.service\n",
        "\nExecStart=/usr/local/bin/lux-led\n",
    ] {
        assert!(install.contains(part), "{part:?} is not in {install}");
    }
    assert!(plan("--target armv7").contains("\n  build: cross-cargo armv7 build --release "), "the kind is known");
    let removal = plan("--remove");
    assert!(removal.contains("\n  stop: systemctl disable --now lux-led.service\n"), "{removal}");
    assert!(!removal.contains("ExecStart"), "{removal}");
}

#[test]
fn f57_a_leak_ends_the_program_and_not_the_board() {
    let text = unit().text();
    for line in ["MemoryMax=25%", "OOMPolicy=stop", "TasksMax=64", "LimitNOFILE=4096"] {
        assert!(text.lines().any(|it| it == line), "{line}");
    }
}

#[test]
fn f71_the_command_that_makes_lines_safe_comes_along() {
    let Some(server) = Server::start() else { return };
    let board = server.board();
    let connection = board.connect().unwrap();
    let (program, command) = (server.fakes.program("true"), server.fakes.folder().join("command"));
    fs::write(&command, "sets lines").unwrap();
    let built = Built { program, safe_lines: Some(command) };
    connection.install(&unit(), &built, &server.fakes.root()).unwrap();
    assert_eq!(server.fakes.read("root/usr/local/bin/thingflow-safe-lines"), "sets lines");
    connection.remove(&unit().name, &server.fakes.root()).unwrap();
    assert_eq!(server.fakes.read("root/usr/local/bin/thingflow-safe-lines"), "sets lines", "others may call it");
}
