//! The broker mosquitto, started on a free port of loopback in a temporary folder.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A broker of the test's own. It is killed when it is dropped.
pub(crate) struct Mosquitto {
    folder: tempfile::TempDir,
    address: SocketAddr,
    child: Option<Child>,
}

impl Mosquitto {
    /// One that lets everybody in.
    pub(crate) fn start() -> Self {
        Self::with("allow_anonymous true\n")
    }

    /// With lines of its configuration; `FOLDER` in them stands for its folder.
    pub(crate) fn with(lines: &str) -> Self {
        Self::prepared(lines, |_| {})
    }

    /// As [`with`](Self::with), when `prepare` has put files into its folder.
    pub(crate) fn prepared(lines: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        prepare(folder.path());
        let address = free_port();
        let path = folder.path().display().to_string();
        let lines = lines.replace("FOLDER", &path);
        let config = format!(
            "listener {} 127.0.0.1\npersistence true\npersistence_location {path}/\nlog_dest file {path}/log\nlog_type all\n\
             connection_messages true\n{lines}",
            address.port()
        );
        fs::write(folder.path().join("mosquitto.conf"), config).expect("the folder is ours");
        let mut broker = Self { folder, address, child: None };
        broker.restart();
        broker
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until it has logged something, for a minute at most.
    ///
    /// # Panics
    /// If it has not by then.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.log().contains(text) {
            assert!(Instant::now() < deadline, "not in the log: {text}; the log: {}", self.log());
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Kills it: it saves nothing.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = (child.kill(), child.wait());
        }
    }

    /// Asks it to end, by which it saves its sessions.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
            let _ = child.wait();
        }
    }

    /// Starts it again, on the same port and with the same folder.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let mut command = Command::new(program());
        command.arg("-c").arg(self.folder.path().join("mosquitto.conf"));
        if rustix::process::geteuid().is_root() {
            let _ = fs::set_permissions(self.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777));
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(child.expect("mosquitto is installed: cargo xtask setup --servers"));
        wait_until_it_answers(self.address, || self.log());
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

fn program() -> &'static str {
    let absolute = "/usr/sbin/mosquitto";
    if Path::new(absolute).exists() { absolute } else { "mosquitto" }
}

/// A port of loopback that was free a moment ago.
pub(crate) fn free_port() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has free ports");
    listener.local_addr().expect("it is bound")
}

/// Waits until a server takes connections, for a minute at most.
///
/// # Panics
/// If it does not by then, with what it has logged.
pub(crate) fn wait_until_it_answers(address: SocketAddr, log: impl Fn() -> String) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "the server does not answer; its log: {}", log());
        thread::park_timeout(Duration::from_millis(5));
    }
}
