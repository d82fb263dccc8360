//! The operators: those of the book's list.

use std::collections::BTreeSet;

use thingflow_core::joins::Reach;
use thingflow_core::prelude::*;
use thingflow_core::windows::{List, Sum, UtcMonths};
use thingflow_core::{Notice, Question};

use super::{
    BY_THE_SCHEDULER, ONLY_IN_A_RUN, Row, SECOND, SENT_AT_ONCE, Told, chain, input, join, mistakes, port, source,
};

const LIST: &str = include_str!("../../../docs/src/filters.md");

fn elementwise() -> Vec<Row> {
    struct Same;
    impl Transducer<i32> for Same {
        type Out = i32;
        fn step(&mut self, event: i32) -> Option<i32> {
            Some(event)
        }
    }
    vec![
        chain("map", 1, |p| p.map(|x| x)),
        chain("begin_each", 1, |p| p.begin_each(|x| from_iter([x])))
            .own("Completed", ONLY_IN_A_RUN)
            .own("Error", ONLY_IN_A_RUN),
        chain("map_with", 1, |p| p.map_with(0, |_, x| x)),
        chain("try_map", 1, |p| p.try_map(Ok::<i32, &str>)),
        chain("filter_map", 1, |p| p.filter_map(Some)),
        chain("flat_map", 1, |p| p.flat_map(|x| [x, x])),
        chain("flatten", [1, 2], |p| p.flatten()),
        chain("each_batch", vec![1], |p| p.each_batch(pipe().map(|x: i32| x))),
        chain("once_a_batch", vec![1], |p| p.once_a_batch(pipe().map(|x: i32| x))),
        chain("emit_with", 1, |p| p.emit_with(|x: i32, emit: &mut dyn FnMut(i32)| emit(x))),
        chain("scan", 1, |p| p.scan(0, |sum, x| sum + x)),
        chain("accumulate", 1, |p| p.accumulate(|sum, x| sum + x)),
        chain("inspect", 1, |p| p.inspect(|_| ())),
        chain("also_to", 1, |p| p.also_to(call(drop))),
        chain("transduce", 1, |p| p.transduce(Same)),
        chain("enumerate", 1, |p| p.enumerate()),
        chain("timestamp", 1, |p| p.timestamp()),
        chain("time_interval", 1, |p| p.time_interval()),
        chain("derivative", 1.0, |p| p.derivative()),
        chain("rate", 1.0, |p| p.rate()),
        chain("round", 1.0, |p| p.round(1)),
        chain("hysteresis", 1, |p| p.hysteresis(1, 3)),
        chain("pairwise", 1, |p| p.pairwise()),
        chain("named", 1, |p| p.named("a place")),
        chain("probe", 1, |p| p.probe("a place")),
    ]
}

fn select() -> Vec<Row> {
    vec![
        chain("filter", 1, |p| p.filter(|_| true)),
        chain("filter_with", 1, |p| p.filter_with(0, |_, _| true)),
        chain("try_filter", 1, |p| p.try_filter(|_| Ok::<_, &str>(true))),
        chain("take", 1, |p| p.take(9)),
        chain("first", 1, |p| p.first()),
        chain("element_at", 1, |p| p.element_at(3)),
        chain("element_at_or", 1, |p| p.element_at_or(3, 0)),
        chain("take_while", 1, |p| p.take_while(|_| true)),
        chain("take_while_inclusive", 1, |p| p.take_while_inclusive(|_| true)),
        chain("skip", 1, |p| p.skip(2)),
        chain("skip_last", 1, |p| p.skip_last(2)).holds(),
        chain("skip_last_of", 1, |p| p.skip_last_of::<2>()).holds(),
        chain("skip_while", 1, |p| p.skip_while(|_| true)),
        chain("step_by", 1, |p| p.step_by(2)),
        chain("slice", 1, |p| p.slice(1..9, 2)),
        chain("ignore_elements", 1, |p| p.ignore_elements()),
        chain("take_last", 1, |p| p.take_last(2)).holds(),
        chain("take_last_of", 1, |p| p.take_last_of::<2>()).holds(),
        chain("last", 1, |p| p.last()).holds(),
        chain("last_or", 1, |p| p.last_or(0)).own("Watermark", "the default is held from the start"),
        chain("dedup", 1, |p| p.dedup()),
        chain("dedup_by_key", 1, |p| p.dedup_by_key(|x| *x)),
        chain("dedup_by", 1, |p| p.dedup_by(|a, b| a == b)),
        chain("deadband", 1, |p| p.deadband(2)),
        chain("distinct", 1, |p| p.distinct(9)),
        chain("distinct_by_key", 1, |p| p.distinct_by_key(9, |x| *x)),
        chain("distinct_recent", 1, |p| p.distinct_recent(9)),
        chain("distinct_recent_by_key", 1, |p| p.distinct_recent_by_key(9, |x| *x)),
        chain("distinct_recent_of", 1, |p| p.distinct_recent_of::<9>()),
    ]
}

