//! Cases of sources and of filters made of functions.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

const VALUES: [i32; 7] = [20, 30, 100, 120, 20, 5, 2222];
const HALF: Duration = Duration::from_millis(500);

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

#[test]
fn case_3_a_filter_of_functions_sees_everything() -> Result {
    let (recorded, completed, seen) =
        (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(false)), Recorder::new());
    let (list, flag) = (recorded.clone(), completed.clone());
    let filter = filter_fn(move |v: i32, out: &mut DynEmitter<'_, '_, '_, i32>| {
        list.borrow_mut().push(v);
        out.next(v)
    });
    let filter = filter.on_completed(move |out| {
        *flag.borrow_mut() = true;
        out.completed()
    });
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic(from_iter(VALUES).pipe(filter).connect(seen.clone()), HALF)?;
    scheduler.run_forever()?;
    assert_eq!(*recorded.borrow(), VALUES);
    assert_eq!(seen.text(), "20 30 100 120 20 5 2222 |");
    assert!(*completed.borrow());
    Ok(())
}

#[test]
fn case_5_an_iterable() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    scheduler.schedule_periodic(from_iter(VALUES).filter(|v| *v >= 100).connect(seen.clone()), HALF)?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "100@1.5 120@2 2222@3.5 |@4");
    Ok(())
}

/// `--a--b--|`, in seconds.
fn two() -> Flow<Then<'static>> {
    Flow::new(Then { letters: "ab".chars(), times: &[2, 5, 8], start: None })
}

/// Letters at their seconds, and the end at the last of them.
struct Then<'a> {
    letters: std::str::Chars<'a>,
    times: &'a [u64],
    start: Option<Instant>,
}

impl Source for Then<'_> {
    type Item = char;
    fn pull(&mut self, _: &mut Context<'_>) -> std::result::Result<Option<char>, Failure> {
        self.times = &self.times[1..];
        Ok(self.letters.next())
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let start = *self.start.get_or_insert(cx.now());
        self.times.first().map(|secs| start + Duration::from_secs(*secs))
    }
}

fn timed_text<S: Source<Item: Clone + std::fmt::Debug + 'static> + 'static>(flow: Flow<S>, secs: u64) -> String {
    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    scheduler.schedule_recurring(flow.connect(seen.clone())).expect("a schedule");
    scheduler.run_for(Duration::from_secs(secs)).expect("no fatal error");
    seen.timed_text()
}

#[test]
fn f62_a_source_made_anew_keeps_its_own_times() {
    let three = "'a'@2 'b'@5 'a'@10 'b'@13 'a'@18 'b'@21 |@24";
    assert_eq!(timed_text(repeat_n(3, two), 100), three);
    assert_eq!(timed_text(repeat(two), 22), three.replace(" |@24", ""));
    assert_eq!(timed_text(repeat_n(1, || interval(Duration::from_secs(4))), 9), "0@4 1@8");
    assert_eq!(timed_text(repeat_n(2, never::<i32>), 9), "");
    assert_eq!(timed_text(retry(2, || Ok::<_, &str>(two())), 100), "'a'@2 'b'@5 |@8");
}

#[test]
fn f62_a_source_is_tried_again_at_its_own_times() {
    let mut opened = 0;
    let flow = retry(3, move || {
        opened += 1;
        match opened {
            1 => Err("no such device"),
            _ => Ok(Failing { ticks: interval(Duration::from_secs(4)), good: 2 }),
        }
    });
    assert_eq!(timed_text(flow, 30), "0@4 1@8 0@16 1@20 0@28");
}

/// An interval that fails after some ticks.
struct Failing<S> {
    ticks: S,
    good: u32,
}

impl<S: Source> Source for Failing<S> {
    type Item = S::Item;
    fn pull(&mut self, cx: &mut Context<'_>) -> std::result::Result<Option<S::Item>, Failure> {
        self.good = self.good.checked_sub(1).ok_or(StreamError::new("pulled out"))?;
        self.ticks.pull(cx)
    }
    fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.ticks.due(cx)
    }
}

#[test]
fn f62_what_takes_no_time_still_ends() {
    assert_eq!(repeat_n(3, || from_iter([0; 0])).collect_now(), []);
    assert_eq!(repeat(|| from_iter([0; 0])).collect_now(), []);
    let mut lists = vec![vec![3], vec![], vec![1, 2]];
    assert_eq!(repeat(move || from_iter(lists.pop().unwrap_or_default())).collect_now(), [1, 2]);
}

/// The wait grows with the failures in a row, and the last one of them is one for the schedule's policy.
#[test]
fn f65_a_source_is_tried_again_after_a_wait() {
    let failing = |attempts: usize, good| {
        let mut opened = 0;
        retry_after(
            attempts,
            |failures| Duration::from_secs(u64::from(failures)),
            move || {
                opened += 1;
                let ticks = interval(Duration::from_secs(4));
                if opened % 3 == 0 { Ok(Failing { ticks, good }) } else { Err("no such device") }
            },
        )
    };
    // Opened at 0, 1 and 3; it ticks after 4 and 8 s and fails after 12, at 15; opened at 16, 18 and 21.
    assert_eq!(timed_text(failing(4, 2), 40), "0@7 1@11 0@25 1@29");
    assert_eq!(timed_text(failing(3, 0), 40), "!@7 pulled out");
}
