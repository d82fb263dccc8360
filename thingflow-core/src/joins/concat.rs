//! `concat(inputs, limit)`: sends the events of the first input, when it has ended those of the second, and so on.
//!
//! Holds up to `limit` events of each later input.

use alloc::vec::Vec;

use super::held::{Held, Queue};
use super::rule::{Index, Rule, Takes};
use super::{Inputs, Join, Wire};
use crate::error::StreamError;
use crate::kit::Marks;
use crate::limit::{Limit, QueueState};
use crate::notice::Notice;
use crate::state::{Saved, SavedEvents, StateVisitor};
use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Sends the events of the first input; when it has ended those of the second, and so on to the last, with which it
/// completes. What comes from an input before its turn waits, its end too. An error ends the join when its turn has come. What
/// waits when the run is stopped goes out in this order.
///
/// ```
/// use thingflow_core::{joins, prelude::*, testing::Recorder};
/// let (stored, live, seen) = (Port::new(), Port::new(), Recorder::new());
/// joins::concat([&stored, &live], Limit::drop_oldest(1000)).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// live.emit(3, cx)?;
/// stored.emit(1, cx)?;
/// stored.emit(2, cx)?;
/// stored.complete(cx)?;
/// live.emit(4, cx)?;
/// assert_eq!(seen.events(), [1, 2, 3, 4]);
/// # Ok::<(), FatalError>(())
/// ```
pub fn concat<I, T>(inputs: I, limit: Limit) -> Join<I, Concat<T>>
where
    I: Inputs + Wire<Concat<T>>,
{
    let later = move |_| Later { held: Held::new(limit.clone()), error: None };
    let later = (0..inputs.count()).map(later).collect();
    Join::of(inputs, Concat { turn: 0, marks: Marks::default(), later })
}

/// Made by [`concat`](super::Joins::concat).
#[derive(Clone, Debug)]
pub struct Concat<T> {
    /// The input whose events are sent.
    turn: usize,
    marks: Marks,
    later: Vec<Later<T>>,
}

/// What an input has sent before its turn.
#[derive(Clone, Debug)]
struct Later<T> {
    held: Held<T>,
    error: Option<StreamError>,
}

impl<T> Concat<T> {
    /// Goes on to the next inputs, as far as they have ended already.
    fn advance(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let mut demand = Demand::More;
        loop {
            self.turn += 1;
            let Some(next) = self.later.get_mut(self.turn) else { return out.finish() };
            demand = demand.and(out.send_all(next.held.events.drain())?);
            if demand == Demand::Done {
                return Ok(demand);
            }
            if next.held.take_room() {
                out.context().resume();
            }
            let (error, has_ended) = (next.error.take(), next.held.is_ended());
            if self.later[self.turn..].iter().all(|later| later.held.is_empty()) {
                demand = self.marks.follow_all(demand, out)?;
            }
            if demand == Demand::Done {
                return Ok(demand);
            }
            match error {
                Some(error) => return out.fail(error),
                None if !has_ended => return Ok(demand),
                None => {}
            }
        }
    }
}

impl<T> Rule for Concat<T> {
    type Out = T;
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if input == self.turn {
            return self.advance(out);
        }
        self.later[input].held.end();
        Ok(Demand::More)
    }
    fn on_error(&mut self, input: usize, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if input == self.turn {
            return out.fail(error);
        }
        self.later[input].error = Some(error);
        Ok(Demand::More)
    }
    fn on_notice(&mut self, notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        match notice {
            Notice::Watermark(watermark) => {
                let held = self.later.iter().map(|later| later.held.events.len()).sum();
                self.marks.come(watermark, held, out)
            }
            notice => out.notice(notice),
        }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.turn.on_state("turn", state);
        if self.turn > 0 && self.turn >= self.later.len() {
            self.turn = 0;
            state.refuse("concat");
        }
    }
    /// What waits goes on as if the inputs before it had ended.
    fn on_stop(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let mut demand = Demand::More;
        let mut room = false;
        for next in self.later.iter_mut().skip(self.turn + 1) {
            demand = demand.and(out.send_all(next.held.events.drain())?);
            if demand == Demand::Done {
                return Ok(demand);
            }
            room |= next.held.take_room();
            if let Some(error) = next.error.take() {
                return out.fail(error);
            }
        }
        if room {
            out.context().resume();
        }
        self.marks.follow_all(demand, out)
    }
    fn queues(&self, see: &mut dyn FnMut(QueueState)) {
        self.later.iter().for_each(|later| see(later.held.state()));
    }
    fn has_room(&self, input: usize, behind: bool) -> bool {
        if input == self.turn { behind } else { self.later[input].held.has_room() }
    }
}

impl<T: Saved> SavedEvents for Concat<T> {
    fn on_events(&mut self, state: &mut dyn StateVisitor) {
        self.on_state(state);
        for later in &mut self.later {
            later.held.on_events(state);
            if later.error.is_some() {
                state.unsaved("concat");
            }
        }
    }
}

impl<I: Index, T> Takes<I, T> for Concat<T> {
    #[inline]
    fn on_next(&mut self, input: I, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if input.number() == self.turn {
            return out.next(event);
        }
        if input.number() < self.turn {
            return Ok(Demand::More); // its turn was over in the program whose state this one goes on with
        }
        self.later[input.number()].held.push(event, "concat").or_else(|error| out.fail(error))
    }
}