fn reduce() -> Vec<Row> {
    vec![
        chain("fold", 1, |p| p.fold(0, |sum, x| sum + x)),
        chain("reduce", 1, |p| p.reduce(|sum, x| sum + x)),
        chain("min", 1, |p| p.min()).holds(),
        chain("max", 1, |p| p.max()).holds(),
        chain("min_by_key", 1, |p| p.min_by_key(|x| *x)).holds(),
        chain("max_by_key", 1, |p| p.max_by_key(|x| *x)).holds(),
        chain("top_k", 1, |p| p.top_k(2)),
        chain("top_k_by_key", 1, |p| p.top_k_by_key(2, |x| *x)),
        chain("top_k_of", 1, |p| p.top_k_of::<2>()),
        chain("counts", 1, |p| p.counts(9)),
        chain("final_counts", 1, |p| p.final_counts(9)),
        chain("any", 1, |p| p.any(|x| x > 1)),
        chain("all", 1, |p| p.all(|x| x == 1)),
        chain("contains", 1, |p| p.contains(7)),
        chain("sequence_equal", 1, |p| p.sequence_equal([1, 2])),
        chain("count", 1, |p| p.count()),
    ]
}

fn ends() -> Vec<Row> {
    vec![
        chain("materialize", 1, |p| p.materialize()),
        chain("dematerialize", 1, |p| p.materialize().dematerialize()),
        chain("catch_with", 1, |p| p.catch_with(|_| [3])),
        port("catch", 1, |p, probe| p.catch(|_| ended()).connect(probe)),
        chain("start_with", 1, |p| p.start_with([3])),
        chain("end_with", 1, |p| p.end_with([3])),
        chain("finalize", 1, |p| p.finalize(|| ())),
        chain("default_if_empty", 1, |p| p.default_if_empty(3)),
    ]
}

