//! [`Presses`]: a push button, whose bouncing contact makes clean events.

use core::fmt;
use core::time::Duration;

use embedded_hal::digital::InputPin;
use thingflow_core::{
    Chain, Closed, Demand, Emitter, Filter, Flow, Identity, InputThing, Instant, Receipt, Sampled, SensorEvent,
    SensorId, StreamError, Then, Visitor,
};

use crate::moment::Moment;
use crate::pin::{PinIn, pin_in};

/// A button between a pin and ground, with the pull-up switched on. Sample it every 5 ms.
///
/// Under Linux a line of the kernel needs no sampling: `Line::levels` of the adapters, with [`Presses`] behind it.
///
/// ```
/// use core::time::Duration;
/// use embedded_hal::digital::InputPin;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::button::{Press, button};
/// fn doorbell<P: InputPin<Error: Send + Sync> + 'static>(pin: P) -> Result<(), Box<dyn std::error::Error>> {
///     let scheduler = Scheduler::new()?;
///     let presses = button("bell", pin).filter(|e: &SensorEvent<Press>| e.val == Press::Pressed);
///     scheduler.schedule_periodic(presses.connect(call(|_| println!("ding dong"))), Duration::from_millis(5))?;
///     Ok(())
/// }
/// ```
pub fn button<P: InputPin<Error: Send + Sync + 'static>>(
    id: impl Into<SensorId>,
    pin: P,
) -> Flow<Sampled<PinIn<P>>, Then<Identity, Presses>> {
    Flow::new(Sampled::new(pin_in(id, pin).active_low())).pipe(Presses::new())
}

/// What a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// It has been pressed.
    Pressed,
    /// It has been held for long; once for each press.
    Long,
    /// It has been let go, after this time.
    Released(Duration),
}

/// Levels of a button, true for pressed, to what they mean.
///
/// A contact bounces for some milliseconds, so a level counts once no other has followed it for 20 ms. The levels may be
/// changes, as those of a line of the kernel, or samples: it wakes itself for what no event tells, and only then. A button
/// that nobody touches costs nothing.
///
/// Times are those of the events: when a level began that counted, not when that was known. How long a press lasted does not
/// change when the wall clock is set meanwhile. What still waits when the stream ends counts.
///
/// ```
/// use core::time::Duration;
/// use thingflow_core::{SensorEvent, Timestamp, prelude::*};
/// use thingflow_sensors::button::{Press, Presses};
/// let (ms, at) = (Duration::from_millis, |millis| Timestamp::from_millis(millis));
/// let bouncing = [(0, true), (2, false), (3, true), (90, false), (91, true), (93, false)];
/// let levels = bouncing.map(|(millis, down)| SensorEvent::new("bell", at(millis), down));
/// let presses = from_iter(levels).pipe(Presses::new()).collect_now();
/// let pressed = SensorEvent::new("bell", at(3), Press::Pressed);
/// assert_eq!(presses, [pressed, SensorEvent::new("bell", at(93), Press::Released(ms(90)))]);
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct Presses {
    debounce: Duration,
    long: Duration,
    held: Option<Held>,
    /// Since when the level is another one than that which counts.
    turned: Option<Since>,
}

#[derive(Clone, Copy)]
struct Held {
    since: Since,
    /// Whether it is known to be a long press.
    told: bool,
}

/// An event, and when it happened.
#[derive(Clone, Copy)]
struct Since {
    event: SensorEvent<()>,
    moment: Moment,
}

impl Presses {
    /// A level counts after 20 ms, a press is long after a second.
    pub const fn new() -> Self {
        Self { debounce: Duration::from_millis(20), long: Duration::from_secs(1), held: None, turned: None }
    }

    /// How long a level must last to count. Zero: it does not bounce, or the line does this.
    pub const fn debounce(self, debounce: Duration) -> Self {
        Self { debounce, ..self }
    }

    /// How long a press is a long one.
    pub const fn long(self, long: Duration) -> Self {
        Self { long, ..self }
    }

