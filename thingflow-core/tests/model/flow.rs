//! Flow control against a naive model, with those further down full at arbitrary times.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::flow::{DeadLetter, ErrorMeter, ErrorPolicy};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{QueueMeter, QueueStats};

/// Off the seconds at which events come, so that nothing happens at the same instant.
const OFF: Duration = Duration::from_millis(1);

/// A sink that is full after some of its events: after the `i`th for `busy[i]` seconds and a bit, if that is not zero.
struct Slow {
    seen: Recorder<i32>,
    busy: VecDeque<u64>,
    free_at: Option<Instant>,
    /// How many events came while it was full.
    forced: Rc<Cell<usize>>,
}

impl Slow {
    fn new(seen: &Recorder<i32>, busy: &[u64], forced: &Rc<Cell<usize>>) -> Self {
        Self { seen: seen.clone(), busy: busy.iter().copied().collect(), free_at: None, forced: forced.clone() }
    }
}

impl Sink for Slow {
    type Event = i32;
    fn on_next(&mut self, event: i32, cx: &mut Context<'_>) -> Receipt {
        if self.free_at.is_some() {
            self.forced.set(self.forced.get() + 1);
        }
        let busy = self.busy.pop_front().unwrap_or(0);
        if busy > 0 {
            let free_at = cx.now() + Duration::from_secs(busy) + OFF;
            self.free_at = Some(free_at);
            cx.wake_at(free_at);
        }
        self.seen.next(event, cx)?;
        Ok(if busy > 0 { Demand::Full } else { Demand::More })
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.seen.notice(Notice::Completed, cx).map(drop)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.seen.notice(Notice::Error(error), cx).map(drop)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        match self.free_at {
            Some(free_at) if free_at <= cx.now() => {
                self.free_at = None;
                cx.resume();
            }
            Some(free_at) => cx.wake_at(free_at),
            None => {}
        }
        Ok(Demand::More)
    }
}

/// Time in milliseconds.
type Time = u64;

/// What the stage should do: the events and their times, how the stream ends, and the counts.
#[derive(Default)]
struct Model {
    queue: VecDeque<i32>,
    sent: Vec<(i32, Time)>,
    free_at: Option<Time>,
    busy: VecDeque<u64>,
    paused: bool,
    stats: (u64, u64),
}

impl Model {
    fn send(&mut self, event: i32, at: Time) {
        self.sent.push((event, at));
        let busy = self.busy.pop_front().unwrap_or(0);
        self.free_at = (busy > 0).then(|| at + busy * 1000 + 1);
    }

    fn pass_time(&mut self, now: Time) {
        while let Some(at) = self.free_at.filter(|at| *at <= now) {
            self.free_at = None;
            self.paused = false;
            while self.free_at.is_none()
                && let Some(event) = self.queue.pop_front()
            {
                self.send(event, at);
            }
        }
    }

    /// False if the stream ends by it.
    fn arrive(&mut self, event: i32, now: Time, limit: &Limit) -> bool {
        let full = self.queue.len() >= limit.capacity();
        if self.queue.is_empty() && self.free_at.is_none() {
            self.send(event, now);
        } else {
            match limit.overflow() {
                Overflow::Fail if full => return false,
                Overflow::DropNewest if full => self.stats.1 += 1,
                Overflow::DropOldest if full => {
                    self.queue.pop_front();
                    self.queue.push_back(event);
                    self.stats.1 += 1;
                }
                _ => self.queue.push_back(event),
            }
            self.paused = limit.overflow() == Overflow::Block && self.queue.len() >= limit.capacity();
        }
        self.stats.0 += 1;
        true
    }

    /// What waits at the end is handed on when there is room, and then the end. An error waits for nothing.
    fn line(mut self, mut now: Time, error: Option<&str>) -> String {
        if error.is_none() && !self.queue.is_empty() {
            self.pass_time(Time::MAX);
            now = self.sent.last().map_or(now, |(_, at)| *at);
        }
        self.sent.extend(self.queue.drain(..).map(|event| (event, now)));
        let secs = |at: Time| at as f64 / 1000.0;
        let mut words: Vec<_> = self.sent.iter().map(|(event, at)| format!("{event}@{}", secs(*at))).collect();
        words.push(match error {
            None => format!("|@{}", secs(now)),
            Some(why) => format!("!@{} {why}", secs(now)),
        });
        words.join(" ")
    }
}

fn model(events: &[i32], busy: &[u64], limit: &Limit) -> (String, (u64, u64)) {
    let mut model = Model { busy: busy.iter().copied().collect(), ..Model::default() };
    let mut events = events.iter();
    for now in (1000..).step_by(1000) {
        model.pass_time(now);
        if model.paused {
            continue;
        }
        let Some(event) = events.next() else {
            let stats = model.stats;
            return (model.line(now, None), stats);
        };
        if !model.arrive(*event, now, limit) {
            let why =
                format!("buffer holds {} events and is full: give it more room or another policy", limit.capacity());
            let stats = model.stats;
            return (model.line(now, Some(&why)), stats);
        }
    }
    unreachable!("the events end")
}

/// Samples the events once a second through `stage` into a slow sink, behind a port or without one.
fn sampled<F: Filter<i32, Out = i32> + 'static>(
    events: &[i32],
    busy: &[u64],
    port: bool,
    stage: Pipe<i32, F>,
) -> (String, usize) {
    let (seen, forced) = (Recorder::new(), Rc::default());
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    let slow = Slow::new(&seen, busy, &forced);
    let numbers = from_iter(events.to_vec());
    let second = Duration::from_secs(1);
    if port {
        let output = numbers.output();
        output.map(|x| x).share().pipe(stage).share().connect(slow);
        scheduler.schedule_periodic(output, second).expect("a schedule");
    } else {
        scheduler.schedule_periodic(numbers.pipe(stage).connect(slow), second).expect("a schedule");
    }
    scheduler.run_forever().expect("no fatal error");
    assert_eq!(seen.after_end(), 0);
    (seen.timed_text(), forced.get())
}

