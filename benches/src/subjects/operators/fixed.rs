//! The operators of a chain that need neither std nor an allocator. `firmware/` has these rows too, on a microcontroller.

use core::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::windows::{Mean, Sum};

use super::{Gauge, Real};

const SECOND: Duration = Duration::from_secs(1);

/// A whole number, which is another one each time.
pub fn whole(n: u32) -> i32 {
    (n.wrapping_mul(2_654_435_761) >> 24).cast_signed()
}

/// The same as a float.
pub fn real(n: u32) -> Real {
    (n.wrapping_mul(2_654_435_761) >> 24) as u8 as Real
}

/// A time that goes on by a tenth of a second with each call, whatever is asked for.
fn clock<T>() -> impl FnMut(&T) -> Timestamp {
    let mut tenths = 0_i64;
    move |_| {
        tenths += 1;
        Timestamp::from_nanos(tenths * 100_000_000)
    }
}

struct Same;

impl Transducer<i32> for Same {
    type Out = i32;
    fn step(&mut self, event: i32) -> Option<i32> {
        Some(event)
    }
}

fn to() -> Pipe<i32, impl Filter<i32, Out = i32>> {
    pipe()
}

fn number() -> Pipe<Real, impl Filter<Real, Out = Real>> {
    pipe()
}

/// All rows, group by group.
pub fn rows(g: &mut impl Gauge) {
    elementwise(g);
    select(g);
    reduce_and_ends(g);
    windows(g);
    timing(g);
}

fn elementwise(g: &mut impl Gauge) {
    g.chain("map", whole, to().map(|x| x ^ 1));
    g.chain(
        "map_with",
        whole,
        to().map_with(0, |sum, x| {
            *sum ^= x;
            *sum
        }),
    );
    g.chain("try_map", whole, to().try_map(|x| Ok::<i32, &str>(x ^ 1)));
    g.chain("filter_map", whole, to().filter_map(|x| (x >= 0).then_some(x)));
    g.chain("flat_map", whole, to().flat_map(|x| [x]));
    g.chain("flatten", |n| [whole(n)], pipe().flatten());
    g.chain("emit_with", whole, to().emit_with(|x: i32, emit: &mut dyn FnMut(i32)| emit(x)));
    g.chain("scan", whole, to().scan(0, |sum: i32, x| sum ^ x));
    g.chain("accumulate", whole, to().accumulate(|sum, x| sum ^ x));
    g.chain("inspect", whole, to().inspect(|_| ()));
    g.chain("also_to", whole, to().also_to(call(drop)));
    g.chain("transduce", whole, to().transduce(Same));
    g.chain("enumerate", whole, to().enumerate());
    g.chain("timestamp", whole, to().timestamp());
    g.chain("time_interval", whole, to().time_interval());
    g.chain("derivative", real, number().derivative());
    g.chain("rate", real, number().rate());
    g.chain("round", real, number().round(1));
    g.chain("hysteresis", real, number().hysteresis(100.0, 150.0));
    g.chain("pairwise", whole, to().pairwise());
    g.chain("named", whole, to().named("a place"));
}

fn select(g: &mut impl Gauge) {
    g.chain("filter", whole, to().filter(|x| *x >= 0));
    g.chain(
        "filter_with",
        whole,
        to().filter_with(0, |sum, x| {
            *sum ^= *x;
            *sum >= 0
        }),
    );
    g.chain("try_filter", whole, to().try_filter(|x| Ok::<_, &str>(*x >= 0)));
    g.chain("take", whole, to().take(usize::MAX));
    g.chain("first", whole, to().first());
    g.chain("element_at", whole, to().element_at(usize::MAX));
    g.chain("element_at_or", whole, to().element_at_or(usize::MAX, 0));
    g.chain("take_while", whole, to().take_while(|x| *x >= 0));
    g.chain("take_while_inclusive", whole, to().take_while_inclusive(|x| *x >= 0));
    g.chain("skip", whole, to().skip(2));
    g.chain("skip_last_of", whole, to().skip_last_of::<10>());
    g.chain("skip_while", whole, to().skip_while(|x| *x < 0));
    g.chain("step_by", whole, to().step_by(2));
    g.chain("slice", whole, to().slice(1.., 2));
    g.chain("ignore_elements", whole, to().ignore_elements());
    g.chain("take_last_of", whole, to().take_last_of::<10>());
    g.chain("last", whole, to().last());
    g.chain("last_or", whole, to().last_or(0));
    g.chain("dedup", whole, to().dedup());
    g.chain("dedup_by_key", whole, to().dedup_by_key(|x| x & 1));
    g.chain("dedup_by", whole, to().dedup_by(|a, b| a == b));
    g.chain("deadband", real, number().deadband(2.0));
    g.chain("distinct_recent_of", whole, to().distinct_recent_of::<10>());
}

