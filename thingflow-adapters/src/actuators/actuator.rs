//! [`Actuator`]: a device that carries out commands; [`ActuatorInput`]: such a device at the end of a stream.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use thingflow_core::{Closed, Context, Demand, Instant, Receipt, Sink, StreamError, Visitor};

/// A device that carries out commands and has a safe state: what a driver of an actuator implements, as one of a sensor
/// implements [`Sensor`](thingflow_core::Sensor).
///
/// ```
/// use thingflow_adapters::actuators::{Actuator, ActuatorInput};
/// use thingflow_core::prelude::*;
/// /// A valve, as its driver sees it.
/// struct Valve<'a>(&'a mut Vec<u8>);
/// impl Actuator for Valve<'_> {
///     type Command = u8;
///     type Error = std::io::Error;
///     fn act(&mut self, percent: u8, _: Instant) -> Result<(), std::io::Error> {
///         Ok(self.0.push(percent))
///     }
///     fn make_safe(&mut self) -> Result<(), std::io::Error> {
///         Ok(self.0.push(0))
///     }
/// }
/// let mut positions = Vec::new();
/// pipe().to(ActuatorInput::new("valve", Valve(&mut positions))).feed([20, 80])?;
/// assert_eq!(positions, [0, 20, 80, 0]); // shut at the start and at the end
/// # Ok::<(), RunError>(())
/// ```
pub trait Actuator {
    /// What it is told.
    type Command;
    /// Why it failed: an error, which the end of a run keeps as a cause, or a text. It is said after "actuator `name`: ".
    type Error: Into<Box<dyn Error + Send + Sync>>;

    /// Carries a command out. Devices that write on changes only write again after a failure.
    ///
    /// # Errors
    /// If the device cannot be reached, or cannot do that.
    fn act(&mut self, command: Self::Command, now: Instant) -> Result<(), Self::Error>;

    /// Goes to the safe state, and forgets what was still to be done. May be called several times; must not panic.
    ///
    /// # Errors
    /// If the device cannot be reached.
    fn make_safe(&mut self) -> Result<(), Self::Error>;

    /// Called when the last command holds no longer: see [`ActuatorInput::safe_after`]. By default it goes to its safe state;
    /// a device that must not switch too often notes when that was.
    ///
    /// # Errors
    /// If the device cannot be reached.
    fn expire(&mut self, _now: Instant) -> Result<(), Self::Error> {
        self.make_safe()
    }

    /// Called before the first command. By default it goes to its safe state.
    ///
    /// # Errors
    /// If the device cannot be reached.
    fn start(&mut self, _now: Instant) -> Result<(), Self::Error> {
        self.make_safe()
    }

    /// When it wants to be [woken](Self::wake): for devices that act by themselves some time after a command.
    fn due(&self) -> Instant {
        Instant::NEVER
    }

    /// Called when it is due, or before the next command if that comes first. Must put [`due`](Self::due) off, also if it
    /// fails.
    ///
    /// # Errors
    /// If the device cannot be reached.
    fn wake(&mut self, _now: Instant) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// An [`Actuator`] at the end of a stream of its commands.
///
/// It is in its safe state before the first command, after the end of the stream, also by an error, and when it is
/// dropped: so also when the run ends by a signal, a fatal error or a panic. (Not when the process is killed or the machine
/// fails: what can do harm wants a watchdog in hardware as well.)
///
/// A stream that falls silent does not end: a sensor whose failures are skipped or tried again sends nothing. What must not
/// stay on then has a time limit: [`safe_after`](Self::safe_after).
///
/// A device that fails ends the run, since one that silently does nothing is worse; see
/// [`skip_errors`](Self::skip_errors). A transfer on a bus holds the reactor up meanwhile: where the device's documentation
/// says that this takes long, give this to [`edge_sink`](thingflow_core::Scheduler::edge_sink), which moves it to a thread of
/// its own; what acts some time after a command, as relays and buzzers do, does so there in real time.
pub struct ActuatorInput<A: Actuator> {
    pub(crate) actuator: A,
    name: String,
    skips: bool,
    /// For how long the last command holds.
    holds: Option<Duration>,
    /// When that is over, or when the safe state is tried again.
    expires: Instant,
    /// Whether it could not be brought to its safe state, which has been told.
    stays: bool,
    /// Whether it may be in another state than the safe one.
    ours: bool,
}

impl<A: Actuator> ActuatorInput<A> {
    /// The device, with a name for errors and drawings.
    pub fn new(name: impl Into<String>, actuator: A) -> Self {
        let (expires, stays) = (Instant::NEVER, false);
        Self { actuator, name: name.into(), skips: false, holds: None, expires, stays, ours: false }
    }