fn windows() -> Vec<Row> {
    let limit = Limit::block(9);
    let [a, b, c] = [(); 3].map(|()| limit.clone());
    vec![
        chain("aggregate", 1, |p| p.aggregate(Window::tumbling(3).by_key(4, |x| *x), Sum::new())).collects(),
        chain("window", 1, |p| p.window(Window::tumbling(3).bounds(), List::new())).collects(),
        chain("running_avg", 1.0, |p| p.running_avg(3)),
        chain("running_avg_of", 1.0, |p| p.running_avg_of::<3>()),
        chain("running_sum", 1.0, |p| p.running_sum(3)),
        chain("running_sum_of", 1.0, |p| p.running_sum_of::<3>()),
        chain("running_variance", 1.0, |p| p.running_variance(3)),
        chain("running_variance_of", 1.0, |p| p.running_variance_of::<3>()),
        chain("ewma", 1.0, |p| p.ewma(0.5)),
        chain("ewma_corrected", 1.0, |p| p.ewma_corrected(0.5)),
        chain("ewma_by_time", 1.0, |p| p.ewma_by_time(SECOND, |_| Timestamp::UNIX_EPOCH)),
        chain("ewma_by_time_corrected", 1.0, |p| p.ewma_by_time_corrected(SECOND, |_| Timestamp::UNIX_EPOCH)),
        chain("ewm_variance", 1.0, |p| p.ewm_variance(0.5)),
        chain("chunks", 1, |p| p.chunks(3)).collects(),
        chain("sliding", 1, |p| p.sliding(3)),
        chain("windows", 1, |p| p.windows(3, 2)),
        chain("sliding_time", 1, move |p| p.sliding_time(SECOND, a.clone())),
        chain("chunks_by", 1, |p| p.chunks_by(3, 4, |x| *x)).collects(),
        chain("chunks_distinct", 1, |p| p.chunks_distinct(3, |x| *x)).collects(),
        chain("chunks_timeout", 1, move |p| p.chunks_timeout(SECOND, b.clone())).collects(),
        chain("chunks_timeout_distinct", 1, move |p| p.chunks_timeout_distinct(SECOND, c.clone(), |x| *x)).collects(),
        chain("chunks_within", 1, |p| p.chunks_within(3, SECOND)).collects(),
        chain("chunks_within_by", 1, |p| p.chunks_within_by(3, SECOND, 4, |x| *x)).collects(),
        chain("chunk_median", 1.0, |p| p.chunk_median(3)).collects(),
        chain("chunk_median_of", 1.0, |p| p.chunk_median_of::<3>()).collects(),
        chain("Window::cumulative", 1, |p| p.aggregate(Window::cumulative(), Sum::new())),
        chain("Window::tumbling", 1, |p| p.aggregate(Window::tumbling(3), Sum::new())).collects(),
        chain("Window::each", 1, |p| p.aggregate(Window::each(SECOND), Sum::new())).collects(),
        chain("Window::sliding", 1, |p| p.aggregate(Window::sliding(3), Sum::new())),
        chain("Window::sliding_of", 1, |p| p.aggregate(Window::sliding_of::<3>(), Sum::new())),
        chain("Window::every", 1, |p| p.aggregate(Window::every(3, 2), Sum::new())),
        chain("Window::every_of", 1, |p| p.aggregate(Window::every_of::<3>(2), Sum::new())),
        chain("Window::last", 1, move |p| p.aggregate(Window::last(SECOND, limit.clone()), Sum::new())),
        chain("Window::event_time", 1, |p| {
            p.aggregate(Window::event_time(SECOND, |_: &i32| Timestamp::UNIX_EPOCH), Sum::new())
        }),
        chain("Window::calendar", 1, |p| {
            p.aggregate(Window::calendar(UtcMonths, |_: &i32| Timestamp::UNIX_EPOCH), Sum::new())
        })
        .own("Watermark", "it goes on as far as no window that is held begins earlier"),
        chain("Window::session", 1, |p| {
            p.aggregate(Window::session(SECOND, |_: &i32| Timestamp::UNIX_EPOCH), Sum::new())
        }),
        chain("Window::last_of", 1, |p| p.aggregate(Window::last_of::<3>(SECOND), Sum::new())),
    ]
}

