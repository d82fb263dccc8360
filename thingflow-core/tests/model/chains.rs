//! Chains of any stages that wait, hold back and end, under the scheduler: each promise of a stream is kept, and in debug
//! builds each filter passes on what it is answered.

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, timed};
use thingflow_core::windows::Sum;

/// One of several stages.
enum Any<A, B, C, D, E, F, G, H, I, J> {
    A(A),
    B(B),
    C(C),
    D(D),
    E(E),
    F(F),
    G(G),
    H(H),
    I(I),
    J(J),
}

macro_rules! each {
    ($self:ident, $stage:ident => $call:expr) => {
        match $self {
            Self::A($stage) => $call,
            Self::B($stage) => $call,
            Self::C($stage) => $call,
            Self::D($stage) => $call,
            Self::E($stage) => $call,
            Self::F($stage) => $call,
            Self::G($stage) => $call,
            Self::H($stage) => $call,
            Self::I($stage) => $call,
            Self::J($stage) => $call,
        }
    };
}

trait Stage: Filter<i32, Out = i32> {}
impl<F: Filter<i32, Out = i32>> Stage for F {}

impl<A: Stage, B: Stage, C: Stage, D: Stage, E: Stage, F: Stage, G: Stage, H: Stage, I: Stage, J: Stage> Filter<i32>
    for Any<A, B, C, D, E, F, G, H, I, J>
{
    type Out = i32;
    fn on_next(&mut self, event: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        each!(self, stage => stage.on_next(event, out))
    }
    fn notice(&mut self, notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        each!(self, stage => stage.notice(notice, out))
    }
    fn ask(&self, question: Question<'_>, behind: &dyn Fn(Question<'_>) -> bool) -> bool {
        each!(self, stage => stage.ask(question, behind))
    }
}

/// What waits, and what ends.
#[rustfmt::skip]
fn any_of(kind: usize, n: u32) -> Any<
    impl Stage, impl Stage, impl Stage, impl Stage, impl Stage, impl Stage, impl Stage, impl Stage, impl Stage, impl Stage,
> {
    let d = Duration::from_millis(250) * (n + 1);
    let limit = || Limit::block(n as usize + 1);
    match kind {
        0 => Any::A(pipe().delay(d, limit())),
        1 => Any::B(pipe().pace(d, limit())),
        2 => Any::C(pipe().buffer(limit())),
        3 => Any::D(pipe().timeout(d)),
        4 => Any::E(pipe().take(n as usize)),
        5 => Any::F(pipe().aggregate(Window::each(d), Sum::new())),
        6 => Any::G(pipe().debounce(d)),
        7 => Any::H(pipe().throttle(d)),
        8 => Any::I(pipe().latest()),
        _ => Any::J(pipe().start_with([1, 2]).flat_map(move |x| (0..n.min(2)).map(move |y| x + y as i32))),
    }
}

fn stage() -> impl Strategy<Value = (usize, u32)> {
    (0_usize..10, 0_u32..12)
}

/// Seconds in quarters between one event and the next, or a reading that fails.
fn input() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0_u8..6, 0..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_chain_ends_once_and_says_nothing_after_it(
        stages in [stage(), stage(), stage(), stage()],
        gaps in input(),
        fails: bool,
        shared: bool,
        branched: bool,
    ) {
        let mut at = 0.0;
        let events: Vec<_> = gaps.iter().map(|gap| {
            at += f64::from(*gap) / 4.0;
            (at, i32::from(*gap))
        }).collect();
        let last = events.len();
        let source = timed(events.into_iter().zip(0..).map(|((at, x), n)| (at, (x, n))))
            .try_map(move |(x, n)| if fails && n + 1 == last { Err("a hole") } else { Ok(x) });
        let [a, b, c, d] = stages.map(|(kind, n)| any_of(kind, n));
        let (seen, beside) = (Recorder::new(), Recorder::new());
        let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
        let chain = source.pipe(a).pipe(b);
        if shared {
            let port = Port::new();
            port.pipe(c).pipe(d).connect(seen.clone());
            if branched {
                port.connect(beside.clone());
            }
            scheduler.schedule_recurring(chain.connect(port)).expect("a source");
        } else {
            scheduler.schedule_recurring(chain.pipe(c).pipe(d).connect(seen.clone())).expect("a source");
        }
        let run = scheduler.run_for(Duration::from_secs(3600)); // one that does not end must not hang the tests
        prop_assert!(run.is_ok(), "{run:?}");
        prop_assert_eq!((seen.after_end(), beside.after_end()), (0, 0), "something came after the end");
        prop_assert!(seen.ended_at().is_some(), "it did not end: {}", seen.timed_text());
        prop_assert!(!(shared && branched) || beside.ended_at().is_some(), "the branch did not end");
    }
}
