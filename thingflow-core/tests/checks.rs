//! What finds mistakes in Things of one's own: the checks of `testing`, and the receipts that debug builds look at.
#![cfg(feature = "std")]

use std::time::Duration;

use thingflow_core::Identity;
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, check_filter, check_wrapper};
use thingflow_core::windows::{Count, DistinctList, List, Max, Mean, Sum};

/// What a check has to say.
fn said(check: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(check).expect_err("the check found nothing");
    panic.downcast::<String>().map_or_else(|_| "no text".into(), |text| *text)
}

/// A filter with mistakes, each of which can be chosen.
#[derive(Clone, Copy, Default)]
struct Bad {
    loses_done: bool,
    loses_full: bool,
    loses_end: bool,
    loses_error: bool,
    ends_silently: bool,
    ends_twice: bool,
    sends_after_end: bool,
    asks_once: bool,
    seen: u32,
    due: Option<Instant>,
}

impl Filter<i32> for Bad {
    type Out = i32;
    fn on_next(&mut self, event: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        self.seen += 1;
        if self.ends_silently && self.seen == 2 {
            return Ok(Demand::Done);
        }
        if self.sends_after_end && self.seen == 2 {
            out.completed()?;
        }
        if self.asks_once {
            self.due = Some(out.now() + Duration::from_millis(500));
            out.wake_at(out.now() + Duration::from_millis(500));
            return Ok(Demand::More);
        }
        match out.next(event)? {
            Demand::Done if self.loses_done => Ok(Demand::More),
            Demand::Full if self.loses_full => Ok(Demand::More),
            demand => Ok(demand),
        }
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        match self.due {
            Some(due) if due <= out.now() => out.next(7),
            _ => Ok(Demand::More),
        }
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Closed {
        if self.ends_twice {
            out.completed()?;
        }
        if self.loses_end { Ok(()) } else { out.completed() }
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Closed {
        if self.loses_error { Ok(()) } else { out.error(error) }
    }
}

fn of(bad: Bad) -> String {
    said(move || check_filter(|| bad, [1, 2, 3]))
}

#[test]
fn a_check_says_what_is_wrong() {
    let none = Bad::default();
    assert_eq!(
        of(Bad { loses_done: true, ..none }),
        "`Bad`, with a receiver that wants 1, told the end: does not pass on that those behind it want no more: return \
         what `out.next(..)` returns"
    );
    assert_eq!(
        of(Bad { loses_full: true, ..none }),
        "`Bad`, with a receiver that is full, told the end: does not pass on that those behind it are full: return what \
         `out.next(..)` returns"
    );
    assert_eq!(
        of(Bad { loses_end: true, ..none }),
        "`Bad`, told the end: does not tell it to those behind it: call `out.completed()` or `out.flush(..)`"
    );
    assert_eq!(
        of(Bad { loses_error: true, ..none }),
        "`Bad`, told of an error: does not tell it to those behind it: call `out.error(..)` or `out.flush_error(..)`"
    );
    assert_eq!(
        of(Bad { ends_silently: true, ..none }),
        "`Bad`, told the end: answers `Done`, but does not tell the end to those behind it: return `out.finish()`"
    );
    let twice = "ends the stream once more, or although those behind it want no more";
    assert_eq!(of(Bad { ends_twice: true, ..none }), format!("`Bad`, told the end: {twice}"));
    let after = "sends an event after the end, or although those behind it want no more";
    assert_eq!(of(Bad { sends_after_end: true, ..none }), format!("`Bad`, told the end: {after}"));
    assert_eq!(
        of(Bad { asks_once: true, ..none }),
        "`Bad`, woken early too, told the end: it sends `|@3`, and otherwise `7@1.5 7@2.5 |@3`"
    );
    check_filter(|| none, [1, 2, 3]);
}

#[test]
fn own_filters_pass_the_check() {
    let numbers = || (0..12).map(|n| n * 7 % 5);
    let (second, limit) = (Duration::from_secs(1), Limit::block(3));
    macro_rules! check {
        ($($chain:expr),* $(,)?) => {
            $(check_filter(|| $chain, numbers());)*
        };
    }
    let p = pipe::<i32>;
    check![Identity, p().map(|x| x + 1), p().take(4), p().take(0), p().skip(2), p().filter(|x| x % 2 == 0), p().last()];
    check![
        p().take_last(3),
        p().scan(0, |sum, x| sum + x),
        p().pairwise(),
        p().start_with([9]),
        p().flat_map(|x| [x; 3])
    ];
    check![p().chunks(5), p().sliding(3), p().windows(4, 2), p().chunks_by(3, 2, |x| x % 2), p().materialize()];
    check![p().aggregate(Window::tumbling(5), Sum::new()), p().aggregate(Window::each(2 * second), Sum::new())];
    check![p().aggregate(Window::each(5 * second / 2).aligned(), Count::new())];
    check![p().aggregate(Window::last(2 * second, Limit::drop_oldest(3)), Max::new())];
    check![
        p().debounce(second / 2),
        p().debounce(2 * second),
        p().delay(3 * second / 2, limit.clone()),
        p().throttle(2 * second)
    ];
    check![
        p().chunks_timeout(3 * second, Limit::default()),
        p().chunks_within(3, 5 * second / 2),
        p().sample_every(5 * second / 2)
    ];
    check![
        p().window(Window::each(3 * second).send_empty(), List::within(limit.clone())),
        p().window(Window::each(3 * second).from_start(), DistinctList::within(Limit::drop_oldest(2), |x: &i32| x % 3)),
        p().aggregate(Window::each(2 * second).by_key(2, |x: &i32| x % 3).bounds(), Mean::new()),
        p().chunks_within_by(2, 5 * second / 2, 2, |x| x % 3),
        p().throttle_by(2 * second, 2, |x| x % 3)
    ];
    check![p().skip_last(2), p().end_with([9]), p().take_while_inclusive(|x| *x < 3), p().dedup_by_key(|x| x % 2)];
    check![p().finalize(|| ()), p().derivative(), p().rate(), p().map(f64::from).round(1).running_avg(3)];
    check![p().timeout(2 * second), p().timeout(second / 2), p().on_timeout(second / 2, || Some(99))];
    check![p().catch_with(|_| Some(3)), p().enumerate().map(|(n, _)| n), p().distinct(9), p().dedup(), p().top_k(2)];
    check![p().try_map(|x| if x < 3 { Ok(x) } else { Err("large") }), p().take_while(|x| *x < 3), p().contains(3)];
    check![
        p().buffer(limit.clone()),
        p().latest(),
        p().hysteresis(1, 3),
        p().deadband(2),
        p().map(f64::from).ewma(0.5)
    ];
}

#[test]
#[cfg(debug_assertions)]
fn a_debug_build_names_the_filter_that_loses_a_receipt() {
    let run = |bad: Bad, take| {
        said(move || {
            let seen = Recorder::new();
            let mut chain = pipe::<i32>().map(|x| x + 1).pipe(bad).map(|x| x * 2).take(take).to(seen);
            chain.feed([1, 2, 3]).expect("no fatal error");
        })
    };
    let none = Bad::default();
    assert_eq!(
        run(Bad { loses_done: true, ..none }, 2),
        "`Bad` sent an event although those behind it had answered `Demand::Done`: pass the receipt on, `out.next(..)` \
         returns it"
    );
    assert_eq!(
        run(Bad { ends_silently: true, ..none }, 9),
        "`Bad` answered `Demand::Done`, but those behind it were not told the end: return `out.finish()` or \
         `out.fail(..)`"
    );
    assert_eq!(
        run(Bad { sends_after_end: true, ..none }, 9),
        "`Bad` sent an event after it had ended the stream: nothing may follow"
    );
    assert_eq!(run(Bad { ends_twice: true, ..none }, 9), "`Bad` ended the stream twice");
}

#[test]
#[cfg(debug_assertions)]
fn the_run_ends_by_the_name_of_a_filter_that_loses_a_receipt() -> Result<(), Box<dyn std::error::Error>> {
    let mut scheduler = Scheduler::virtual_time()?;
    let flow = from_iter(1..).pipe(Bad { loses_done: true, ..Bad::default() }).take(2).connect(Recorder::new());
    scheduler.schedule_recurring(flow)?;
    let error = scheduler.run_forever().expect_err("it would sample for ever");
    assert!(error.to_string().contains("`Bad` sent an event although"), "{error}");
    Ok(())
}

/// Passes everything on, or only what concerns the stream itself.
struct Wrapper<N>(N, bool);

impl<N: InputThing<i32>> InputThing<i32> for Wrapper<N> {
    fn next(&mut self, event: i32, cx: &mut Context<'_>) -> Receipt {
        self.0.next(event, cx)
    }
    fn next_ref(&mut self, event: &i32, cx: &mut Context<'_>) -> Receipt {
        self.0.next_ref(event, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        if self.1 || notice.is_end() { self.0.notice(notice, cx) } else { Ok(Demand::More) }
    }
    fn ask(&self, question: Question<'_>) -> bool {
        !self.1 || self.0.ask(question)
    }
}

#[test]
fn a_wrapper_passes_everything_on() {
    check_wrapper(1, |inner| Wrapper(inner, true));
    let all =
        "`Wrapper` does not pass on: Start, Wake, Watermark, Flush, State, Open, Room, Draining, Holding, Describe";
    assert_eq!(said(|| check_wrapper(1, |inner| Wrapper(inner, false))), all);
    assert_eq!(
        said(|| check_wrapper::<i32, i32, _>(1, |_| call(drop))),
        "`Call` does not pass on: next, Start, Wake, Watermark, Flush, Completed, Error, State, Open, Room, Draining, \
         Holding, Describe"
    );
}

#[test]
fn own_wrappers_pass_everything_on() {
    check_wrapper(1, |inner: thingflow_core::testing::Inner<i32>| Box::new(inner) as Box<dyn InputThing<i32>>);
    check_wrapper(1, |inner| pipe::<i32>().map(|x| x + 1).to(inner));
    check_wrapper(1, |inner| pipe::<i32>().map(|x| x + 1).take(9).pipe(pipe().filter(|_| true)).to(inner));
}