fn timing() -> Vec<Row> {
    let limit = || Limit::block(9);
    vec![
        chain("delay", 1, move |p| p.delay(SECOND, limit())).has_room().holds(),
        chain("delay_of", 1, |p| p.delay_of::<9>(SECOND)).has_room().holds(),
        chain("pace", 1, move |p| p.pace(SECOND, limit())).has_room(),
        chain("pace_of", 1, |p| p.pace_of::<9>(SECOND)).has_room(),
        chain("throttle", 1, |p| p.throttle(SECOND)),
        chain("throttle_by", 1, |p| p.throttle_by(SECOND, 4, |x| *x)),
        chain("watermarks", 1, |p| p.watermarks(|_| Timestamp::UNIX_EPOCH, SECOND))
            .own("Watermark", "its own follow from the times of the events"),
        chain("watermarks_or_idle", 1, |p| p.watermarks_or_idle(|_| Timestamp::UNIX_EPOCH, SECOND, SECOND))
            .own("Watermark", "its own follow from the times of the events"),
        chain("future_to", 1, |p| p.future_to(|_| Timestamp::UNIX_EPOCH, SECOND, call(drop))),
        chain("debounce", 1, |p| p.debounce(SECOND)).collects().holds(),
        chain("sample_every", 1, |p| p.sample_every(SECOND)).collects().holds(),
        chain("heartbeat", 1, |p| p.heartbeat(SECOND)),
        chain("heartbeat_by", 1, |p| p.heartbeat_by(SECOND, |a, b| a == b)),
        chain("coalesce", 1, |p| p.coalesce()).collects().holds(),
        chain("time_to_live", 1, |p| p.stamped().time_to_live(SECOND)),
        chain("stamped", 1, |p| p.stamped()),
        chain("dated", 1, |p| p.dated()),
        chain("hold_until_clock_is_set", 1, move |p| p.hold_until_clock_is_set(SECOND, limit())).has_room(),
        chain("timeout", 1, |p| p.timeout(SECOND)),
        chain("on_timeout", 1, |p| p.on_timeout(SECOND, || Some(3))),
    ]
}

const ONE_INPUT: &str = "of an input nothing is sent when an event comes: it is held, or is a trigger";

fn ended<T: Clone + 'static>() -> Port<T> {
    let port = Port::new();
    port.complete(&mut Context::detached(Instant::ZERO)).expect("no fatal error");
    port
}

fn joins() -> Vec<Row> {
    let limit = || Limit::block(9);
    let epoch = |_: &i32| Timestamp::UNIX_EPOCH;
    let timed = || ((1, 'a'), (1, 'b'));
    vec![
        join("buffer_until", (1, ()), move |a, b, probe| a.buffer_until(b, limit()).connect(probe))
            .collects()
            .own("Room", ONE_INPUT),
        join("combine_latest", (1, 'a'), |a, b, probe| a.combine_latest(b).connect(probe)),
        join("concat", (1, 2), move |a, b, probe| a.concat(b, limit()).connect(probe)).holds().own("Room", ONE_INPUT),
        port("exhaust", ended::<i32>(), |p, probe| p.exhaust().connect(probe)).own("Room", ONE_INPUT),
        join("interval_join", (1, 2), move |a, b, probe| {
            a.interval_join(b, Reach::within(SECOND), (epoch, epoch), Limit::fail(9)).connect(probe)
        }),
        join("join_within", timed(), move |a, b, probe| a.join_within(b, 5, limit()).connect(probe)),
        join("merge", (1, 2), |a, b, probe| a.merge(b).connect(probe)),
        port("merge_all", ended::<i32>(), |p, probe| p.merge_all().connect(probe)).own("Room", ONE_INPUT),
        join("merge_by_time", (1, 2), move |a, b, probe| a.merge_by_time(b, |x| *x, limit()).connect(probe)).holds(),
        join("merge_tagged", (1, 2), |a, b, probe| a.merge_tagged(b).connect(probe)),
        join("race", (1, 2), |a, b, probe| a.race(b).connect(probe)),
        join("sample", (1, ()), |a, b, probe| a.sample(b).connect(probe)).own("Room", ONE_INPUT),
        join("sequence_equal_to", (1, 1), move |a, b, probe| a.sequence_equal_to(b, limit()).connect(probe))
            .own("Room", ONE_INPUT),
        join("skip_until", (1, ()), |a, b, probe| a.skip_until(b).connect(probe)).own("Room", ONE_INPUT),
        port("switch", ended::<i32>(), |p, probe| p.switch().connect(probe)).own("Room", ONE_INPUT),
        join("take_until", (1, ()), |a, b, probe| a.take_until(b).connect(probe)).own("Room", ONE_INPUT),
        port("timed_unzip", (1, (Some('a'), Some('b'))), |p, probe| {
            let (a, b) = p.timed_unzip();
            a.connect(probe.clone());
            b.connect(probe)
        })
        .branches(2),
        join("timed_zip", timed(), move |a, b, probe| a.timed_zip(b, limit()).connect(probe)),
        join("with_latest_at", (1, 2), move |a, b, probe| {
            a.with_latest_at(b, SECOND, (epoch, epoch), Limit::fail(9)).connect(probe)
        })
        .holds()
        .own("Watermark", "an event behind it is late"),
        join("with_latest_from", (1, 'a'), |a, b, probe| a.with_latest_from(b).connect(probe)).own("Room", ONE_INPUT),
        join("zip", (1, 'a'), move |a, b, probe| a.zip(b, limit()).connect(probe)),
        join("zip_latest", (1, 'a'), move |a, b, probe| a.zip_latest(b, limit()).connect(probe)),
        join("zip_with", (1, 2), move |a, b, probe| a.zip_with(b, limit(), |a, b| a + b).connect(probe)),
    ]
}

