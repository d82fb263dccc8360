//! Databases, each started on free ports of loopback in a temporary folder, and killed when it is dropped.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

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
        let (folder, address, rpc, udp) = (folder(), free_port(), free_port(), free_port());
        let path = folder.path().display();
        let config = format!(
            "reporting-disabled = true\nbind-address = \"{rpc}\"\n[meta]\ndir = \"{path}/meta\"\n\
             [data]\ndir = \"{path}/data\"\nwal-dir = \"{path}/wal\"\n\
             [http]\nbind-address = \"{address}\"\n[[udp]]\nenabled = true\nbind-address = \"{udp}\"\ndatabase = \"udp\"\n\
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

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is room for a folder")
}
