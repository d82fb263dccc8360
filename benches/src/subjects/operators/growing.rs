//! The operators of a chain that grow: what they hold is on the heap.

use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::windows::{List, Sum, UtcMonths};

use super::fixed::{real, whole};
use super::{Gauge, Real};

const SECOND: Duration = Duration::from_secs(1);

fn to() -> Pipe<i32, impl Filter<i32, Out = i32>> {
    pipe()
}

fn number() -> Pipe<Real, impl Filter<Real, Out = Real>> {
    pipe()
}

/// A time that goes on by a tenth of a second with each event.
fn clock() -> impl FnMut(&i32) -> Timestamp {
    let mut tenths = 0_i64;
    move |_| {
        tenths += 1;
        Timestamp::from_nanos(tenths * 100_000_000)
    }
}

/// The same, said behind each event by a watermark without lateness.
fn in_order() -> Pipe<i32, impl Filter<i32, Out = (Timestamp, i32)>> {
    let mut clock = clock();
    to().map(move |x| (clock(&x), x)).watermarks(|(time, _)| *time, Duration::ZERO)
}

fn time(event: &(Timestamp, i32)) -> Timestamp {
    event.0
}

fn limit() -> Limit {
    Limit::drop_oldest(10)
}

pub(super) fn rows(g: &mut impl Gauge) {
    elementwise_and_select(g);
    counted(g);
    timed(g);
    by_event_time(g);
    flow(g);
    tracking(g);
}

fn elementwise_and_select(g: &mut impl Gauge) {
    g.chain("each_batch", |n| vec![whole(n)], pipe().each_batch(pipe().map(|x: i32| x)));
    g.chain("once_a_batch", |n| vec![whole(n)], pipe().once_a_batch(pipe().map(|x: i32| x)));
    g.chain("probe", whole, to().probe("a place"));
    g.chain("skip_last", whole, to().skip_last(10));
    g.chain("take_last", whole, to().take_last(10));
    g.chain("distinct", whole, to().distinct(100));
    g.chain("distinct_by_key", whole, to().distinct_by_key(100, |x| *x));
    g.chain("distinct_recent", whole, to().distinct_recent(10));
    g.chain("distinct_recent_by_key", whole, to().distinct_recent_by_key(10, |x| *x));
    g.chain("top_k", whole, to().top_k(10));
    g.chain("top_k_by_key", whole, to().top_k_by_key(10, |x| *x));
    g.chain("counts", |n| whole(n) & 7, to().counts(8));
    g.chain("final_counts", |n| whole(n) & 7, to().final_counts(8));
}

fn counted(g: &mut impl Gauge) {
    g.chain("window", whole, to().window(Window::tumbling(10), List::new()));
    g.chain("running_avg", real, number().running_avg(10));
    g.chain("running_sum", real, number().running_sum(10));
    g.chain("running_variance", real, number().running_variance(10));
    g.chain("chunks", whole, to().chunks(10));
    g.chain("sliding", whole, to().sliding(10));
    g.chain("windows", whole, to().windows(10, 5));
    g.chain("chunks_by", whole, to().chunks_by(10, 8, |x| x & 7));
    g.chain("chunks_distinct", whole, to().chunks_distinct(10, |x| *x));
    g.chain("chunk_median", real, number().chunk_median(10));
    g.chain("Window::sliding", real, number().aggregate(Window::sliding(10), Sum::new()));
    g.chain("Window::every", real, number().aggregate(Window::every(10, 5), Sum::new()));
}

fn timed(g: &mut impl Gauge) {
    g.chain("sliding_time", whole, to().sliding_time(SECOND, limit()));
    g.chain("chunks_timeout", whole, to().chunks_timeout(SECOND, limit()));
    g.chain("chunks_timeout_distinct", whole, to().chunks_timeout_distinct(SECOND, limit(), |x| *x));
    g.chain("chunks_within", whole, to().chunks_within(10, SECOND));
    g.chain("chunks_within_by", whole, to().chunks_within_by(10, SECOND, 8, |x| x & 7));
    g.chain("Window::last", real, number().aggregate(Window::last(SECOND, limit()), Sum::new()));
    g.chain("delay", whole, to().delay(SECOND, limit()));
    g.chain("pace", whole, to().pace(SECOND, limit()));
    g.chain("throttle_by", whole, to().throttle_by(SECOND, 8, |x| x & 7));
    g.chain("hold_until_clock_is_set", whole, to().hold_until_clock_is_set(SECOND, limit()));
}

fn by_event_time(g: &mut impl Gauge) {
    let value = |gathered: (Timestamp, i32)| gathered.1;
    g.after(
        "Window::event_time",
        whole,
        in_order().map(value),
        in_order().window(Window::event_time(SECOND, time), List::within(limit())),
    );
    g.after(
        "Window::calendar",
        whole,
        in_order().map(value),
        in_order().window(Window::calendar(UtcMonths, time), List::within(limit())),
    );
    g.after(
        "Window::session",
        whole,
        in_order().map(value),
        in_order().window(Window::session(SECOND, time), List::within(limit())),
    );
}

fn flow(g: &mut impl Gauge) {
    let letters = || ErrorPolicy::dead_letter(call(drop)).retry(3, Backoff::constant(SECOND));
    g.chain("buffer", whole, to().buffer(Limit::block(10)));
    g.chain("try_map_with", whole, to().try_map_with(letters(), |x| Ok::<_, &str>(*x)));
    g.chain("try_filter_with", whole, to().try_filter_with(letters(), |_| Ok::<_, &str>(true)));
}

fn tracking(g: &mut impl Gauge) {
    let tracked = || to().track(drop);
    g.chain("track", whole, tracked());
    let tracker = Tracker::new(|_, _| Closed::Ok(()));
    g.chain("track_by", whole, to().track_by(&tracker, |x| *x));
    g.after("acknowledge", whole, tracked(), tracked().acknowledge());
    g.after("filter_value", whole, tracked(), tracked().filter_value(|_| true));
    g.after("gather", whole, tracked().map(|event| [event]), tracked().map(|event| [event]).gather());
    g.after("map_value", whole, tracked(), tracked().map_value(|x| x));
    g.after("try_map_value", whole, tracked(), tracked().try_map_value(Ok::<i32, &str>));
}
