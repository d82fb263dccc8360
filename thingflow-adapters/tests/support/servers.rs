//! Databases, each started on free ports of loopback in a temporary folder, and killed when it is dropped.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::mosquitto::{free_port, wait_until_it_answers};

/// A server of the test's own.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    address: SocketAddr,
    child: Child,
}

impl Server {
    /// InfluxDB 1 over HTTP, and over UDP on the other port, into the database `udp`.
    pub(crate) fn influx() -> (Self, SocketAddr) {
        Self::influx_with(folder(), "")
    }

    /// InfluxDB 1 over HTTPS, with the certificate `localhost` that is in its folder.
    pub(crate) fn influx_by_tls(folder: tempfile::TempDir) -> Self {
        let path = folder.path().display().to_string();
        let lines = format!(
            "https-enabled = true\nhttps-certificate = \"{path}/localhost.pem\"\nhttps-private-key = \"{path}/localhost.key\"\n"
        );
        Self::influx_with(folder, &lines).0
    }

    fn influx_with(folder: tempfile::TempDir, http: &str) -> (Self, SocketAddr) {
        let (address, rpc, udp) = (free_port(), free_port(), free_port());
        let path = folder.path().display();
        let config = format!(
            "reporting-disabled = true\nbind-address = \"{rpc}\"\n[meta]\ndir = \"{path}/meta\"\n\
             [data]\ndir = \"{path}/data\"\nwal-dir = \"{path}/wal\"\n\
             [http]\nbind-address = \"{address}\"\n{http}[[udp]]\nenabled = true\nbind-address = \"{udp}\"\ndatabase = \"udp\"\n\
             batch-timeout = \"10ms\"\n"
        );
        fs::write(folder.path().join("influxdb.conf"), config).expect("the folder is ours");
        let mut command = Command::new("influxd");
        command.arg("-config").arg(folder.path().join("influxdb.conf"));
        (Self::start(folder, address, command), udp)
    }

    /// VictoriaMetrics.
    pub(crate) fn victoria_metrics() -> Self {
        let (folder, address) = (folder(), free_port());
        let mut command = Command::new("victoria-metrics");
        let data = format!("-storageDataPath={}", folder.path().join("data").display());
        command.arg(data).arg(format!("-httpListenAddr={address}")).arg("-retentionPeriod=100y");
        Self::start(folder, address, command)
    }

    /// PostgreSQL, with a superuser `test` who may come in without a password, and a user `pat` whose password is `s3cret`.
    pub(crate) fn postgres() -> Self {
        let rules = "host all pat 127.0.0.1/32 scram-sha-256\nhost all test 127.0.0.1/32 trust\n";
        Self::postgres_with(folder(), rules, &[])
    }

    /// PostgreSQL that talks by TLS only, with the certificate `localhost` that is in its folder; the user `lamp` shows one of
    /// the authority `ca.pem`.
    pub(crate) fn postgres_by_tls(folder: tempfile::TempDir) -> Self {
        let file = |name: &str| folder.path().join(name);
        for name in ["localhost.key", "localhost.pem", "ca.pem"] {
            fs::set_permissions(file(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("it is ours");
            if rustix::process::geteuid().is_root() {
                std::os::unix::fs::chown(file(name), Some(NOBODY), Some(NOBODY)).expect("root may do that");
            }
        }
        let set = |what: &str, name: &str| format!("{what}={}", file(name).display());
        let settings = [
            "ssl=on".to_owned(),
            set("ssl_cert_file", "localhost.pem"),
            set("ssl_key_file", "localhost.key"),
            set("ssl_ca_file", "ca.pem"),
        ];
        let rules = "hostssl all lamp 127.0.0.1/32 cert\nhostssl all test 127.0.0.1/32 trust\n";
        Self::postgres_with(folder, rules, &settings)
    }

    fn postgres_with(folder: tempfile::TempDir, rules: &str, settings: &[String]) -> Self {
        let address = free_port();
        let data = folder.path().join("data");
        // It refuses to be run by root.
        let user = |command: &mut Command| {
            if rustix::process::geteuid().is_root() {
                std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("root may do that");
                std::os::unix::process::CommandExt::gid(command, NOBODY);
                std::os::unix::process::CommandExt::uid(command, NOBODY);
            }
            command.current_dir(folder.path());
        };
        let mut init = Command::new(postgres_program("initdb"));
        init.args(["-U", "test", "--auth=trust", "--no-sync", "--encoding=UTF8", "--no-locale", "-D"]).arg(&data);
        user(&mut init);
        let made = init.output().expect("PostgreSQL is installed: cargo xtask setup --servers");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::write(data.join("pg_hba.conf"), rules).expect("the folder is ours");
        let mut command = Command::new(postgres_program("postgres"));
        command.args(["-F", "-h", "127.0.0.1", "-c", "unix_socket_directories=", "-c", "shared_buffers=16MB"]);
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        command.arg("-p").arg(address.port().to_string()).arg("-D").arg(&data);
        user(&mut command);
        let server = Self::start(folder, address, command);
        server.wait_until_it_says("ready to accept connections");
        server
    }

    /// Waits for a line of its log, for a minute at most.
    fn wait_until_it_says(&self, text: &str) {
        let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let deadline = Instant::now() + Duration::from_secs(60);
        while !log().contains(text) {
            assert!(Instant::now() < deadline, "the server does not say `{text}`; its log: {}", log());
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    pub(crate) fn start(folder: tempfile::TempDir, address: SocketAddr, mut command: Command) -> Self {
        let log = folder.path().join("log");
        let file = fs::File::create(&log).expect("the folder is ours");
        let both = file.try_clone().expect("a descriptor is free");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(both).spawn();
        let child = child.expect("the server is installed: cargo xtask setup --servers");
        let server = Self { folder, address, child };
        wait_until_it_answers(address, || fs::read_to_string(&log).unwrap_or_default());
        server
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `openssl s_server`, which shows the certificate `localhost` in its folder, asks for one of `ca.pem`, and says in HTTP
    /// what it has seen.
    pub(crate) fn openssl(folder: tempfile::TempDir) -> Self {
        Self::openssl_with(folder, &["-www", "-Verify", "1", "-verify_return_error"])
    }

    /// `openssl s_server`, which sends each line back in reverse.
    pub(crate) fn openssl_reversing(folder: tempfile::TempDir) -> Self {
        Self::openssl_with(folder, &["-rev"])
    }

    fn openssl_with(folder: tempfile::TempDir, how: &[&str]) -> Self {
        let address = free_port();
        let mut command = Command::new("openssl");
        command.arg("s_server").args(how).arg("-accept").arg(address.to_string());
        command.args(["-cert", "localhost.pem", "-key", "localhost.key", "-CAfile", "ca.pem"]);
        command.current_dir(folder.path());
        Self::start(folder, address, command)
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

/// A user without rights.
const NOBODY: u32 = 65_534;

/// Debian keeps these programs out of the path.
fn postgres_program(name: &str) -> std::path::PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut programs: Vec<_> = versions.map(|version| version.path().join("bin").join(name)).collect();
    programs.retain(|program| program.exists());
    programs.sort();
    programs.pop().unwrap_or_else(|| name.into())
}

pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is room for a folder")
}
