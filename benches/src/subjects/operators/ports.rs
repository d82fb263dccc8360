//! The operators that begin at ports, sources and sinks.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::joins::Reach;
use thingflow_core::prelude::*;

use super::fixed::whole;
use super::{Bench, End, at, drive};

const SECOND: Duration = Duration::from_secs(1);

fn limit() -> Limit {
    Limit::drop_oldest(10)
}

/// Each event with its number as its time.
fn timed(n: u32) -> (u32, i32) {
    (n / 2, whole(n))
}

fn time(event: &(u32, i32)) -> Timestamp {
    Timestamp::from_secs(i64::from(event.0))
}

/// Hands events to two ports in turns.
#[inline(never)]
fn in_turns<A: Clone + 'static, B: Clone + 'static>(
    ports: &(Port<A>, Port<B>),
    events: (fn(u32) -> A, fn(u32) -> B),
    count: u32,
) {
    for n in 0..count {
        let cx = &mut at(n);
        let receipt = if n % 2 == 0 {
            ports.0.emit(events.0(black_box(n)), cx)
        } else {
            ports.1.emit(events.1(black_box(n)), cx)
        };
        let _ = black_box(receipt);
    }
}

impl Bench<'_> {
    /// What begins at a port: beside a port that leads to the end.
    fn port<T: Clone + 'static, R: 'static>(
        &mut self,
        name: &'static str,
        event: fn(u32) -> T,
        build: impl FnOnce(&Port<T>) -> R,
    ) {
        if self.wants(name) {
            let events = self.events;
            let run = |build: Box<dyn FnOnce(&Port<T>) -> Box<dyn std::any::Any> + '_>| {
                let port = Port::new();
                let built = build(&port);
                (drive(port, event, events), built)
            };
            self.either(
                0,
                || run(Box::new(|port| Box::new(port.connect(End)))),
                || run(Box::new(|port| Box::new(build(port)))),
            );
        }
    }

    /// What joins two ports: beside two ports that lead to the end.
    fn join<A: Clone + 'static, B: Clone + 'static, R: 'static>(
        &mut self,
        name: &'static str,
        events: (fn(u32) -> A, fn(u32) -> B),
        build: impl FnOnce(&Port<A>, &Port<B>) -> R,
    ) {
        if self.wants(name) {
            let (count, is_with) = (self.events, self.task == super::Task::With);
            self.note(0, || {
                let ports = (Port::new(), Port::new());
                let built: Box<dyn std::any::Any> = if is_with {
                    Box::new(build(&ports.0, &ports.1))
                } else {
                    Box::new((ports.0.connect(End), ports.1.connect(End)))
                };
                in_turns(&ports, events, count);
                (ports, built)
            });
        }
    }

    /// A source: beside events that are handed to the end.
    fn source<O: OutputThing>(&mut self, name: &'static str, make: impl FnOnce() -> O) {
        if self.wants(name) {
            let events = self.events;
            let produced = || {
                let mut source = make();
                let _ = source.notice(Notice::Start, &mut at(0));
                for n in 0..events {
                    let _ = black_box(source.produce(&mut at(n)));
                }
                source
            };
            self.either(size_of::<O>(), || drive(End, whole, events), produced);
        }
    }

    /// A sink: beside the end.
    fn sink<N: InputThing<i32>>(&mut self, name: &'static str, make: impl FnOnce() -> N) {
        if self.wants(name) {
            let events = self.events;
            self.either(size_of::<N>(), || drive(End, whole, events), || drive(make(), whole, events));
        }
    }
}

pub(super) fn rows(b: &mut Bench<'_>) {
    joins(b);
    joins_by_time(b);
    triggers(b);
    splitting(b);
    sources(b);
    sinks(b);
}

fn joins(b: &mut Bench<'_>) {
    b.join("combine_latest", (whole, whole), |a, b| a.combine_latest(b).connect(End));
    b.join("concat", (whole, whole), |a, b| a.concat(b, limit()).connect(End));
    b.join("merge", (whole, whole), |a, b| a.merge(b).connect(End));
    b.join("merge_tagged", (whole, whole), |a, b| a.merge_tagged(b).connect(End));
    b.join("race", (whole, whole), |a, b| a.race(b).connect(End));
    b.join("with_latest_from", (whole, whole), |a, b| a.with_latest_from(b).connect(End));
    b.join("zip", (whole, whole), |a, b| a.zip(b, limit()).connect(End));
    b.join("zip_latest", (whole, whole), |a, b| a.zip_latest(b, limit()).connect(End));
    b.join("zip_with", (whole, whole), |a, b| a.zip_with(b, limit(), |a, b| a ^ b).connect(End));
    let pairs: fn(u32) -> i32 = |n| whole(n / 2);
    b.join("sequence_equal_to", (pairs, pairs), |a, b| a.sequence_equal_to(b, limit()).connect(End));
}

