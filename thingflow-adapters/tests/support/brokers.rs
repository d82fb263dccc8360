//! Brokers of MQTT besides mosquitto, each started on a free port of loopback, and killed when it is dropped.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::mosquitto::free_port;
use super::servers::{Server, folder};

/// A broker of somebody else's. All of these speak MQTT 3.1.1 only, and forget their sessions when they are killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Debian's nats-server: QoS 0 and 1.
    Nats,
    /// amqtt, of PyPI.
    Amqtt,
    /// aedes, of npm.
    Aedes,
}

impl Kind {
    /// Whether it keeps what is published by QoS 2 when a connection breaks. nats-server refuses QoS 2. aedes before version 1, of
    /// which 0.51.3 is the last that Node.js 18 runs, acknowledges nothing any more after a break (2026-11-30).
    pub(crate) fn keeps_qos_2(self) -> bool {
        match self {
            Self::Nats => false,
            Self::Amqtt => true,
            Self::Aedes => {
                let package = fetched("aedes").join("node_modules/aedes/package.json");
                !fs::read_to_string(package).expect("it is a package").contains("\"version\": \"0.")
            }
        }
    }

    /// Starts it on an address.
    pub(crate) fn start_at(self, address: SocketAddr) -> Server {
        let folder = folder();
        let file = |name: &str, text: String| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("the folder is ours");
            path
        };
        let command = match self {
            Self::Nats => {
                let own = free_port();
                let store = folder.path().join("store");
                let config = format!(
                    "server_name: test\nlisten: \"{own}\"\njetstream {{ store_dir: {store:?} }}\nmqtt {{ listen: \"{address}\" }}\n"
                );
                let absolute = "/usr/sbin/nats-server";
                let mut command = Command::new(if Path::new(absolute).exists() { absolute } else { "nats-server" });
                command.arg("-c").arg(file("nats.conf", config));
                command
            }
            Self::Amqtt => {
                let config = format!(
                    "listeners:\n  default:\n    type: tcp\n    bind: {address}\nplugins:\n  \
                     amqtt.plugins.authentication.AnonymousAuthPlugin:\n    allow_anonymous: true\n"
                );
                let mut command = Command::new("python3");
                command.args(["-m", "amqtt.scripts.broker_script", "-c"]).arg(file("amqtt.yaml", config));
                command.env("PYTHONPATH", fetched("amqtt"));
                command
            }
            Self::Aedes => {
                let script = format!(
                    "const all = require('aedes'), {{ createBroker }} = all.Aedes ?? {{}};
                     const up = broker => require('net').createServer(broker.handle).listen({}, '127.0.0.1');
                     createBroker ? all.Aedes.createBroker().then(up) : up(all())",
                    address.port()
                );
                let mut command = Command::new("node");
                command.args(["-e", &script]).current_dir(fetched("aedes"));
                command
            }
        };
        Server::start(folder, address, command)
    }
}

/// Where the set-up has put a broker.
fn fetched(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("brokers").join(name);
    assert!(path.exists(), "the broker {name} is not there: cargo xtask setup --servers");
    path
}