    fn level(&mut self, event: SensorEvent<bool>, moment: Moment) {
        if event.val == self.held.is_some() {
            self.turned = None; // it has bounced
        } else if self.turned.is_none() {
            self.turned = Some(Since { event: event.map(drop), moment });
        }
    }

    /// What is to be told next, if `lasted` says that something is long enough ago.
    fn next(&mut self, lasted: impl Fn(&Since, Duration) -> bool) -> Option<SensorEvent<Press>> {
        if let Some(since) = self.turned {
            // Whether a press becomes long is open as long as it may have ended before.
            return if lasted(&since, self.debounce) { self.turn() } else { None };
        }
        let long = self.long;
        let held = self.held.as_mut().filter(|held| !held.told && lasted(&held.since, long))?;
        held.told = true;
        let event = held.since.event;
        Some(SensorEvent { ts: event.ts + long, ..event.map(|()| Press::Long) })
    }

    /// The other level counts.
    fn turn(&mut self) -> Option<SensorEvent<Press>> {
        let since = self.turned.take()?;
        let press = match self.held.take() {
            Some(held) => Press::Released(since.moment.since(&held.since.moment)),
            None => {
                self.held = Some(Held { since, told: false });
                Press::Pressed
            }
        };
        Some(since.event.map(|()| press))
    }

    /// What has been so by this time, and what waits at the end.
    fn rest(&mut self, now: Instant) -> impl Iterator<Item = SensorEvent<Press>> + use<> {
        let known = [self.next(by_clock(now)), self.next(by_clock(now))];
        known.into_iter().chain([self.turn(), self.next(by_clock(now))]).flatten()
    }

    fn send(
        &mut self,
        lasted: impl Fn(&Since, Duration) -> bool,
        out: &mut Emitter<'_, '_, impl InputThing<SensorEvent<Press>>>,
    ) -> Receipt {
        let due = core::iter::from_fn(|| self.next(&lasted));
        out.send_all(due)
    }

    fn ask_for_wake(&self, out: &mut Emitter<'_, '_, impl InputThing<SensorEvent<Press>>>) {
        let held = self.held.filter(|held| !held.told).map(|held| held.since.moment.seen + self.long);
        if let Some(due) = self.turned.map(|since| since.moment.seen + self.debounce).or(held) {
            out.wake_at(due);
        }
    }
}

/// Whether something has lasted, as an event tells that came after it.
fn by_event(now: Moment) -> impl Fn(&Since, Duration) -> bool {
    move |since, time| now.since(&since.moment) >= time
}

/// Whether something has lasted, as the scheduler's clock tells if no event has come meanwhile.
fn by_clock(now: Instant) -> impl Fn(&Since, Duration) -> bool {
    move |since, time| now.since(since.moment.seen) >= time
}

impl Default for Presses {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Presses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presses({})", if self.held.is_some() { "pressed" } else { "released" })
    }
}

impl Filter<SensorEvent<bool>> for Presses {
    type Out = SensorEvent<Press>;