fn joins_by_time(b: &mut Bench<'_>) {
    b.join("interval_join", (timed, timed), |a, b| {
        a.interval_join(b, Reach::within(SECOND), (time, time), limit()).connect(End)
    });
    b.join("join_within", (timed, timed), |a, b| a.join_within(b, 0, limit()).connect(End));
    b.join("merge_by_time", (timed, timed), |a, b| a.merge_by_time(b, |x| x.0, limit()).connect(End));
    b.join("timed_zip", (timed, timed), |a, b| a.timed_zip(b, limit()).connect(End));
    b.join("with_latest_at", (timed, timed), |a, b| a.with_latest_at(b, SECOND, (time, time), limit()).connect(End));
    b.port(
        "timed_unzip",
        |n| (n, (Some(whole(n)), Some(whole(n)))),
        |p| {
            let (a, b) = p.timed_unzip();
            (a.connect(End), b.connect(End), a, b)
        },
    );
}

fn triggers(b: &mut Bench<'_>) {
    b.join("buffer_until", (whole, whole), |a, b| a.buffer_until(b, limit()).connect(End));
    b.join("sample", (whole, whole), |a, b| a.sample(b).connect(End));
    b.join("skip_until", (whole, whole), |a, b| a.skip_until(b).connect(End));
    b.port("take_until", whole, |p| {
        let trigger = Port::<()>::new();
        (p.take_until(&trigger).connect(End), trigger)
    });
}

fn splitting(b: &mut Bench<'_>) {
    b.port("dispatch", whole, |p| {
        let routes = p.dispatch().rule("odd", |x| x & 1 == 1).build();
        (routes.port("odd").map(|port| port.connect(End)), routes.default_port().connect(End), routes)
    });
    b.port("group_by", whole, |p| {
        p.group_by(|x| x & 7).connect(call(|(_, port): (i32, Port<i32>)| drop(port.connect(End))))
    });
    b.port("partition", whole, |p| {
        let (a, b) = p.partition(|x| x & 1 == 1);
        (a.connect(End), b.connect(End), a, b)
    });
    b.port(
        "route_by_index",
        |n| ((n & 1) as usize, whole(n)),
        |p| {
            let [a, b] = p.route_by_index();
            (a.connect(End), b.connect(End), a, b)
        },
    );
    b.port("split", whole, |p| {
        let (a, b): (Port<i32>, Port<i32>) = p.split(|x| (Some(x), Some(x)));
        (a.connect(End), b.connect(End), a, b)
    });
    b.port(
        "unzip",
        |n| (whole(n), whole(n)),
        |p| {
            let (a, b) = p.unzip();
            (a.connect(End), b.connect(End), a, b)
        },
    );
}

fn sources(b: &mut Bench<'_>) {
    let mut n = 0;
    b.source("from_fn", || {
        from_fn(move || {
            n += 1;
            Some(whole(n))
        })
        .to(End)
    });
    b.source("from_iter", || from_iter((0..).map(whole)).to(End));
    b.source("try_from_iter", || try_from_iter((0..).map(|n| Ok::<_, &str>(whole(n)))).to(End));
    b.source("skip_failures", || from_iter((0..).map(whole)).skip_failures().to(End));
    b.source("unfold", || unfold(0, |_| true, |n: u32| n.wrapping_add(1), |n| whole(*n)).to(End));
    b.source("repeat", || repeat(|| from_iter((0..1000).map(whole))).to(End));
    b.source("repeat_n", || repeat_n(usize::MAX, || from_iter((0..1000).map(whole))).to(End));
}

fn sinks(b: &mut Bench<'_>) {
    b.sink("call", || {
        call(|x: i32| {
            let _ = black_box(x);
        })
    });
    b.sink("call_while", || call_while(|x: i32| black_box(x) >= 0));
    b.sink("try_call", || try_call(|x: i32| if black_box(x) >= 0 { Ok(()) } else { Err("negative") }));
    b.sink("Ring::new", || Ring::new(10));
    b.sink("tee", || tee((End, End)));
    let list = Rc::new(RefCell::new(Vec::new()));
    b.sink("collect_into", move || collect_into(&list));
}
