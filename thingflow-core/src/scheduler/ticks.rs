//! When a schedule is due: its first tick, the next one, a second try.

use std::time::Duration;

use super::engine::Engine;
use super::keyed::Id;
use super::periodic::{Beat, First, Missed, Periodic};
use super::phase::Phase;
use super::table::{Schedule, Trigger};
use super::timers::{Due, Kind};
use crate::clock::{Instant, nanos};

/// Above this many ticks a second, ticks are grouped.
const CROWDED: f64 = 2_000.0;
/// Half of it is the median lateness, which stays below that of a timer wheel of milliseconds; see `benches/`.
const GROUPED: Duration = Duration::from_micros(1_900);
/// Phases of more periods than this are not looked for.
const MOST_PHASES: usize = 64;

impl Engine {
    pub(super) fn slack(&self, wanted: Option<Duration>) -> Duration {
        match wanted {
            _ if self.clock.is_virtual() => Duration::ZERO,
            Some(slack) => slack,
            None if self.run.time.rate.get() > CROWDED => GROUPED,
            None => Duration::ZERO,
        }
    }

    pub(super) fn set_timer(&self, id: Id, due: Instant) {
        self.set_once(due, Due::tick(id));
    }

    /// Sets a timer that is due once.
    pub(super) fn set_once(&self, due: Instant, what: Due) {
        self.run.time.timers.borrow_mut().once(due, self.slack(None), what);
    }

    pub(super) fn set_first(&self, id: Id, timing: Periodic) {
        let first = match timing.first {
            First::After(delay) => self.now() + delay,
            First::AfterOnePeriod => self.in_step(timing.period),
        };
        self.run.time.rate.set(self.run.time.rate.get() + 1.0 / timing.period.as_secs_f64());
        let beat = timing.beat();
        self.with_schedule(id, |schedule| schedule.trigger = Trigger::Periodic(beat, first));
        self.set_tick(id, &beat, first);
    }

    fn set_tick(&self, id: Id, beat: &Beat, due: Instant) {
        self.run.time.timers.borrow_mut().periodic(due, self.slack(beat.slack()), beat.period(), id);
    }

    /// From time to time lets go of timers that nobody waits for any more: of cancelled schedules, and of ports that are
    /// gone. So they are never more than twice those that somebody waits for, and a few.
    pub(super) fn sweep_timers(&self) {
        let mut timers = self.run.time.timers.borrow_mut();
        if !timers.is_crowded() {
            return;
        }
        let (schedules, mut ports) = (self.schedules.borrow(), self.run.hubs.waiting.borrow_mut());
        ports.retain(|waiting| !waiting.is_gone());
        timers.sweep(|what| match what.kind {
            Kind::Schedule | Kind::Flow => schedules.get(what.id).is_some(),
            Kind::Port | Kind::Later => ports.get(what.id).is_some(),
        });
    }

    /// Sets the timer of a periodic schedule anew, which is due or has been called. `now` is when that was done; the Thing
    /// may have had nothing yet, and want to be asked `again` before the next tick. How many ticks have been missed, if that
    /// is to be logged.
    pub(super) fn set_next_tick(
        &self,
        id: Id,
        schedule: &mut Schedule,
        now: Instant,
        again: Option<Instant>,
    ) -> Option<u64> {
        let Trigger::Periodic(beat, tick) = schedule.trigger else { return None };
        if schedule.phase == Phase::Draining {
            return None;
        }
        let mut missed = 0;
        let again = again.filter(|at| *at < tick + beat.period());
        let next = match again.or_else(|| schedule.next_try(now)) {
            Some(next) => next, // the ticks stay where they are
            None => {
                let next;
                (next, missed) = beat.next_tick(tick, now);
                schedule.trigger = Trigger::Periodic(beat, next);
                next
            }
        };
        self.set_tick(id, &beat, next);
        if missed == 0 {
            return None;
        }
        schedule.count(|counts| counts.missed += missed);
        schedule.rare_mut().troubles.missed(missed, now)
    }

    pub(super) fn forget_rate(&self, trigger: Trigger) {
        if let Trigger::Periodic(beat, _) = trigger {
            self.run.time.rate.set(self.run.time.rate.get() - 1.0 / beat.period().as_secs_f64());
        }
    }

    /// The last instant within one period that coincides with ticks of an equal or harmonic period.
    fn in_step(&self, period: Duration) -> Instant {
        let target = self.now() + period;
        let mut phases = self.run.time.phases.borrow_mut();
        let divides = |a: Duration, b: Duration| b.as_nanos().is_multiple_of(a.as_nanos());
        let related = phases.iter().filter(|(other, _)| divides(*other, period) || divides(period, *other)).min();
        let first = match related {
            Some((other, tick)) => {
                let step = period.min(*other).as_nanos();
                let off = (i128::from(target.as_nanos()) - i128::from(tick.as_nanos())).rem_euclid(step as i128);
                Instant::from_nanos(target.as_nanos() - u64::try_from(off).unwrap_or(0))
            }
            None => target,
        };
        if phases.len() < MOST_PHASES && phases.iter().all(|(other, _)| *other != period) {
            phases.push((period, first));
        }
        first
    }
}

impl Schedule {
    /// When a failed sampling is tried again.
    fn next_try(&self, now: Instant) -> Option<Instant> {
        self.on_failure().wait_after(self.failed_in_a_row()).map(|wait| now + wait)
    }
}

impl Beat {
    /// When a periodic schedule is due next, and how many ticks have been missed. `now` is when its Thing had been called.
    fn next_tick(&self, tick: Instant, now: Instant) -> (Instant, u64) {
        let next = tick + self.period();
        match self.missed {
            Missed::Delay => (now + self.period(), 0),
            Missed::Skip if next < now => {
                let period = nanos(self.period());
                let missed = (now - next).as_nanos().div_ceil(u128::from(period));
                let missed = u64::try_from(missed).unwrap_or(u64::MAX);
                (Instant::from_nanos(next.as_nanos().saturating_add(missed.saturating_mul(period))), missed)
            }
            Missed::Skip | Missed::CatchUp => (next, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Scheduler;
    use crate::clock::Instant;
    use crate::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn timers_after(make: impl Fn(&Scheduler, &mut Context<'_>)) -> usize {
        let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
        let endless = from_iter(0..).for_each(drop);
        scheduler.schedule_periodic(endless, Duration::from_millis(1)).expect("a schedule");
        for _ in 0..20 {
            let engine = scheduler.engine.clone();
            let cx = &mut Context::new(Instant::ZERO, &*engine);
            for _ in 0..500 {
                make(&scheduler, cx);
            }
            scheduler.run_for(Duration::from_millis(2)).expect("no fatal error");
        }
        scheduler.engine.run.time.timers.borrow().len()
    }

    #[test]
    fn f28_timers_of_cancelled_schedules_are_let_go() {
        let left = timers_after(|scheduler, _| {
            let sleeper = scheduler.schedule_periodic(from_iter(0..).for_each(drop), HOUR).expect("a schedule");
            sleeper.cancel();
        });
        assert!(left < 1_000, "{left} timers of 10,000");
    }

    #[test]
    fn f28_timers_of_dropped_ports_are_let_go() {
        let left = timers_after(|_, cx| {
            let port = Port::<i32>::new();
            port.timeout(HOUR).for_each(drop);
            let _ = port.as_ref().port().notice(crate::Notice::Start, cx).expect("no fatal error");
        });
        assert!(left < 1_000, "{left} timers of 10,000");
    }
}
