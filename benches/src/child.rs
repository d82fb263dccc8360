//! Each subject is measured in a process of its own: this program, started again with `child GROUP …`.

use std::process::{Child, Command, Stdio};

use serde_json::{Map, Value};

use crate::{Result, groups, machine};

/// The first argument that makes this program a child.
pub const COMMAND: &str = "child";

/// Named numbers that a child found out.
#[derive(Debug, Default)]
pub struct Readings(Map<String, Value>);

impl Readings {
    /// With one more number.
    pub fn with(mut self, name: &str, value: f64) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// The number of that name.
    pub fn get(&self, name: &str) -> Result<f64> {
        self.0.get(name).and_then(Value::as_f64).ok_or_else(|| format!("the child said nothing of {name}").into())
    }
}

/// In the child: does what the arguments say, prints the readings.
pub fn answer(args: &[String]) -> Result<()> {
    machine::take_priority();
    let (name, args) = args.split_first().ok_or("child of which group?")?;
    let group = groups::find(name).ok_or("no such group")?;
    let readings = (group.child)(args)?;
    println!("{}", Value::Object(readings.0));
    Ok(())
}

/// In the parent: what to call to become that child.
pub fn command(args: &[String]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(COMMAND).args(args);
    Ok(command)
}

/// In the parent: starts a child, waits for it, returns its readings.
pub fn ask(args: &[String]) -> Result<Readings> {
    let output = command(args)?.stderr(Stdio::piped()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
    }
    match serde_json::from_slice(&output.stdout)? {
        Value::Object(readings) => Ok(Readings(readings)),
        other => Err(format!("the child said {other}").into()),
    }
}

/// A child that runs until it is dropped.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts any program, with nothing to say and nothing to hear.
    pub fn start(mut command: Command) -> Result<Self> {
        Ok(Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Arguments as the child wants them.
#[macro_export]
macro_rules! args {
    ($($arg:expr),* $(,)?) => { &[$($arg.to_string()),*] };
}
