//! What a Thing may know of, and ask from, its surroundings while it is called.

use core::fmt;

use crate::clock::{Instant, Timestamp};
use crate::error::{FatalError, RunError, StreamError};
use crate::moment::{Moment, WallClock};

#[cfg(feature = "alloc")]
use crate::port::{AnyPort, Hub, RunLink};
#[cfg(feature = "std")]
use crate::scheduler::Engine;
#[cfg(feature = "alloc")]
use alloc::{
    boxed::Box,
    rc::{Rc, Weak},
};

/// Handed to every call of a Thing, as `std::task::Context` is to a future.
pub struct Context<'a> {
    now: Instant,
    /// How soon a wake-up is wanted on the connection that is being served; a port looks at it after each delivery. As the
    /// complement of the time, so that the earliest wish is the greatest and none is zero, which is tested along with other bits.
    urgency: u64,
    /// Whether a Thing on the connection being served waits for a resume.
    pub(crate) stalled: bool,
    /// The count of resumes when it began to wait.
    stalled_at: Option<u64>,
    again: bool,
    /// Set when the callee cannot be woken after completion, so that it must send at once what it holds.
    at_once: bool,
    /// A stage upstream sends at once what it holds, and cannot pause.
    floods: bool,
    failed: Option<RunError>,
    host: &'a dyn Host,
}

