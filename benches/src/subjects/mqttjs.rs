//! mqtt.js: the program `node/mqtt.js`, run by Node.

use std::env;
use std::net::SocketAddr;
use std::process::Command;

use crate::Result;
use crate::child::Readings;

/// Where npm has put the package; without it mqtt.js is not measured.
pub const MODULES: &str = "THINGFLOW_BENCH_NODE_MODULES";

/// Reads `n` readings, publishes the results, and waits until all is acknowledged.
pub fn run(broker: SocketAddr, qos: u8, n: u64) -> Result<Readings> {
    let modules = env::var_os(MODULES).ok_or_else(|| format!("`{MODULES}` names no folder"))?;
    let mut command = Command::new("node");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/node/mqtt.js")).env("NODE_PATH", modules);
    let output = command.args([broker.to_string(), qos.to_string(), n.to_string()]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
    }
    let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let number = |name: &str| said[name].as_f64().ok_or_else(|| format!("mqtt.js said nothing of {name}"));
    Ok(Readings::default().with("us", number("us")?).with("result", number("result")?))
}
