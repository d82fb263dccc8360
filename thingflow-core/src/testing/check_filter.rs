//! [`check_filter`]: whether a filter keeps the promises of [`Filter`].

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Debug;
use core::time::Duration;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::{FatalError, StreamError};
use crate::notice::{Notice, Question};
use crate::thing::{Demand, Emitter, Filter, InputThing, Receipt};
use crate::visit::short_name;

/// Runs a filter over the inputs, which come a second apart, in all the ways in which that may go: to the end and to an
/// error; woken in time, early and late; before a receiver that is full, and before one that wants 1, 2, 3 … events.
///
/// What it looks for: an end that is not passed on, anything that comes after the end, receipts that get lost, events that
/// get lost because the receiver is full, and a filter that is woken early and does not ask again. What the filter sends is
/// up to you: see [`Recorder`](super::Recorder).
///
/// ```should_panic
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::check_filter;
/// struct Sum(f64);
/// impl Filter<f64> for Sum {
///     type Out = f64;
///     fn on_next(&mut self, event: f64, _: &mut Emitter<'_, '_, impl InputThing<f64>>) -> Receipt {
///         self.0 += event;
///         Ok(Demand::More)
///     }
///     fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<f64>>) -> Closed {
///         out.next(self.0)?; // and then? `out.flush([self.0])` would end the stream
///         Ok(())
///     }
/// }
/// check_filter(|| Sum(0.0), [1.0, 2.0]); // `Sum`, told the end: does not tell it to those behind it ...
/// ```
///
/// # Panics
/// If the filter breaks a promise; the text says which, and when. A filter that does not do the same each time breaks one.
#[track_caller]
pub fn check_filter<In: Clone, F: Filter<In>>(make: impl Fn() -> F, inputs: impl IntoIterator<Item = In>)
where
    F::Out: Debug,
{
    let inputs: Vec<In> = inputs.into_iter().collect();
    if let Err(what) = check(&make, &inputs) {
        panic!("`{}`, {what}", short_name::<F>());
    }
}

fn check<In: Clone, F: Filter<In>>(make: &impl Fn() -> F, inputs: &[In]) -> Result<(), String>
where
    F::Out: Debug,
{
    let run = |way: Way| way.run(make(), inputs).map_err(|what| format!("{}: {what}", way.text()));
    let plain = Way { waking: Waking::InTime, fails: false, wants: None, is_full: false };
    let expected = run(plain)?;
    run(Way { fails: true, ..plain })?;
    run(Way { waking: Waking::Late, ..plain })?;
    run(Way { waking: Waking::Late, fails: true, ..plain })?;
    for other in [Way { waking: Waking::Early, ..plain }, Way { is_full: true, ..plain }] {
        let seen = run(other)?;
        if seen != expected {
            let (seen, expected) = (seen.join(" "), expected.join(" "));
            return Err(format!("{}: it sends `{seen}`, and otherwise `{expected}`", other.text()));
        }
    }
    for wants in 1..expected.len() {
        for fails in [false, true] {
            run(Way { wants: Some(wants), fails, ..plain })?;
        }
        run(Way { wants: Some(wants), waking: Waking::Late, ..plain })?;
    }
    Ok(())
}

/// When a filter is woken that has asked for it.
#[derive(Clone, Copy, PartialEq)]
enum Waking {
    InTime,
    /// Between now and then too, for somebody else; and it is not remembered that it has asked.
    Early,
    /// Events come first.
    Late,
}

/// One of the ways in which a stream may go.
#[derive(Clone, Copy)]
struct Way {
    waking: Waking,
    fails: bool,
    /// How many events the receiver wants.
    wants: Option<usize>,
    is_full: bool,
}

const STEP: Duration = Duration::from_secs(1);

impl Way {
    fn text(self) -> String {
        let end = if self.fails { "told of an error" } else { "told the end" };
        let waking = match self.waking {
            Waking::InTime => "",
            Waking::Early => "woken early too, ",
            Waking::Late => "woken late, ",
        };
        let receiver = match self.wants {
            Some(wants) => format!("with a receiver that wants {wants}, "),
            None if self.is_full => "with a receiver that is full, ".into(),
            None => String::new(),
        };
        format!("{waking}{receiver}{end}")
    }

    /// What the receiver has seen.
    fn run<In: Clone, F: Filter<In>>(self, filter: F, inputs: &[In]) -> Result<Vec<String>, String>
    where
        F::Out: Debug,
    {
        let receiver = Receiver { wants: self.wants, is_full: self.is_full, ..Receiver::default() };
        let mut run = Run { filter, receiver, now: Instant::ZERO, wish: None };
        let mut demand = run.call(Filter::on_start)?;
        for input in inputs {
            let next = run.now + STEP;
            if demand != Demand::Done {
                demand = demand.and(run.wake_until(next, self.waking)?);
            }
            run.now = next;
            if demand == Demand::Done {
                break;
            }
            demand = run.call(|filter, out| filter.on_next(input.clone(), out))?;
        }
        if demand != Demand::Done {
            run.end(self.fails)?;
        }
        Ok(run.receiver.seen)
    }
}

/// A filter and its receiver, while a stream goes on.
struct Run<F> {
    filter: F,
    receiver: Receiver,
    now: Instant,
    wish: Option<Instant>,
}

