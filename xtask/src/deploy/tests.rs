//! Deploys to this machine: an SSH server of the test's own, a folder in place of the root, and in place of systemd a
//! script that notes what it is told.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use super::*;

const SSHD: &str = "/usr/sbin/sshd";

/// A server that is ended with the test.
struct Server {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Server {
    /// None where there is no SSH server, which is an error in CI.
    fn start() -> Option<Self> {
        if !fs::exists(SSHD).unwrap() {
            assert!(env::var_os("CI").is_none(), "no SSH server: `cargo xtask setup --deploy` installs it");
            println!("NOT TESTED: there is no SSH server here; `cargo xtask setup --deploy` installs one");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for key in ["host", "user"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.path().join(key));
            process::run(&mut keygen).unwrap();
        }
        fake_commands(folder.path());
        drop(fs::create_dir("/run/sshd")); // a server of root's wants it
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let here = folder.path().display();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {here}/host\nAuthorizedKeysFile {here}/user.pub\nPidFile none\n\
             UsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nLogLevel INFO\n\
             Subsystem sftp internal-sftp\nSetEnv PATH={here}/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        );
        fs::write(folder.path().join("config"), config).unwrap();
        let mut command = Command::new(SSHD);
        command.args(["-D", "-e", "-f"]).arg(folder.path().join("config"));
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = said.next().unwrap().unwrap();
        assert!(first.contains("Server listening"), "{first}");
        std::thread::spawn(move || said.for_each(drop)); // it must not block on what nobody reads
        Some(Self { child, folder, port })
    }

    fn board(&self) -> Board {
        let here = self.folder.path().display();
        let options = [
            format!("Port={}", self.port),
            format!("IdentityFile={here}/user"),
            format!("UserKnownHostsFile={here}/known"),
            "IdentitiesOnly=yes".into(),
            "StrictHostKeyChecking=no".into(),
            "BatchMode=yes".into(),
        ];
        let options =
            ["-F".into(), "none".into()].into_iter().chain(options.into_iter().flat_map(|it| ["-o".into(), it]));
        Board { host: "127.0.0.1".into(), options: options.collect() }
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap_or_default()
    }

    /// What the commands on the board were told.
    fn told(&self) -> Vec<String> {
        self.read("told").lines().map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Commands that note their words instead of changing this machine; `restart` runs the program to its end.
fn fake_commands(folder: &Path) {
    let here = folder.display();
    let note = format!("echo \"${{0##*/}} $*\" >> {here}/told");
    let systemctl = format!("{note}\n[ \"$1\" != restart ] || {here}/root/usr/local/bin/lux-led >> {here}/told");
    let getent = "[ \"$2\" = gpio ] || [ \"$2\" = i2c ]".to_owned();
    fs::create_dir(folder.join("bin")).unwrap();
    for (name, script) in
        [("systemctl", systemctl), ("journalctl", note), ("sudo", "exec \"$@\"".into()), ("getent", getent)]
    {
        program(&folder.join("bin").join(name), &script);
    }
}

fn program(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_program_is_installed_started_and_watched() {
    let Some(server) = Server::start() else { return };
    let (board, unit) = (server.board(), Unit::of_example("lux-led").unwrap());
    let source = server.folder.path().join("built");
    for round in ["first", "second"] {
        program(&source, &format!("echo {round} program"));
        board.install(&unit, &source, &format!("{}/root", server.folder.path().display())).unwrap();
    }
    let once = |round: &str| {
        let calls = "systemctl daemon-reload|systemctl enable lux-led.service|systemctl restart lux-led.service";
        let calls = format!("{calls}|{round} program|systemctl is-active lux-led.service");
        calls.split('|').map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(server.told(), [once("first"), once("second")].concat());
    let installed = server.read("root/etc/systemd/system/lux-led.service");
    let expected = unit.text().replace("=gpio i2c spi dialout\n", "=gpio i2c\n");
    assert_eq!(installed, expected, "only the groups that are there");

    board.show_log(&unit).unwrap();
    assert_eq!(server.told().last().unwrap(), "journalctl --follow --lines=20 --unit=lux-led.service");
    assert!(!board.kind().unwrap().is_empty());
}

#[test]
fn what_fails_on_the_board_is_an_error_here() {
    let Some(server) = Server::start() else { return };
    let source = server.folder.path().join("built");
    program(&source, "exit 1");
    let unit = Unit::of_example("lux-led").unwrap();
    let error = server.board().install(&unit, &source, &format!("{}/root", server.folder.path().display()));
    assert!(error.unwrap_err().to_string().contains("failed"));
}

#[test]
fn a_board_that_is_not_there_is_named() {
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = words(&format!("-F none -o BatchMode=yes -o Port={nowhere}"));
    let error = Board { host: "127.0.0.1".into(), options }.kind().unwrap_err().to_string();
    assert!(
        error.starts_with("127.0.0.1 cannot be reached: ") && error.ends_with("try `ssh 127.0.0.1` by hand"),
        "{error}"
    );
}

#[test]
fn the_words_say_what_goes_where() {
    let asked =
        parse(&words("--host pi@board --example lux-led --features gpio,tsl2591 --port 2222 --no-log")).unwrap();
    assert_eq!((asked.board.host.as_str(), asked.example.as_str(), asked.no_log), ("pi@board", "lux-led", true));
    assert_eq!((asked.board.options, asked.features), (words("-o Port=2222"), words("gpio tsl2591")));
    for wrong in ["", "--host pi@board", "--example lux-led", "--host -oProxyCommand=x --example lux-led", "--fast yes"]
    {
        assert_eq!(parse(&words(wrong)).unwrap_err().to_string(), USAGE, "{wrong}");
    }
}

#[test]
fn an_example_that_is_not_there_is_named() {
    let error = Unit::of_example("lux-lamp").unwrap_err().to_string();
    assert_eq!(error, "there is no example `lux-lamp` in examples/");
}