    /// Goes to the safe state when no command has come for so long, which is reported; the next command is carried out again.
    /// For whatever does harm if its sensor falls silent: take a few periods of the sensor.
    ///
    /// Each command counts, the same as the last one too. So let nothing upstream leave out what has not changed, such as
    /// `dedup`: the device is written on changes only anyway.
    ///
    /// ```
    /// use std::time::Duration;
    /// use thingflow_adapters::gpio::{SimulatedPin, pin_out};
    /// use thingflow_core::prelude::*;
    /// use thingflow_core::testing::FlakySensor;
    /// let pin = SimulatedPin::new();
    /// let second = Duration::from_secs(1);
    /// let room = SensorOutput::new(FlakySensor::new("room", [Ok(15.0), Err("no answer"), Err("no answer"), Err("no answer")]));
    /// room.map(|e| e.val < 20.0).connect(pin_out("heater", pin.clone()).safe_after(3 * second));
    /// let mut scheduler = Scheduler::virtual_time()?;
    /// scheduler.schedule_periodic(room, Periodic::every(second).on_failure(OnFailure::Skip))?;
    /// scheduler.run_for(3 * second)?;
    /// assert!(pin.level()); // since the first second
    /// scheduler.run_for(second)?;
    /// assert!(!pin.level());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn safe_after(mut self, silence: Duration) -> Self {
        self.holds = Some(silence);
        self
    }

    /// A command that fails is reported and left out, and the stream goes on: for what does no harm, such as a display. With
    /// [`safe_after`](Self::safe_after), a safe state that cannot be reached is tried again each second, or each time of
    /// silence if that is shorter, until it is reached or a command comes.
    #[must_use]
    pub fn skip_errors(mut self) -> Self {
        self.skips = true;
        self
    }

    fn explain(&self, error: A::Error) -> Failed {
        Failed { name: self.name.clone(), cause: error.into() }
    }

    fn judge(&self, done: Result<(), A::Error>, cx: &mut Context<'_>) -> Closed {
        match done {
            Err(error) if self.skips => cx.report(&self.name, &StreamError::from_cause(error)),
            Err(error) => return Err(cx.fatal(self.explain(error))),
            Ok(()) => {}
        }
        Ok(())
    }

    /// The last command holds no longer.
    fn expire(&mut self, cx: &mut Context<'_>) -> Closed {
        if self.expires > cx.now() {
            return Ok(());
        }
        if !self.stays {
            let silence = self.holds.unwrap_or_default();
            self.say(cx, format!("no command for {silence:?}: it goes to its safe state"));
        }
        let done = self.actuator.expire(cx.now());
        self.settle(done, cx)
    }

    /// Whether the safe state has been reached; if not, it is tried again where a time of silence says that this matters.
    fn settle(&mut self, done: Result<(), A::Error>, cx: &mut Context<'_>) -> Closed {
        self.expires = Instant::NEVER;
        let stayed = std::mem::replace(&mut self.stays, done.is_err() && self.skips && self.holds.is_some());
        if self.stays {
            self.expires = cx.now() + self.holds.map_or(AGAIN, |silence| silence.clamp(LEAST, AGAIN));
        }
        match (stayed, done) {
            (true, Err(_)) if self.stays => Ok(()), // told already
            (true, Ok(())) => {
                self.say(cx, "it is in its safe state again".into());
                Ok(())
            }
            (_, done) => self.judge(done, cx),
        }
    }

    fn say(&self, cx: &Context<'_>, text: String) {
        cx.report(&self.name, &StreamError::msg(text));
    }

    /// Does what is due.
    fn catch_up(&mut self, cx: &mut Context<'_>) -> Closed {
        if self.actuator.due() > cx.now() {
            return Ok(());
        }
        let done = self.actuator.wake(cx.now());
        self.judge(done, cx)
    }

    fn ask_for_wake(&self, cx: &mut Context<'_>) -> Receipt {
        let due = self.actuator.due().min(self.expires);
        if due < Instant::NEVER {
            cx.wake_at(due);
        }
        Ok(Demand::More)
    }

    fn end(&mut self, cx: &mut Context<'_>) -> Closed {
        let done = self.actuator.make_safe();
        self.expires = Instant::NEVER;
        self.ours = done.is_err(); // dropping it tries once more
        self.judge(done, cx)
    }
}