impl<F> Run<F> {
    /// Wakes the filter as often as it has asked, until `end`.
    fn wake_until<In>(&mut self, end: Instant, waking: Waking) -> Result<Demand, String>
    where
        F: Filter<In>,
        F::Out: Debug,
    {
        let mut demand = Demand::More;
        while let Some(wish) = self.due(end, waking) {
            let early = self.now + wish.since(self.now) / 2;
            if waking == Waking::Early && self.now < early && early < wish {
                demand = demand.and(self.wake(early)?);
                if demand == Demand::Done || self.due(end, waking) != Some(wish) {
                    continue;
                }
            }
            demand = demand.and(self.wake(wish.max(self.now))?);
            if self.wish.is_some_and(|next| next <= self.now) {
                break; // it asks for what it has just been given
            }
        }
        Ok(demand)
    }

    /// What it has asked for, if it comes before `end` and the stream goes on.
    fn due(&self, end: Instant, waking: Waking) -> Option<Instant> {
        self.wish.filter(|wish| *wish <= end && waking != Waking::Late && self.receiver.wants_more())
    }

    fn wake<In>(&mut self, now: Instant) -> Result<Demand, String>
    where
        F: Filter<In>,
        F::Out: Debug,
    {
        (self.now, self.wish) = (now, None);
        self.call(Filter::on_wake)
    }

    fn call<In>(
        &mut self,
        call: impl FnOnce(&mut F, &mut Emitter<'_, '_, Receiver>) -> Receipt,
    ) -> Result<Demand, String>
    where
        F: Filter<In>,
        F::Out: Debug,
    {
        let mut cx = Context::detached(self.now);
        self.receiver.heard_full = false;
        let receipt = call(&mut self.filter, &mut Emitter::new(&mut self.receiver, &mut cx));
        if cx.due() != Instant::NEVER {
            self.wish = Some(self.wish.map_or(cx.due(), |wish| wish.min(cx.due())));
        }
        let demand = receipt.map_err(|token| fatal(&mut cx, token))?;
        self.receiver.is_well()?;
        match demand {
            Demand::Done if self.receiver.wants_more() && !self.filter.is_draining() => {
                Err("answers `Done`, but does not tell the end to those behind it: return `out.finish()`".into())
            }
            Demand::More | Demand::Full if self.receiver.is_done => {
                Err("does not pass on that those behind it want no more: return what `out.next(..)` returns".into())
            }
            Demand::More if self.receiver.heard_full => {
                Err("does not pass on that those behind it are full: return what `out.next(..)` returns".into())
            }
            demand => Ok(demand),
        }
    }

    fn end<In>(&mut self, fails: bool) -> Result<(), String>
    where
        F: Filter<In>,
        F::Out: Debug,
    {
        let mut cx = Context::detached(self.now);
        let out = &mut Emitter::new(&mut self.receiver, &mut cx);
        let (closed, with) = if fails {
            (self.filter.on_error(StreamError::new("an error"), out), "`out.error(..)` or `out.flush_error(..)`")
        } else {
            (self.filter.on_completed(out), "`out.completed()` or `out.flush(..)`")
        };
        closed.map_err(|token| fatal(&mut cx, token))?;
        self.receiver.is_well()?;
        if self.receiver.wants_more() {
            return Err(format!("does not tell it to those behind it: call {with}"));
        }
        Ok(())
    }
}

fn fatal(cx: &mut Context<'_>, token: FatalError) -> String {
    format!("ends the run: {}", cx.take_error(token))
}

/// Takes what the filter sends.
#[derive(Default)]
struct Receiver {
    wants: Option<usize>,
    is_full: bool,
    /// The events with their times, and the end.
    seen: Vec<String>,
    is_done: bool,
    has_ended: bool,
    heard_full: bool,
    broken: Option<&'static str>,
}

impl Receiver {
    fn wants_more(&self) -> bool {
        !self.is_done && !self.has_ended
    }

    fn is_well(&self) -> Result<(), String> {
        self.broken.map_or(Ok(()), |what| Err(what.to_string()))
    }

    fn take(&mut self, now: Instant, what: &str, broken: &'static str) {
        if self.wants_more() {
            self.seen.push(format!("{what}@{}", now.since(Instant::ZERO).as_secs_f64()));
        } else {
            self.broken.get_or_insert(broken);
        }
    }

    fn end(&mut self, now: Instant, what: &str) {
        self.take(now, what, "ends the stream once more, or although those behind it want no more");
        self.has_ended = true;
    }
}

impl<T: Debug> InputThing<T> for Receiver {
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.receive(&event, cx)
    }
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        self.receive(event, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Completed => self.end(cx.now(), "|"),
            Notice::Error(error) => self.end(cx.now(), &format!("! {error} ")),
            _ => {}
        }
        Ok(Demand::More)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        matches!(question, Question::Open | Question::Room)
    }
}

impl Receiver {
    fn receive(&mut self, event: &impl Debug, cx: &Context<'_>) -> Receipt {
        self.take(
            cx.now(),
            &format!("{event:?}"),
            "sends an event after the end, or although those behind it want no more",
        );
        self.is_done |= self.wants == Some(self.seen.len());
        self.heard_full |= self.is_full;
        Ok(match (self.is_done, self.is_full) {
            (true, _) => Demand::Done,
            (_, true) => Demand::Full,
            _ => Demand::More,
        })
    }
}