fn splitting() -> Vec<Row> {
    vec![
        port("dispatch", 1, |p, probe| {
            let routes = p.dispatch().rule("one", |x| *x == 1).build();
            routes.port("one").expect("a port").connect(probe.clone());
            routes.default_port().connect(probe)
        })
        .branches(2),
        port("group_by", 1, |p, probe| p.group_by(|x| *x).connect(probe)),
        port("partition", 1, |p, probe| {
            let (a, b) = p.partition(|x| *x == 1);
            a.connect(probe.clone());
            b.connect(probe)
        })
        .branches(2),
        port("route_by_index", (0, 1), |p, probe| {
            let [a, b] = p.route_by_index();
            a.connect(probe.clone());
            b.connect(probe)
        })
        .branches(2),
        port("split", 1, |p, probe| {
            let (a, b): (Port<i32>, Port<i32>) = p.split(|x| (Some(x), Some(x)));
            a.connect(probe.clone());
            b.connect(probe)
        })
        .branches(2),
        port("unzip", (1, 'a'), |p, probe| {
            let (a, b) = p.unzip();
            a.connect(probe.clone());
            b.connect(probe)
        })
        .branches(2),
    ]
}

fn flow() -> Vec<Row> {
    let letters = || ErrorPolicy::dead_letter(call(drop)).retry(3, Backoff::constant(SECOND));
    vec![
        chain("buffer", 1, |p| p.buffer(Limit::block(9))).has_room(),
        chain("fatal_errors", 1, |p| p.fatal_errors()).own("Error", "it ends the run"),
        chain("latest", 1, |p| p.latest()).has_room(),
        chain("try_map_with", 1, move |p| p.try_map_with(letters(), |x| Ok::<_, &str>(*x))),
        chain("try_filter_with", 1, move |p| p.try_filter_with(letters(), |_| Ok::<_, &str>(true))),
    ]
}

fn tracking() -> Vec<Row> {
    let tracker = || Tracker::new(|_, _| Closed::Ok(()));
    vec![
        chain("acknowledge", 1, |p| p.track(drop).acknowledge()),
        chain("filter_value", 1, |p| p.track(drop).filter_value(|_| true)),
        chain("flatten_value", [1, 2], |p| p.track(drop).flatten_value()),
        chain("gather", 1, |p| p.track(drop).map(|event| [event]).gather()),
        chain("map_value", 1, |p| p.track(drop).map_value(|x| x)),
        chain("track", 1, |p| p.track(drop)),
        chain("track_by", 1, move |p| p.track_by(&tracker(), |x| *x)),
        chain("try_map_value", 1, |p| p.track(drop).try_map_value(Ok::<i32, &str>)),
    ]
}