/// So long after a failure a safe state is tried again, unless the time of silence is shorter; and never at once.
const AGAIN: Duration = Duration::from_secs(1);
const LEAST: Duration = Duration::from_millis(1);

/// That a device did not do as it was told, and which.
struct Failed {
    name: String,
    cause: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "actuator `{}`: {}", self.name, self.cause)
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

impl<A: Actuator> Sink for ActuatorInput<A> {
    type Event = A::Command;
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.ours = true;
        let done = self.actuator.start(cx.now());
        self.settle(done, cx)?;
        self.ask_for_wake(cx)
    }
    fn on_next(&mut self, command: A::Command, cx: &mut Context<'_>) -> Receipt {
        self.catch_up(cx)?;
        self.ours = true;
        let done = self.actuator.act(command, cx.now());
        (self.expires, self.stays) = (self.holds.map_or(Instant::NEVER, |time| cx.now() + time), false);
        self.judge(done, cx)?;
        self.ask_for_wake(cx)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.expire(cx)?; // which may take back what is due at the same time
        self.catch_up(cx)?;
        self.ask_for_wake(cx)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.end(cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report(&self.name, &error);
        self.end(cx)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink(&self.name);
    }
}

impl<A: Actuator> Drop for ActuatorInput<A> {
    fn drop(&mut self) {
        if !self.ours {
            return;
        }
        // What panics here while another panic unwinds would abort the process, and no other output would be made safe.
        match catch_unwind(AssertUnwindSafe(|| self.actuator.make_safe())) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => log::error!("{:?}", self.explain(error)),
            Err(_) if std::thread::panicking() => log::error!("actuator `{}`: panicked in its safe state", self.name),
            Err(panic) => resume_unwind(panic),
        }
    }
}

