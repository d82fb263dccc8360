//! Signals that stop a run.
//!
//! A run in real time turns signals into a stop. The first one begins it; another one, while the graph sends what it holds,
//! closes at once. If a Thing hangs, nobody can close: then the same signal a second time has its default effect, and ends
//! the process. When the run is over, so has the first.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;

use super::Scheduler;
use super::engine::Engine;

/// A signal that may stop a run, see [`Scheduler::stop_on`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopSignal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: what service managers and `kill` send.
    Terminate,
    /// SIGHUP: the terminal has been closed.
    Hangup,
    /// SIGQUIT: Ctrl-\.
    Quit,
}

const ALL: [StopSignal; 4] = [StopSignal::Interrupt, StopSignal::Terminate, StopSignal::Hangup, StopSignal::Quit];

impl StopSignal {
    fn number(self) -> i32 {
        match self {
            Self::Interrupt => SIGINT,
            Self::Terminate => SIGTERM,
            Self::Hangup => SIGHUP,
            Self::Quit => SIGQUIT,
        }
    }
}

/// Which signals stop the runs of a scheduler.
#[derive(Clone, Copy)]
pub(super) struct StopsOn([bool; ALL.len()]);

impl Default for StopsOn {
    fn default() -> Self {
        Self([true, true, false, false])
    }
}

impl StopsOn {
    fn of(signals: impl IntoIterator<Item = StopSignal>) -> Self {
        let mut stops = Self([false; ALL.len()]);
        for signal in signals {
            stops.0[signal as usize] = true;
        }
        stops
    }

    fn iter(self) -> impl Iterator<Item = StopSignal> {
        ALL.into_iter().zip(self.0).filter_map(|(signal, on)| on.then_some(signal))
    }
}

/// What the process does with a signal.
struct Handled {
    /// Whether the next one has its default effect. Set outside of runs, and by each signal until a reactor has seen it.
    lethal: Arc<AtomicBool>,
    /// How many runs listen to it.
    runs: Mutex<usize>,
}

/// The action of a signal belongs to the process, and so does this table.
static HANDLED: [OnceLock<Option<Handled>>; ALL.len()] = [const { OnceLock::new() }; ALL.len()];

/// Takes the signal over for the process, for good: outside of runs its default effect is imitated. `None` if somebody else
/// handles or ignores it: then it stops runs, and is left alone otherwise.
fn handled(signal: StopSignal) -> Option<&'static Handled> {
    let handled = HANDLED[signal as usize].get_or_init(|| {
        if !has_default_action(signal.number()) {
            return None;
        }
        let lethal = Arc::new(AtomicBool::new(false));
        // In this order: the first signal of a run finds the flag down, and raises it.
        flag::register_conditional_default(signal.number(), lethal.clone()).ok()?;
        flag::register(signal.number(), lethal.clone()).ok()?;
        Some(Handled { lethal, runs: Mutex::new(0) })
    });
    handled.as_ref()
}

/// Whether the process neither ignores nor handles a signal, by what the kernel says of it.
fn has_default_action(number: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    let (Some(ignored), Some(caught)) = (mask("SigIgn:"), mask("SigCgt:")) else { return false };
    (ignored | caught) & (1 << (number - 1)) == 0
}

/// While it lives, signals stop a run.
pub(super) struct Watching(StopsOn);

impl Watching {
    fn begin(stops: StopsOn) -> Self {
        for handled in stops.iter().filter_map(handled) {
            *handled.runs.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            handled.lethal.store(false, Ordering::SeqCst);
        }
        Self(stops)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        for handled in self.0.iter().filter_map(handled) {
            let mut runs = handled.runs.lock().unwrap_or_else(PoisonError::into_inner);
            *runs -= 1;
            handled.lethal.store(*runs == 0, Ordering::SeqCst);
        }
    }
}

impl Engine {
    /// Has signals stop the run, until the answer is dropped and [`forget_signals`](Self::forget_signals) called.
    pub(super) fn watch_signals(&self) -> io::Result<Watching> {
        let stops = self.stops_on.get();
        let watching = Watching::begin(stops);
        let numbers: Vec<i32> = stops.iter().map(StopSignal::number).collect();
        self.reactor.watch_signals(&numbers)?;
        Ok(watching)
    }

    /// A signal has come in the middle of a run.
    pub(super) fn signalled(&self, number: i32) {
        if let Some(handled) = ALL.into_iter().find(|signal| signal.number() == number).and_then(handled) {
            handled.lethal.store(false, Ordering::SeqCst); // somebody is there who can close
        }
        if self.is_winding_down() {
            log::warn!("signal {number}, again: closing at once");
        } else {
            let mut names = Vec::new();
            self.note_failed(self.discard(|_| names = self.names()));
            log::info!("signal {number}: stopping; active were {}", names.join(", "));
        }
        self.stop.insist();
    }
}

impl Scheduler {
    /// Which signals stop a run of [`run_forever`](Self::run_forever) in real time: unless told otherwise SIGINT and
    /// SIGTERM. The others keep their effect, as do all outside a run. Takes effect with the next run.
    ///
    /// | signal | during a run |
    /// | --- | --- |
    /// | the first one | stops the run, see [the order of a stop](Self#the-order-of-a-stop) |
    /// | another one, while what is held is being sent | closes at once; what is still held is lost |
    /// | the same a second time, while a Thing hangs | its default effect: the process ends, nothing is closed |
    ///
    /// ```
    /// use thingflow_core::{Scheduler, StopSignal};
    /// let scheduler = Scheduler::new()?;
    /// // A program that is started from a terminal, and shall make its pins safe when that is closed.
    /// scheduler.stop_on([StopSignal::Interrupt, StopSignal::Terminate, StopSignal::Hangup, StopSignal::Quit]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stop_on(&self, signals: impl IntoIterator<Item = StopSignal>) {
        self.engine.stops_on.set(StopsOn::of(signals));
    }
}