fn sources() -> Vec<Row> {
    vec![
        source("at_times", || from_iter([1, 2]).at_times(|_| Timestamp::UNIX_EPOCH)),
        source("as_recorded", || from_iter([SensorEvent::new("t", Timestamp::UNIX_EPOCH, 1)]).as_recorded()),
        source("from_fn", || from_fn(|| Some(1))),
        source("from_iter", || from_iter([1, 2])),
        source("try_from_iter", || try_from_iter([Ok::<_, &str>(1), Ok(2)])),
        source("interval", || interval(SECOND)),
        source("never", never::<i32>),
        source("repeat", || repeat(|| from_iter([1, 2]))),
        source("repeat_n", || repeat_n(2, || from_iter([1, 2]))),
        source("retry", || retry(2, || Ok::<_, StreamError>(from_iter([1, 2])))),
        source("retry_after", || retry_after(2, |_| SECOND, || Ok::<_, StreamError>(from_iter([1, 2])))),
        source("skip_failures", || from_iter([1, 2]).skip_failures()),
        source("timer", || timer(SECOND)),
        source("unfold", || unfold(0, |_| true, |n| n + 1, |n| *n)),
    ]
}

fn operators() -> Vec<Row> {
    let groups = [elementwise, select, reduce, ends, windows, timing, joins, splitting, flow, tracking, sources, sinks];
    groups.into_iter().flat_map(|group| group()).collect()
}

/// The sinks that hold other Things.
pub(crate) fn sinks() -> Vec<Row> {
    vec![
        Row::new("tee", |probe| vec![input(1, tee((probe.clone(), probe)))]).branches(2).own("Draining", SENT_AT_ONCE),
        by_port("feedback", |port| input(1, feedback(port))).own("Completed", LOOP).own("Error", LOOP),
    ]
}

pub(crate) const LOOP: &str = "a loop does not end the port that it leads back to";

/// A row for what leads to a port that it does not keep alive.
pub(crate) fn by_port(name: &'static str, build: impl Fn(&Port<i32>) -> Box<dyn Told> + 'static) -> Row {
    let row = Row::new(name, move |probe| {
        let port = Port::new();
        port.connect(probe);
        let thing = build(&port);
        vec![Box::new(Keeps(thing, port))]
    });
    Row { own: BY_THE_SCHEDULER.into(), ..row }
}

struct Keeps(Box<dyn Told>, #[expect(dead_code, reason = "it is kept")] Port<i32>);

impl Told for Keeps {
    fn next(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.0.next(cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.0.notice(notice, cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.0.ask(question)
    }
}

/// What the book lists and nothing stands behind.
const ENDS: [&str; 12] = [
    "call",
    "call_while",
    "collect_into",
    "for_each",
    "for_each_while",
    "print",
    "print_debug",
    "Ring::new",
    "try_call",
    "try_for_each",
    "try_for_each_with",
    "write_to",
];

/// The operators that the book lists.
fn listed() -> BTreeSet<&'static str> {
    let cells = LIST.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|line| line.split(" | ").next());
    let calls = cells.flat_map(|cell| cell.split(", `"));
    calls.filter_map(|call| call.split(['(', '`']).next()).filter_map(|call| call.split("::<").next()).collect()
}

#[test]
fn every_operator_of_the_list_is_in_the_table() {
    let rows = operators();
    let mut table: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(table.len(), rows.len(), "an operator is in the table twice");
    table.extend(ENDS);
    assert_eq!(table.len(), rows.len() + ENDS.len(), "a row of the table is also said to be an end");
    assert!(table.len() > 150, "the list was not read");
    let missing: Vec<_> = listed().difference(&table).copied().collect();
    let unknown: Vec<_> = table.difference(&listed()).copied().collect();
    assert_eq!((missing, unknown), (vec![], vec![]), "(not in the table, not in the list)");
}

#[test]
fn every_operator_passes_every_notice() {
    assert_eq!(mistakes(&operators()), "");
}