fn limits() -> impl Strategy<Value = Limit> {
    let policy = prop_oneof![
        Just(Overflow::Block),
        Just(Overflow::DropOldest),
        Just(Overflow::DropNewest),
        Just(Overflow::Fail)
    ];
    (1_usize..5, policy).prop_map(|(n, policy)| Limit::new(n, policy))
}

fn numbered() -> impl Strategy<Value = Vec<i32>> {
    (0..24).prop_map(|n| (0..n).collect())
}

proptest! {
    #[test]
    fn buffers(events in numbered(), busy in prop::collection::vec(0_u64..4, 0..24), limit in limits(), port: bool) {
        let meter = QueueMeter::default();
        let (text, _) = sampled(&events, &busy, port, pipe().buffer(limit.clone().metered(&meter)));
        let (expected, (posted, dropped)) = model(&events, &busy, &limit);
        prop_assert_eq!(text, expected);
        let QueueStats { posted: p, dropped: d, .. } = meter.stats();
        prop_assert_eq!((p, d), (posted, dropped));
    }

    #[test]
    fn latest(events in numbered(), busy in prop::collection::vec(0_u64..4, 0..24), port: bool) {
        let (text, _) = sampled(&events, &busy, port, pipe().latest());
        prop_assert_eq!(text, model(&events, &busy, &Limit::keep_latest()).0);
    }
}

/// A function that fails for an event as often as given, and the events for which it was called, with the times.
fn failing(fails: &[u32]) -> impl FnMut(&i32) -> Result<i32, String> + 'static {
    let mut left = fails.to_vec();
    move |event| match &mut left[*event as usize] {
        0 => Ok(*event * 10),
        left => {
            *left -= 1;
            Err(format!("{event}: {left} left"))
        }
    }
}

proptest! {
    #[test]
    fn retries(fails in prop::collection::vec(0_u32..5, 0..16), attempts in 1_u32..5, port: bool) {
        let events: Vec<i32> = (0..fails.len() as i32).collect();
        let (meter, letters) = (ErrorMeter::default(), Recorder::new());
        let dead = pipe().map(|letter: DeadLetter<i32>| letter.event).to(letters.clone());
        let policy = ErrorPolicy::dead_letter(dead)
            .retry(attempts, Backoff::new(Duration::from_millis(700), Duration::from_secs(2)))
            .metered(&meter);
        let (text, _) = sampled(&events, &[], port, pipe().try_map_with(policy, failing(&fails)));
        let passes = |event: &&i32| fails[**event as usize] < attempts;
        let sent: Vec<String> = events.iter().filter(passes).map(|event| (event * 10).to_string()).collect();
        let words: Vec<&str> = text.split(' ').map(|word| word.split('@').next().unwrap_or_default()).collect();
        let (end, got) = words.split_last().expect("an end");
        prop_assert_eq!((got, *end), (&sent.iter().map(String::as_str).collect::<Vec<_>>()[..], "|"));
        let lost: Vec<i32> = events.iter().filter(|event| !passes(event)).copied().collect();
        prop_assert_eq!(letters.events(), lost.clone());
        prop_assert_eq!(meter.stats().failed, fails.iter().map(|n| u64::from(*n.min(&attempts))).sum::<u64>());
        prop_assert_eq!(meter.stats().lost, lost.len() as u64);
    }

    #[test]
    fn breaks(fails in prop::collection::vec(any::<bool>(), 0..24), most in 1_u32..4, cool in 1_u64..5) {
        let events: Vec<i32> = (0..fails.len() as i32).collect();
        let ways: Vec<u32> = fails.iter().map(|fails| u32::from(*fails)).collect();
        let meter = ErrorMeter::default();
        let policy = ErrorPolicy::skip().break_after(most, Duration::from_secs(cool)).metered(&meter);
        let (text, _) = sampled(&events, &[], true, pipe().try_map_with(policy, failing(&ways)));
        let (mut in_a_row, mut open_until, mut sent, mut opened) = (0, 0, Vec::new(), 0);
        for (now, event) in (1_u64..).zip(&events) {
            if now < open_until {
                continue;
            }
            if fails[*event as usize] {
                in_a_row += 1;
                if in_a_row >= most {
                    open_until = now + cool;
                    opened += 1;
                }
            } else {
                in_a_row = 0;
                sent.push(format!("{}@{now} ", event * 10));
            }
        }
        prop_assert_eq!(text, format!("{}|@{}", sent.concat(), events.len() + 1));
        prop_assert_eq!((meter.stats().opened, meter.stats().lost), (opened, (events.len() - sent.len()) as u64));
    }
}

#[test]
fn an_event_is_tried_again_after_twice_the_time_and_the_others_wait() {
    let policy = || ErrorPolicy::fail().retry(4, Backoff::new(Duration::from_millis(900), Duration::from_secs(3)));
    let tried = |fails: &[u32], port| sampled(&[0, 1, 2], &[], port, pipe().try_map_with(policy(), failing(fails))).0;
    for port in [false, true] {
        // tried at 2, 2.9, 4.7 and 7.7; the source is paused until then
        assert_eq!(tried(&[0, 3, 0], port), "0@1 10@7.7 20@8 |@9");
        assert_eq!(tried(&[0, 4, 0], port), "0@1 !@7.7 1: 0 left");
    }
}