impl<'a> Context<'a> {
    /// A context for work outside of any scheduler, at `now`: nobody wakes, nothing is scheduled. Its wall clock began at the
    /// Unix epoch when the other began at zero.
    pub fn detached(now: Instant) -> Context<'static> {
        Context::new(now, &Detached)
    }

    pub(crate) fn new(now: Instant, host: &'a dyn Host) -> Self {
        Self {
            now,
            urgency: 0,
            stalled: false,
            stalled_at: None,
            again: false,
            at_once: false,
            floods: false,
            failed: None,
            host,
        }
    }

    /// The time of the event being served, on the scheduler's clock, real or virtual. It stands still during a dispatch,
    /// so that all Things see one event at one time.
    #[inline]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The wall-clock time, as events carry it.
    pub fn timestamp(&self) -> Timestamp {
        self.host.timestamp(self.now)
    }

    /// What is known of the wall clock: whether it has been set, how often it was stepped. Outside of a scheduler nothing is.
    ///
    /// From the first question on a [`Scheduler`](crate::Scheduler) watches the clock. Nothing that measures a duration goes by
    /// it, so nothing changes at a step but [`timestamp`](Self::timestamp).
    pub fn wall_clock(&self) -> WallClock {
        self.host.wall_clock(self.now)
    }

    /// The moment of the event being served: as [`timestamp`](Self::timestamp), and whether that can be trusted.
    pub fn moment(&self) -> Moment {
        Moment::of(&self.wall_clock())
    }

    /// Asks for `on_wake` of the connection being served, at `due` or soon after. The earliest wish counts; a wake-up
    /// answers all of them, so a Thing that still waits asks again.
    #[inline]
    pub fn wake_at(&mut self, due: Instant) {
        self.urgency = self.urgency.max(due.urgency());
    }

    /// The earliest wake-up asked for on the connection that is being served, or [`Instant::NEVER`].
    #[inline]
    pub(crate) fn due(&self) -> Instant {
        Instant::from_urgency(self.urgency)
    }

    /// Zero if no wake-up has been asked for on the connection that is being served.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn urgency(&self) -> u64 {
        self.urgency
    }

    /// Asks for `on_wake` after the next [`resume`](Self::resume): for a Thing that holds events back because the receipt
    /// of the last one was [`Demand::Full`](crate::Demand::Full). A wake-up may come earlier for somebody else, so compare
    /// [`resumes`](Self::resumes), and ask again.
    pub fn wake_on_resume(&mut self) {
        if !core::mem::replace(&mut self.stalled, true) {
            self.stalled_at = self.resumes();
        }
        self.wake_at(Instant::ON_RESUME); // so that the ports on the way back look here
    }

    /// A resume that came after the wish for one, but before the end of the call in which the wish is told to the scheduler,
    /// is one that nobody would hear: then the wake-up is due at once.
    pub(crate) fn catch_up_on_resumes(&mut self) {
        if self.stalled && self.stalled_at != self.resumes() {
            self.wake_at(self.now);
        }
    }

    /// How often [`resume`](Self::resume) was called in this run: a Thing that was told `Full` tries again when the number
    /// has changed. `None` where nobody counts, and nobody wakes: then pass `Full` on.
    pub fn resumes(&self) -> Option<u64> {
        self.host.resumes()
    }

    /// Whether a stage that holds events may keep them when its stream completes, to send each in its time: it goes on
    /// being woken then, see [`Filter::is_draining`](crate::Filter::is_draining). False outside of a
    /// [`Scheduler`](crate::Scheduler) and in side branches: there what is held is sent at once.
    pub fn drains(&self) -> bool {
        cfg!(feature = "std") && !self.at_once && self.host.drains()
    }

    /// Whether this is a call by [`without_draining`](Self::without_draining).
    #[cfg(feature = "alloc")]
    pub(crate) fn is_at_once(&self) -> bool {
        self.at_once
    }

    /// Calls a Thing of which nobody asks [whether it drains](crate::Question::Draining): for a Thing that holds
    /// another one and drops it at its end.
    #[inline]
    pub fn without_draining<R>(&mut self, call: impl FnOnce(&mut Self) -> R) -> R {
        if cfg!(not(feature = "alloc")) {
            return call(self); // nobody drains, and nobody asks
        }
        let before = core::mem::replace(&mut self.at_once, true);
        let result = call(self);
        self.at_once = before;
        result
    }

    /// Whether a stage upstream sends at once, at its end, all that it holds: it cannot pause then, so a stage that has no room
    /// makes some.
    pub(crate) fn floods(&self) -> bool {
        self.floods
    }

    /// Says so, and gives back what was said before.
    pub(crate) fn set_floods(&mut self, floods: bool) -> bool {
        core::mem::replace(&mut self.floods, floods)
    }

    /// Asks to be called again in the next turn, after the others had theirs: for a source that has more at hand.
    pub fn call_again(&mut self) {
        self.again = true;
    }

    /// Reports an error that ends nothing: the scheduler logs it as a warning, with the name of the Thing.
    pub fn report(&self, thing: &str, error: &StreamError) {
        self.host.report(thing, error);
    }

    /// Ends the run because of an error: an error value or a text that says what is wrong and how to mend it. Return the
    /// token: `writer.write(&row).map_err(|error| cx.fatal(error))?`. The first error counts.
    #[cfg(feature = "alloc")]
    #[cold]
    pub fn fatal(&mut self, cause: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> FatalError {
        self.failed.get_or_insert_with(|| {
            #[cfg(feature = "std")]
            crate::witness::forget();
            RunError::new(cause)
        });
        FatalError(())
    }

    /// Ends the run because of an error. Return the token.
    #[cfg(not(feature = "alloc"))]
    #[cold]
    pub fn fatal(&mut self, cause: impl Into<&'static str>) -> FatalError {
        self.failed.get_or_insert_with(|| RunError::new(cause));
        FatalError(())
    }

    /// What a fatal error was about. The token proves that there is one.
    #[cold]
    pub fn take_error(&mut self, error: FatalError) -> RunError {
        #[cfg(feature = "std")]
        crate::witness::forget();
        self.take_failed(error)
    }

    /// As [`take_error`](Self::take_error), for a caller that still looks for the stage that has failed.
    pub(crate) fn take_failed(&mut self, _: FatalError) -> RunError {
        self.failed.take().unwrap_or_else(|| RunError::new("a fatal error of another context"))
    }

    /// Ends the run because of an error that was taken from another context.
    #[cold]
    pub(crate) fn fatal_again(&mut self, error: RunError) -> FatalError {
        self.failed.get_or_insert(error);
        FatalError(())
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn name_failed(&mut self, name: impl FnOnce() -> alloc::string::String) {
        if let Some(error) = &mut self.failed {
            error.name_thing(name);
        }
    }

    /// Names the stage that has failed in a chain that shows itself to `describe`.
    #[cfg(feature = "std")]
    #[cold]
    pub(crate) fn name_failed_in(&mut self, describe: impl FnOnce(&mut dyn crate::Visitor)) {
        if let Some(error) = &mut self.failed {
            error.name_stage(describe);
        }
    }

    /// Ends the run after the current turn, as a signal would: without notices of completion; what is connected may send
    /// what it holds before.
    pub fn stop(&self) {
        self.host.stop();
    }

    /// Lets paused sources go on, with their next tick or in the next turn: for a Thing that has answered
    /// [`Demand::Full`](crate::Demand::Full) and has room again. All are set free whose listeners
    /// [have room](crate::Question::Room).
    pub fn resume(&self) {
        self.host.resume();
    }

    /// Runs `job` after the current dispatch, in the next turn.
    #[cfg(feature = "alloc")]
    pub fn defer(&self, job: impl FnOnce(&mut Context<'_>) -> Result<(), FatalError> + 'static) {
        self.host.defer(Box::new(job));
    }

    /// Reads the clock again, after something that took time.
    pub(crate) fn refresh(&mut self) {
        self.now = self.host.now().max(self.now);
    }

    /// How other threads reach the scheduler that makes this call; `None` elsewhere, also on an edge thread.
    #[cfg(feature = "std")]
    pub(crate) fn bell(&self) -> Option<std::sync::Arc<crate::scheduler::Doorbell>> {
        self.host.bell()
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn host(&self) -> &'a dyn Host {
        self.host
    }

    pub(crate) fn take_again(&mut self) -> bool {
        core::mem::take(&mut self.again)
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("now", &self.now).field("due", &self.due()).finish_non_exhaustive()
    }
}

/// Work for a later turn.
#[cfg(feature = "alloc")]
pub(crate) type Job = Box<dyn FnOnce(&mut Context<'_>) -> Result<(), FatalError>>;

/// What a context leads to: a scheduler, or nothing. Kept private, so that it can grow.
pub(crate) trait Host {
    fn now(&self) -> Instant {
        Instant::ZERO
    }
    fn timestamp(&self, _now: Instant) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
    fn wall_clock(&self, now: Instant) -> WallClock {
        WallClock::unknown(now, self.timestamp(now))
    }
    fn report(&self, thing: &str, error: &StreamError) {
        log::warn!("{thing}: {error}");
    }
    fn stop(&self) {}
    /// Calls the sources again that were told to pause.
    fn resume(&self) {}
    /// How often [`resume`](Self::resume) was called, if it does anything.
    fn resumes(&self) -> Option<u64> {
        None
    }
    /// Whether [`linger`](Self::linger) does anything.
    fn drains(&self) -> bool {
        false
    }
    /// Whether a port stays open although a stream that leads to it has ended as it should.
    #[cfg(feature = "alloc")]
    fn spares(&self, _port: usize) -> bool {
        false
    }
    /// Keeps a hub, and the run going, while it is draining.
    #[cfg(feature = "alloc")]
    fn linger(&self, _hub: Rc<dyn Hub>) {}
    /// Ends a port when nothing is on its way round the loops that lead there. False where nobody does.
    #[cfg(feature = "alloc")]
    fn end_at_rest(&self, _port: Rc<dyn AnyPort>) -> bool {
        false
    }
    /// The Thing that was being served when a panic began.
    #[cfg(feature = "alloc")]
    fn blame(&self, _thing: &dyn Culprit) {}
    #[cfg(feature = "alloc")]
    fn defer(&self, _job: Job) {}
    /// The scheduler, where there is one: a Thing may schedule others.
    #[cfg(feature = "std")]
    fn engine(&self) -> Option<&Engine> {
        None
    }
    #[cfg(feature = "std")]
    fn bell(&self) -> Option<std::sync::Arc<crate::scheduler::Doorbell>> {
        None
    }
    /// Calls [`Hub::wake`] at `due`. False where nobody does: then the wish is as if it had not been made.
    #[cfg(feature = "alloc")]
    fn wake_at(&self, _port: Weak<dyn Hub>, _due: Instant, _later: bool) -> bool {
        false
    }
    /// Calls [`Hub::resumed`] after the next resume. False where nobody does.
    #[cfg(feature = "alloc")]
    fn wake_on_resume(&self, _port: Weak<dyn Hub>) -> bool {
        false
    }
    #[cfg(feature = "alloc")]
    fn link(&self) -> Option<Rc<RunLink>> {
        None
    }
}

/// Whoever is to be named when a run ends by a panic.
#[cfg(feature = "alloc")]
pub(crate) trait Culprit {
    fn name(&self) -> alloc::string::String;
}

struct Detached;
impl Host for Detached {
    fn timestamp(&self, now: Instant) -> Timestamp {
        Timestamp::UNIX_EPOCH + now.since(Instant::ZERO)
    }
}