    fn on_next(
        &mut self,
        event: SensorEvent<bool>,
        out: &mut Emitter<'_, '_, impl InputThing<SensorEvent<Press>>>,
    ) -> Receipt {
        let moment = Moment::of(&event, out.context());
        let demand = self.send(by_event(moment), out)?; // what was so before it
        if demand == Demand::Done {
            return Ok(demand);
        }
        self.level(event, moment);
        let demand = demand.and(self.send(by_event(moment), out)?);
        self.ask_for_wake(out);
        Ok(demand)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<SensorEvent<Press>>>) -> Receipt {
        let demand = self.send(by_clock(out.now()), out)?;
        self.ask_for_wake(out);
        Ok(demand)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<SensorEvent<Press>>>) -> Closed {
        let rest = self.rest(out.now());
        out.flush(rest)
    }
    fn on_error(
        &mut self,
        error: StreamError,
        out: &mut Emitter<'_, '_, impl InputThing<SensorEvent<Press>>>,
    ) -> Closed {
        let rest = self.rest(out.now());
        out.flush_error(rest, error)
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter("presses");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use proptest::prelude::*;
    use thingflow_core::prelude::{Elementwise, Scheduler, SensorOutput, pipe};
    use thingflow_core::testing::{ListSensor, Recorder};
    use thingflow_core::{Closed, Context, Demand, InputThing, Notice, Receipt, Sink, StreamError, Timestamp};

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn event(millis: i64, down: bool) -> SensorEvent<bool> {
        SensorEvent::new("bell", Timestamp::from_millis(millis), down)
    }

    #[test]
    fn a_bouncing_press_is_one() {
        let levels = "11101010000000011011111111";
        let states = levels.bytes().map(|level| if level == b'1' { State::High } else { State::Low });
        let mut pin = Mock::new(&states.map(Transaction::get).collect::<Vec<_>>());
        let seen = Recorder::new();
        let thing = button("bell", pin.clone()).map(|e: SensorEvent<Press>| e.val).connect(seen.clone());
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let handle = scheduler.schedule_periodic(thing, ms(5)).unwrap();
        scheduler.run_for(ms(5 * levels.len() as u64)).unwrap();
        assert!(handle.is_active());
        assert_eq!(seen.timed_text(), "Pressed@0.06 Released(55ms)@0.115");
        drop(scheduler);
        pin.done();
    }

    /// Counts its wake-ups.
    struct Sleeper(Recorder<Press>, std::rc::Rc<std::cell::Cell<u32>>);

    impl Sink for Sleeper {
        type Event = SensorEvent<Press>;
        fn on_next(&mut self, event: SensorEvent<Press>, cx: &mut Context<'_>) -> Receipt {
            self.0.next(event.val, cx)
        }
        fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
            self.0.notice(Notice::Completed, cx).map(drop)
        }
        fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
            self.0.notice(Notice::Error(error), cx).map(drop)
        }
        fn on_wake(&mut self, _: &mut Context<'_>) -> Receipt {
            self.1.set(self.1.get() + 1);
            Ok(Demand::More)
        }
    }

    #[test]
    fn a_long_press_needs_three_wake_ups_and_no_sampling() {
        let (seen, woken) = (Recorder::new(), std::rc::Rc::default());
        let mut scheduler = Scheduler::virtual_time().unwrap();
        let line = SensorOutput::new(ListSensor::new("bell", [false, true, false])); // its changes, every ten seconds
        line.pipe(Presses::new().long(ms(2000))).connect(Sleeper(seen.clone(), std::rc::Rc::clone(&woken)));
        scheduler.schedule_periodic(line, ms(10_000)).unwrap();
        scheduler.run_forever().unwrap();
        assert_eq!(seen.timed_text(), "Pressed@20.02 Long@22 Released(10s)@30.02 |@40");
        assert_eq!(woken.get(), 3);
    }

    #[test]
    fn f40_a_press_does_not_last_longer_when_the_clock_is_set_meanwhile() {
        const HOUR: i64 = 3_600_000;
        for (set, debounce) in [(HOUR, 0), (-HOUR, 0), (HOUR, 20), (-HOUR, 20)] {
            let seen = Recorder::new();
            let mut chain = pipe().pipe(Presses::new().debounce(ms(debounce))).to(seen.clone());
            let at = |millis| Context::detached(Instant::ZERO + ms(4 * HOUR.unsigned_abs() + millis));
            let mut press = |millis: u64, set: i64, down| {
                let ts = 4 * HOUR + i64::try_from(millis).unwrap() + set;
                chain.next(event(ts, down), &mut at(millis)).unwrap();
            };
            press(0, 0, true);
            press(100, set, false);
            press(500, set, true);
            let told: Vec<_> = seen.events().iter().map(|e: &SensorEvent<Press>| e.val).take(2).collect();
            assert_eq!(told, [Press::Pressed, Press::Released(ms(100))], "set by {set} ms");
        }
    }

    #[test]
    fn times_are_those_of_the_kernel_and_not_those_of_the_loop() {
        let seen = Recorder::new();
        let mut chain = pipe().pipe(Presses::new().debounce(Duration::ZERO)).to(seen.clone());
        let at = |millis| Context::detached(Instant::ZERO + ms(millis));
        chain.next(event(0, true), &mut at(7)).unwrap();
        chain.next(event(1500, false), &mut at(2000)).unwrap(); // nobody has woken it
        let told = |millis, press| SensorEvent::new("bell", Timestamp::from_millis(millis), press);
        let released = told(1500, Press::Released(ms(1500)));
        assert_eq!(seen.events(), [told(0, Press::Pressed), told(1000, Press::Long), released]);
    }

    #[test]
    fn what_waits_at_the_end_counts_and_may_be_long_already() {
        let seen = Recorder::new();
        let presses = Presses::new().long(Duration::ZERO);
        pipe().pipe(presses).map(|e: SensorEvent<Press>| e.val).to(seen.clone()).feed([event(1, true)]).unwrap();
        assert_eq!(seen.text(), "Pressed Long |");
    }

    /// What the levels mean, from all of them: of each run of equal levels its beginning, level and end.
    fn naive(levels: &[(u64, bool)], end: u64, debounce: u64, long: u64) -> Vec<(u64, Press)> {
        let mut runs: Vec<(u64, bool, u64)> = Vec::new();
        for (at, down) in levels {
            match runs.last_mut() {
                Some((_, last, _)) if last == down => {}
                Some((_, _, until)) => *until = *at,
                None => {}
            }
            if runs.last().is_none_or(|(_, last, _)| last != down) {
                runs.push((*at, *down, end));
            }
        }
        let last = runs.len().saturating_sub(1);
        let counts = |(nth, (from, _, to)): &(usize, (u64, bool, u64))| *nth == last || to - from >= debounce;
        let mut turns: Vec<(u64, bool)> = vec![(0, false)];
        for (_, (from, down, _)) in runs.into_iter().enumerate().filter(counts) {
            if turns.last().is_some_and(|(_, before)| *before != down) {
                turns.push((from, down));
            }
        }
        let mut told = Vec::new();
        for (nth, (from, down)) in turns.iter().enumerate().skip(1) {
            if !down {
                told.push((*from, Press::Released(ms(from - turns[nth - 1].0))));
                continue;
            }
            told.push((*from, Press::Pressed));
            if turns.get(nth + 1).map_or(end, |(until, _)| *until) >= from + long {
                told.push((from + long, Press::Long));
            }
        }
        told
    }

    proptest! {
        #[test]
        fn is_what_a_naive_reader_sees_whenever_it_is_woken(
            steps in proptest::collection::vec((1_u64..40, any::<bool>()), 0..60),
            wakes in proptest::collection::vec(any::<bool>(), 1..9),
            (debounce, long, rest, fails) in (0_u64..30, 0_u64..120, 0_u64..150, any::<bool>()),
        ) {
            let seen = Recorder::new();
            let mut chain = pipe().pipe(Presses::new().debounce(ms(debounce)).long(ms(long))).to(seen.clone());
            let (mut now, mut levels) = (0, Vec::new());
            let pass = |until: u64, now: &mut u64, chain: &mut dyn InputThing<SensorEvent<bool>>| {
                while *now < until {
                    *now += 1;
                    if wakes[*now as usize % wakes.len()] {
                        let _ = chain.notice(Notice::Wake, &mut Context::detached(Instant::ZERO + ms(*now))).unwrap();
                    }
                }
            };
            for (wait, down) in steps {
                pass(now + wait, &mut now, &mut chain);
                chain.next(event(now as i64, down), &mut Context::detached(Instant::ZERO + ms(now))).unwrap();
                levels.push((now, down));
            }
            pass(now + rest, &mut now, &mut chain);
            let cx = &mut Context::detached(Instant::ZERO + ms(now));
            let end = if fails { Notice::Error(StreamError::new("gone")) } else { Notice::Completed };
            let _ = chain.notice(end, cx).unwrap();
            let told: Vec<_> = seen.events().iter().map(|e| (e.ts.as_nanos() as u64 / 1_000_000, e.val)).collect();
            prop_assert_eq!(told, naive(&levels, now, debounce, long));
        }
    }
}
