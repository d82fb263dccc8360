//! [`Broker`]: mosquitto on the host, which a board reaches by its network, and a listener that notes all it is sent.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mosquitto::Mosquitto;

use crate::Result;

#[allow(dead_code, reason = "it serves tests too")]
#[path = "../../../thingflow-adapters/tests/support/mosquitto.rs"]
mod mosquitto;

/// The host, as the emulator shows it to the board.
const HOST: &str = "10.0.2.2";

/// How long something may take to be heard: the listener may have to connect again.
const PATIENCE: Duration = Duration::from_secs(60);

/// A broker, and who listens to it. Both are ended when it is dropped.
pub(super) struct Broker {
    broker: Mosquitto,
    is_away: bool,
    /// How much had been heard when it was last asked to start.
    earlier: usize,
    listener: Child,
}

impl Broker {
    pub(super) fn start() -> Result<Self> {
        let broker = Mosquitto::with("allow_anonymous true\nmax_queued_messages 0\n");
        let mut listener = Command::new("mosquitto_sub");
        listener.args(["-h", "127.0.0.1", "-p", &broker.address().port().to_string(), "-V", "mqttv5"]);
        // The broker keeps for it what comes while it connects again.
        listener.args(["-i", "listener", "-c", "-x", "3600", "-q", "1", "-t", "#", "-F", "%t %p"]);
        let (heard, complaints) =
            (File::create(broker.folder().join("heard"))?, File::create(broker.folder().join("complaints"))?);
        let listener = listener.stdin(Stdio::null()).stdout(heard).stderr(complaints).spawn();
        let listener =
            listener.map_err(|error| format!("mosquitto_sub: {error} (it comes with setup-host.sh --board)"))?;
        broker.wait_for_log("Sending SUBACK to listener");
        Ok(Self { broker, is_away: false, earlier: 0, listener })
    }

    /// Where the board finds it.
    pub(super) fn address(&self) -> String {
        format!("mqtt://{HOST}:{}", self.broker.address().port())
    }

    /// Ends it; it keeps its sessions.
    pub(super) fn stop(&mut self) {
        self.broker.stop();
        self.is_away = true;
    }

    /// Starts it again, if it was stopped. What [`wait_for`](Self::wait_for) waits for comes later than this.
    pub(super) fn restart(&mut self) -> Result {
        self.earlier = self.all()?.len();
        if std::mem::take(&mut self.is_away) {
            self.broker.restart();
        }
        Ok(())
    }

    /// Waits for a message.
    pub(super) fn wait_for(&self, topic: &str, text: &str) -> Result {
        let end = Instant::now() + PATIENCE;
        while !payloads(&self.all()?[self.earlier..], topic).any(|payload| payload.contains(text)) {
            if Instant::now() > end {
                return Err(format!("`{text}` was not heard of `{topic}` within {PATIENCE:?}").into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The numbers that were published on a topic, in their order, those that follow each other as one: `1-20 15-30`.
    pub(super) fn numbers(&self, topic: &str) -> Result<String> {
        let heard = self.all()?;
        let numbers: std::result::Result<Vec<u32>, _> = payloads(&heard, topic).map(str::parse).collect();
        Ok(runs(&numbers?))
    }

    /// All messages, a line each: topic, payload.
    fn all(&self) -> Result<String> {
        let mut text = fs::read_to_string(self.broker.folder().join("heard"))?;
        text.truncate(text.rfind('\n').map_or(0, |end| end + 1)); // the last line may not be whole yet
        Ok(text)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.listener.kill());
        drop(self.listener.wait());
    }
}

/// Those of a topic, in their order.
fn payloads<'t>(messages: &'t str, topic: &'t str) -> impl Iterator<Item = &'t str> {
    messages.lines().filter_map(move |line| line.strip_prefix(topic)?.strip_prefix(' '))
}

fn runs(numbers: &[u32]) -> String {
    let runs = numbers.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    let shown = runs.filter_map(|run| Some(format!("{}-{}", run.first()?, run.last()?)));
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_one_run() {
        assert_eq!(runs(&[]), "");
        assert_eq!(runs(&[1, 2, 3, 2, 3, 7]), "1-3 2-3 7-7");
    }
}