impl<A: Actuator> fmt::Debug for ActuatorInput<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActuatorInput").field("name", &self.name).field("skips", &self.skips).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use thingflow_core::testing::{FlakySensor, ListSensor, Recorder};
    use thingflow_core::{
        Elementwise, Port, Scheduler, Sensor, SensorOutput, call, pipe, prelude::Chain, sinks::try_call,
    };

    /// Notes what it is told; "safe" is 0. Clones are the same device.
    #[derive(Clone, Default)]
    struct Noted {
        seen: Rc<RefCell<Vec<i32>>>,
        broken: Rc<Cell<bool>>,
    }

    impl Noted {
        fn seen(&self) -> Vec<i32> {
            self.seen.borrow().clone()
        }
    }

    impl Actuator for Noted {
        type Command = i32;
        type Error = &'static str;
        fn act(&mut self, command: i32, _: Instant) -> Result<(), &'static str> {
            if self.broken.get() {
                return Err("no acknowledge");
            }
            self.seen.borrow_mut().push(command);
            Ok(())
        }
        fn make_safe(&mut self) -> Result<(), &'static str> {
            self.act(0, Instant::ZERO)
        }
    }

    fn run(
        sensor: impl Sensor<Reading = i32, Error: Send> + 'static,
        device: &Noted,
        other: impl FnMut() -> bool + 'static,
    ) {
        let mut other = other;
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let output = SensorOutput::new(sensor);
        output.map(|e| e.val).connect(ActuatorInput::new("device", device.clone()));
        output.connect(try_call(move |_| if other() { Ok(()) } else { Err("the disk is full") }));
        scheduler.schedule_periodic(output, Duration::from_secs(1)).unwrap();
        let _ = scheduler.run_forever();
    }

    #[test]
    fn is_safe_at_the_start_and_after_completion() {
        let device = Noted::default();
        run(ListSensor::new("t", [7, 8]), &device, || true);
        assert_eq!(device.seen(), [0, 7, 8, 0]);
    }

    #[test]
    fn is_safe_after_an_error_of_the_stream() {
        let device = Noted::default();
        run(FlakySensor::new("t", [Ok(7), Err("no answer"), Ok(8)]), &device, || true);
        assert_eq!(device.seen(), [0, 7, 0]);
    }

    #[test]
    fn is_safe_after_a_fatal_error_elsewhere() {
        let device = Noted::default();
        run(ListSensor::new("t", [7, 8]), &device, || false);
        assert_eq!(device.seen(), [0, 7, 0]);
    }

    #[test]
    fn is_safe_after_a_panic() {
        let device = Noted::default();
        let bug = || panic!("a bug");
        let _ = catch_unwind(AssertUnwindSafe(|| run(ListSensor::new("t", [7, 8]), &device, bug)));
        assert_eq!(device.seen(), [0, 7, 0]);
    }

    #[test]
    fn is_safe_after_a_stop() {
        let device = Noted::default();
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let output = SensorOutput::new(ListSensor::new("t", [7, 8]));
        output.map(|e| e.val).connect(ActuatorInput::new("device", device.clone()));
        let stopper = scheduler.stopper();
        output.connect(call(move |_| stopper.stop()));
        scheduler.schedule_periodic(output, Duration::from_secs(1)).unwrap();
        scheduler.run_forever().unwrap();
        drop(scheduler);
        assert_eq!(device.seen(), [0, 7, 0]);
    }

    #[test]
    fn is_safe_after_a_disconnect() {
        let (device, port) = (Noted::default(), Port::new());
        let connection = port.connect(ActuatorInput::new("device", device.clone()));
        port.emit(7, &mut Context::detached(Instant::ZERO)).unwrap();
        connection.disconnect();
        assert_eq!(device.seen().last(), Some(&0));
    }

    #[test]
    fn is_left_alone_when_it_was_never_started() {
        let device = Noted::default();
        drop(ActuatorInput::new("device", device.clone()));
        assert!(device.seen().is_empty());
    }

    #[test]
    fn a_failure_ends_the_run_and_dropping_tries_once_more() {
        let device = Noted::default();
        let mut chain = pipe().to(ActuatorInput::new("device", device.clone()));
        device.broken.set(true);
        assert_eq!(chain.feed([7]).unwrap_err().to_string(), "actuator `device`: no acknowledge");
        device.broken.set(false);
        drop(chain);
        assert_eq!(device.seen(), [0]);
    }

    #[test]
    fn a_failure_is_skipped_by_choice_and_reported() {
        let device = Noted::default();
        let broken = device.broken.clone();
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let output = SensorOutput::new(ListSensor::new("t", [7, 8, 9]));
        output.connect(call(move |e: thingflow_core::SensorEvent<i32>| broken.set(e.val == 8)));
        output.map(|e| e.val).connect(ActuatorInput::new("device", device.clone()).skip_errors());
        let reports = Recorder::new();
        scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
        scheduler.schedule_periodic(output, Duration::from_secs(1)).unwrap();
        scheduler.run_forever().unwrap();
        assert_eq!(device.seen(), [0, 7, 9, 0]);
        assert_eq!(reports.events(), ["device: no acknowledge"]);
    }

    #[test]
    fn f70_a_safe_state_that_cannot_be_reached_is_tried_again() {
        let second = Duration::from_secs(1);
        let device = Noted::default();
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let port = Port::new();
        let input = ActuatorInput::new("device", device.clone()).skip_errors();
        port.connect(input.safe_after(5 * second));
        let reports = Recorder::new();
        scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
        let command = thingflow_core::from_iter([7]).connect(port.clone());
        scheduler.schedule_later_one_time(command, second).unwrap();
        let later = thingflow_core::from_iter([8]).connect(port.clone());
        scheduler.schedule_later_one_time(later, 30 * second).unwrap();
        scheduler.run_for(2 * second).unwrap();
        device.broken.set(true);
        scheduler.run_for(10 * second).unwrap();
        assert_eq!(device.seen(), [0, 7]);
        device.broken.set(false);
        scheduler.run_for(2 * second).unwrap();
        assert_eq!(device.seen(), [0, 7, 0]);
        assert_eq!(
            reports.events(),
            [
                "device: no command for 5s: it goes to its safe state",
                "device: no acknowledge",
                "device: it is in its safe state again"
            ]
        );
    }

    /// Panics whenever it is told anything.
    struct Buggy;

    impl Actuator for Buggy {
        type Command = i32;
        type Error = &'static str;
        fn act(&mut self, _: i32, _: Instant) -> Result<(), &'static str> {
            panic!("a bug")
        }
        fn make_safe(&mut self) -> Result<(), &'static str> {
            panic!("another bug")
        }
        fn start(&mut self, _: Instant) -> Result<(), &'static str> {
            Ok(())
        }
    }

    #[test]
    fn f18_a_device_that_panics_once_more_keeps_no_other_from_its_safe_state() {
        let device = Noted::default();
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let mut other = pipe().to(ActuatorInput::new("device", device.clone()));
            thingflow_core::InputThing::next(&mut other, 7, &mut Context::detached(Instant::ZERO)).unwrap();
            pipe().to(ActuatorInput::new("buggy", Buggy)).feed([1])
        }));
        assert!(unwound.is_err());
        assert_eq!(device.seen().last(), Some(&0));
    }
}