fn reduce_and_ends(g: &mut impl Gauge) {
    g.chain("fold", whole, to().fold(0, |sum: i32, x| sum ^ x));
    g.chain("reduce", whole, to().reduce(|sum, x| sum ^ x));
    g.chain("min", whole, to().min());
    g.chain("max", whole, to().max());
    g.chain("min_by_key", whole, to().min_by_key(|x| *x));
    g.chain("max_by_key", whole, to().max_by_key(|x| *x));
    g.chain("top_k_of", whole, to().top_k_of::<10>());
    g.chain("any", whole, to().any(|x| x < 0));
    g.chain("all", whole, to().all(|x| x >= 0));
    g.chain("contains", whole, to().contains(-1));
    g.chain("sequence_equal", whole, to().sequence_equal((0..).map(whole)));
    g.chain("count", whole, to().count());
    g.chain("materialize", whole, to().materialize());
    g.after("dematerialize", whole, to().materialize(), to().materialize().dematerialize());
    g.chain("catch_with", whole, to().catch_with(|_| [3]));
    g.chain("start_with", whole, to().start_with([3]));
    g.chain("end_with", whole, to().end_with([3]));
    g.chain("finalize", whole, to().finalize(|| ()));
    g.chain("default_if_empty", whole, to().default_if_empty(3));
}

fn windows(g: &mut impl Gauge) {
    g.chain("running_avg_of", real, number().running_avg_of::<10>());
    g.chain("running_sum_of", real, number().running_sum_of::<10>());
    g.chain("running_variance_of", real, number().running_variance_of::<10>());
    g.chain("ewma", real, number().ewma(0.5));
    g.chain("ewma_corrected", real, number().ewma_corrected(0.5));
    g.chain("ewma_by_time", real, number().ewma_by_time(SECOND, clock()));
    g.chain("ewma_by_time_corrected", real, number().ewma_by_time_corrected(SECOND, clock()));
    g.chain("ewm_variance", real, number().ewm_variance(0.5));
    g.chain("chunk_median_of", real, number().chunk_median_of::<10>());
    g.chain("aggregate", real, number().aggregate(Window::sliding_of::<10>(), Mean::new()));
    g.chain("Window::cumulative", real, number().aggregate(Window::cumulative(), Mean::new()));
    g.chain("Window::tumbling", real, number().aggregate(Window::tumbling(10_usize), Mean::new()));
    g.chain("Window::each", real, number().aggregate(Window::each(SECOND), Mean::new()));
    g.chain("Window::sliding_of", real, number().aggregate(Window::sliding_of::<10>(), Sum::new()));
    g.chain("Window::every_of", real, number().aggregate(Window::every_of::<10>(5_usize), Sum::new()));
    g.chain("Window::last_of", real, number().aggregate(Window::last_of::<10>(SECOND), Sum::new()));
}

fn timing(g: &mut impl Gauge) {
    g.chain("delay_of", whole, to().delay_of::<10>(SECOND));
    g.chain("pace_of", whole, to().pace_of::<10>(SECOND));
    g.chain("throttle", whole, to().throttle(SECOND));
    g.chain("watermarks", whole, to().watermarks(clock(), SECOND));
    g.chain("watermarks_or_idle", whole, to().watermarks_or_idle(clock(), SECOND, SECOND));
    g.chain("future_to", whole, to().future_to(|_| Timestamp::UNIX_EPOCH, SECOND, call(drop)));
    g.chain("debounce", whole, to().debounce(SECOND));
    g.chain("sample_every", whole, to().sample_every(SECOND));
    g.chain("heartbeat", whole, to().heartbeat(SECOND));
    g.chain("heartbeat_by", whole, to().heartbeat_by(SECOND, |a, b| a == b));
    g.chain("coalesce", whole, to().coalesce());
    g.after("time_to_live", whole, to().stamped(), to().stamped().time_to_live(SECOND));
    g.chain("stamped", whole, to().stamped());
    g.chain("dated", whole, to().dated());
    g.chain("timeout", whole, to().timeout(SECOND));
    g.chain("on_timeout", whole, to().on_timeout(SECOND, || Some(3)));
    g.chain("latest", whole, to().latest());
    g.chain("fatal_errors", whole, to().fatal_errors());
}
