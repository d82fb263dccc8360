//! [`Junction`]: a connected join whose inputs borrow it, where there is no allocator.

use core::cell::RefCell;
use core::fmt;

use super::body::Body;
use super::rule::{At, Rule, Takes};
use crate::context::Context;
use crate::notice::{Notice, Question};
use crate::thing::{Demand, InputThing, Receipt};
use crate::visit::short_name;

/// A join that needs no allocator: a rule, and what follows it. The program keeps it, its inputs borrow it.
///
/// It passes no watermarks on, for it keeps no list of its inputs. Nothing tells the sources at once when it has ended; each hears it with its next event. What follows it must not lead
/// back to its inputs: such an event is a fatal error.
///
/// ```
/// use thingflow_core::joins::{CombineLatest, Junction};
/// use thingflow_core::prelude::*;
/// # fn set_fan(on: bool) { assert!(on) }
/// let fan = pipe().map(|(inside, outside): (f32, f32)| inside > outside).to(call(set_fan));
/// let join = Junction::new(CombineLatest::<(Option<f32>, Option<f32>)>::default(), fan);
/// let (mut inside, mut outside) = (join.input::<0>(), join.input::<1>());
/// let cx = &mut Context::detached(Instant::ZERO);
/// inside.next(21.0, cx)?;
/// outside.next(18.5, cx)?; // the fan runs
/// # Ok::<(), FatalError>(())
/// ```
pub struct Junction<R, N> {
    /// Borrowed while it is called, empty when the join has ended.
    body: RefCell<Option<Body<R, N>>>,
}

impl<R: Rule, N: InputThing<R::Out>> Junction<R, N> {
    /// A join of a rule, and what follows it.
    pub const fn new(rule: R, next: N) -> Self {
        Self { body: RefCell::new(Some(Body::new(rule, next))) }
    }

    /// Input number `I`, to be connected once.
    pub const fn input<const I: usize>(&self) -> JunctionInput<'_, I, R, N> {
        JunctionInput { junction: self }
    }

    fn serve(&self, cx: &mut Context<'_>, call: impl FnOnce(&mut Body<R, N>, &mut Context<'_>) -> Receipt) -> Receipt {
        let Ok(mut body) = self.body.try_borrow_mut() else {
            return Err(cx.fatal("a join without an allocator was given an event while it was sending one"));
        };
        let Some(open) = &mut *body else { return Ok(Demand::Done) };
        let demand = cx.without_draining(|cx| call(open, cx))?;
        if demand == Demand::Done {
            *body = None;
        }
        Ok(demand)
    }

    /// What an input is told. Without regard to which one it is, so that there is one such function for all of them.
    fn tell(&self, input: usize, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.serve(cx, |body, cx| match notice {
            Notice::Start => body.start(None, cx),
            Notice::Wake => body.wake(cx),
            Notice::State(visitor) => {
                let first = visitor.enter(core::ptr::from_ref(self).addr());
                if first { body.visit(visitor, cx) } else { Ok(Demand::More) }
            }
            Notice::Watermark(_) => Ok(Demand::More),
            notice => body.tell(input, notice, cx),
        })
    }

    fn ask(&self, input: usize, question: Question<'_>) -> bool {
        let Ok(body) = self.body.try_borrow() else { return question.asks_all() };
        let Some(open) = &*body else { return question.asks_all() };
        match question {
            #[cfg(feature = "alloc")]
            Question::Describe(visitor) => {
                if visitor.join(open.rule.name(), core::ptr::from_ref(self).addr()) {
                    open.next.ask(Question::Describe(visitor));
                }
                true
            }
            question => open.ask(input, question),
        }
    }
}

/// One input of a [`Junction`].
pub struct JunctionInput<'j, const I: usize, R, N> {
    junction: &'j Junction<R, N>,
}

impl<const I: usize, T, R: Takes<At<I>, T>, N: InputThing<R::Out>> InputThing<T> for JunctionInput<'_, I, R, N> {
    #[inline]
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.junction.serve(cx, |body, cx| body.take(At::<I>, event, cx))
    }
    #[inline]
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        self.next(event.clone(), cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.junction.tell(I, notice, cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.junction.ask(I, question)
    }
}

impl<R, N> fmt::Debug for Junction<R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Junction({})", short_name::<R>())
    }
}

impl<const I: usize, R, N> fmt::Debug for JunctionInput<'_, I, R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JunctionInput({I}, {})", short_name::<R>())
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use core::time::Duration;

    use super::Junction;
    use crate::bare::Scheduler;
    use crate::joins::{HeldIn, Merge, Zip};
    use crate::prelude::*;

    type Queues = (HeldIn<u32, 4>, HeldIn<u32, 4>);

    #[test]
    fn two_sources_of_a_bare_scheduler_meet() -> Result<(), RunError> {
        let (sum, ended) = (Cell::new(0), Cell::new(false));
        let add = call(|product: u32| sum.set(sum.get() + product));
        let sink = pipe().map(|(a, b)| a * b).take(2).to(tee((add, End(&ended, core::marker::PhantomData))));
        let join = Junction::new(Zip::<Queues>::default(), sink);
        let mut fast = from_iter(1..).to(join.input::<0>());
        let mut slow = from_iter((10..).step_by(10)).to(join.input::<1>());
        let mut scheduler = Scheduler::<2>::new();
        scheduler.schedule_periodic(&mut fast, Duration::from_millis(10)).map_err(|_| RunError::new("no room"))?;
        scheduler.schedule_periodic(&mut slow, Duration::from_millis(20)).map_err(|_| RunError::new("no room"))?;
        let mut sleep = scheduler.run_due(0)?;
        while let Some(ticks) = sleep {
            sleep = scheduler.run_due(ticks)?; // it comes to an end, for both sources are told
        }
        assert_eq!((sum.get(), ended.get()), (10 + 2 * 20, true));
        Ok(())
    }

    /// Notes that the stream has ended, in either way.
    struct End<'a, T>(&'a Cell<bool>, core::marker::PhantomData<T>);
    impl<T> Sink for End<'_, T> {
        type Event = T;
        fn on_next(&mut self, _: T, _: &mut Context<'_>) -> Receipt {
            Ok(Demand::More)
        }
        fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
            self.0.set(true);
            Ok(())
        }
        fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
            self.0.set(true);
            Ok(())
        }
    }

    #[test]
    fn a_full_queue_ends_the_join_by_an_error() -> Result<(), FatalError> {
        let failed = Cell::new(false);
        let join = Junction::new(Zip::<Queues>::default(), End(&failed, core::marker::PhantomData));
        let (mut a, b) = (join.input::<0>(), join.input::<1>());
        let cx = &mut Context::detached(Instant::ZERO);
        for event in 0..4 {
            assert_eq!(a.next(event, cx)?, Demand::More);
        }
        assert!(InputThing::<u32>::ask(&b, Question::Open));
        assert_eq!(a.next(4, cx)?, Demand::Done);
        assert!(failed.get() && !InputThing::<u32>::ask(&b, Question::Open));
        Ok(())
    }

    #[test]
    fn an_event_that_comes_back_is_a_fatal_error() {
        let join = Junction::new(Merge::<u32>::of(2), call(drop));
        let cx = &mut Context::detached(Instant::ZERO);
        let held = join.body.borrow_mut();
        assert!(join.input::<0>().next(1, cx).is_err());
        drop(held);
        assert!(join.input::<0>().next(1, cx).is_ok());
    }
}
